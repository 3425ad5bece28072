"""Ollama."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import count


class Ollama(Adapter):
    """Ollama's native API: chat, generate, embed. Durations are in nanoseconds.

    An old server leaves `prompt_eval_count` out when the prompt is cached: then the input is unknown, not 0.

    https://github.com/ollama/ollama/blob/main/docs/api.md
    """

    provider = "Ollama"
    hosts = ("localhost:11434", "127.0.0.1:11434", "0.0.0.0:11434", "ollama.com")
    url_paths = ("/api/chat", "/api/generate", "/api/embed")
    own_paths = ("/api/chat", "/api/generate")
    packages = ("ollama",)
    shape = ("eval_count", "prompt_eval_count", "eval_duration", "model&done")
    places = ("",)
    content = (*(f"message.{name}" for name in ("content", "thinking", "tool_calls")), "response", "thinking")
    final = whole = stop = ("done=true",)
    sdk_types = ("ollama:ChatResponse", "ollama:GenerateResponse")

    input_tokens = count("prompt_eval_count")
    output_tokens = count("eval_count")
    cache_read_tokens = count("prompt_eval_cached_count")
    provider_metrics = {
        "total_duration": count("total_duration"),
        "load_duration": count("load_duration"),
        "prompt_eval_duration": count("prompt_eval_duration"),
        "eval_duration": count("eval_duration"),
    }
    ignored = dict.fromkeys(
        (
            "model",
            "created_at",
            "done",
            "done_reason",
            "message",
            "response",
            "context",
            "thinking",
            "logprobs",
            "completed",
            "total",
        ),
        "no usage",
    )
