"""The example in each integration's docstring runs as it stands; and importing one imports one framework."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import unimeter

from .programs import FRAMEWORKS
from .provider import provider

HERE = Path(unimeter.__file__).parent / "integrations"
MODULES = {
    module.stem: framework
    for module in sorted(HERE.glob("*.py"))
    for framework in FRAMEWORKS
    if "import unimeter" in (ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "")
    if module.stem == framework or module.stem.startswith(f"{framework}_")
}
PACKAGES = {
    "agno": "agno",
    "crewai": "crewai",
    "google_adk": "google.adk",
    "langchain": "langchain_core",
    "litellm": "litellm",
    "llama_index": "llama_index",
    "openai_agents": "agents",
    "pydantic_ai": "pydantic_ai",
    "strands": "strands",
}
CASES = [
    pytest.param(name, marks=[pytest.mark.frameworks, getattr(pytest.mark, framework)]) for name, framework in MODULES.items()
]


def docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text("utf-8"))) or ""


def example(name: str) -> str:
    """The indented lines of the docstring."""
    lines = docstring(name).splitlines()
    indented = [at for at, line in enumerate(lines) if line.startswith("    ")]
    return textwrap.dedent("\n".join(lines[indented[0] : indented[-1] + 1]))


def run(code: str, **environment: str) -> str:
    own = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", CASES)
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    code = example(name)
    assert len(code.splitlines()) <= 25
    with provider() as url:
        keys = {"OPENAI_API_KEY": "k", "GOOGLE_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": url, "HOME": str(tmp_path)}
        quiet = {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        printed = run(code, OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_BASE=f"{url}/v1", **keys, **quiet)
    assert ("250" if "get_weather" in code else "150") in printed  # LiteLLM's asks once, and calls no tool


@pytest.mark.parametrize("name", CASES)
def test_it_imports_one_framework(name: str) -> None:
    printed = run(f"import sys, unimeter.integrations.{name}; print(*sys.modules, sep='\\n')").split()
    assert {framework for framework, package in PACKAGES.items() if package in printed} == {MODULES[name]}


@pytest.mark.parametrize("name", CASES)
def test_it_is_thin_and_says_what_it_was_tested_with(name: str) -> None:
    assert len((HERE / f"{name}.py").read_text("utf-8").splitlines()) < 150
    assert "Tested with" in docstring(name)
