"""What one response says about its usage: the numbers, and the evidence for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

import msgspec

from unimeter.compiler import TOLD
from unimeter.errors import MalformedUsage, MissingUsage
from unimeter.metrics import MessageMetrics
from unimeter.values import Refused, as_count, as_finite, as_number

COST = TOLD.index("cost")
"""Where the cost stands in `told`."""

_WORD = re.compile(r"[\w.:/-]{1,64}")
"""An error's type or code. Anything longer, or with a blank in it, may be a message."""


class FailedRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request of a batch has no response. The server's message is not kept, as it may quote the prompt."""

    status: int | None = None
    """The HTTP status."""
    type: str | None = None
    """The kind of error, such as `invalid_request_error`."""
    code: str | int | None = None
    """The error's code, such as `rate_limit_exceeded`."""

    @classmethod
    def of(cls, status: Any = None, type: Any = None, code: Any = None) -> Self:  # noqa: A002  # the field's name
        """A failure from the values in a body; a value that is not of its kind is left out."""
        number = status if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599 else None
        return cls(number, _word(type), code if _is_code(code) else _word(code))

    def __str__(self) -> str:
        words = (self.status, self.type, self.code)
        return " ".join(str(word) for word in dict.fromkeys(words) if word is not None) or "no reason given"


class Reading(msgspec.Struct, eq=False, repr_omit_defaults=True):
    """What one response says about its usage.

    `metrics` are the numbers. Everything else tells how far to trust them: what was really sent (`reported`), whether
    the stream was whole (`complete`), whether the provider's own total agrees (`unaccounted`), what is strange (`odd`).
    """

    provider: str
    """The provider's label, such as `Anthropic`."""
    model: str | None
    """The model's id in the response, else the one in the url, else the one the caller named."""
    id: str | None
    """The response's id."""
    metrics: MessageMetrics
    """The numbers. A field that was not sent is 0 here and missing in `reported`."""
    complete: bool = True
    """Whether the response was whole: False for a stream that ended before its final usage, and for a body that was cut."""
    parts: tuple[Reading, ...] = ()
    """Calls of other models inside this response. `metrics` does not include them."""
    calls: tuple[Reading, ...] = ()
    """The single responses, where one body holds several (a batch, an agent's trace). `metrics` is their sum. A failed request
    and a response without usage are among them; nothing is in their `reported`."""
    told: tuple[Any, ...] = (None,) * len(TOLD)
    """The raw figures, in the order of `unimeter.compiler.TOLD`; None where none was sent."""
    total: int | None = None
    """The provider's own total, where it sends one."""
    usage: Any = None
    """The provider's usage object as plain JSON data: its figures, known or not, and the texts that are read as labels. No other
    text is kept; where the usage is the body itself, only numbers directly in it or in an object that is read."""
    began: float | None = None
    """When the request of a live call was made, by `time.monotonic()` in this process."""
    error: FailedRequest | MalformedUsage | None = None
    """In `calls`: why a request failed, or which value of its usage is malformed."""
    notes: tuple[str, ...] = ()
    """Warnings that came up while the body was read; `odd` includes them."""

    @property
    def reported(self) -> frozenset[str]:
        """The metrics that the provider really sent; `total_tokens` is among them where it sends a total of its own."""
        names = {name for name, value in zip(TOLD, self.told, strict=True) if value is not None}
        if self.total is not None:
            names.add("total_tokens")
        return frozenset(names)

    @property
    def cost_is_computed(self) -> bool:
        """Whether the cost is a computed price, and not what the provider reported."""
        return self.metrics.cost is not None and self.told[COST] is None

    @property
    def unaccounted(self) -> int:
        """The provider's own total less ours; 0 where they agree or it gives none."""
        return 0 if self.total is None else self.total - self.metrics.total_tokens

    @property
    def odd(self) -> tuple[str, ...]:
        """Warnings: where the provider's own figures contradict each other (they are kept as they came), a result line that
        comes twice, a response whose usage is malformed."""
        metrics = self.metrics
        told = (
            (metrics.cache_read_tokens + metrics.cache_write_tokens > metrics.input_tokens, "more tokens cached than read"),
            (metrics.reasoning_tokens > metrics.output_tokens, "more reasoning than output"),
            (metrics.audio_input_tokens > metrics.input_tokens, "more audio heard than input"),
            (metrics.audio_output_tokens > metrics.output_tokens, "more audio spoken than output"),
            (self.unaccounted != 0, "the provider's own total differs"),
        )
        return (*(text for holds, text in told if holds), *self.notes)

    def to_dict(self) -> dict[str, Any]:
        """The reading as JSON-safe data; `from_dict` is its inverse."""
        told: dict[str, Any] = {
            "provider": self.provider,
            "model": self.model,
            "id": self.id,
            "metrics": self.metrics.to_dict(),
            "reported": sorted(self.reported),
            "complete": self.complete,
            "unaccounted": self.unaccounted,
            "odd": list(self.odd),
            "told": {name: value for name, value in zip(TOLD, self.told, strict=True) if value is not None},
        }
        for name in ("total", "usage", "began"):
            if (value := getattr(self, name)) is not None:
                told[name] = value
        if self.notes:
            told["notes"] = list(self.notes)
        if self.error is not None:
            told["error"] = _error_as_dict(self.error)
        for name in ("parts", "calls"):
            if readings := getattr(self, name):
                told[name] = [reading.to_dict() for reading in readings]
        return told

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return msgspec.json.encode(self.to_dict()).decode()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reading:
        """The reading that `to_dict` made. Names that are not known are ignored.

        Raises:
            MalformedUsage: a value is missing or has the wrong type; the message gives its path.
        """
        return _from_dict(data, "")

    @classmethod
    def from_json(cls, text: str | bytes) -> Reading:
        """The reading that `to_json` made. Raises as `from_dict` does."""
        try:
            return cls.from_dict(msgspec.json.decode(text))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise MalformedUsage("Reading", "the text", "JSON", type(error).__name__) from None

    def __eq__(self, other: object) -> bool:
        """Whether two responses say the same. When each was requested does not count, nor how its usage object is spelt: an
        SDK's object has nulls that the wire does not."""
        return _compared(self) == _compared(other) if isinstance(other, Reading) else NotImplemented

    def __ne__(self, other: object) -> bool:  # a struct has one of its own, which would not ask __eq__
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # readings are compared by value and can change


