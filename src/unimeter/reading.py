"""What one response says about its usage: the numbers, and the evidence for them."""

from __future__ import annotations

from typing import Any

import msgspec

from unimeter.compiler import TOLD
from unimeter.metrics import MessageMetrics

COST = TOLD.index("cost")
"""Where the cost stands in `told`."""


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
    """Whether the response was whole: False for a stream that ended before its final usage."""
    parts: tuple[Reading, ...] = ()
    """Calls of other models inside this response. `metrics` does not include them."""
    calls: tuple[Reading, ...] = ()
    """The single calls, where one body holds several (a batch, an agent's trace). `metrics` is their sum."""
    told: tuple[Any, ...] = (None,) * len(TOLD)
    """The raw figures, in the order of `unimeter.compiler.TOLD`; None where none was sent."""
    total: int | None = None
    """The provider's own total, where it sends one."""
    usage: Any = None
    """The provider's usage object as plain JSON data, unknown names and all."""
    began: float | None = None
    """When the request of a live call was made, by `time.monotonic()` in this process."""

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
        """Where the provider's own figures contradict each other. They are kept as they came."""
        metrics = self.metrics
        told = (
            (metrics.cache_read_tokens + metrics.cache_write_tokens > metrics.input_tokens, "more tokens cached than read"),
            (metrics.reasoning_tokens > metrics.output_tokens, "more reasoning than output"),
            (metrics.audio_input_tokens > metrics.input_tokens, "more audio heard than input"),
            (metrics.audio_output_tokens > metrics.output_tokens, "more audio spoken than output"),
            (self.unaccounted != 0, "the provider's own total differs"),
        )
        return tuple(text for holds, text in told if holds)

    def to_dict(self) -> dict[str, Any]:
        """The reading as JSON-safe data, without the raw usage."""
        told = {
            "provider": self.provider,
            "model": self.model,
            "id": self.id,
            "metrics": self.metrics.to_dict(),
            "reported": sorted(self.reported),
            "complete": self.complete,
            "unaccounted": self.unaccounted,
            "odd": list(self.odd),
        }
        for name in ("parts", "calls"):
            if readings := getattr(self, name):
                told[name] = [reading.to_dict() for reading in readings]
        return told

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Reading) else NotImplemented

    def __ne__(self, other: object) -> bool:  # a struct has one of its own, which would not ask __eq__
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # readings are compared by value and can change
