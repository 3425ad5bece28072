"""What one would write by hand for each provider: unchecked, knowing exactly what comes, into the same dataclass.

Each reads the fields that our adapter reads from a plain response, once from a dict and once from the SDK's object.
"""

from __future__ import annotations

from typing import Any

from unimeter import MessageMetrics


def _own(**values: Any) -> dict[str, Any] | None:
    return {name: value for name, value in values.items() if value is not None} or None


def chat_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    read, generated = usage["prompt_tokens"], usage["completion_tokens"]
    heard, spoken = prompt.get("audio_tokens") or 0, completion.get("audio_tokens") or 0
    own = {}
    if (value := completion.get("accepted_prediction_tokens")) is not None:
        own["accepted_prediction_tokens"] = value
    if (value := completion.get("rejected_prediction_tokens")) is not None:
        own["rejected_prediction_tokens"] = value
    if (value := body.get("service_tier")) is not None:
        own["service_tier"] = value
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        audio_total_tokens=heard + spoken,
        cache_read_tokens=prompt.get("cached_tokens") or 0,
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        reasoning_tokens=completion.get("reasoning_tokens") or 0,
        cost=usage.get("cost"),
        provider_metrics=own or None,
    )


def chat_object(response: Any) -> MessageMetrics:
    usage = response.usage
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    read, generated = usage.prompt_tokens, usage.completion_tokens
    heard = (prompt.audio_tokens or 0) if prompt else 0
    spoken = (completion.audio_tokens or 0) if completion else 0
    own = {}
    if completion:
        if completion.accepted_prediction_tokens is not None:
            own["accepted_prediction_tokens"] = completion.accepted_prediction_tokens
        if completion.rejected_prediction_tokens is not None:
            own["rejected_prediction_tokens"] = completion.rejected_prediction_tokens
    if response.service_tier is not None:
        own["service_tier"] = response.service_tier
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        audio_total_tokens=heard + spoken,
        cache_read_tokens=(prompt.cached_tokens or 0) if prompt else 0,
        cache_write_tokens=(prompt.cache_write_tokens or 0) if prompt else 0,
        reasoning_tokens=(completion.reasoning_tokens or 0) if completion else 0,
        cost=(usage.__pydantic_extra__ or {}).get("cost"),
        provider_metrics=own or None,
    )


def responses_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    details = usage.get("input_tokens_details") or {}
    read, generated = usage["input_tokens"], usage["output_tokens"]
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=details.get("cached_tokens") or 0,
        cache_write_tokens=details.get("cache_write_tokens") or 0,
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
        cost=usage.get("cost"),
        provider_metrics=_own(
            cache_write_tokens_details=details.get("cache_write_tokens_details"),
            service_tier=body.get("service_tier"),
            tool_usage=body.get("tool_usage"),
        ),
    )


def responses_object(response: Any) -> MessageMetrics:
    usage = response.usage
    details = usage.input_tokens_details
    read, generated = usage.input_tokens, usage.output_tokens
    split, tools = details.cache_write_tokens_details, response.tool_usage
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=details.cached_tokens or 0,
        cache_write_tokens=details.cache_write_tokens or 0,
        reasoning_tokens=usage.output_tokens_details.reasoning_tokens or 0,
        cost=(usage.__pydantic_extra__ or {}).get("cost"),
        provider_metrics=_own(
            cache_write_tokens_details=split and dict(split.__dict__),
            service_tier=response.service_tier,
            tool_usage=tools and tools.model_dump(exclude_none=True),
        ),
    )


def anthropic_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    cached, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    read, generated = usage["input_tokens"] + cached + written, usage["output_tokens"]
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
        cost=usage.get("cost"),
        provider_metrics=_own(
            server_tool_use=usage.get("server_tool_use"),
            service_tier=usage.get("service_tier"),
            cache_creation=usage.get("cache_creation"),
            speed=usage.get("speed"),
            inference_geo=usage.get("inference_geo"),
            iterations=usage.get("iterations"),
            fallback_credit=usage.get("fallback_credit"),
        ),
    )


def anthropic_object(response: Any) -> MessageMetrics:
    usage = response.usage
    extra = usage.__pydantic_extra__ or {}
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    read, generated = usage.input_tokens + cached + written, usage.output_tokens
    thinking, tools, split = usage.output_tokens_details, usage.server_tool_use, usage.cache_creation
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=thinking.thinking_tokens if thinking else 0,
        cost=extra.get("cost"),
        provider_metrics=_own(
            server_tool_use=tools and dict(tools.__dict__),
            service_tier=usage.service_tier,
            cache_creation=split and dict(split.__dict__),
            speed=usage.speed,
            inference_geo=usage.inference_geo,
            iterations=extra.get("iterations"),
            fallback_credit=extra.get("fallback_credit"),
        ),
    )


