"""Moonshot: Kimi."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat


class Moonshot(OpenAIChat):
    """Moonshot: OpenAI's usage, in streams inside the last choice.

    https://platform.moonshot.ai/docs/api/chat
    """

    provider = "Moonshot"
    aliases = ("moonshotai", "kimi")
    hosts = ("api.moonshot.ai", "api.moonshot.cn")
    places = ("usage", "choices[].usage")
    sdk_types = ()
