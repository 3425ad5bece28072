"""Counts of a prompt's tokens: calls that use nothing, so that no usage is missing in their answers."""

from __future__ import annotations

from unimeter.adapter import Adapter

_COUNT = "it counts the tokens of a prompt that was not sent"
_COUNTED = "what the prompt would use if it were sent"


class AnthropicCount(Adapter):
    """Anthropic's count of a prompt's tokens. Its body looks like a usage: only the url or the SDK's type tells it.

    https://docs.anthropic.com/en/api/messages-count-tokens
    """

    provider = "Anthropic"
    url_paths = ("/messages/count_tokens", "publishers/anthropic/models/count-tokens")
    free = _COUNT
    sdk_types = ("anthropic.types:MessageTokensCount", "anthropic.types.beta:BetaMessageTokensCount")
    ignored = {"input_tokens": _COUNTED, "context_management.original_input_tokens": _COUNTED}


class GeminiCount(Adapter):
    """Gemini's count of a prompt's tokens.

    https://ai.google.dev/api/tokens#method:-models.counttokens
    """

    provider = "Google Gemini"
    url_paths = (":countTokens",)
    shape = ("totalTokens&promptTokensDetails",)
    free = _COUNT
    sdk_types = ("google.genai.types:CountTokensResponse",)
    ignored = {
        "total_tokens": _COUNTED,
        "cached_content_token_count": _COUNTED,
        "sdk_http_response.headers": "what the library keeps of the answer",
        "sdk_http_response.body": "what the library keeps of the answer",
    }


class BedrockCount(Adapter):
    """Bedrock's count of a prompt's tokens. Its body looks like a usage: only the url tells it.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
    """

    provider = "AWS Bedrock"
    url_paths = ("/count-tokens",)
    camel_case = True
    free = _COUNT
    sdk_types = ("botocore.bedrock-runtime:CountTokensResponse",)
    ignored = {"input_tokens": _COUNTED}


class OpenAICount(Adapter):
    """OpenAI's count of a prompt's tokens.

    https://platform.openai.com/docs/api-reference/responses/input-tokens
    """

    provider = "OpenAI Responses"
    hosts = ("api.openai.com",)
    url_paths = ("/responses/input_tokens",)
    shape = ("object=response.input_tokens",)
    free = _COUNT
    sdk_types = ("openai.types.responses:InputTokenCountResponse",)
    ignored = {"input_tokens": _COUNTED, "object": "says that it is a count"}
