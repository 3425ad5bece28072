"""A program per framework and dialect, that asks an agent a question: two calls to its model, one to its tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple

FRAMEWORKS = (
    "agno",
    "crewai",
    "google_adk",
    "langchain",
    "litellm",
    "llama_index",
    "openai_agents",
    "pydantic_ai",
    "strands",
)

AGENT = "guide"
QUESTION = "What is the weather in Paris?"


class Asked(NamedTuple):
    """What a program is asked to do."""

    url: str
    model: str
    stream: bool
    tool: Callable[[str], str]
    """`get_weather`."""


class Program(NamedTuple):
    """One program, with the integration in it."""

    name: str
    dialect: str
    """What it speaks with the provider: this decides what the wire tells."""
    ask: Callable[[Asked], None]
    keeps: tuple[str, ...]
    """The metrics that the framework's own type keeps."""
    keeps_in_stream: tuple[str, ...] | None = None
    """The same of a stream, where it differs."""
    streams: bool = True
    tells_agent: bool = True
    """Whether the framework has agents that have names."""
    integration: str = ""
    """The module, where the framework has several."""


def programs() -> Iterator[tuple[str, Program]]:
    """Every framework's programs; the framework itself is imported when one runs."""
    for framework in FRAMEWORKS:
        for program in import_module(f"{__name__}.{framework}").PROGRAMS:
            yield framework, program


TOKENS = ("input_tokens", "output_tokens", "total_tokens")
CACHE = ("cache_read_tokens", "cache_write_tokens")
REASONING = ("reasoning_tokens",)
AUDIO = ("audio_input_tokens", "audio_output_tokens")
COST = ("cost",)
