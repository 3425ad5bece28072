"""Realtime sessions: each answer in one is a call of its own, which counts the conversation so far again."""

from __future__ import annotations

from unimeter.adapters.gemini import Gemini
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.fields import absent, count, first, number, tally

TRANSCRIBED = "type=conversation.item.input_audio_transcription.*"


class OpenAITranscribed(OpenAIResponses):
    """What was heard in a session, written down by a model of its own, which is billed apart, by tokens or seconds.

    https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/input_audio_transcription/completed
    """

    hosts = ("api.openai.com",)
    url_paths = ()
    shape = (TRANSCRIBED,)
    places = ("usage",)
    whole = ()
    final = (TRANSCRIBED,)
    calls_add = True
    sdk_types = ()

    cache_read_tokens = absent
    cache_write_tokens = absent
    reasoning_tokens = absent
    audio_input_tokens = count("input_token_details.audio_tokens")
    provider_metrics = {"seconds": number("seconds")}
    ignored = {
        "input_token_details.text_tokens": "the input less its audio",
        "type": "says whether tokens are told or seconds",
    }


class OpenAIRealtime(OpenAIResponses):
    """OpenAI Realtime, which says "token" for "tokens". Who made the answers, only the session's own events tell.

    https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
    """

    hosts = ("api.openai.com",)
    url_paths = ("/realtime",)
    shape = (
        *("type=response.done", "type=session.created&event_id", "type=session.updated&event_id"),
        *("type=conversation.created", "type=conversation.item.*"),
        *("type=input_audio_buffer.*", "type=rate_limits.updated"),
        *("object=realtime.response", "response.object=realtime.response"),
    )
    places = ("usage", "response.usage")
    model = ("session.model", "model")
    final = ("type=response.done", "object=realtime.response")
    start = ("type=response.created",)
    stop = ("type=response.done",)
    whole = ("object=realtime.response",)
    has_snapshots = True
    asides = (TRANSCRIBED,)
    sdk_types = ("openai.types.realtime:RealtimeResponseUsage",)

    cache_read_tokens = first(count("input_token_details.cached_tokens"), count("input_tokens_details.cached_tokens"))
    audio_input_tokens = first(count("input_token_details.audio_tokens"), count("input_tokens_details.audio_tokens"))
    audio_output_tokens = first(count("output_token_details.audio_tokens"), count("output_tokens_details.audio_tokens"))
    reasoning_tokens = first(count("output_token_details.reasoning_tokens"), count("output_tokens_details.reasoning_tokens"))
    provider_metrics = {
        "image_tokens": count("input_token_details.image_tokens"),
        "context_tokens": count("context_tokens"),  # the last answer's, of several in a session
    }
    ignored = {
        "input_token_details.text_tokens": "the input less its audio and images",
        "output_token_details.text_tokens": "the output less its audio",
        "input_token_details.cached_tokens_details.text_tokens": "the cache reads less their audio and images",
        "input_token_details.cached_tokens_details.audio_tokens": "a share of the cache reads",
        "input_token_details.cached_tokens_details.image_tokens": "a share of the cache reads",
    }


class OpenAIDelegated(OpenAIResponses):
    """What another model did for an OpenAI Live session, event by event.

    https://platform.openai.com/docs/api-reference/live-server-events
    """

    hosts = ("api.openai.com",)
    url_paths = ()
    shape = ("type=response.event",)
    places = ("event.response.usage",)
    whole = ()
    final = ("event.type=response.completed", "event.type=response.incomplete", "event.type=response.failed")
    calls_add = True
    sdk_types = ()


class OpenAILive(OpenAIResponses):
    """OpenAI Live, billed by its seconds and not by tokens; each event tells those of all the session so far.

    https://platform.openai.com/docs/api-reference/live-server-events
    """

    hosts = ("api.openai.com",)
    url_paths = ("/live/sessions",)
    shape = ("type=session.started", "type=session.usage.updated", "type=session.closed")
    model = ("session.model",)
    id = ("session.id",)
    places = ("usage",)
    whole = ()
    content = ("delta",)
    final = stop = ("type=session.closed",)
    asides = ("type=response.event",)
    sdk_types = ("openai.types.live:SessionUsage",)

    input_tokens = output_tokens = total_tokens = cache_read_tokens = cache_write_tokens = reasoning_tokens = cost = absent
    provider_metrics = {
        "seconds": number("seconds"),
        "active_seconds": number("active_seconds"),  # with the paused ones, they add up to `seconds`
        "paused_seconds": number("paused_seconds"),
    }


class GeminiLive(Gemini):
    """Gemini Live: each turn tells its usage, once or more; a total of its leaves the thoughts out.

    https://ai.google.dev/api/live#usagemetadata
    """

    url_paths = ("BidiGenerateContent",)
    shape = ("serverContent", "server_content", "setupComplete", "toolCall.functionCalls")
    speaks_its_base = True
    whole = ()
    content = ("serverContent.modelTurn", "server_content.model_turn", "toolCall", "tool_call")
    final = ("serverContent.turnComplete", "server_content.turn_complete", "serverContent.interrupted")
    stop = ("serverContent.turnComplete", "server_content.turn_complete")
    sdk_types = ("google.genai.types:UsageMetadata",)

    provider_metrics = {
        **Gemini.provider_metrics,
        "context_tokens": OpenAIRealtime.provider_metrics["context_tokens"],
        "response_tokens_details": tally("response_tokens_details", "modality", "token_count"),
    }
