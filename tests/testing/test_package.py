"""A package of somebody else's that registers an adapter: built, installed, recognised, in the matrix, checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .test_check import ADAPTER, EXAMPLE

METADATA = "Metadata-Version: 2.1\nName: acme-unimeter\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: unimeter's tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which a wheel of that package is installed."""
    wheel = tmp_path / "acme_unimeter-1.0-py3-none-any.whl"
    info = "acme_unimeter-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as built:
        built.writestr("acme_unimeter.py", ADAPTER)
        built.writestr(f"{info}/METADATA", METADATA)
        built.writestr(f"{info}/WHEEL", WHEEL)
        built.writestr(f"{info}/entry_points.txt", "[unimeter.adapters]\nacme = acme_unimeter:Acme\n")
        built.writestr(f"{info}/RECORD", "")
    with zipfile.ZipFile(wheel) as built:  # which is all that installing a pure wheel does
        built.extractall(tmp_path / "site")
    return tmp_path / "site"


def unimeter(site: Path, *arguments: str | Path) -> str:
    paths = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "unimeter", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_recognised_stands_in_the_matrix_and_is_checked(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures" / "acme"
    folder.mkdir(parents=True)
    for name in ("plain", "stream"):
        (folder / f"{name}.json").write_text(EXAMPLE[f"fixtures/acme/{name}.json"])
    (tmp_path / "body.json").write_text(json.dumps(json.loads(EXAMPLE["fixtures/acme/plain.json"])["response"]))

    read = json.loads(unimeter(site, "read", tmp_path / "body.json"))
    assert (read["provider"], read["metrics"]["input_tokens"]) == ("Acme", 100)
    assert "| Acme | + | + |  |  |  |  | + `searchCount` |" in unimeter(site, "matrix", "--markdown")
    assert "the contract is kept" in unimeter(site, "check", "acme_unimeter:Acme", folder)
