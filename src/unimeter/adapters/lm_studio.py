"""LM Studio."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, tree


class LMStudio(OpenAIChat):
    """LM Studio's own REST API: OpenAI's usage, with its rates beside it. Through `/v1` it bears no mark.

    https://lmstudio.ai/docs/developer/rest/endpoints
    """

    provider = "LM Studio"
    aliases = ("lmstudio",)
    hosts = ()
    marks = ("stats.tokens_per_second",)
    sdk_types = ()

    provider_metrics = {"stats": beside(tree("stats"))}
