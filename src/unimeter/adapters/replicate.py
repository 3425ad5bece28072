"""Replicate."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import count, number


class Replicate(Adapter):
    """Replicate's predictions: language models count tokens, all of them seconds.

    https://replicate.com/docs/reference/http#predictions.get
    """

    provider = "Replicate"
    hosts = ("api.replicate.com",)
    url_paths = ("/predictions",)
    model_in_path = r"/models/([^/]+/[^/]+)/predictions"
    shape = ("metrics.predict_time",)
    places = ("metrics",)
    final = ("status=succeeded", "status=failed", "status=canceled")

    input_tokens = count("input_token_count")
    output_tokens = count("output_token_count")
    provider_metrics = {
        "predict_time": number("predict_time"),
        "total_time": number("total_time"),
        "time_to_first_token": number("time_to_first_token"),
        "tokens_per_second": number("tokens_per_second"),
        "image_count": count("image_count"),
        "character_input_count": count("character_input_count"),
        "audio_output_duration_seconds": number("audio_output_duration_seconds"),
    }
