"""The public surface: what is exported, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
import types

import unimeter


def test_every_public_name_is_exported() -> None:
    typing = {"TYPE_CHECKING", "Any", "annotations"}
    here = {
        name for name, value in vars(unimeter).items() if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert here - typing | unimeter._LATER.keys() == set(unimeter.__all__)
    assert sorted(unimeter.__all__) == list(unimeter.__all__)


def test_every_public_name_says_what_it_is() -> None:
    for name in unimeter.__all__:
        assert getattr(unimeter, name).__doc__, name


def test_importing_loads_no_sdk_and_no_pydantic() -> None:
    code = "import sys, unimeter; unimeter.normalize({'choices': [], 'usage': {'prompt_tokens': 1}}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    tops = {name.partition(".")[0] for name in loaded}
    assert tops.isdisjoint({"pydantic", "openai", "anthropic", "google", "boto3", "botocore", "litellm", "typer", "rich"})


def test_the_error_tree() -> None:
    assert issubclass(unimeter.MissingUsage, unimeter.UsageError)
    assert issubclass(unimeter.MalformedUsage, unimeter.UsageError)
    for error in (unimeter.UsageError, unimeter.UnknownProvider, unimeter.AdapterError):
        assert issubclass(error, unimeter.UnimeterError)
