"""Moonshot: Kimi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.objects import fields_of
from unimeter.values import Refused


class Moonshot(OpenAIChat):
    """Moonshot: OpenAI's usage, in streams inside the last choice.

    https://platform.moonshot.ai/docs/api/chat
    """

    provider = "Moonshot"
    aliases = ("moonshotai", "kimi")
    hosts = ("api.moonshot.ai", "api.moonshot.cn", "api.kimi.com")
    places = ("usage", "choices[].usage")
    sdk_types = ()

    @classmethod
    def merge(cls, events: list[tuple[Mapping[str, Any], Any]]) -> Any:
        """Of several choices, each with a usage, nobody says which is the response's."""
        choices = {index for event, _ in events if event.get("usage") is None for index in _choices(event)}
        if len(choices) > 1:
            raise Refused("usage", "in one choice", sorted(choices, key=str))
        return super().merge(events)


def _choices(event: Mapping[str, Any]) -> list[Any]:
    """Which of an event's choices have a usage, by their numbers."""
    choices = (fields_of(choice) or {} for choice in event.get("choices") or ())
    numbers = (choice.get("index") for choice in choices if choice.get("usage") is not None)
    return [number if isinstance(number, int) else None for number in numbers]
