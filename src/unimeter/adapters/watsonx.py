"""IBM watsonx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import count, first
from unimeter.values import as_count, as_fields, as_list

_RUNNING = ("input_token_count", "generated_token_count")
"""Counts that a stream's events repeat or let run, and never lower but to 0."""


class WatsonX(OpenAIChat):
    """watsonx chat: OpenAI's usage, and the model's id under a name of its own.

    https://cloud.ibm.com/apidocs/watsonx-ai#text-chat
    """

    provider = "IBM WatsonX"
    aliases = ("watsonx", "ibm", "ibm.watsonx.ai")
    hosts = ("*.ml.cloud.ibm.com",)
    url_paths = ("/ml/v1/text/chat",)
    own_paths = url_paths
    packages = ("ibm_watsonx_ai",)
    marks = ("model_id",)
    model = ("model", "model_id")
    hint = ""
    stream_option = False
    sdk_types = ()


class WatsonXGeneration(Adapter):
    """watsonx text generation and embeddings. A stream gives the prompt count once and then 0; the output count runs.

    https://cloud.ibm.com/apidocs/watsonx-ai#text-generation
    """

    provider = "IBM WatsonX"
    url_paths = ("/ml/v1/text/generation", "/ml/v1-beta/generation/")
    own_paths = ("/ml/v1/text/generation",)
    shape = ("model_id", "results[].generated_token_count")
    places = ("",)
    model = ("model_id",)
    id = ()
    content = ("results[].generated_text",)
    final = stop = tuple(
        f"results[].stop_reason={reason}"
        for reason in ("eos_token", "max_tokens", "stop_sequence", "token_limit", "time_limit", "cancelled", "error")
    )

    input_tokens = first(count("results[].input_token_count"), count("input_token_count"))
    output_tokens = count("results[].generated_token_count")

    @classmethod
    def merge(cls, events: list[tuple[Mapping[str, Any], Any]]) -> Any:
        """The largest of each count, not the last: the prompt's is 0 in all events but one."""
        if len(events) == 1:
            return events[0][1]
        largest: dict[str, int] = {}
        for _, usage in events:
            for result in as_list(usage.get("results") or [], "results") or ():
                fields = as_fields(result, "results[]") or {}
                for name in _RUNNING:
                    count = fields.get(name)
                    if count is not None:
                        largest[name] = max(largest.get(name, 0), as_count(count, f"results[].{name}") or 0)
        return {"results": [largest]}
