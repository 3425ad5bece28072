"""Perplexity."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_endpoints import OpenAIEmbeddings
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.fields import absent, count, label, money, tree


class Perplexity(OpenAIChat):
    """Perplexity Sonar. The cost comes itemised; every chunk of a stream repeats the usage so far.

    https://docs.perplexity.ai/api-reference/chat-completions-post
    """

    provider = "Perplexity"
    aliases = ()
    hosts = ("api.perplexity.ai",)
    packages = ("perplexity",)
    marks = ("citations", "search_results", "usage.search_context_size", "usage.citation_tokens", "usage.num_search_queries")
    final = ("choices[].finish_reason", "object=chat.completion.done")
    hint = ""
    stream_option = False
    sdk_types = ("perplexity.types.shared:UsageInfo",)

    cache_write_tokens = absent
    cost = money("cost.total_cost")
    provider_metrics = {
        "citation_tokens": count("citation_tokens"),
        "num_search_queries": count("num_search_queries"),
        "search_context_size": label("search_context_size"),
        "cost_details": tree("cost", "currency"),
    }


class PerplexityEmbeddings(OpenAIEmbeddings):
    """Perplexity's embeddings: OpenAI's, with the cost itemised.

    https://docs.perplexity.ai/api-reference/embeddings-post
    """

    provider = "Perplexity"
    shape = ("object=list&usage.cost.total_cost",)
    sdk_types = ()

    cost = money("cost.total_cost")
    provider_metrics = {"cost_details": tree("cost", "currency")}


class PerplexityResponses(OpenAIResponses):
    """Perplexity's Responses: OpenAI's, with the cost itemised.

    https://docs.perplexity.ai/api-reference/responses-post
    """

    provider = "Perplexity"
    hosts = ("api.perplexity.ai",)
    marks = ("usage.tool_calls_details",)
    sdk_types = ()

    cost = money("cost.total_cost")
    provider_metrics = {
        "tool_calls_details": tree("tool_calls_details"),
        "cost_details": tree("cost", "currency"),
    }
