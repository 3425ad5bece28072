"""Google ADK, by the plugin."""

from __future__ import annotations

import asyncio

from . import AGENT, AUDIO, QUESTION, REASONING, TOKENS, Asked, Program


async def _ask(asked: Asked) -> None:
    from google.adk.agents import LlmAgent, RunConfig
    from google.adk.agents.run_config import StreamingMode
    from google.adk.models.google_llm import Gemini
    from google.adk.runners import InMemoryRunner
    from google.genai import Client, types

    from unimeter.integrations.google_adk import UnimeterPlugin

    model = Gemini(model=asked.model)
    model.api_client = Client(api_key="k", http_options=types.HttpOptions(base_url=asked.url))
    agent = LlmAgent(name=AGENT, model=model, tools=[asked.tool])
    runner = InMemoryRunner(agent=agent, app_name="app", plugins=[UnimeterPlugin()])
    session = await runner.session_service.create_session(app_name="app", user_id="user")
    question = types.Content(role="user", parts=[types.Part(text=QUESTION)])
    config = RunConfig(streaming_mode=StreamingMode.SSE if asked.stream else StreamingMode.NONE)
    async for _ in runner.run_async(user_id="user", session_id=session.id, new_message=question, run_config=config):
        pass


PROGRAMS = [
    Program("gemini", "gemini", lambda asked: asyncio.run(_ask(asked)), (*TOKENS, "cache_read_tokens", *REASONING, *AUDIO))
]
