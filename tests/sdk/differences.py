"""Where a client library stands between the wire and us: what it has no call for, what it refuses, what it drops.

Everything here is checked: a fixture must be replayed or named, a refusal must happen, a dropped field must be missing.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any, NamedTuple

from unimeter.fixture import Expected, Fixture

NOT_REPLAYED = {
    "anthropic_claude/anthropic_complete_missing": "the library no longer has text completions",
    "anthropic_claude/anthropic_complete_stream_missing": "the library no longer has text completions",
    "anthropic_claude/batch_anthropic_messages": "the library asks for it at a url that only another answer tells",
    "openai_chat/assistants_stream_tool_missing": "the library tells the events by names beside their JSON, which are not kept",
    "openai_chat/body_bom": "the form of the body is the point",
    "openai_chat/body_cut_json": "the form of the body is the point",
    "openai_chat/body_sse_crlf": "the form of the body is the point",
    "openai_chat/body_sse_tight": "the form of the body is the point",
    **dict.fromkeys(("*/realtime_*", "*/live_*"), "events of a websocket, which no call over HTTP gives"),
    **dict.fromkeys(("langfuse/*", "opentelemetry/*"), "what a tracing backend keeps, and no response"),
    **dict.fromkeys(
        (
            "cloudflare/*",
            "dashscope/native_*",
            "llamacpp/completion_*",
            "lm_studio/native_*",
            "replicate/*",
            "vercel/language_*",
            "voyage/*",
        ),
        "an API of its own, whose library is not among those tried",
    ),
    **dict.fromkeys(
        ("pydantic_gateway/anthropic", "pydantic_gateway/gemini_*"), "the library builds the url of its provider, not a gateway's"
    ),
    "aleph_alpha/*": "its own library speaks to its own host alone",
    "openai_chat/speech_stream": "the library hands the body over as bytes, unread",
    **dict.fromkeys(
        (
            *("agent_framework/*", "autogen/*", "crewai/*", "dspy/*", "google_adk/*", "haystack/*", "langchain/*"),
            *("openai_agents/*", "pydantic_ai/*", "smolagents/*", "strands/*"),
            *("agno/*", "anthropic_claude/agno", "aws_bedrock/agno", "google_gemini/agno"),
        ),
        "what an agent framework made of an answer, which no call over HTTP gives",
    ),
}
"""The fixtures that no library has a call for; `*` stands for anything."""


class Refused(NamedTuple):
    """A body that a library raises for instead of handing anything over."""

    package: str
    fixture: str
    message: str
    why: str


REFUSED = (
    Refused("anthropic", "anthropic_claude/stream_error", "Overloaded", "the stream holds an error"),
    Refused("openai", "openai_chat/stream_error", "The server had an error", "the stream holds an error"),
    Refused("google-genai", "google_gemini/audio_enum", "'int' object", "enums as numbers, which the library never asks for"),
    Refused("google-genai", "google_gemini/reasoning_traffic_type", "'int' object", "enums as numbers, as above"),
    Refused("mistralai", "mistral/missing", "usage", "the library demands usage"),
)


class Dropped(NamedTuple):
    """A name in the body that a library does not hand on, and the field that the reading lacks for it."""

    package: str
    name: str
    field: str
    why: str
    fixtures: str = "*"

    def concerns(self, package: str, fixture: Fixture) -> bool:
        """Whether it is this library and the name stands in the fixture."""
        return self.package == package and fnmatch(fixture.name, self.fixtures) and self.name.encode() in fixture.bytes()


DROPPED = (
    Dropped("boto3", "serverToolUsage", "provider_metrics.serverToolUsage", "botocore's model of the service lacks it"),
    Dropped("google-genai", "serviceTier", "provider_metrics.service_tier", "GenerateContentResponseUsageMetadata lacks it"),
    Dropped("mistralai", "pages_processed_annotation", "provider_metrics.pages_processed_annotation", "OCRUsageInfo lacks it"),
    Dropped("ollama", "prompt_eval_cached_count", "cache_read_tokens", "BaseGenerateResponse lacks it"),
    Dropped("openai", "[DONE]", "complete", "it is no chunk, and here no finish_reason tells the end", fixtures="litellm/stream"),
)


def handed_on(package: str, fixture: Fixture, told: Expected) -> Expected:
    """What is told of a fixture, without what the library drops."""
    data = told.model_dump()
    for row in DROPPED:
        if row.concerns(package, fixture):
            _drop(row.field, data)
    return Expected.model_validate(data)


def _drop(field: str, told: dict[str, Any]) -> None:
    metrics = told["metrics"]
    if field == "complete":
        told["complete"] = False
    elif field in metrics:
        del metrics[field]
        told["reported"].remove(field)
    elif field.startswith("provider_metrics."):
        metrics.get("provider_metrics", {}).pop(field.removeprefix("provider_metrics."), None)
