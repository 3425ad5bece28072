"""One meter for every LLM provider: any raw response in, the same exact metrics out."""

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
    "normalize",
    "read",
]
