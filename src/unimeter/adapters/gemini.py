"""Google Gemini: AI Studio and Vertex."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import beside, count, first, label, tally


class Gemini(Adapter):
    """Gemini generateContent. Tool-use prompts and thoughts are counted apart, so they are added in.

    Every chunk of a stream repeats the usage so far; the last one is the whole.

    https://ai.google.dev/api/generate-content#UsageMetadata
    """

    provider = "Google Gemini"
    aliases = ("gemini", "google", "google-genai", "gcp.gemini", "vertex", "vertex-ai")
    hosts = ("generativelanguage.googleapis.com", "aiplatform.googleapis.com", "*-aiplatform.googleapis.com")
    url_paths = (":generateContent", ":streamGenerateContent", ":embedContent", ":batchEmbedContents")
    own_paths = url_paths
    publisher_in_path = r"/publishers/([^/]+)/"
    model_in_path = r"/models/([^/:?]+):\w"
    packages = ("google.genai",)
    shape = ("candidates", "usageMetadata", "usage_metadata", "promptFeedback", "modelVersion")
    places = ("usage_metadata",)
    model = ("model_version",)
    id = ("response_id",)
    whole = ("candidates[].finishReason&responseId",)
    content = tuple(
        f"candidates[].content.parts[].{name}"
        for name in ("text", "functionCall", "function_call", "inlineData", "inline_data", "executableCode", "executable_code")
    )
    final = ("candidates[].finishReason", "candidates[].finish_reason", "promptFeedback", "prompt_feedback")
    camel_case = True
    zeros_left_out = True
    sdk_types = ("google.genai.types:GenerateContentResponseUsageMetadata",)

    input_tokens = count("prompt_token_count") + count("tool_use_prompt_token_count")
    reasoning_tokens = count("thoughts_token_count")
    output_tokens = first(count("candidates_token_count"), count("response_token_count")) + reasoning_tokens
    total_tokens = count("total_token_count")
    cache_read_tokens = count("cached_content_token_count")
    audio_input_tokens = first(
        count("prompt_tokens_details[modality=AUDIO|4].token_count"),
        count("prompt_token_details[modality=AUDIO|4].token_count"),  # of embeddings
    ) + count("tool_use_prompt_tokens_details[modality=AUDIO|4].token_count")
    audio_output_tokens = first(
        count("candidates_tokens_details[modality=AUDIO|4].token_count"),
        count("response_tokens_details[modality=AUDIO|4].token_count"),
    )
    provider_metrics = {
        "traffic_type": label("traffic_type"),
        "service_tier": label("service_tier"),
        "tool_use_prompt_token_count": count("tool_use_prompt_token_count"),
        "prompt_tokens_details": first(
            tally("prompt_tokens_details", "modality", "token_count"), tally("prompt_token_details", "modality", "token_count")
        ),
        "candidates_tokens_details": tally("candidates_tokens_details", "modality", "token_count"),
        "cache_tokens_details": tally("cache_tokens_details", "modality", "token_count"),
        "tool_use_prompt_tokens_details": tally("tool_use_prompt_tokens_details", "modality", "token_count"),
    }


class GeminiInteractions(Adapter):
    """Gemini Interactions. Thoughts and tool use are counted apart here as well, under other names.

    https://ai.google.dev/api/interactions-api
    """

    provider = "Google Gemini"
    url_paths = ("/interactions",)
    shape = ("object=interaction", "event_type=interaction.*", "usage.total_input_tokens", "interaction")
    places = ("usage", "interaction.usage", "metadata.usage")
    content = ("delta.text", "delta.arguments", "delta.content", "delta.data", "step.name")
    final = ("event_type=interaction.completed", "event_type=interaction.complete", "interaction.status=completed")

    input_tokens = count("total_input_tokens") + count("total_tool_use_tokens")
    reasoning_tokens = count("total_thought_tokens")
    output_tokens = count("total_output_tokens") + reasoning_tokens
    total_tokens = count("total_tokens")
    cache_read_tokens = count("total_cached_tokens")
    audio_input_tokens = count("input_tokens_by_modality[modality=AUDIO].tokens")
    audio_output_tokens = count("output_tokens_by_modality[modality=AUDIO].tokens")
    provider_metrics = {
        "service_tier": beside(label("service_tier")),
        "total_tool_use_tokens": count("total_tool_use_tokens"),
        "raw_prompt_token": count("raw_prompt_token"),
        "input_tokens_by_modality": tally("input_tokens_by_modality", "modality", "tokens"),
        "output_tokens_by_modality": tally("output_tokens_by_modality", "modality", "tokens"),
    }


class VertexPredict(Adapter):
    """Vertex `:predict`, the older embeddings: each prediction counts its own tokens.

    https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
    """

    provider = "Google Gemini"
    url_paths = (":predict",)
    shape = ("predictions",)
    places = ("",)
    camel_case = True

    input_tokens = first(
        count("predictions[].embeddings.statistics.token_count"),
        count("embeddings[].statistics.token_count"),  # as the SDK hands it over
    )
    provider_metrics = {"billableCharacterCount": count("metadata.billable_character_count")}
