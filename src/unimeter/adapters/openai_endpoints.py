"""OpenAI's other endpoints, and those of servers that follow them: embeddings, images, audio, assistants, moderation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adding import fold
from unimeter.fields import beside, count, first, if_outside, label, number, tree
from unimeter.merge import merged
from unimeter.objects import fields_of


class OpenAIEmbeddings(OpenAIChat):
    """Embeddings and reranking: nothing is generated, so where only a total comes, it is the input.

    https://platform.openai.com/docs/api-reference/embeddings/object
    """

    aliases = ()
    url_paths = ("/embeddings", "/rerank")
    whole = ("object=list",)
    shape = ("object=list", "results&usage")
    hint = ""
    stream_option = False
    sdk_types = ("openai.types.create_embedding_response:Usage",)

    input_tokens = first(count("prompt_tokens"), count("total_tokens"))
    provider_metrics = {**OpenAIChat.provider_metrics, "search_units": count("search_units")}


class OpenAIMedia(OpenAIChat):
    """Images, transcription and speech. Counts come under either of OpenAI's vocabularies; audio may be told in seconds.

    https://platform.openai.com/docs/api-reference/audio/json-object
    """

    aliases = ()
    url_paths = ("/images/", "/audio/")
    shape = (
        "created&data&usage",
        "text&usage",
        "type=transcript.*",
        "type=speech.audio.*",
        "type=image_*",
        "usage.input_token_details",
        "usage.seconds",
    )
    final = (
        "type=transcript.text.done",
        "type=transcription.done",  # Mistral's
        "type=speech.audio.done",
        "type=image_generation.completed",
        "type=image_edit.completed",
    )
    content = ("delta", "audio", "b64_json")
    stop = ("type=transcript.text.done", "type=speech.audio.done")
    hint = ""
    stream_option = False
    sdk_types = ("openai.types.images_response:Usage",)

    cache_read_tokens = first(count("prompt_tokens_details.cached_tokens"), count("input_tokens_details.cached_tokens"))
    reasoning_tokens = first(count("completion_tokens_details.reasoning_tokens"), count("output_tokens_details.reasoning_tokens"))
    audio_input_tokens = first(
        count("prompt_tokens_details.audio_tokens"),
        count("input_tokens_details.audio_tokens"),
        count("input_token_details.audio_tokens"),
    )
    audio_output_tokens = first(count("completion_tokens_details.audio_tokens"), count("output_tokens_details.audio_tokens"))
    input_tokens = first(count("prompt_tokens"), count("input_tokens")) + if_outside(audio_input_tokens)
    output_tokens = first(count("completion_tokens"), count("output_tokens"))
    provider_metrics = {
        **OpenAIChat.provider_metrics,
        "service_tier": first(beside(label("service_tier")), label("service_tier")),
        "seconds": number("seconds"),
        "image_tokens": count("input_tokens_details.image_tokens"),
        "prompt_audio_seconds": number("prompt_audio_seconds"),
        "request_count": count("request_count"),
        "output_tokens_details": tree("output_tokens_details"),
        "svg_usage": beside(tree("svg_usage")),  # another model's, billed apart
    }
    ignored = {
        **OpenAIChat.ignored,
        "input_tokens_details.text_tokens": "the input less its audio and images",
        "input_tokens_details.cached_tokens_details": "shares of the cache reads",
        "input_token_details.text_tokens": "the input less its audio",
        "type": "says whether tokens are told or seconds",
    }


class OpenAIAssistants(OpenAIChat):
    """Assistants runs. A run's usage is the sum of its steps', so the steps are not added to it.

    https://platform.openai.com/docs/api-reference/runs/object
    """

    aliases = ()
    url_paths = ("/threads",)
    shape = ("object=thread*", "event=thread.*")
    places = ("usage", "data.usage")
    whole = ("object=thread.run",)
    has_snapshots = True
    parts_have_ids = True
    content = ("delta.content", "delta.step_details")
    final = tuple(
        f"{where}object=thread.run&{where}status={why}"
        for where in ("", "data.")
        for why in ("completed", "failed", "cancelled", "expired", "incomplete")
    )
    hint = ""
    stream_option = False
    sdk_types = ("openai.types.beta.threads.run:Usage",)

    @classmethod
    def merge(cls, events: list[tuple[Mapping[str, Any], Any]]) -> Any:
        """The run's own usage; while it is not there, that of the steps so far."""
        held = [(fields_of(event.get("data")) or event, usage) for event, usage in events]
        runs = [usage for event, usage in held if event.get("object") == "thread.run"]
        if runs:
            return merged(runs)
        known: dict[str, Any] = {}
        for usage in {event.get("id"): usage for event, usage in held}.values():  # each is told again when it ends
            cls.measure(usage, {})  # a bad figure is refused before it is in a sum
            known = fold(known, dict(fields_of(usage) or {})) or {}
        return known


class OpenAIModeration(OpenAIChat):
    """OpenAI's moderation, and that of servers that follow it; who bills for it sends a usage, which is then read.

    https://platform.openai.com/docs/api-reference/moderations/object
    """

    aliases = ()
    url_paths = ("/moderations",)
    shape = ("results[].flagged",)
    free = "moderation is not billed"
    sdk_types = ()
