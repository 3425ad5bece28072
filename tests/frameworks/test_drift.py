"""The frameworks' own types, as they are today: every leaf is read, or ignored with a reason."""

from __future__ import annotations

import pytest

from unimeter import Adapter
from unimeter.adapters.frameworks import AgentFramework, AutoGen, CrewAI, OpenAIAgents, PydanticAI, Smolagents, Strands
from unimeter.adapters.langchain import LangChain
from unimeter.drift import drift_of

TYPES = {
    "agent_framework": AgentFramework,
    "autogen": AutoGen,
    "crewai": CrewAI,
    "langchain": LangChain,
    "openai_agents": OpenAIAgents,
    "pydantic_ai": PydanticAI,
    "smolagents": Smolagents,
    "strands": Strands,
}


@pytest.mark.parametrize(
    "adapter",
    [
        pytest.param(adapter, id=name, marks=[pytest.mark.frameworks, getattr(pytest.mark, name)])
        for name, adapter in TYPES.items()
    ],
)
def test_no_leaf_is_unread(adapter: type[Adapter]) -> None:
    drift = drift_of(adapter)
    assert drift is not None
    assert drift.installed, drift.sdk
    assert drift.unread == []
