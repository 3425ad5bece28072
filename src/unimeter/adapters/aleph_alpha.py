"""Aleph Alpha."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import count


class AlephAlpha(Adapter):
    """Aleph Alpha's completions: two counts at the top of the response. It names the version of a model, not the model.

    https://docs.aleph-alpha.com/api/complete/
    """

    provider = "Aleph Alpha"
    hosts = ("api.aleph-alpha.com",)
    shape = ("num_tokens_generated", "num_tokens_prompt_total")
    places = ("",)
    model = id = ()
    ignored = {
        "model_version": "no usage",
        "optimized_prompt": "no usage",
    }

    input_tokens = count("num_tokens_prompt_total")
    output_tokens = count("num_tokens_generated")
