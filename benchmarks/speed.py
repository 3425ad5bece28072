"""How fast unimeter reads, as ratios against what else one could do: in one process, interleaved, medians.

    python benchmarks/speed.py            needs the dependency group `bench`, and for the SDK objects the group `sdk`

Every line names what is compared; what is not installed is said, not left out in silence.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import by_hand
import msgspec

import unimeter
from unimeter.fixture import load

FIXTURES = Path(__file__).parent.parent / "fixtures"
ROUNDS = 31
SECONDS_A_ROUND = 0.004

Task = Callable[[], Any]


def medians(*tasks: Task) -> list[float]:
    """Microseconds that each task takes: the median over rounds in which they take turns."""
    counts = []
    for task in tasks:
        task()
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS_A_ROUND:
            task()
            count += 1
        counts.append(max(count, 1))
    rounds: list[list[float]] = [[] for _ in tasks]
    for _ in range(ROUNDS):
        for task, count, times in zip(tasks, counts, rounds, strict=True):
            turns = range(count)
            start = time.perf_counter()
            for _ in turns:
                task()
            times.append((time.perf_counter() - start) / count)
    return [statistics.median(times) * 1e6 for times in rounds]


def show(what: str, ours: float, theirs: float, against: str, asked: str = "") -> None:
    print(f"{what:44} {ours:8.2f} µs   {theirs:8.2f} µs {against:28} {ours / theirs:7.2f} ×  {asked}")


ROWS: dict[str, tuple[str, str, str | None]] = {
    # row: (fixture, reader of the dict, reader of the object; None: the SDK gives the dict itself)
    "OpenAI Chat": ("openai_chat/cached_reasoning_audio_in_audio_out", "chat_dict", "chat_object"),
    "OpenAI Responses": ("openai_responses/cache_write_ttl", "responses_dict", "responses_object"),
    "Anthropic Claude": ("anthropic_claude/cached_cache_write_reasoning", "anthropic_dict", "anthropic_object"),
    "Google Gemini": ("google_gemini/cached_reasoning_audio_in", "gemini_dict", "gemini_object"),
    "Groq": ("groq/cached_reasoning", "groq_dict", "groq_object"),
    "Mistral": ("mistral/cached", "mistral_dict", "mistral_object"),
    "AWS Bedrock": ("aws_bedrock/converse_cache", "bedrock_dict", None),
    "LiteLLM": ("litellm/everything", "litellm_dict", "litellm_object"),
    "Perplexity": ("perplexity/deep_research", "perplexity_dict", "perplexity_object"),
    "Azure AI Foundry": ("azure_ai_foundry/all_details", "chat_dict", "chat_dict"),
    "Cerebras": ("cerebras/cached_reasoning", "cerebras_dict", "cerebras_object"),
    "Ollama": ("ollama/plain", "ollama_dict", "ollama_object"),
    "Cohere": ("cohere/floats", "cohere_dict", "cohere_object"),
    "Meta Llama": ("meta_llama/plain", "llama_dict", "llama_object"),
    "Meta Llama (OpenAI)": ("meta_llama_openai/all_details", "chat_dict", "chat_object"),
    "HuggingFace": ("huggingface/all_details", "chat_dict", "chat_dict"),
    "IBM WatsonX": ("ibm_watsonx/all_details", "chat_dict", None),
}


def sdk_object(row: str, body: dict[str, Any]) -> Any:
    """The response as the provider's SDK would build it."""
    if row in ("OpenAI Chat", "Meta Llama (OpenAI)", "OpenAI Responses"):
        models = importlib.import_module("openai._models")
        name = ("openai.types.responses", "Response") if row == "OpenAI Responses" else ("openai.types.chat", "ChatCompletion")
        return models.construct_type(type_=_named(*name), value=body)
    stainless = {
        "Anthropic Claude": ("anthropic", "anthropic.types", "Message"),
        "Groq": ("groq", "groq.types.chat", "ChatCompletion"),
        "Cerebras": ("cerebras.cloud.sdk", "cerebras.cloud.sdk.types.chat.chat_completion", "ChatCompletionResponse"),
        "Meta Llama": ("llama_api_client", "llama_api_client.types", "CreateChatCompletionResponse"),
        "Perplexity": ("perplexity", "perplexity.types", "StreamChunk"),
    }
    if row in stainless:
        package, module, name = stainless[row]
        return importlib.import_module(f"{package}._models").construct_type(type_=_named(module, name), value=body)
    if row == "Google Gemini":
        return _named("google.genai.types", "GenerateContentResponse").model_validate(body)
    if row == "Mistral":
        return _named("mistralai.client.models", "ChatCompletionResponse").model_validate(body)
    if row == "Ollama":
        return _named("ollama", "ChatResponse").model_validate(body)
    if row == "Cohere":
        construct = _named("cohere.core.unchecked_base_model", "construct_type")
        return construct(type_=_named("cohere", "V2ChatResponse"), object_=body)
    if row == "HuggingFace":
        return _named("huggingface_hub", "ChatCompletionOutput").parse_obj_as_instance(body)
    if row == "LiteLLM":
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it goes online for its prices
        response = _named("litellm", "ModelResponse")(**{name: value for name, value in body.items() if name[0] != "_"})
        response._hidden_params = body["_hidden_params"]
        return response
    if row == "Azure AI Foundry":
        return _named("azure.ai.inference.models", "ChatCompletions")(body)
    raise KeyError(row)


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def rows() -> None:
    print("\ndict and SDK object → MessageMetrics, provider named, against an unchecked reader by hand (asked: < 2)")
    for row, (name, of_dict, of_object) in ROWS.items():
        fixture = load(FIXTURES / f"{name}.json")
        body, label = fixture.response, fixture.expected.provider
        reader = getattr(by_hand, of_dict)
        ours, hand = medians(
            lambda body=body, label=label: unimeter.normalize(body, label), lambda body=body, reader=reader: reader(body)
        )
        show(f"{row}: dict", ours, hand, "by hand", "" if ours < 2 * hand else "MISSED")
        if of_object is None:
            continue
        try:
            response = sdk_object(row, body)
        except ModuleNotFoundError as error:
            print(f"{row + ': SDK object':44} not measured: {error.name} is not installed")
            continue
        reader = getattr(by_hand, of_object)
        ours, hand = medians(
            lambda response=response, label=label: unimeter.normalize(response, label),
            lambda response=response, reader=reader: reader(response),
        )
        show(f"{row}: SDK object", ours, hand, "by hand", "" if ours < 2 * hand else "MISSED")