def _audio(details: list[dict[str, Any]] | None) -> int:
    return sum(item["tokenCount"] for item in details or () if item["modality"] == "AUDIO")


def _tally(details: list[dict[str, Any]] | None) -> dict[str, int] | None:
    return {item["modality"]: item["tokenCount"] for item in details} if details else None


def gemini_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usageMetadata"]
    tool_use, thoughts = usage.get("toolUsePromptTokenCount"), usage.get("thoughtsTokenCount") or 0
    read = usage["promptTokenCount"] + (tool_use or 0)
    generated = (usage.get("candidatesTokenCount") or 0) + thoughts
    prompt, candidates = usage.get("promptTokensDetails"), usage.get("candidatesTokensDetails")
    heard, spoken = _audio(prompt) + _audio(usage.get("toolUsePromptTokensDetails")), _audio(candidates)
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        audio_total_tokens=heard + spoken,
        cache_read_tokens=usage.get("cachedContentTokenCount") or 0,
        reasoning_tokens=thoughts,
        provider_metrics=_own(
            traffic_type=usage.get("trafficType"),
            service_tier=usage.get("serviceTier"),
            tool_use_prompt_token_count=tool_use,
            prompt_tokens_details=_tally(prompt),
            candidates_tokens_details=_tally(candidates),
            cache_tokens_details=_tally(usage.get("cacheTokensDetails")),
            tool_use_prompt_tokens_details=_tally(usage.get("toolUsePromptTokensDetails")),
        ),
    )


def _audio_of(details: list[Any] | None) -> int:
    return sum(item.token_count for item in details or () if item.modality.value == "AUDIO")


def _tally_of(details: list[Any] | None) -> dict[str, int] | None:
    return {item.modality.value: item.token_count for item in details} if details else None


def gemini_object(response: Any) -> MessageMetrics:
    usage = response.usage_metadata
    tool_use, thoughts = usage.tool_use_prompt_token_count, usage.thoughts_token_count or 0
    read = usage.prompt_token_count + (tool_use or 0)
    generated = (usage.candidates_token_count or 0) + thoughts
    prompt, candidates = usage.prompt_tokens_details, usage.candidates_tokens_details
    heard, spoken = _audio_of(prompt) + _audio_of(usage.tool_use_prompt_tokens_details), _audio_of(candidates)
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        audio_total_tokens=heard + spoken,
        cache_read_tokens=usage.cached_content_token_count or 0,
        reasoning_tokens=thoughts,
        provider_metrics=_own(
            traffic_type=usage.traffic_type and usage.traffic_type.value,
            tool_use_prompt_token_count=tool_use,
            prompt_tokens_details=_tally_of(prompt),
            candidates_tokens_details=_tally_of(candidates),
            cache_tokens_details=_tally_of(usage.cache_tokens_details),
            tool_use_prompt_tokens_details=_tally_of(usage.tool_use_prompt_tokens_details),
        ),
    )


def groq_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    read, generated = usage["prompt_tokens"], usage["completion_tokens"]
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        reasoning_tokens=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
        provider_metrics=_own(
            completion_time=usage.get("completion_time"),
            prompt_time=usage.get("prompt_time"),
            queue_time=usage.get("queue_time"),
            total_time=usage.get("total_time"),
            service_tier=body.get("service_tier"),
        ),
    )


def groq_object(response: Any) -> MessageMetrics:
    usage = response.usage
    read, generated = usage.prompt_tokens, usage.completion_tokens
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=prompt.cached_tokens if prompt else 0,
        reasoning_tokens=completion.reasoning_tokens if completion else 0,
        provider_metrics=_own(
            completion_time=usage.completion_time,
            prompt_time=usage.prompt_time,
            queue_time=usage.queue_time,
            total_time=usage.total_time,
            service_tier=response.service_tier,
        ),
    )


def mistral_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    details = usage.get("prompt_tokens_details") or {}
    read, generated, heard = usage["prompt_tokens"], usage["completion_tokens"], details.get("audio_tokens") or 0
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_total_tokens=heard,
        cache_read_tokens=details.get("cached_tokens") or usage.get("num_cached_tokens") or 0,
        reasoning_tokens=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
        provider_metrics=_own(
            prompt_audio_seconds=usage.get("prompt_audio_seconds"),
            service_tier=usage.get("service_tier"),
            connector_tokens=usage.get("connector_tokens"),
        ),
    )


