"""A cluster on loopback: a master, and two workers whose executors are processes of their own, for all tests here."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

MASTER = "local-cluster[2,1,1024]"
OPTIONS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.executor.memory": "1g",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.files.maxPartitionBytes": "1m",  # the test's files compress well; they are to be several tasks all the same
}


class Cluster(NamedTuple):
    """What runs, and where."""

    spark: Any
    folder: Path
    """Where relative paths lead."""

    def tasks(self) -> dict[str, int]:
        """How many tasks each executor has done."""
        executors = self.spark.sparkContext._jsc.sc().statusStore().executorList(True)
        told = (executors.apply(at) for at in range(executors.size()))
        return {one.id(): one.completedTasks() for one in told if one.id() != "driver"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that is gone after the tests, with all that it wrote."""
    import pyspark
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    home = folder / "home"  # its workers write where Spark is: into links, not into the installed package
    home.mkdir()
    for one in Path(pyspark.__file__).parent.iterdir():
        (home / one.name).symlink_to(one)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        patch.setenv("SPARK_HOME", str(home))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("SPARK_LOCAL_DIRS", str(folder / "local"))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        spark = SparkSession.builder.master(MASTER).config(map=OPTIONS).getOrCreate()
        gateway = spark.sparkContext._gateway
        try:
            yield Cluster(spark, folder)
        finally:
            spark.stop()
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.wait(60)