def recognition() -> None:
    print("\nrecognition: what it adds when the provider is not named (asked: at most 0.5 µs)")
    for row, (name, _, _) in ROWS.items():
        fixture = load(FIXTURES / f"{name}.json")
        body, label = fixture.response, fixture.expected.provider
        if row in ("LiteLLM", "Meta Llama (OpenAI)", "Azure AI Foundry", "HuggingFace"):
            continue  # their bodies bear no mark: they are recognised by type or url
        told, named = medians(
            lambda body=body: unimeter.normalize(body), lambda body=body, label=label: unimeter.normalize(body, label)
        )
        print(f"{row:44} {told - named:+8.2f} µs  {'' if told - named <= 0.5 else 'MISSED'}")


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    cache_write_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cost: float | None = None


class _Record(msgspec.Struct):
    """What the typed decode that we compare with makes of a body: the very fields that we read."""

    usage: _Usage
    service_tier: str | None = None


def json_bytes() -> None:
    print("\nJSON bytes → MessageMetrics (asked: < 2 × msgspec's typed decode to a record, < 0.5 × json.loads alone)")
    body = load(FIXTURES / "openai_chat/cached_reasoning_audio_in_audio_out.json").response
    typed = msgspec.json.Decoder(_Record).decode
    for size in (1_500, 50_000):
        body["choices"][0]["message"]["content"] = ""
        body["choices"][0]["message"]["content"] = "word " * ((size - len(json.dumps(body))) // 5)
        raw = json.dumps(body).encode()
        named, told, record, loaded = medians(
            lambda raw=raw: unimeter.normalize(raw, "openai-chat"),
            lambda raw=raw: unimeter.normalize(raw),
            lambda raw=raw: typed(raw),
            lambda raw=raw: json.loads(raw),
        )
        show(f"{len(raw):,} bytes, provider named", named, record, "msgspec, typed", "" if named < 2 * record else "MISSED")
        show(f"{len(raw):,} bytes, provider named", named, loaded, "json.loads alone", "" if named < loaded / 2 else "MISSED")
        show(f"{len(raw):,} bytes, recognised", told, record, "msgspec, typed")
        show(f"{len(raw):,} bytes, recognised", told, loaded, "json.loads alone", "" if told < loaded / 2 else "MISSED")


def stream() -> None:
    print("\na stream of 200 chunks → Reading, against the bare loop that keeps the last usage and tier (asked: < 2)")
    plain = load(FIXTURES / "openai_chat/stream_basic.json").events
    head, word, finish, last = plain[:4]
    chunks: list[Any] = [head, *(dict(word) for _ in range(197)), finish, last]

    def bare_dicts() -> Any:
        usage, tier = None, None
        for chunk in chunks:
            if (found := chunk.get("usage")) is not None:
                usage = found
            if (found := chunk.get("service_tier")) is not None:
                tier = found
        return by_hand.chat_dict({"usage": usage, "service_tier": tier})

    ours, bare = medians(lambda: unimeter.read(chunks, "openai-chat"), bare_dicts)
    show("dicts", ours, bare, "bare loop, by hand", "" if ours < 2 * bare else "MISSED")
    try:
        construct = _named("openai._models", "construct_type")
        kind = _named("openai.types.chat", "ChatCompletionChunk")
    except ModuleNotFoundError as error:
        print(f"{'SDK objects':44} not measured: {error.name} is not installed")
        return
    objects = [construct(type_=kind, value=chunk) for chunk in chunks]

    def bare_objects() -> Any:
        usage, tier = None, None
        for chunk in objects:
            if chunk.usage is not None:
                usage = chunk.usage
            if chunk.service_tier is not None:
                tier = chunk.service_tier
        return by_hand.chat_object(type("Response", (), {"usage": usage, "service_tier": tier}))

    ours, bare = medians(lambda: unimeter.read(objects, "openai-chat"), bare_objects)
    show("SDK objects", ours, bare, "bare loop, by hand", "" if ours < 2 * bare else "MISSED")


def others() -> None:
    print("\nagainst what others offer, on the same response")
    fixture = load(FIXTURES / "openai_chat/cached_reasoning_audio_in_audio_out.json")
    body = fixture.response
    for name, measure in (("genai-prices", _genai_prices), ("agno", _agno), ("litellm", _litellm)):
        try:
            task = measure(body)
        except ModuleNotFoundError as error:
            print(f"{name:44} not measured: {error.name} is not installed")
            continue
        ours, theirs = medians(lambda: unimeter.normalize(body, "openai-chat"), task)  # theirs are told the provider as well
        asked = "(asked: 12 × faster)" if name == "genai-prices" else ""
        print(f"{name:44} {theirs:8.2f} µs   {ours:8.2f} µs ours                        {theirs / ours:7.2f} × faster  {asked}")


def _genai_prices(body: dict[str, Any]) -> Task:
    extract = importlib.import_module("genai_prices").extract_usage
    return lambda: extract(body, provider_id="openai", api_flavor="chat")


def _agno(body: dict[str, Any]) -> Task:
    chat = _named("agno.models.openai", "OpenAIChat")(id="gpt-4o", api_key="x")
    usage = _named("openai._models", "construct_type")(type_=_named("openai.types", "CompletionUsage"), value=body["usage"])
    return lambda: chat._get_metrics(usage)


def _litellm(body: dict[str, Any]) -> Task:
    response = _named("litellm", "ModelResponse")
    return lambda: response(**body)


def imports() -> None:
    print("\nimport, each in a process of its own (asked: unimeter < pydantic, and neither pydantic nor an SDK loaded)")

    def cost(module: str) -> float:
        code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        runs = [
            float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
            for _ in range(9)
        ]
        return statistics.median(runs) * 1e6

    for module in ("pydantic", "unimeter"):
        cost(module)
    ours, theirs = cost("unimeter"), cost("pydantic; pydantic.BaseModel")
    show("import unimeter", ours, theirs, "import pydantic", "" if ours < theirs else "MISSED")
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, unimeter; print(*sorted({name.partition('.')[0] for name in sys.modules}))"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()
    unwanted = {"pydantic", "openai", "anthropic", "google", "boto3", "litellm"} & set(loaded)
    print(f"{'loaded by it that should not be':44} {', '.join(sorted(unwanted)) or 'nothing'}")


def main() -> Iterator[None]:
    for part in (rows, recognition, json_bytes, stream, others, imports):
        part()
        yield


if __name__ == "__main__":
    list(main())
