"""Bodies that stand in one text, and which of them look alike from outside: nothing is decoded here.

Bodies of one form end in the same name, and have the same names in their usage, in the same order. So those say which form
to try first; it is only a hint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

Owner = TypeVar("Owner")

TAIL = 128
"""How many of a body's last bytes its last name is looked for in, where the text cannot be searched."""
_USUAL_TAIL = 512
"""How many of a body's last bytes are copied first to look for its usage, where the text cannot be searched."""
_USAGE = b'"usage'
_FURTHEST = 200
"""How much of a usage is looked at: its first names."""
_FIGURES = b"0123456789.+-eE"


class Tails(NamedTuple):
    """The last bytes of some bodies."""

    text: bytes
    starts: list[int]
    ends: list[int]


class Texts(NamedTuple):
    """Bodies that stand in one text."""

    text: bytes | memoryview
    starts: list[int]
    ends: list[int]
    tails: Tails | None = None
    """Their last `TAIL` bytes, where the text is none that can be searched."""
    missing: Container[int] = ()
    """Which are not there at all; they end where they begin."""
    first: int = 0
    """Which row of the table the first of them is."""

    def body(self, at: int) -> bytes | None:
        """One of them."""
        return None if at in self.missing else bytes(self.text[self.starts[at] : self.ends[at]])

    def bodies(self) -> Iterator[bytes]:
        """All of them; one that is not there is empty."""
        return (bytes(self.text[start:end]) for start, end in zip(self.starts, self.ends, strict=True))

    def by_last_name(self, owners: Iterable[Owner]) -> Iterator[tuple[Owner, bytes, list[int]]]:
        """Which of them are of one owner and end in the same name.

        Args:
            owners: each one's.
        """
        groups: defaultdict[Owner, defaultdict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
        last: Any = None
        group: defaultdict[bytes, list[int]] = defaultdict(list)
        tails: Any = self.tails or self
        text = tails.text
        for at, (start, end, owner) in enumerate(zip(tails.starts, tails.ends, owners, strict=True)):
            if owner is not last:
                last, group = owner, groups[owner]
            close = text.rfind(b'":', start, end)
            group[text[text.rfind(b'"', start, close) : close] if close > start else b""].append(at)
        return ((owner, name, found) for owner, by_name in groups.items() for name, found in by_name.items())

    def by_usage(self, asked: Iterable[int]) -> dict[bytes, list[int]]:
        """Which of some of them have the same names in their usage; or begin alike, where they have none."""
        groups: defaultdict[bytes, list[int]] = defaultdict(list)
        text = self.text
        for at in asked:
            start, end = self.starts[at], self.ends[at]
            if isinstance(text, bytes):
                usage = text.rfind(_USAGE, start, end)
                some = text if usage >= 0 else text[start:end]
            else:
                some = text[start if end - start < _USUAL_TAIL else end - _USUAL_TAIL : end].tobytes()
                usage = some.rfind(_USAGE)
                if usage < 0 and end - start > _USUAL_TAIL:
                    some = text[start:end].tobytes()
                    usage = some.rfind(_USAGE)
            if usage < 0:
                names = some[:8]
            else:
                furthest = min(usage + _FURTHEST, end if some is text else len(some))
                close = some.find(b"}", usage, furthest)
                names = some[usage : furthest if close < 0 else close]
            groups[names.translate(None, _FIGURES)].append(at)
        return groups
