"""Azure AI Foundry."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat


class AzureAIFoundry(OpenAIChat):
    """Azure AI Foundry's model inference: the usage of whatever model stands behind it, in OpenAI's dialect.

    https://learn.microsoft.com/en-us/rest/api/aifoundry/modelinference/
    """

    provider = "Azure AI Foundry"
    aliases = ("azure-ai-inference",)
    hosts = ("*.services.ai.azure.com", "*.models.ai.azure.com", "*.inference.ai.azure.com")
    model_in_path = r"/deployments/([^/]+)/"
    packages = ("azure.ai.inference",)
    sdk_types = ("azure.ai.inference.models:CompletionsUsage",)
    hint = "a stream carries usage only if the request asks: model_extras={'stream_options': {'include_usage': True}}"
