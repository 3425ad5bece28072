"""Cloudflare: Workers AI and the AI Gateway."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat


class WorkersAI(OpenAIChat):
    """Workers AI's own API: OpenAI's counts, in an envelope. Its `/v1` is OpenAI's dialect without one.

    https://developers.cloudflare.com/workers-ai/models/
    """

    provider = "Cloudflare"
    aliases = ("workers-ai",)
    hosts = ("api.cloudflare.com", "gateway.ai.cloudflare.com")
    url_paths = ("/ai/run/",)
    model_in_path = r"/ai/run/([^?]+)"
    shape = ("result.usage&success",)
    places = ("usage", "result.usage")
    final = ("usage", "result", *OpenAIChat.final)
    whole = ("result.usage&success",)
    content = ("response", *OpenAIChat.content)
    sdk_types = ()
