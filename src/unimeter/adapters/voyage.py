"""Voyage."""

from __future__ import annotations

from unimeter.adapters.openai_endpoints import OpenAIEmbeddings
from unimeter.fields import count


class Voyage(OpenAIEmbeddings):
    """Voyage's embeddings and reranking. Those of pictures count pixels as well, which are inside the total.

    https://docs.voyageai.com/reference/multimodal-embeddings-api
    """

    provider = "Voyage"
    aliases = ("voyageai",)
    hosts = ("api.voyageai.com",)
    url_paths = ("/multimodalembeddings", "/contextualizedembeddings")
    marks = ("usage.image_pixels", "usage.video_pixels")
    sdk_types = ()

    provider_metrics = {
        "text_tokens": count("text_tokens"),
        "image_pixels": count("image_pixels"),
        "video_pixels": count("video_pixels"),
    }