def mistral_object(response: Any) -> MessageMetrics:
    usage = response.usage
    extra = usage.__pydantic_extra__ or {}
    details = extra.get("prompt_tokens_details") or {}
    read, generated, heard = usage.prompt_tokens, usage.completion_tokens, details.get("audio_tokens") or 0
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_total_tokens=heard,
        cache_read_tokens=details.get("cached_tokens") or extra.get("num_cached_tokens") or 0,
        reasoning_tokens=(extra.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
        provider_metrics=_own(
            prompt_audio_seconds=usage.prompt_audio_seconds or None,
            service_tier=usage.service_tier or None,
            connector_tokens=extra.get("connector_tokens"),
        ),
    )


def bedrock_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    cached, written = usage.get("cacheReadInputTokens") or 0, usage.get("cacheWriteInputTokens") or 0
    read, generated = usage["inputTokens"] + cached + written, usage["outputTokens"]
    details = usage.get("cacheDetails")
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        provider_metrics=_own(
            cacheDetails={item["ttl"]: item["inputTokens"] for item in details} if details else None,
            serverToolUsage=usage.get("serverToolUsage"),
            latencyMs=(body.get("metrics") or {}).get("latencyMs"),
            serviceTier=(body.get("serviceTier") or {}).get("type"),
            performanceConfig=(body.get("performanceConfig") or {}).get("latency"),
        ),
    )


LITELLM_PROMPT = (
    "web_search_requests",
    "google_maps_grounding_requests",
    "tool_use_tokens",
    "character_count",
    "image_count",
    "query_count",
    "video_length_seconds",
    "audio_length_seconds",
)
LITELLM_COMPLETION = ("image_tokens", "video_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens")


def litellm_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    hidden = body.get("_hidden_params") or {}
    read, generated = usage["prompt_tokens"], usage["completion_tokens"]
    heard, spoken = prompt.get("audio_tokens") or 0, completion.get("audio_tokens") or 0
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        audio_total_tokens=heard + spoken,
        cache_read_tokens=prompt.get("cached_tokens") or 0,
        cache_write_tokens=prompt.get("cache_creation_tokens") or 0,
        reasoning_tokens=completion.get("reasoning_tokens") or 0,
        cost=usage.get("cost") or hidden.get("response_cost"),
        provider_metrics=_own(
            service_tier=body.get("service_tier"),
            custom_llm_provider=hidden.get("custom_llm_provider"),
            cache_creation_token_details=prompt.get("cache_creation_token_details"),
            server_tool_use=usage.get("server_tool_use"),
            cached_tokens_details=prompt.get("cached_tokens_details"),
            **{name: prompt.get(name) for name in LITELLM_PROMPT},
            **{name: completion.get(name) for name in LITELLM_COMPLETION},
        ),
    )


def litellm_object(response: Any) -> MessageMetrics:
    usage, hidden = response.usage, response._hidden_params
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    read, generated = usage.prompt_tokens, usage.completion_tokens
    heard, spoken = prompt.audio_tokens or 0, completion.audio_tokens or 0
    written, tools = prompt.__dict__.get("cache_creation_token_details"), usage.__dict__.get("server_tool_use")
    cached = prompt.__dict__.get("cached_tokens_details")
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        audio_total_tokens=heard + spoken,
        cache_read_tokens=prompt.cached_tokens or 0,
        cache_write_tokens=prompt.__dict__.get("cache_creation_tokens") or 0,
        reasoning_tokens=completion.reasoning_tokens or 0,
        cost=hidden.get("response_cost"),
        provider_metrics=_own(
            service_tier=(response.__pydantic_extra__ or {}).get("service_tier"),
            custom_llm_provider=hidden.get("custom_llm_provider"),
            cache_creation_token_details=written and {k: v for k, v in written.__dict__.items() if v is not None},
            server_tool_use=tools and {k: v for k, v in tools.__dict__.items() if v is not None},
            cached_tokens_details=cached and {k: v for k, v in cached.__dict__.items() if v is not None},
            **{name: prompt.__dict__.get(name) for name in LITELLM_PROMPT},
            **{name: completion.__dict__.get(name) for name in LITELLM_COMPLETION},
        ),
    )


def perplexity_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    read, generated, cost = usage["prompt_tokens"], usage["completion_tokens"], usage.get("cost")
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        reasoning_tokens=usage.get("reasoning_tokens") or 0,
        cost=cost["total_cost"] if cost else None,
        provider_metrics=_own(
            citation_tokens=usage.get("citation_tokens"),
            num_search_queries=usage.get("num_search_queries"),
            search_context_size=usage.get("search_context_size"),
            cost_details=cost and dict(cost),
        ),
    )


