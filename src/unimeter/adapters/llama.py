"""Meta Llama."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import count


class Llama(Adapter):
    """Meta's Llama API. Usage is a list of named numbers; a stream's last event holds it.

    https://llama.developer.meta.com/docs/api/chat
    """

    provider = "Meta Llama"
    aliases = ("llama", "meta")
    hosts = ("api.llama.com",)
    url_paths = ("api.llama.com/v1/",)
    packages = ("llama_api_client",)
    shape = ("completion_message", "event.event_type")
    places = ("metrics", "event.metrics")
    content = tuple(f"event.delta.{name}" for name in ("text", "reasoning", "function"))
    final = stop = ("event.event_type=metrics",)
    whole = ("completion_message",)
    sdk_types = ("llama_api_client.types.create_chat_completion_response:Metric",)
    ignored = {"metric": "the number's name", "value": "read by its name", "unit": "always tokens"}

    input_tokens = count("[metric=num_prompt_tokens].value")
    output_tokens = count("[metric=num_completion_tokens].value")
    total_tokens = count("[metric=num_total_tokens].value")


class LlamaOpenAI(OpenAIChat):
    """Meta's Llama API through OpenAI's dialect.

    https://llama.developer.meta.com/docs/features/compatibility
    """

    provider = "Meta Llama"
    aliases = ("meta-llama-openai",)
    hosts = ("api.llama.com",)
    url_paths = ("/compat/v1/",)
