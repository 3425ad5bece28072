"""The contract that every adapter has to keep, for tests: one class a provider.

    from unimeter.testing import AdapterContract

    class TestAcme(AdapterContract):
        adapter = Acme
        fixtures = "fixtures/acme"

Needs the extra `testing`. `unimeter check module:Acme fixtures/acme` runs the same without a test file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unimeter.testing.contract import AdapterContract
    from unimeter.testing.recording import record

__all__ = ["AdapterContract", "record"]

_PLACES = {"AdapterContract": "contract", "record": "recording"}  # only the contract needs pytest


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
