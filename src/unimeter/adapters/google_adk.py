"""Google ADK."""

from __future__ import annotations

from unimeter.adapters.gemini import Gemini
from unimeter.fields import count, if_outside


class GoogleADK(Gemini):
    """Google ADK's `LlmResponse`: Gemini's usage, in which a LiteLLM model's output holds its reasoning: the total tells.

    https://google.github.io/adk-docs/
    """

    provider = "Google ADK"
    aliases = hosts = url_paths = whole = ()
    packages = ("google.adk",)
    shape = ("content&usage_metadata", "content&usageMetadata")  # a response of Gemini's has its content in candidates
    final = ("turn_complete=true", "turnComplete=true", "finish_reason", "finishReason")
    content = ("content.parts[].text", "content.parts[].function_call", "content.parts[].functionCall")
    sdk_types = ()

    cache_write_tokens = count("cache_creation_input_tokens")
    output_tokens = count("candidates_token_count") + if_outside(Gemini.reasoning_tokens)
    provider_metrics = {name: field for name, field in Gemini.provider_metrics.items() if name != "service_tier"}
