"""Begins to record when a program starts: `unimeter record` puts this folder first on the program's path."""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _begin() -> None:
    from unimeter.capturing import taps
    from unimeter.testing.recording import Recording

    told = json.loads(os.environ["UNIMETER_RECORD"])

    def report(line: dict[str, str]) -> None:
        with open(told["report"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    taps.open_to(Recording(told["to"], told["keep_text"], told["hosts"], report).ear_of)


def _give_way() -> None:
    """Run whatever else customizes this Python, which this module stands in front of."""
    here = os.path.dirname(__file__)
    sys.path[:] = [folder for folder in sys.path if folder != here]
    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


if "UNIMETER_RECORD" in os.environ:
    _begin()
    _give_way()
