"""Bodies in, columns out: those of one form by what reads that form, and one of a new form by `read`, which makes it known.

Bodies of one form have the same names in their usage, in the same order, so those names, without the figures, say which
form to try first. It is only a hint: a form leaves what is not like it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import msgspec

from unimeter.batch.parts import NAMES, Part, Row, Table, failed, free, row_of
from unimeter.errors import MissingUsage, UnimeterError
from unimeter.forms import Form
from unimeter.likeness import Path, Unlike
from unimeter.meter import read
from unimeter.recognise import NO_URL, FromUrl, recogniser
from unimeter.wire.json import NotJSON, loads

_FIGURES = b"0123456789.+-eE"
_FURTHEST = 200
"""How much of a usage is looked at for a hint: its first names."""
_TAIL = 512
"""How much of a body is copied first to look for its usage: most have it at their end. Bytes are searched where they stand."""
_USAGE = b'"usage'
_MOST_FORMS = 128
"""How many forms are made known for a sender; beyond them, what is new is read by `read`."""
_TRIES = 3
"""How often in a row no form is made of bodies with a hint, before it is given up."""
_MOST_ALIKE = 16
"""How many forms bodies with one hint have, at most."""
_MOST_HINTS = 4096
_MOST_SENDERS = 64


class Texts(NamedTuple):
    """Bodies that stand in one text."""

    text: bytes | memoryview
    starts: list[int]
    ends: list[int]
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


class Sender:
    """What is known of who sends bodies other than by the bodies, and the forms that have come from there."""

    __slots__ = ("forms", "hints", "likely", "provider", "tried", "url", "within")

    def __init__(self, provider: str | None = None, url: str | None = None, within: Path = ()) -> None:
        self.provider = provider
        self.url = url
        self.within = within
        """Where in a line of a log the body stands."""
        self.hints = NO_URL if url is None else recogniser().from_url(url)
        self.forms: list[Form] = []
        self.likely: dict[bytes, list[Form]] = {}
        """The forms to try, by the hint."""
        self.tried: Counter[bytes] = Counter()
        """How often in a row no form could be made of bodies with a hint."""

    def read(self, texts: Texts, asked: list[int], hint: bytes, table: Table) -> None:
        """Read some bodies with the same hint.

        Args:
            texts: bodies.
            asked: which of them; it is used up.
            hint: what they have in common.
            table: takes their rows.
        """
        for form in list(self.likely.get(hint, ())):
            asked = _read(form, texts, asked, table)
            if not asked:
                return
        while asked:
            at = asked.pop()
            raw = texts.body(at)
            row = self.row(raw)
            table.add(texts.first + at, row)
            new = None if row[-1] is not None else self._form_of(raw, row, hint)
            if new is not None and asked:
                asked = _read(new, texts, asked, table)

    def row(self, raw: Any) -> Row:
        """The row of anything."""
        try:
            body = at_path(raw, self.within) if self.within else raw
            if body is None:
                raise MissingUsage("" if self.provider is None else recogniser().label(self.provider), "there is no response")
            return row_of(read(body, self.provider, url=self.url))
        except MissingUsage as missing:
            return failed(f"MissingUsage: {missing}") if missing.due else free(missing.provider)
        except UnimeterError as error:
            return failed(f"{type(error).__name__}: {error}")
        except Exception as error:  # whatever it is, a row must not end the job
            return failed(f"{type(error).__name__}: {error}")

    def _form_of(self, raw: bytes | None, row: Row, hint: bytes) -> Form | None:
        """The form of a body that was read, made known; None where it would not be certain."""
        if raw is None or self.tried[hint] >= _TRIES or len(self.likely.get(hint, ())) >= _MOST_ALIKE:
            return None
        form = next((one for one in self.forms if _reads(one, raw, row)), None)
        if form is None and len(self.forms) < _MOST_FORMS:
            self.tried[hint] += 1
            form = self._new_form(raw)
            if form is None or not _reads(form, raw, row):
                return None
            self.forms.append(form)
            self.tried[hint] = 0
        if form is not None:
            if len(self.likely) >= _MOST_HINTS:
                self.likely.clear()
                self.tried.clear()
            self.likely.setdefault(hint, []).append(form)
        return form

    def _new_form(self, raw: bytes) -> Form | None:
        known = recogniser()
        label = None if self.provider is None else known.label(self.provider)
        try:
            sample = at_path(raw, self.within)
            found = known.whose(sample, dict, label, self.hints) if type(sample) is dict else None
            if found is None:
                return None
            named = label is not None or self.hints.label is not None
            return Form(found[1], sample, known.registry, found[0], named=named, model=self.hints.model, within=self.within)
        except (Unlike, NotJSON, UnicodeError):
            return None


class Bodies:
    """Reads bodies, and keeps what it has met."""

    def __init__(self, within: Path = ()) -> None:
        """
        Args:
            within: where in a line of a log each body stands.
        """
        self._within = within
        self._senders: dict[tuple[str | None, FromUrl], Sender] = {}
        self._told: dict[tuple[str | None, str | None], Sender] = {}
        """The same by what is told word for word."""

    def parts(
        self,
        blocks: Iterable[Texts | list[Any]],
        provider: str | None = None,
        providers: Sequence[str | None] | None = None,
        urls: Sequence[str | None] | None = None,
    ) -> list[Part]:
        """The rows of some bodies, each once.

        Args:
            blocks: the bodies, some at a time: texts that hold them, or a list of what else may be read: dicts, None.
            provider: whose they are, where nothing else tells.
            providers: whose each is.
            urls: the url of each call.
        """
        table = Table()
        start = 0
        for block in blocks:
            count = len(block.starts) if isinstance(block, Texts) else len(block)
            if providers is None and urls is None:
                senders: Iterable[Sender] = repeat(self._sender(provider, None), count)
            else:
                names = [None] * count if providers is None else providers[start : start + count]
                asked = [None] * count if urls is None else urls[start : start + count]
                senders = [self._sender(name or provider, url) for name, url in zip(names, asked, strict=True)]
            if isinstance(block, Texts):
                _read_all(block._replace(first=start), senders, table)
            else:
                for at, (body, sender) in enumerate(zip(block, senders, strict=True), start):
                    table.add(at, sender.row(body))
            start += count
        return table.parts()

    def _sender(self, provider: str | None, url: str | None) -> Sender:
        """Who sends, by what is told of it; of urls, what they tell: those of one provider's calls may all be different."""
        known = self._told.get((provider, url))
        if known is None:
            hints = NO_URL if url is None else recogniser().from_url(url)
            known = self._senders.get((provider, hints))
            if known is None:
                if len(self._senders) >= _MOST_SENDERS:
                    self._senders.clear()
                    self._told.clear()
                known = self._senders[provider, hints] = Sender(provider, url, self._within)
            if len(self._told) >= _MOST_HINTS:
                self._told.clear()
            self._told[provider, url] = known
        return known


