"""AWS Bedrock: Converse, and InvokeModel with each model's own body."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.anthropic import Anthropic
from unimeter.fields import beside, count, first, label, number, tally, tree

TRAILER = "amazon-bedrock-invocation_metrics"
"""What InvokeModel's streams end with. Its response headers hold the same counts; `wire.headers` gives them this form."""


class Bedrock(Adapter):
    """Bedrock Converse, and Nova through InvokeModel. The prompt count comes without the cache, so it is added back.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
    """

    provider = "AWS Bedrock"
    aliases = ("bedrock", "aws", "amazon-bedrock")
    hosts = ("bedrock-*.amazonaws.com", "bedrock-*.api.aws")
    url_paths = ("/converse", "/converse-stream")
    own_paths = ("/converse-stream",)
    model_in_path = r"/model/([^/?]+)/"
    shape = ("stopReason", "usage.inputTokens", "metadata.usage.inputTokens", "messageStart", "contentBlockDelta", "messageStop")
    places = ("usage", "metadata.usage")
    model = ()
    id = ("ResponseMetadata.RequestId",)
    id_header = "x-amzn-requestid"
    content = (
        *(f"contentBlockDelta.delta.{name}" for name in ("text", "reasoningContent", "toolUse")),
        "contentBlockStart.start.toolUse",
    )
    final = stop = ("metadata.usage",)
    whole = ("output&stopReason",)
    camel_case = True
    sdk_types = ("botocore.bedrock-runtime:TokenUsage",)

    cache_read_tokens = first(count("cache_read_input_tokens"), count("cache_read_input_token_count"))
    cache_write_tokens = first(count("cache_write_input_tokens"), count("cache_write_input_token_count"))
    input_tokens = count("input_tokens") + cache_read_tokens + cache_write_tokens
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")
    provider_metrics = {
        "cacheDetails": tally("cache_details", "ttl", "input_tokens"),
        "serverToolUsage": tree("server_tool_usage"),
        "latencyMs": beside(number("metrics.latency_ms")),
        "serviceTier": beside(label("service_tier.type")),
        "performanceConfig": beside(label("performance_config.latency")),
    }


class BedrockClaude(Anthropic):
    """Claude through InvokeModel: Anthropic's usage; what a stream leaves out of it stands in the trailer."""

    provider = "AWS Bedrock"
    aliases = hosts = url_paths = ()
    shape = ()
    final = ("type=message_stop",)  # which brings the trailer
    camel_case = True
    sdk_types = ()

    cache_read_tokens = first(count("cache_read_input_tokens"), beside(count(f"{TRAILER}.cache_read_input_token_count")))
    cache_write_tokens = first(Anthropic.cache_write_tokens, beside(count(f"{TRAILER}.cache_write_input_token_count")))
    input_tokens = count("input_tokens") + cache_read_tokens + cache_write_tokens


class BedrockTitan(Adapter):
    """Amazon Titan through InvokeModel: text and embeddings.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html
    """

    provider = "AWS Bedrock"
    shape = ("inputTextTokenCount", "totalOutputTextTokenCount", "embeddingsByType")
    places = ("",)
    model = id = ()
    content = ("outputText",)
    final = stop = ("completionReason",)
    camel_case = True
    ignored = {TRAILER: "the same counts again", "index": "the chunk's number"}

    input_tokens = count("input_text_token_count")
    output_tokens = first(count("total_output_text_token_count"), count("results[].token_count"))


class BedrockLlama(Adapter):
    """Llama through InvokeModel. A stream gives the prompt count once, and a running output count.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
    """

    provider = "AWS Bedrock"
    shape = ("generation&generation_token_count",)
    places = ("",)
    model = id = ()
    content = ("generation",)
    final = stop = ("stop_reason",)
    ignored = {TRAILER: "the same counts again"}

    input_tokens = count("prompt_token_count")
    output_tokens = count("generation_token_count")


class BedrockInvoke(Adapter):
    """Any other model through InvokeModel: only the trailer, or the response headers, hold the counts.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
    """

    provider = "AWS Bedrock"
    url_paths = ("/invoke", "/invoke-with-response-stream")
    own_paths = ("/invoke-with-response-stream",)
    shape = stop = ("amazon-bedrock-invocationMetrics",)
    marks = ("amazon-bedrock-invocationMetrics",)
    places = (TRAILER,)
    id = ()
    camel_case = True
    content = ("outputs[].text", "completion")
    hint = "the counts stand in the response headers (x-amzn-bedrock-...): give them as headers="

    cache_read_tokens = count("cache_read_input_token_count")
    cache_write_tokens = count("cache_write_input_token_count")
    input_tokens = count("input_token_count") + cache_read_tokens + cache_write_tokens
    output_tokens = count("output_token_count")
    provider_metrics = {
        "invocationLatency": number("invocation_latency"),
        "firstByteLatency": number("first_byte_latency"),
    }


class BedrockAgent(Adapter):
    """A Bedrock agent's trace: each model call inside reports for itself, and they add up.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_ModelInvocationOutput.html
    """

    provider = "AWS Bedrock"
    url_paths = ("/agents/", "/retrieveAndGenerate", "/retrieveAndGenerateStream")
    shape = ("trace",)
    places = tuple(
        f"trace.trace.{step}_trace.model_invocation_output.metadata.usage"
        for step in ("orchestration", "pre_processing", "post_processing", "routing_classifier")
    )
    model = id = ()
    content = final = ("chunk",)
    camel_case = True
    calls_add = True
    sdk_types = ("botocore.bedrock-agent-runtime:Usage",)
    hint = "an agent reports usage only in its trace: enableTrace=True"

    input_tokens = count("input_tokens")
    output_tokens = count("output_tokens")
