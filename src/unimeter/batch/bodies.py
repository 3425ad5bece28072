"""Bodies in, columns out: those of one form by what reads that form, and one of a new form by `read`, which makes it known.

Which form to try first, `texts` tells: a form leaves what is not like it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import msgspec

from unimeter.adapter import Adapter
from unimeter.batch.failures import failures_in
from unimeter.batch.parts import NAMES, Part, Row, Table, failed, free, request_failed, row_of
from unimeter.batch.texts import Texts
from unimeter.errors import MissingUsage, UnimeterError
from unimeter.forms import Form
from unimeter.likeness import Path, Unlike
from unimeter.lines import around
from unimeter.meter import read
from unimeter.recognise import NO_URL, FromUrl, recogniser
from unimeter.several import place_in_line
from unimeter.wire.json import NotJSON, loads

_MOST_FORMS = 128
"""How many forms are made known for a sender; beyond them, what is new is read by `read`."""
_TRIES = 3
"""How often in a row no form is made of bodies with a hint, before it is given up."""
_MOST_ALIKE = 16
"""How many forms bodies with one hint have, at most."""
_MOST = 7 / 8
"""How many of the bodies that end alike are of the usual form, at least."""
_MOST_HINTS = 4096
_MOST_SENDERS = 64


class Sender:
    """What is known of who sends bodies other than by the bodies, and the forms that have come from there."""

    __slots__ = ("forms", "hints", "likely", "provider", "tried", "url", "usual", "within")

    def __init__(self, provider: str | None = None, url: str | None = None, within: Path = ()) -> None:
        self.provider = provider
        self.url = url
        self.within = within
        """Where in a line of a log the body stands."""
        self.hints = NO_URL if url is None else recogniser().from_url(url)
        self.forms: list[Form] = []
        self.likely: dict[bytes, list[Form]] = {}
        """The forms to try, by the hint."""
        self.usual: dict[bytes, Form] = {}
        """The form that nearly all bodies have which end in a name."""
        self.tried: Counter[bytes] = Counter()
        """How often in a row no form could be made of bodies with a hint."""

    def read(self, texts: Texts, asked: list[int], last: bytes, table: Table) -> None:
        """Read some bodies that end alike.

        Args:
            texts: bodies.
            asked: which of them; it is used up.
            last: the name that they end in.
            table: takes their rows.
        """
        count = len(asked)
        usual = self.usual.get(last)
        if usual is not None:
            asked = _read(usual, texts, asked, table)
            if not asked:
                return
            if len(asked) > count * (1 - _MOST):
                self.usual.pop(last, None)  # another thread may have been here
        for hint, alike in texts.by_usage(asked).items():
            are_most = len(alike) >= count * _MOST
            self._read_alike(texts, alike, hint, table)
            forms = self.likely.get(hint, ())
            if are_most and len(forms) == 1:
                if len(self.usual) >= _MOST_HINTS:
                    self.usual.clear()
                self.usual[last] = forms[0]

    def _read_alike(self, texts: Texts, asked: list[int], hint: bytes, table: Table) -> None:
        """Read some bodies with the same hint; which they are is used up."""
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
        body = None
        try:
            body = at_path(raw, self.within) if self.within else raw
            if body is None:
                raise MissingUsage("" if self.provider is None else recogniser().label(self.provider), _where(self.within))
            return row_of(read(body, self.provider, url=self.url))
        except MissingUsage as missing:
            if not missing.due:
                return free(missing.provider)
            failures = failures_in(missing, body)
            return request_failed(failures) if failures else failed(f"MissingUsage: {missing}")
        except UnimeterError as error:
            failures = failures_in(error, body)
            return request_failed(failures) if failures else failed(f"{type(error).__name__}: {error}")
        except Exception as error:  # whatever it is, a row must not end the job; what it says may be a text of the body
            return failed(f"{type(error).__name__} in unimeter")

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
            sample, within, hints, line = at_path(raw, self.within), self.within, self.hints, None
            if type(sample) is dict and (place := place_in_line(sample)) is not None:
                line, within = around(sample, place, within, known.registry), (*within, *place)
                hints = hints._replace(label=hints.label or known.marked(Adapter, sample, None))
                sample = at_path(sample, place)
            found = known.whose(sample, dict, label, hints) if type(sample) is dict else None
            if found is None:
                return None
            label, adapter = found
            named = self.provider is not None or hints.label is not None
            return Form(adapter, sample, known.registry, label, named=named, model=hints.model, within=within, around=line)
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
                texts = block._replace(first=start)
                for sender, last, found in texts.by_last_name(senders):
                    sender.read(texts, found, last, table)
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


def _read(form: Form, texts: Texts, asked: list[int], table: Table) -> list[int]:
    """Read those of some bodies that are of a form; the others are returned."""
    at, values = table.alike(form.label, form.names)
    left = form.read(texts.text, texts.starts, texts.ends, asked, values)
    if left:
        others = set(left)
        asked = [one for one in asked if one not in others]
    at += [texts.first + one for one in asked] if texts.first else asked
    return left


def _where(path: Path) -> str:
    return f"there is no response at {'.'.join(path)!r}" if path else "there is no response"


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
