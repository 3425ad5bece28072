"""GitHub Copilot."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.fields import beside, number

# What is billed: billionths of an AI unit. The shares it is made of have prices of their own, which do not add up.
_BILLED = {"total_nano_aiu": beside(number("copilot_usage.total_nano_aiu"))}


class Copilot(OpenAIChat):
    """GitHub Copilot: OpenAI's usage, and what it bills beside it.

    https://docs.github.com/en/copilot/concepts/billing
    """

    provider = "GitHub Copilot"
    aliases = ("copilot",)
    hosts = ("api.githubcopilot.com", "*.githubcopilot.com", "copilot-api.*.ghe.com")
    sdk_types = ()

    provider_metrics = {**OpenAIChat.provider_metrics, **_BILLED}


class CopilotResponses(OpenAIResponses):
    """GitHub Copilot's Responses.

    https://docs.github.com/en/copilot/concepts/billing
    """

    provider = "GitHub Copilot"
    hosts = ()
    sdk_types = ()

    provider_metrics = {**OpenAIResponses.provider_metrics, **_BILLED}
