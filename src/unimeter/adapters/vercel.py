"""Vercel AI Gateway."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, count, first, label, money, tree


class VercelGateway(OpenAIChat):
    """Vercel AI Gateway: OpenAI's usage, what it charged, and what the market's price would be. The two are never added.

    https://vercel.com/docs/ai-gateway
    """

    provider = "Vercel AI Gateway"
    aliases = ()
    hosts = ("ai-gateway.vercel.sh",)
    marks = ("usage.market_cost",)
    sdk_types = ()

    provider_metrics = {
        "market_cost": money("market_cost"),
        "gateway_cost": money("gateway_cost"),
        "cost_details": tree("cost_details"),
        "is_byok": tree("is_byok"),
        "service_tier": OpenAIChat.provider_metrics["service_tier"],
    }
    ignored = {
        **OpenAIChat.ignored,
        "prompt_tokens_details.video_tokens": "a share of the input that is priced like text",
        "completion_tokens_details.image_tokens": "a share of the output",
    }


class VercelLanguageModel(Adapter):
    """The AI SDK's own protocol, in which its gateway answers, in its third version: each count is an object.

    https://ai-sdk.dev/docs/reference/ai-sdk-core/generate-text
    """

    provider = "Vercel AI Gateway"
    url_paths = ("/ai/language-model",)
    shape = ("finishReason.unified&usage.inputTokens",)
    model = ("response.model_id",)
    id = ("response.id",)
    camel_case = True
    content = ("delta",)
    final = ("finishReason",)

    input_tokens = count("input_tokens.total")
    output_tokens = count("output_tokens.total")
    cache_read_tokens = count("input_tokens.cache_read")
    cache_write_tokens = count("input_tokens.cache_write")
    reasoning_tokens = count("output_tokens.reasoning")
    provider_metrics = {"gateway_cost": beside(label("provider_metadata.gateway.cost"))}  # dollars, told as a text
    ignored = {
        "input_tokens.no_cache": "the input less its cache",
        "output_tokens.text": "the output less its reasoning",
        "raw": "the usage as the provider told it, once more",
    }


class VercelLanguageModel2(VercelLanguageModel):
    """The same in its second version: each count is a number.

    https://ai-sdk.dev/docs/reference/ai-sdk-core/generate-text
    """

    url_paths = ()
    shape = ("content&finishReason&usage.inputTokens", "type=finish&usage.inputTokens")

    input_tokens = count("input_tokens")
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")
    cache_read_tokens = first(count("cached_input_tokens"), count("input_token_details.cache_read_tokens"))
    cache_write_tokens = count("input_token_details.cache_write_tokens")
    reasoning_tokens = first(count("reasoning_tokens"), count("output_token_details.reasoning_tokens"))
    ignored = {}
