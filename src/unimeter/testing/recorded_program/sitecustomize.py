"""Begins to record when a program starts: `unimeter record` puts this folder first on the program's path."""

from __future__ import annotations

import atexit
import json
import os
import sys
from contextlib import suppress
from importlib import import_module


def _begin() -> None:
    from unimeter.testing.recording import record

    told = json.loads(os.environ["UNIMETER_RECORD"])
    recording = record(told["to"], keep_text=told["keep_text"], hosts=told["hosts"])
    recorded = recording.__enter__()

    def end() -> None:
        recording.__exit__(None, None, None)
        with open(told["report"], "a", encoding="utf-8") as report:
            for file in recorded.files:
                report.write(json.dumps({"file": str(file)}) + "\n")
            for problem in recorded.problems:
                report.write(json.dumps({"problem": problem}) + "\n")

    atexit.register(end)


def _give_way() -> None:
    """Import whatever else customizes this Python, which this module stands in front of."""
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(__file__)]
    del sys.modules["sitecustomize"]
    with suppress(ModuleNotFoundError):
        import_module("sitecustomize")


if "UNIMETER_RECORD" in os.environ:
    _begin()
    _give_way()
