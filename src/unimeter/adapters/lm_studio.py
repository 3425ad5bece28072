"""LM Studio."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, count, number, tree


class LMStudio(OpenAIChat):
    """LM Studio's own REST API: OpenAI's usage, with its rates beside it. Through `/v1` it bears no mark.

    https://lmstudio.ai/docs/developer/rest/endpoints
    """

    provider = "LM Studio"
    aliases = ("lmstudio",)
    hosts = ()
    marks = ("stats.tokens_per_second",)
    sdk_types = ()

    provider_metrics = {"stats": beside(tree("stats", "stop_reason", "draft_model"))}


class LMStudioChat(Adapter):
    """LM Studio's `/api/v1/chat`, which has words of its own. A stream's last event holds the whole.

    https://lmstudio.ai/docs/developer/rest/chat
    """

    provider = "LM Studio"
    url_paths = ("/api/v1/chat",)
    shape = ("model_instance_id&stats", "result.model_instance_id")
    places = ("stats", "result.stats")
    model = ("model_instance_id",)
    id = ("response_id",)
    content = ("content",)
    final = ("stats", "type=chat.end")

    input_tokens = count("input_tokens")
    output_tokens = count("total_output_tokens")
    reasoning_tokens = count("reasoning_output_tokens")
    provider_metrics = {
        "tokens_per_second": beside(number("stats.tokens_per_second")),
        "time_to_first_token_seconds": beside(number("stats.time_to_first_token_seconds")),
        "model_load_time_seconds": beside(number("stats.model_load_time_seconds")),
    }
    ignored = dict.fromkeys(
        ("tokens_per_second", "time_to_first_token_seconds", "model_load_time_seconds"),
        "read from beside the counts: without these, they are no usage",
    )
