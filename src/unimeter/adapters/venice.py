"""Venice."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, money


class Venice(OpenAIChat):
    """Venice. OpenAI's usage, with the cost in dollars beside it.

    https://docs.venice.ai/api-reference/endpoint/chat/completions
    """

    provider = "Venice"
    aliases = ()
    hosts = ("api.venice.ai",)
    marks = ("venice_parameters", "cost.diem")
    sdk_types = ()

    cost = beside(money("cost.usd"))
