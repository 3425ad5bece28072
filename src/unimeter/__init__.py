"""One meter for every LLM provider: any raw response in, the same exact metrics out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unimeter.adapter import Adapter
from unimeter.errors import AdapterError, MalformedUsage, MissingUsage, UnimeterError, UnknownProvider, UsageError
from unimeter.meter import normalize, read
from unimeter.metrics import (
    BaseMetrics,
    MessageMetrics,
    Metrics,
    ModelMetrics,
    ModelType,
    RunMetrics,
    SessionMetrics,
    ToolCallMetrics,
)
from unimeter.reading import Reading
from unimeter.run import Run, Session

if TYPE_CHECKING:
    from unimeter.capturing import botocore_hooks, capture, httpx_hooks
    from unimeter.watching import watch

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "AdapterError",
    "BaseMetrics",
    "MalformedUsage",
    "MessageMetrics",
    "Metrics",
    "MissingUsage",
    "ModelMetrics",
    "ModelType",
    "Reading",
    "Run",
    "RunMetrics",
    "Session",
    "SessionMetrics",
    "ToolCallMetrics",
    "UnimeterError",
    "UnknownProvider",
    "UsageError",
    "botocore_hooks",
    "capture",
    "httpx_hooks",
    "normalize",
    "read",
    "watch",
]

_LATER = {"botocore_hooks": "capturing", "capture": "capturing", "httpx_hooks": "capturing", "watch": "watching"}
"""What only programs that hear live calls need, and where it is."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"unimeter.{_LATER[name]}")
    globals().update({name: getattr(module, name) for name in _LATER if _LATER[name] == module.__name__.rpartition(".")[2]})
    return globals()[name]
