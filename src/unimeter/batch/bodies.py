"""Bodies in, columns out: those of one form by what reads that form, and one of a new form by `read`, which makes it known.

Bodies of one form have the same names in their usage, in the same order, so those names, without the figures, say which
form to try first. It is only a hint: a form leaves what is not like it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import msgspec

from unimeter.batch.parts import NAMES, Part, Row, Together, failed, part_of, row_of
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
"""How much of a body is looked at first for its usage: most have it at their end."""
_MOST_FORMS = 128
"""How many forms are made known for a sender; beyond them, what is new is read by `read`."""
_TRIES = 3
"""How often in a row no form is made of bodies with a hint, before it is given up."""
_MOST_ALIKE = 16
"""How many forms bodies with one hint have, at most."""
_MOST_HINTS = 4096
_MOST_SENDERS = 64
_BLOCK = 1024
"""How many rows are made before they become columns: few enough for the processor to have them at hand."""


class Texts(NamedTuple):
    """Bodies that stand in one text."""

    text: bytes | memoryview
    bounds: list[Any]
    """Where each begins and ends; None where there is none."""

    def body(self, at: int) -> bytes | None:
        """One of them."""
        bounds = self.bounds[at]
        return None if bounds is None else bytes(self.text[bounds[0] : bounds[1]])

    def bodies(self) -> Iterator[bytes]:
        """All that there are."""
        return (bytes(self.text[start:end]) for start, end in filter(None, self.bounds))


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

    def parts(self, texts: Texts, at: list[int], hint: bytes) -> Iterator[Part]:
        """The rows of some bodies with the same hint.

        Args:
            texts: bodies.
            at: which of them.
            hint: what they have in common.
        """
        for form in list(self.likely.get(hint, ())):
            yield from self._of_form(form, texts, at)
            if not at:
                return
        rows, done = [], []
        while at:
            first = at.pop(0)
            raw = texts.body(first)
            row = self.row(raw)
            rows.append(row)
            done.append(first)
            new = None if row[-1] is not None else self._form_of(raw, row, hint)
            if new is not None and at:
                yield from self._of_form(new, texts, at)
        yield part_of(done, rows)

    def _of_form(self, form: Form, texts: Texts, at: list[int]) -> Iterator[Part]:
        """The rows of those that are of a form, of which `at` is rid."""
        others: list[int] = []
        for start in range(0, len(at), _BLOCK):
            block = at[start : start + _BLOCK]
            rows, left = form.read(texts.text, [texts.bounds[one] for one in block])
            if left:
                others += [block[one] for one in left]
                gone = set(left)
                block = [one for place, one in enumerate(block) if place not in gone]
            if rows:
                yield Part(block, dict(zip(form.names, map(list, zip(*rows, strict=True)), strict=True)), form.label)
        at[:] = others

    def row(self, raw: Any) -> Row:
        """The row of anything."""
        try:
            body = at_path(raw, self.within) if self.within else raw
            if body is None:
                raise MissingUsage(self.provider or "", "there is no response")
            return row_of(read(body, self.provider, url=self.url))
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
        together = Together()
        start = 0
        for block in blocks:
            count = len(block.bounds) if isinstance(block, Texts) else len(block)
            if not count:  # a log may have lines and no calls
                continue
            if providers is None and urls is None:
                senders: Iterable[Sender] = repeat(self._sender(provider, None), count)
            else:
                names = [None] * count if providers is None else providers[start : start + count]
                asked = [None] * count if urls is None else urls[start : start + count]
                senders = [self._sender(name or provider, url) for name, url in zip(names, asked, strict=True)]
            if isinstance(block, Texts):
                found = _parts_of(block, senders)
            else:
                rows = [sender.row(body) for body, sender in zip(block, senders, strict=True)]
                found = iter([part_of([*range(count)], rows)])
            for part in found:
                together.take(part, start)
            start += count
        return together.parts()

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


def _parts_of(texts: Texts, senders: Iterable[Sender]) -> Iterator[Part]:
    """The rows of some bodies: those that come from one sender with the same hint together."""
    groups: defaultdict[Sender, defaultdict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
    last: Sender | None = None
    group: defaultdict[bytes, list[int]] = defaultdict(list)
    text = texts.text
    missing = []
    for at, (bounds, sender) in enumerate(zip(texts.bounds, senders, strict=True)):
        if sender is not last:
            last, group = sender, groups[sender]
        if bounds is None:
            missing.append(at)
            continue
        start, end = bounds
        tail = bytes(text[start if end - start < _TAIL else end - _TAIL : end])
        usage = tail.rfind(b'"usage')
        if usage < 0 and end - start > _TAIL:
            tail = bytes(text[start:end])
            usage = tail.rfind(b'"usage')
        if usage < 0:
            names = tail[:8]
        else:
            close = tail.find(b"}", usage, usage + _FURTHEST)
            names = tail[usage : usage + _FURTHEST if close < 0 else close]
        group[names.translate(None, _FIGURES)].append(at)
    for sender, by_hint in groups.items():
        for hint, found in by_hint.items():
            yield from sender.parts(texts, found, hint)
    if missing:
        yield part_of(missing, [Sender().row(None)] * len(missing))


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
    rows, left = form.read(raw, [(0, len(raw))])
    if left:
        return False
    told = {**dict.fromkeys(NAMES), "provider": form.label, "complete": True, **dict(zip(form.names, rows[0], strict=True))}
    return bool(msgspec.to_builtins(tuple(told.values())) == msgspec.to_builtins(row))
