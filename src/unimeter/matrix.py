"""The availability matrix: which provider fills which metric, read off the adapters' tables.

✅   the specification promises it, and the adapter reads it
+    the adapter reads it, beyond the promise
✗    promised and not read; a test fails
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from textwrap import wrap
from typing import NamedTuple

from unimeter.adapter import Adapter
from unimeter.adapters import ADAPTERS
from unimeter.adapters.anthropic import Anthropic
from unimeter.adapters.azure_foundry import AzureAIFoundry
from unimeter.adapters.bedrock import Bedrock
from unimeter.adapters.cerebras import Cerebras
from unimeter.adapters.cohere import Cohere
from unimeter.adapters.gemini import Gemini
from unimeter.adapters.groq import Groq
from unimeter.adapters.huggingface import HuggingFace
from unimeter.adapters.litellm import LiteLLM
from unimeter.adapters.llama import Llama, LlamaOpenAI
from unimeter.adapters.mistral import Mistral
from unimeter.adapters.ollama import Ollama
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.adapters.perplexity import Perplexity
from unimeter.adapters.watsonx import WatsonX
from unimeter.registry import registry

COLUMNS: dict[str, tuple[str, ...]] = {
    "Standard tokens": ("input_tokens", "output_tokens"),
    "`cache_read`": ("cache_read_tokens",),
    "`cache_write`": ("cache_write_tokens",),
    "`reasoning`": ("reasoning_tokens",),
    "Audio tokens": ("audio_input_tokens", "audio_output_tokens"),
    "`cost`": ("cost",),
}
"""The matrix's columns, and the metrics that each stands for. The total is always the sum of the two."""

_ALL = tuple(COLUMNS)
_STANDARD, _READ, _WRITE, _REASONING, _AUDIO, _COST = _ALL


class Promise(NamedTuple):
    """One row of the specification."""

    row: str
    adapter: type[Adapter]
    columns: tuple[str, ...]
    provider_metrics: tuple[str, ...] = ()


PROMISES: tuple[Promise, ...] = (
    Promise("OpenAI Chat", OpenAIChat, (_STANDARD, _READ, _REASONING, _AUDIO, _COST)),
    Promise("OpenAI Responses", OpenAIResponses, (_STANDARD, _READ, _REASONING)),
    Promise("Anthropic Claude", Anthropic, (_STANDARD, _READ, _WRITE), ("server_tool_use", "service_tier")),
    Promise("Google Gemini", Gemini, (_STANDARD, _READ, _REASONING), ("traffic_type",)),
    Promise("Groq", Groq, (_STANDARD,), ("completion_time", "prompt_time", "queue_time", "total_time")),
    Promise("Mistral", Mistral, (_STANDARD, _READ, _REASONING)),
    Promise("AWS Bedrock", Bedrock, (_STANDARD, _READ, _WRITE)),
    Promise("LiteLLM", LiteLLM, (_STANDARD, _READ, _REASONING, _AUDIO)),
    Promise("Perplexity", Perplexity, (_STANDARD, _READ, _REASONING, _AUDIO)),
    Promise("Azure AI Foundry", AzureAIFoundry, (_STANDARD, _READ, _REASONING)),
    Promise("Cerebras", Cerebras, (_STANDARD,), ("time_system", "time_prompt")),
    Promise(
        "Ollama",
        Ollama,
        (_STANDARD,),
        ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration"),
    ),
    Promise("Cohere", Cohere, (_STANDARD,)),
    Promise("Meta Llama", Llama, (_STANDARD,)),
    Promise("Meta Llama (OpenAI)", LlamaOpenAI, (_STANDARD, _READ, _REASONING, _AUDIO, _COST)),
    Promise("HuggingFace", HuggingFace, (_STANDARD,)),
    Promise("IBM WatsonX", WatsonX, (_STANDARD,)),
)
"""What the specification says that each provider sets."""


class Row(NamedTuple):
    """One row of the matrix as the adapters fill it."""

    provider: str
    cells: tuple[str, ...]
    promised: tuple[str, ...]
    beyond: tuple[str, ...]
    broken: tuple[str, ...]
    """What is promised and not read."""


def rows() -> list[Row]:
    """The matrix, a row a provider: those of the specification, then those that other packages register."""
    others = (Promise(adapter.provider, adapter, ()) for adapter in registry().adapters if adapter not in ADAPTERS)
    return [_row(promise) for promise in (*PROMISES, *others)]


def rows_beyond() -> list[Row]:
    """The same for whom the specification does not name: providers, frameworks and backends that have tables of their own."""
    named = {promise.adapter.provider for promise in PROMISES}
    own = {label: tables for label, tables in registry().by_label.items() if label not in named and set(tables) & set(ADAPTERS)}
    return [
        Row(
            label,
            tuple("+" if any(filled(table, column) for table in tables) else "" for column in _ALL),
            (),
            tuple(dict.fromkeys(name for table in tables for name in table.provider_metrics)),
            (),
        )
        for label, tables in sorted(own.items(), key=lambda one: one[0].lower())
    ]


def hosts() -> list[str]:
    """Who is known by hosts or marks alone, and speaks another's dialect to the letter."""
    return [label for label, tables in registry().by_label.items() if not tables]


def filled(adapter: type[Adapter], column: str) -> bool:
    """Whether an adapter's table reads any metric of a column."""
    return any(adapter.table[metric].leaves() for metric in COLUMNS[column])


def _row(promise: Promise) -> Row:
    cells, broken = [], []
    for column in _ALL:
        promised, read = column in promise.columns, filled(promise.adapter, column)
        cells.append("✅" if promised and read else "+" if read else "✗" if promised else "")
        if promised and not read:
            broken.append(column)
    own = promise.adapter.provider_metrics
    broken += [name for name in promise.provider_metrics if name not in own]
    beyond = tuple(name for name in own if name not in promise.provider_metrics)
    return Row(promise.row, tuple(cells), promise.provider_metrics, beyond, tuple(broken))


def markdown() -> str:
    """The matrix as a Markdown table."""
    return _table_of(rows())


def markdown_beyond() -> str:
    """What is read beyond the matrix, as Markdown."""
    alone = wrap(f"And by their hosts or marks, in the dialect that they speak: {', '.join(hosts())}.", 128)
    return "\n".join((_table_of(rows_beyond()), *alone)) + "\n"


def _table_of(shown: Iterable[Row]) -> str:
    head = ("Provider", *_ALL, "`provider_metrics`")
    lines = [_markdown_line(head), _markdown_line(["---", *[":-:"] * len(_ALL), "---"])]
    lines += [_markdown_line((row.provider, *row.cells, _names(row, lambda name: f"`{name}`"))) for row in shown]
    return "\n".join(lines) + "\n"


def text() -> str:
    """The matrix as plain text, aligned."""
    table = [("Provider", *(column.strip("`") for column in _ALL), "provider_metrics")]
    table += [(row.provider, *row.cells, _names(row, str)) for row in rows()]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    lines = []
    for line in table:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _names(row: Row, shown: Callable[[str], str]) -> str:
    beyond = ", ".join(map(shown, row.beyond))
    return " ".join(filter(None, (", ".join(map(shown, row.promised)), f"+ {beyond}" if beyond else "")))


def _markdown_line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _width(cell: str) -> int:
    return len(cell) + cell.count("✅")  # a terminal gives it two columns
