"""What a second worker brings on Spark: rows a second with one and with two workers of one core each.

    python benchmarks/spark.py

A table of the fixtures' responses, read from Parquet by a cluster on loopback, its readings thrown away; each cluster in a
process of its own, the median of some runs after one to warm up. A cluster has as many of the machine's cores as it has
workers, for all its processes: the driver, and of each worker one of Java's and one of Python's.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pyspark
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from unimeter.fixture import load_all
from unimeter.spark import normalize

ROWS = 640_000
FILES = 32
RUNS = 3
WORKERS = (1, 2)
ASKED = 1.7
FIXTURES = Path(__file__).parent.parent / "fixtures"


def write_table(folder: Path) -> None:
    """The responses, in files that are a task each."""
    fixtures = [one for one in load_all(FIXTURES) if one.response is not None and not one.wire.headers]
    bodies = islice(cycle([json.dumps(one.response).encode() for one in fixtures]), ROWS)
    for file in range(FILES):
        block = pa.array(list(islice(bodies, ROWS // FILES)), pa.binary())
        pq.write_table(pa.table({"response": block}), folder / f"{file:02}.parquet")


def measure(workers: int, table: str, home: Path) -> list[float]:
    """The seconds that each run takes with some workers."""
    home.mkdir()
    for one in Path(pyspark.__file__).parent.iterdir():
        (home / one.name).symlink_to(one)
    os.environ |= {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    builder = SparkSession.builder.master(f"local-cluster[{workers},1,1024]")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.sql.files.openCostInBytes", "0").config("spark.sql.files.maxPartitionBytes", "40k")
    spark = builder.getOrCreate()
    times = []
    for _ in range(1 + RUNS):
        start = time.perf_counter()
        normalize(spark.read.parquet(table)).write.format("noop").mode("overwrite").save()
        times.append(time.perf_counter() - start)
    spark.stop()
    return times[1:]


def main() -> None:
    """Print the figures."""
    rates = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "table").mkdir()
        write_table(folder / "table")
        for workers in WORKERS:
            command = [
                *("taskset", "-c", ",".join(map(str, range(workers)))),
                sys.executable,
                str(Path(__file__).resolve()),
                str(workers),
                str(folder / "table"),
                str(folder / f"home-{workers}"),
            ]
            told = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True).stdout
            times = json.loads(told.splitlines()[-1])
            rates[workers] = ROWS / statistics.median(times)
            each = ", ".join(f"{seconds:.1f}" for seconds in times)
            print(f"{workers} worker{'s' * (workers > 1):1} {rates[workers]:10,.0f} rows/s  (runs of {each} s)")
    ratio = rates[2] / rates[1]
    print(f"two against one {ratio:.2f} ×  (asked: ≥ {ASKED}){'' if ratio >= ASKED else ' MISSED'}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with contextlib.redirect_stdout(sys.stderr):
            measured = measure(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
        print(json.dumps(measured))
    else:
        main()
