"""The contract as a class of tests, which an adapter's author inherits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

try:
    import pytest
except ModuleNotFoundError:
    raise ModuleNotFoundError("the contract's tests need pytest: pip install 'unimeter[testing]'") from None

from unimeter.adapter import Adapter
from unimeter.testing import checks
from unimeter.testing.subject import Subject


class AdapterContract:
    """Inherit, name the adapter and the folder of its fixtures, and every check of `unimeter.testing.checks` is a test.

    A check can be waived only by overriding it with a reason: `@pytest.mark.xfail(reason="...")`.
    """

    adapter: ClassVar[type[Adapter]]
    fixtures: ClassVar[str | Path]
    _subject: ClassVar[Subject | None] = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for check in checks.CHECKS:
            own = vars(cls).get(f"test_{check.__name__}", ...)
            marks = getattr(own, "pytestmark", []) if own is not ... else []
            reasons = [mark.kwargs.get("reason") for mark in marks if mark.name == "xfail"]
            if own is not ... and not any(reasons):
                raise TypeError(
                    f"{cls.__name__}.test_{check.__name__} takes a check out of the contract: "
                    f"mark it @pytest.mark.xfail(reason='...'), or leave it as it is"
                )

    @classmethod
    def subject(cls) -> Subject:
        """What the checks are about, made once."""
        if cls._subject is None:
            cls._subject = Subject(cls.adapter, cls.fixtures)
        return cls._subject


def _test_of(check: checks.Check) -> Any:
    def test(self: AdapterContract) -> None:
        try:
            check(self.subject())
        except checks.NotNow as reason:
            pytest.skip(str(reason))

    test.__name__ = f"test_{check.__name__}"
    test.__doc__ = check.__doc__
    return test


for _check in checks.CHECKS:
    setattr(AdapterContract, f"test_{_check.__name__}", _test_of(_check))