def perplexity_object(response: Any) -> MessageMetrics:
    usage = response.usage
    read, generated, cost = usage.prompt_tokens, usage.completion_tokens, usage.cost
    extra = usage.__pydantic_extra__ or {}
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=(extra.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        reasoning_tokens=usage.reasoning_tokens or 0,
        cost=cost.total_cost if cost else None,
        provider_metrics=_own(
            citation_tokens=usage.citation_tokens,
            num_search_queries=usage.num_search_queries,
            search_context_size=usage.search_context_size,
            cost_details=cost and {name: value for name, value in cost.__dict__.items() if value is not None},
        ),
    )


def cerebras_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    completion, times = usage.get("completion_tokens_details") or {}, body.get("time_info") or {}
    read, generated = usage["prompt_tokens"], usage["completion_tokens"]
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        reasoning_tokens=completion.get("reasoning_tokens") or 0,
        provider_metrics=_own(
            time_prompt=times.get("prompt_time"),
            queue_time=times.get("queue_time"),
            prompt_time=times.get("prompt_time"),
            completion_time=times.get("completion_time"),
            total_time=times.get("total_time"),
            service_tier=body.get("service_tier"),
            image_tokens=usage.get("image_tokens"),
            accepted_prediction_tokens=completion.get("accepted_prediction_tokens"),
            rejected_prediction_tokens=completion.get("rejected_prediction_tokens"),
        ),
    )


def cerebras_object(response: Any) -> MessageMetrics:
    usage, times = response.usage, response.time_info
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    read, generated = usage.prompt_tokens, usage.completion_tokens
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=prompt.cached_tokens if prompt else 0,
        reasoning_tokens=(completion.reasoning_tokens or 0) if completion else 0,
        provider_metrics=_own(
            time_prompt=times.prompt_time,
            queue_time=times.queue_time,
            prompt_time=times.prompt_time,
            completion_time=times.completion_time,
            total_time=times.total_time,
            service_tier=response.service_tier,
            image_tokens=usage.image_tokens,
            accepted_prediction_tokens=completion.accepted_prediction_tokens if completion else None,
            rejected_prediction_tokens=completion.rejected_prediction_tokens if completion else None,
        ),
    )


def ollama_dict(body: dict[str, Any]) -> MessageMetrics:
    read, generated = body["prompt_eval_count"], body["eval_count"]
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=body.get("prompt_eval_cached_count") or 0,
        provider_metrics=_own(
            total_duration=body.get("total_duration"),
            load_duration=body.get("load_duration"),
            prompt_eval_duration=body.get("prompt_eval_duration"),
            eval_duration=body.get("eval_duration"),
        ),
    )


def ollama_object(response: Any) -> MessageMetrics:
    read, generated = response.prompt_eval_count, response.eval_count
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        provider_metrics=_own(
            total_duration=response.total_duration,
            load_duration=response.load_duration,
            prompt_eval_duration=response.prompt_eval_duration,
            eval_duration=response.eval_duration,
        ),
    )


def cohere_dict(body: dict[str, Any]) -> MessageMetrics:
    usage = body["usage"]
    tokens = usage["tokens"]
    read, generated = int(tokens["input_tokens"]) + int(tokens.get("image_tokens") or 0), int(tokens["output_tokens"])
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=int(usage.get("cached_tokens") or 0),
        provider_metrics=_own(billed_units=usage.get("billed_units") and dict(usage["billed_units"])),
    )


def cohere_object(response: Any) -> MessageMetrics:
    usage = response.usage
    tokens, billed = usage.tokens, usage.billed_units
    read, generated = int(tokens.input_tokens), int(tokens.output_tokens)
    return MessageMetrics(
        input_tokens=read,
        output_tokens=generated,
        total_tokens=read + generated,
        cache_read_tokens=int(usage.cached_tokens or 0),
        provider_metrics=_own(
            billed_units=billed and {name: value for name, value in billed.__dict__.items() if value is not None}
        ),
    )


def llama_dict(body: dict[str, Any]) -> MessageMetrics:
    figures = {item["metric"]: item["value"] for item in body["metrics"]}
    read, generated = int(figures["num_prompt_tokens"]), int(figures["num_completion_tokens"])
    return MessageMetrics(input_tokens=read, output_tokens=generated, total_tokens=read + generated)


def llama_object(response: Any) -> MessageMetrics:
    figures = {item.metric: item.value for item in response.metrics}
    read, generated = int(figures["num_prompt_tokens"]), int(figures["num_completion_tokens"])
    return MessageMetrics(input_tokens=read, output_tokens=generated, total_tokens=read + generated)
