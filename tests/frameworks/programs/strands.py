"""Strands, by the hook provider."""

from __future__ import annotations

from typing import Any

from . import AGENT, CACHE, QUESTION, TOKENS, Asked, Program


def _model(asked: Asked, dialect: str) -> Any:
    if dialect == "chat":
        from strands.models.openai import OpenAIModel

        client = {"api_key": "k", "base_url": f"{asked.url}/v1", "max_retries": 0}
        return OpenAIModel(client_args=client, model_id=asked.model)
    import boto3
    from botocore.config import Config
    from strands.models.bedrock import BedrockModel

    session = boto3.Session("a", "b", region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1})
    return BedrockModel(
        boto_session=session, boto_client_config=config, model_id=asked.model, endpoint_url=asked.url, streaming=asked.stream
    )


def _ask(asked: Asked, dialect: str) -> None:
    from strands import Agent, tool

    from unimeter.integrations.strands import UnimeterHooks

    model = _model(asked, dialect)
    weather = tool(description="The weather in a city.")(asked.tool)
    agent = Agent(name=AGENT, model=model, tools=[weather], hooks=[UnimeterHooks()], callback_handler=None)
    agent(QUESTION)


PROGRAMS = [
    Program("chat", "chat", lambda asked: _ask(asked, "chat"), (*TOKENS, *CACHE)),
    Program("converse", "converse", lambda asked: _ask(asked, "converse"), (*TOKENS, *CACHE)),
]
