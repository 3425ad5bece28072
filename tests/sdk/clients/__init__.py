"""Which client libraries each folder of fixtures is replayed through: the provider's own, then those it can be asked with."""

from __future__ import annotations

from unimeter.fixture import Fixture

from ..client import Client
from . import (
    anthropic,
    azure,
    boto3,
    cerebras,
    cohere,
    google_genai,
    groq,
    huggingface,
    llama_api,
    mistralai,
    ollama,
    openai,
    perplexity,
    watsonx,
)

OPENAI = openai.CLIENT
CLIENTS: dict[str, tuple[Client, ...]] = {
    "anthropic_claude": (anthropic.CLIENT,),
    "aws_bedrock": (boto3.CLIENT, OPENAI),
    "azure_ai_foundry": (azure.CLIENT, OPENAI),
    "cerebras": (cerebras.CLIENT, OPENAI),
    "cohere": (cohere.CLIENT,),
    "google_gemini": (google_genai.CLIENT,),
    "groq": (groq.CLIENT, OPENAI),
    "huggingface": (huggingface.CLIENT, OPENAI),
    "ibm_watsonx": (watsonx.CLIENT,),
    "meta_llama": (llama_api.CLIENT,),
    "mistral": (mistralai.CLIENT, OPENAI),
    "ollama": (ollama.CLIENT, OPENAI, anthropic.CLIENT),
    "perplexity": (perplexity.CLIENT, OPENAI),
}


def clients_for(fixture: Fixture) -> list[Client]:
    """The libraries with a call for a fixture. A provider without one of its own is asked with OpenAI's.

    None is asked for a body that is given as text: there its form is the point, which a library does not hand on.
    """
    if fixture.body is not None:
        return []
    clients = CLIENTS.get(fixture.name.partition("/")[0], (OPENAI,))
    return [client for client in clients if client.answers(fixture)]
