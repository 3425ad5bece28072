"""HuggingFace: inference providers, and Text Generation Inference."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import count


class HuggingFace(OpenAIChat):
    """HuggingFace's router and TGI's chat: the usage of whatever stands behind them, in OpenAI's dialect.

    https://huggingface.co/docs/inference-providers/tasks/chat-completion
    """

    provider = "HuggingFace"
    aliases = ("hf",)
    hosts = ("router.huggingface.co", "api-inference.huggingface.co", "*.endpoints.huggingface.cloud")
    model_in_path = r"/models/(?!chat/|embeddings$)((?:[^/]+/)?[^/:]+?)(?:/v1/.*)?$"
    packages = ("huggingface_hub",)
    sdk_types = ("huggingface_hub.inference._generated.types.chat_completion:ChatCompletionOutputUsage",)


class TextGenerationInference(Adapter):
    """TGI's native generate: what was generated is counted; the prompt only where the details hold its length.

    https://huggingface.co/docs/text-generation-inference/reference/api_reference
    """

    provider = "HuggingFace"
    url_paths = ("/generate_stream",)
    own_paths = url_paths
    shape = ("generated_text", "details.generated_tokens", "token")
    places = ("details",)
    holds_answer = True
    content = ("token.text",)
    stop = ("generated_text",)
    hint = "ask for it: parameters={'details': True}"

    ignored = {
        "finish_reason": "no usage",
        "seed": "no usage",
        "prefill": "no usage",
        "tokens": "no usage",
        "best_of_sequences": "no usage",
    }

    input_tokens = count("input_length")
    output_tokens = count("generated_tokens")