def _read_all(texts: Texts, senders: Iterable[Sender], table: Table) -> None:
    """Read some bodies: those that come from one sender with the same hint together."""
    groups: defaultdict[Sender, defaultdict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
    last: Sender | None = None
    group: defaultdict[bytes, list[int]] = defaultdict(list)
    text = texts.text
    for at, (start, end, sender) in enumerate(zip(texts.starts, texts.ends, senders, strict=True)):
        if sender is not last:
            last, group = sender, groups[sender]
        if isinstance(text, bytes):
            usage = text.rfind(_USAGE, start, end)
            some = text if usage >= 0 else text[start:end]
        else:
            some = text[start if end - start < _TAIL else end - _TAIL : end].tobytes()
            usage = some.rfind(_USAGE)
            if usage < 0 and end - start > _TAIL:
                some = text[start:end].tobytes()
                usage = some.rfind(_USAGE)
        if usage < 0:
            names = some[:8]
        else:
            furthest = min(usage + _FURTHEST, end if some is text else len(some))
            close = some.find(b"}", usage, furthest)
            names = some[usage : furthest if close < 0 else close]
        group[names.translate(None, _FIGURES)].append(at)
    for sender, by_hint in groups.items():
        for hint, found in by_hint.items():
            sender.read(texts, found, hint, table)


def _read(form: Form, texts: Texts, asked: list[int], table: Table) -> list[int]:
    """Read those of some bodies that are of a form; the others are returned."""
    at, values = table.alike(form.label, form.names)
    left = form.read(texts.text, texts.starts, texts.ends, asked, values)
    if left:
        others = set(left)
        asked = [one for one in asked if one not in others]
    at += [texts.first + one for one in asked] if texts.first else asked
    return left


def at_path(line: Any, path: Path) -> Any:
    """What stands at a path in a line of a log; None where nothing does.

    Raises:
        NotJSON: the line is text, and no JSON.
    """
    if isinstance(line, (bytes, str)):
        line = loads(line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass"))
    for name in path:
        if isinstance(line, list) and name.isdecimal() and int(name) < len(line):
            line = line[int(name)]
        else:
            line = line.get(name) if isinstance(line, dict) else None
    return line


def _reads(form: Form, raw: bytes, row: Row) -> bool:
    """Whether a form reads a body as it was read."""
    values: list[Any] = []
    if form.read(raw, [0], [len(raw)], [0], values):
        return False
    told = {**dict.fromkeys(NAMES), "provider": form.label, "complete": True, **dict(zip(form.names, values, strict=True))}
    return bool(msgspec.to_builtins(tuple(told.values())) == msgspec.to_builtins(row))
