"""The contract that every adapter has to keep, for tests: one class a provider.

    from unimeter.testing import AdapterContract

    class TestAcme(AdapterContract):
        adapter = Acme
        fixtures = "fixtures/acme"

Needs the extra `testing`. `unimeter check module:Acme fixtures/acme` runs the same without a test file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unimeter.testing.contract import AdapterContract

__all__ = ["AdapterContract"]


def __getattr__(name: str) -> Any:
    if name == "AdapterContract":  # only it needs pytest
        from unimeter.testing.contract import AdapterContract

        return AdapterContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