def _compared(reading: Reading) -> dict[str, Any]:
    """What of a reading is compared, with the readings in it."""
    compared = {name: value for name, value in reading.to_dict().items() if name not in ("began", "usage")}
    for name in ("parts", "calls"):
        compared[name] = [_compared(inner) for inner in getattr(reading, name)]
    return compared


def has_usage(reading: Reading) -> bool:
    """Whether a reading says anything: False for a failed request, and for a response without usage, among several."""
    return reading.total is not None or any(value is not None for value in reading.told) or reading.metrics != MessageMetrics()


def counted_calls(reading: Reading) -> tuple[Reading | None, ...]:
    """The calls that a run counts of a reading: a failed request is none, a response without usage is None."""
    if not reading.calls:
        return (reading,)
    made = (call for call in reading.calls if not isinstance(call.error, FailedRequest))
    return tuple(call if has_usage(call) else None for call in made)


def calls_without_usage(missing: MissingUsage) -> int:
    """How many calls a run counts of a payload without usage: none if no usage is due, and none for a failed request."""
    if missing.calls:
        return sum(not isinstance(call.error, FailedRequest) for call in missing.calls)
    return int(missing.due)


def _word(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and _WORD.fullmatch(value) else None


def _is_code(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _error_as_dict(error: FailedRequest | MalformedUsage) -> dict[str, Any]:
    if isinstance(error, MalformedUsage):
        return {name: getattr(error, name) for name in ("provider", "path", "expected", "got")}
    return msgspec.to_builtins(error)  # type: ignore[no-any-return]  # a struct becomes a dict


_KINDS: dict[str, Any] = {
    "provider": str,
    "model": str | None,
    "id": str | None,
    "complete": bool,
    "told": dict[str, int | float],
    "total": int | None,
    "began": float | None,
    "notes": tuple[str, ...],
}
_DEEPEST = 32
"""Readings within readings; what nests deeper is refused."""


def _from_dict(data: Any, at: str, depth: int = 0) -> Reading:
    if not isinstance(data, Mapping):
        raise MalformedUsage("Reading", at or "the data", "an object", f"a {type(data).__name__}")
    if depth == _DEEPEST:
        raise MalformedUsage("Reading", at, f"nested at most {_DEEPEST} levels deep", "more")

    def value(name: str, default: Any) -> Any:
        if name not in data:
            return default
        try:
            return msgspec.convert(data[name], _KINDS[name])
        except msgspec.ValidationError as error:
            raise MalformedUsage("Reading", f"{at}{name}", "as to_dict writes it", str(error).partition(" - ")[0]) from None

    def readings(name: str) -> tuple[Reading, ...]:
        items = data.get(name, ())
        if not isinstance(items, (list, tuple)):
            raise MalformedUsage("Reading", f"{at}{name}", "a list", f"a {type(items).__name__}")
        return tuple(_from_dict(item, f"{at}{name}[{number}].", depth + 1) for number, item in enumerate(items))

    if "provider" not in data or "metrics" not in data:
        raise MalformedUsage("Reading", at or "the data", "an object with provider and metrics", "an object without")
    try:
        raw = {name: (as_number if name == "cost" else as_count)(one, f"told.{name}") for name, one in value("told", {}).items()}
        total = None if (given := value("total", None)) is None else as_count(given, "total")
        began = None if (given := value("began", None)) is None else as_finite(given, "began")
    except Refused as refused:
        raise MalformedUsage("Reading", f"{at}{refused.path}", refused.expected, refused.got) from None
    return Reading(
        value("provider", ""),
        value("model", None),
        value("id", None),
        MessageMetrics.from_dict(data["metrics"]),
        value("complete", True),
        readings("parts"),
        readings("calls"),
        tuple(raw.get(name) for name in TOLD),
        total,
        data.get("usage"),
        began,
        _error_from_dict(data.get("error"), at),
        value("notes", ()),
    )


def _error_from_dict(data: Any, at: str) -> FailedRequest | MalformedUsage | None:
    if data is None:
        return None
    try:
        if isinstance(data, Mapping) and "path" in data:
            return MalformedUsage(*(msgspec.convert(data[name], str) for name in ("provider", "path", "expected", "got")))
        return msgspec.convert(data, FailedRequest)
    except (msgspec.ValidationError, KeyError):
        raise MalformedUsage("Reading", f"{at}error", "as to_dict writes it", "another object") from None
