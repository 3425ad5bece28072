"""Alibaba's DashScope (Model Studio): Qwen."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import count, first, if_outside, label, number


class DashScope(OpenAIChat):
    """DashScope in OpenAI's dialect.

    https://help.aliyun.com/zh/model-studio/use-qwen-by-calling-api
    """

    provider = "DashScope"
    aliases = ("qwen", "alibaba")
    hosts = (
        *("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"),
        *("*.dashscope.aliyuncs.com", "*.maas.aliyuncs.com"),
    )
    sdk_types = ()

    provider_metrics = {
        **OpenAIChat.provider_metrics,
        "cache_type": label("prompt_tokens_details.cache_type"),
        "seconds": number("seconds"),
    }


class DashScopeNative(Adapter):
    """DashScope's own API: each event of a stream tells the usage so far. The cache is inside the input.

    https://help.aliyun.com/zh/model-studio/use-qwen-by-calling-api
    """

    provider = "DashScope"
    url_paths = ("/services/aigc/",)
    shape = tuple(f"output.{name}&request_id" for name in ("choices", "text", "audio", "task_id"))
    id = ("request_id",)
    content = ("output.text", "output.choices")
    final = tuple(
        f"output.{where}finish_reason={why}" for where in ("", "choices[].") for why in ("stop", "length", "tool_calls")
    )

    input_tokens = count("input_tokens") + if_outside(count("image_tokens"))
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")
    cache_read_tokens = first(count("prompt_tokens_details.cached_tokens"), count("input_tokens_details.cached_tokens"))
    cache_write_tokens = count("prompt_tokens_details.cache_creation_input_tokens")
    reasoning_tokens = count("output_tokens_details.reasoning_tokens")
    provider_metrics = {
        "image_tokens": first(count("image_tokens"), count("input_tokens_details.image_tokens")),
        "video_tokens": first(count("video_tokens"), count("input_tokens_details.video_tokens")),
        "cache_type": label("prompt_tokens_details.cache_type"),
        "seconds": number("seconds"),
        "image_count": count("image_count"),
        "characters": count("characters"),
    }
    ignored = {
        "input_tokens_details.text_tokens": "the input less its images and video",
        "output_tokens_details.text_tokens": "the output less its reasoning",
    }


class DashScopeEmbeddings(DashScopeNative):
    """DashScope's own embeddings and reranking: where only a total comes, it is the input.

    https://help.aliyun.com/zh/model-studio/text-embedding-synchronous-api
    """

    url_paths = ("/services/embeddings/", "/services/rerank/")
    shape = ("output.embeddings&request_id", "output.results&request_id")

    input_tokens = first(count("input_tokens"), count("total_tokens")) + if_outside(count("image_tokens"))
