"""Providers that speak another's dialect to the letter: a label, their hosts, and what marks their bodies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One provider without a table of its own."""

    provider: str
    hosts: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    model_in_path: str = ""


ROWS: tuple[Row, ...] = (
    Row("GitHub Copilot", marks=("copilot_usage",)),  # in any dialect, and before Azure's, which its answers bear as well
    Row(
        "Azure OpenAI",
        ("*.openai.azure.com", "*.openai.azure.us", "*.cognitiveservices.azure.com"),
        ("prompt_filter_results&object",),
        ("azure", "azure.ai.openai"),
        r"/deployments/([^/?]+)/",
    ),
    Row("AWS Bedrock", marks=("modelOutput", "amazon-bedrock-chunk")),  # a batch's line, a stream's chunk; in any dialect
    Row("Vercel AI Gateway", (), ("generationId",), ("vercel",)),  # a mark in any dialect; the table is for one
    Row("Together", ("api.together.ai", "api.together.xyz"), aliases=("together-ai", "togetherai")),
    Row("Z.ai", ("api.z.ai", "open.bigmodel.cn"), aliases=("zai", "zhipu", "zhipuai")),
    Row("vLLM"),
    Row("Databricks", ("*.azuredatabricks.net", "*.cloud.databricks.com", "*.gcp.databricks.com")),
    Row("Writer", ("api.writer.com",)),
    Row("Snowflake", ("*.snowflakecomputing.com",)),
    Row("AI21", ("api.ai21.com",)),
    Row("Avian", ("api.avian.io",)),
    Row("NVIDIA", ("integrate.api.nvidia.com", "ai.api.nvidia.com"), aliases=("nvidia-nim", "nim")),
    Row("AWS SageMaker", ("runtime.sagemaker.*.amazonaws.com",)),
    Row("Baseten", ("inference.baseten.co",)),
    Row("Crusoe", ("api.inference.crusoecloud.com",)),
    Row("DeepInfra", ("api.deepinfra.com",)),
    Row("Doubleword", ("api.doubleword.ai",)),
    Row("GitHub Models", ("models.github.ai", "models.inference.ai.azure.com")),
    Row("Helicone", ("ai-gateway.helicone.ai", "gateway.helicone.ai", "oai.helicone.ai")),
    Row("Heroku", ("*.inference.heroku.com",)),
    Row("Hyperbolic", ("api.hyperbolic.xyz",)),
    Row("MiniMax", ("api.minimax.io", "api.minimaxi.com", "api.minimax.chat", "api.minimaxi.chat")),
    Row("Nebius", ("api.studio.nebius.com", "api.studio.nebius.ai", "api.tokenfactory.nebius.com", "*.tokenfactory.nebius.com")),
    Row("Novita", ("api.novita.ai",)),
    Row("OVHcloud", ("*.endpoints.kepler.ai.cloud.ovh.net",)),
    Row("Portkey", ("api.portkey.ai",)),
    Row("Scaleway", ("api.scaleway.ai",)),
    Row("SiliconFlow", ("api.siliconflow.com", "api.siliconflow.cn")),
)
