"""What `unimeter record` does: runs a program, and writes a fixture of every answer that it gets from a provider."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from unimeter.testing import recorded_program

PYTHONS = ("python", "python3")


def record_program(command: list[str], to: Path, keep_text: bool, hosts: dict[str, str | None]) -> int:
    """Run a program; its exit code, or 1 if nothing could be recorded."""
    if command[0] in PYTHONS:
        command = [sys.executable, *command[1:]]  # the one that has unimeter
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        report.touch()
        told = {"to": str(to.resolve()), "keep_text": keep_text, "hosts": hosts, "report": str(report)}
        path = os.pathsep.join(filter(None, (*recorded_program.__path__, os.environ.get("PYTHONPATH"))))
        try:
            done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path, "UNIMETER_RECORD": json.dumps(told)})  # noqa: S603  # the user's
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            return 1
        lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    files = [line["file"] for line in lines if "file" in line]
    for line in lines:
        if "file" in line:
            sys.stdout.write(f"{os.path.relpath(line['file'])}\n")
        else:
            sys.stderr.write(f"not recorded: {line['problem']}\n")
    if not lines:
        sys.stderr.write("no provider's answer was heard; name your own server or gateway by --host HOST=PROVIDER\n")
    return done.returncode or int(not files)
