"""What one would write by hand to make a table of mixed bodies, knowing whose each is: ten columns, unchecked.

Once with msgspec's structs, once with dicts, and for readers of whole columns as one schema with an expression per column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

NAMES = (
    *("model", "id", "input_tokens", "output_tokens", "audio_input_tokens", "audio_output_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost"),
)
TYPES = {"model": pa.string(), "id": pa.string(), "cost": pa.float64()}

Row = tuple[Any, ...]


def table(rows: Iterable[Row]) -> pa.RecordBatch:
    columns = zip(NAMES, zip(*rows, strict=True), strict=True)
    return pa.record_batch([pa.array(column, TYPES.get(name, pa.int64())) for name, column in columns], NAMES)


# by structs ----------------------------------------------------------------------------------------------------------


class Details(msgspec.Struct):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    thinking_tokens: int | None = None


NONE = Details()


class ChatUsage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None


class Chat(msgspec.Struct):
    usage: ChatUsage
    id: str | None = None
    model: str | None = None


def chat(body: Chat) -> Row:
    usage = body.usage
    read, made = usage.prompt_tokens_details or NONE, usage.completion_tokens_details or NONE
    audio = read.audio_tokens, made.audio_tokens
    cached = read.cached_tokens, read.cache_write_tokens
    return body.model, body.id, usage.prompt_tokens, usage.completion_tokens, *audio, *cached, made.reasoning_tokens, None


class Dollars(msgspec.Struct):
    total_cost: float | None = None


class SonarUsage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int | None = None
    cost: Dollars | None = None


class Sonar(msgspec.Struct):
    usage: SonarUsage
    id: str | None = None
    model: str | None = None


def sonar(body: Sonar) -> Row:
    usage = body.usage
    cost = usage.cost.total_cost if usage.cost else None
    none = (None,) * 4
    return body.model, body.id, usage.prompt_tokens, usage.completion_tokens, *none, usage.reasoning_tokens, cost


class ResponsesUsage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None


class Responses(msgspec.Struct):
    usage: ResponsesUsage
    id: str | None = None
    model: str | None = None


def responses(body: Responses) -> Row:
    usage = body.usage
    read, made = usage.input_tokens_details or NONE, usage.output_tokens_details or NONE
    cached = read.cached_tokens, read.cache_write_tokens
    return body.model, body.id, usage.input_tokens, usage.output_tokens, None, None, *cached, made.reasoning_tokens, None


class ClaudeUsage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: Details | None = None


class Claude(msgspec.Struct):
    usage: ClaudeUsage
    id: str | None = None
    model: str | None = None


def claude(body: Claude) -> Row:
    usage = body.usage
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    thought = (usage.output_tokens_details or NONE).thinking_tokens
    return body.model, body.id, usage.input_tokens + read + written, usage.output_tokens, None, None, read, written, thought, None


class Modality(msgspec.Struct):
    modality: str = ""
    tokenCount: int = 0


class GeminiUsage(msgspec.Struct):
    promptTokenCount: int = 0
    candidatesTokenCount: int = 0
    thoughtsTokenCount: int | None = None
    cachedContentTokenCount: int | None = None
    promptTokensDetails: list[Modality] = []
    candidatesTokensDetails: list[Modality] = []


class Gemini(msgspec.Struct):
    usageMetadata: GeminiUsage
    responseId: str | None = None
    modelVersion: str | None = None


def gemini(body: Gemini) -> Row:
    usage = body.usageMetadata
    made = usage.candidatesTokenCount + (usage.thoughtsTokenCount or 0)
    heard = sum(part.tokenCount for part in usage.promptTokensDetails if part.modality == "AUDIO")
    said = sum(part.tokenCount for part in usage.candidatesTokensDetails if part.modality == "AUDIO")
    cached = usage.cachedContentTokenCount, None
    return body.modelVersion, body.responseId, usage.promptTokenCount, made, heard, said, *cached, usage.thoughtsTokenCount, None


class BedrockUsage(msgspec.Struct):
    inputTokens: int = 0
    outputTokens: int = 0
    cacheReadInputTokens: int | None = None
    cacheWriteInputTokens: int | None = None


class Bedrock(msgspec.Struct):
    usage: BedrockUsage


def bedrock(body: Bedrock) -> Row:
    usage = body.usage
    read, written = usage.cacheReadInputTokens or 0, usage.cacheWriteInputTokens or 0
    return None, None, usage.inputTokens + read + written, usage.outputTokens, None, None, read, written, None, None


class Ollama(msgspec.Struct):
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    model: str | None = None


def ollama(body: Ollama) -> Row:
    return body.model, None, body.prompt_eval_count, body.eval_count, None, None, None, None, None, None


class Tokens(msgspec.Struct):
    input_tokens: float = 0
    output_tokens: float = 0


class CohereUsage(msgspec.Struct):
    tokens: Tokens
    cached_tokens: float | None = None


class Cohere(msgspec.Struct):
    usage: CohereUsage
    id: str | None = None


def cohere(body: Cohere) -> Row:
    tokens, cached = body.usage.tokens, body.usage.cached_tokens
    read = None if cached is None else int(cached)
    return None, body.id, int(tokens.input_tokens), int(tokens.output_tokens), None, None, read, None, None, None


def _typed(kind: Any, get: Callable[[Any], Row]) -> Callable[[bytes], Row]:
    decode = msgspec.json.Decoder(kind).decode
    return lambda raw: get(decode(raw))


STRUCTS: dict[str, Callable[[bytes], Row]] = {
    **dict.fromkeys(("OpenAI Chat", "Groq", "Mistral", "Cerebras"), _typed(Chat, chat)),
    "Perplexity": _typed(Sonar, sonar),
    "OpenAI Responses": _typed(Responses, responses),
    "Anthropic": _typed(Claude, claude),
    "Google Gemini": _typed(Gemini, gemini),
    "AWS Bedrock": _typed(Bedrock, bedrock),
    "Ollama": _typed(Ollama, ollama),
    "Cohere": _typed(Cohere, cohere),
}

# by dicts ------------------------------------------------------------------------------------------------------------

EMPTY: dict[str, Any] = {}


def chat_dict(body: dict[str, Any]) -> Row:
    usage = body["usage"]
    read, made = usage.get("prompt_tokens_details") or EMPTY, usage.get("completion_tokens_details") or EMPTY
    audio = read.get("audio_tokens"), made.get("audio_tokens")
    cached = read.get("cached_tokens"), read.get("cache_write_tokens")
    counts = usage["prompt_tokens"], usage["completion_tokens"]
    return body.get("model"), body.get("id"), *counts, *audio, *cached, made.get("reasoning_tokens"), None


def sonar_dict(body: dict[str, Any]) -> Row:
    usage = body["usage"]
    counts = usage["prompt_tokens"], usage["completion_tokens"]
    own = usage.get("reasoning_tokens"), (usage.get("cost") or EMPTY).get("total_cost")
    return body.get("model"), body.get("id"), *counts, None, None, None, None, *own


def responses_dict(body: dict[str, Any]) -> Row:
    usage = body["usage"]
    read, made = usage.get("input_tokens_details") or EMPTY, usage.get("output_tokens_details") or EMPTY
    cached = read.get("cached_tokens"), read.get("cache_write_tokens")
    counts = usage["input_tokens"], usage["output_tokens"]
    return body.get("model"), body.get("id"), *counts, None, None, *cached, made.get("reasoning_tokens"), None


def claude_dict(body: dict[str, Any]) -> Row:
    usage = body["usage"]
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    thought = (usage.get("output_tokens_details") or EMPTY).get("thinking_tokens")
    counts = usage["input_tokens"] + read + written, usage["output_tokens"]
    return body.get("model"), body.get("id"), *counts, None, None, read, written, thought, None


def gemini_dict(body: dict[str, Any]) -> Row:
    usage = body["usageMetadata"]
    thought = usage.get("thoughtsTokenCount")
    heard = sum(part["tokenCount"] for part in usage.get("promptTokensDetails", ()) if part["modality"] == "AUDIO")
    said = sum(part["tokenCount"] for part in usage.get("candidatesTokensDetails", ()) if part["modality"] == "AUDIO")
    counts = usage["promptTokenCount"], usage.get("candidatesTokenCount", 0) + (thought or 0)
    own = heard, said, usage.get("cachedContentTokenCount"), None, thought, None
    return body.get("modelVersion"), body.get("responseId"), *counts, *own


def bedrock_dict(body: dict[str, Any]) -> Row:
    usage = body["usage"]
    read, written = usage.get("cacheReadInputTokens") or 0, usage.get("cacheWriteInputTokens") or 0
    return None, None, usage["inputTokens"] + read + written, usage["outputTokens"], None, None, read, written, None, None


def ollama_dict(body: dict[str, Any]) -> Row:
    counts = body.get("prompt_eval_count"), body.get("eval_count")
    return body.get("model"), None, *counts, None, None, None, None, None, None


def cohere_dict(body: dict[str, Any]) -> Row:
    tokens, cached = body["usage"]["tokens"], body["usage"].get("cached_tokens")
    counts = int(tokens["input_tokens"]), int(tokens["output_tokens"])
    return None, body.get("id"), *counts, None, None, None if cached is None else int(cached), None, None, None


DICTS: dict[str, Callable[[dict[str, Any]], Row]] = {
    **dict.fromkeys(("OpenAI Chat", "Groq", "Mistral", "Cerebras"), chat_dict),
    "Perplexity": sonar_dict,
    "OpenAI Responses": responses_dict,
    "Anthropic": claude_dict,
    "Google Gemini": gemini_dict,
    "AWS Bedrock": bedrock_dict,
    "Ollama": ollama_dict,
    "Cohere": cohere_dict,
}

# by columns ----------------------------------------------------------------------------------------------------------

FIRST: dict[str, tuple[tuple[str, ...], ...]] = {
    "model": (("model",), ("modelVersion",)),
    "id": (("id",), ("responseId",)),
    "input_tokens": (
        ("usage.prompt_tokens",),
        ("usage.inputTokens", "usage.cacheReadInputTokens", "usage.cacheWriteInputTokens"),
        ("usage.tokens.input_tokens",),
        ("usage.input_tokens", "usage.cache_read_input_tokens", "usage.cache_creation_input_tokens"),
        ("usageMetadata.promptTokenCount",),
        ("prompt_eval_count",),
    ),
    "output_tokens": (
        ("usage.completion_tokens",),
        ("usage.outputTokens",),
        ("usage.tokens.output_tokens",),
        ("usage.output_tokens",),
        ("usageMetadata.candidatesTokenCount", "usageMetadata.thoughtsTokenCount"),
        ("eval_count",),
    ),
    "audio_input_tokens": (("usage.prompt_tokens_details.audio_tokens",),),
    "audio_output_tokens": (("usage.completion_tokens_details.audio_tokens",),),
    "cache_read_tokens": (
        ("usage.prompt_tokens_details.cached_tokens",),
        ("usage.cacheReadInputTokens",),
        ("usage.cached_tokens",),
        ("usage.cache_read_input_tokens",),
        ("usage.input_tokens_details.cached_tokens",),
        ("usageMetadata.cachedContentTokenCount",),
    ),
    "cache_write_tokens": (
        ("usage.prompt_tokens_details.cache_write_tokens",),
        ("usage.cacheWriteInputTokens",),
        ("usage.cache_creation_input_tokens",),
        ("usage.input_tokens_details.cache_write_tokens",),
    ),
    "reasoning_tokens": (
        ("usage.completion_tokens_details.reasoning_tokens",),
        ("usage.reasoning_tokens",),
        ("usage.output_tokens_details.reasoning_tokens",),
        ("usage.output_tokens_details.thinking_tokens",),
        ("usageMetadata.thoughtsTokenCount",),
    ),
    "cost": (("usage.cost.total_cost",),),
}
"""For each column the sums of which the first that is there counts; of a sum, only what comes first must be there.

