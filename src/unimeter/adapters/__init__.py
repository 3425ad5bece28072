"""One module a provider. None imports an SDK, so all are imported here.

The order matters in one place: of two dialects that both recognise a body, the one named first has it.
"""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.anthropic import Anthropic
from unimeter.adapters.azure_foundry import AzureAIFoundry
from unimeter.adapters.bedrock import Bedrock, BedrockAgent, BedrockClaude, BedrockInvoke, BedrockLlama, BedrockTitan
from unimeter.adapters.cerebras import Cerebras
from unimeter.adapters.cohere import Cohere
from unimeter.adapters.gemini import Gemini, GeminiInteractions, VertexPredict
from unimeter.adapters.groq import Groq
from unimeter.adapters.huggingface import HuggingFace, TextGenerationInference
from unimeter.adapters.litellm import LiteLLM
from unimeter.adapters.llama import Llama, LlamaOpenAI
from unimeter.adapters.mistral import Mistral, MistralOCR
from unimeter.adapters.ollama import Ollama
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_endpoints import OpenAIAssistants, OpenAIEmbeddings, OpenAIMedia
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.adapters.perplexity import Perplexity, PerplexityEmbeddings, PerplexityResponses
from unimeter.adapters.venice import Venice
from unimeter.adapters.watsonx import WatsonX, WatsonXGeneration
from unimeter.adapters.xai import XAI, XAIMedia, XAIResponses

ADAPTERS: tuple[type[Adapter], ...] = (
    OpenAIChat,
    Gemini,
    Anthropic,
    OpenAIResponses,
    GeminiInteractions,
    Bedrock,
    BedrockClaude,
    BedrockTitan,
    BedrockLlama,
    BedrockInvoke,
    BedrockAgent,
    Cohere,
    Ollama,
    Llama,
    LlamaOpenAI,
    WatsonX,
    WatsonXGeneration,
    Groq,
    Mistral,
    MistralOCR,
    LiteLLM,
    Perplexity,
    PerplexityEmbeddings,
    PerplexityResponses,
    AzureAIFoundry,
    Cerebras,
    HuggingFace,
    TextGenerationInference,
    VertexPredict,
    OpenAIAssistants,
    OpenAIEmbeddings,
    OpenAIMedia,
    XAI,
    XAIResponses,
    XAIMedia,
    Venice,
)

__all__ = [
    "ADAPTERS",
    "XAI",
    "Adapter",
    "Anthropic",
    "AzureAIFoundry",
    "Bedrock",
    "BedrockAgent",
    "BedrockClaude",
    "BedrockInvoke",
    "BedrockLlama",
    "BedrockTitan",
    "Cerebras",
    "Cohere",
    "Gemini",
    "GeminiInteractions",
    "Groq",
    "HuggingFace",
    "LiteLLM",
    "Llama",
    "LlamaOpenAI",
    "Mistral",
    "MistralOCR",
    "Ollama",
    "OpenAIAssistants",
    "OpenAIChat",
    "OpenAIEmbeddings",
    "OpenAIMedia",
    "OpenAIResponses",
    "Perplexity",
    "PerplexityEmbeddings",
    "PerplexityResponses",
    "TextGenerationInference",
    "Venice",
    "VertexPredict",
    "WatsonX",
    "WatsonXGeneration",
    "XAIMedia",
    "XAIResponses",
]