Gemini's audio stands in lists, which no path reaches: it is left out.
"""
FLOATS = ("usage.cached_tokens", "usage.tokens.input_tokens", "usage.tokens.output_tokens", "usage.cost.total_cost")


def schema(names: Iterable[str]) -> dict[str, Any]:
    """What some columns are made of: what a reader is told of the bodies."""
    found: dict[str, Any] = {}
    for name in names:
        for path in (path for paths in FIRST[name] for path in paths):
            *holders, last = path.split(".")
            node = found
            for holder in holders:
                node = node.setdefault(holder, {})
            node[last] = str if name in ("model", "id") else float if path in FLOATS else int
    return found


def _sql(options: tuple[tuple[str, ...], ...]) -> str:
    sums = (" + ".join((first, *(f"coalesce({path}, 0)" for path in further))) for first, *further in options)
    return f"coalesce({', '.join(sums)})"


def _quoted(path: str) -> str:
    return ".".join(f'"{name}"' for name in path.split("."))


SQL = {name: _sql(tuple(tuple(map(_quoted, paths)) for paths in options)) for name, options in FIRST.items()}


def in_arrow(held: pa.Table, name: str) -> Any:
    def at(path: str) -> Any:
        top, *further = path.split(".")
        return pc.struct_field(held[top], further) if further else held[top]

    sums = []
    for first, *further in FIRST[name]:
        found = at(first)
        for path in further:
            found = pc.add(found, pc.fill_null(at(path), 0))
        sums.append(found.cast(TYPES.get(name, pa.int64())))
    return pc.coalesce(*sums)
