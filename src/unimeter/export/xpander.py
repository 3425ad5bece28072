"""The report of a task's tokens to xpander's metrics store. Needs the extra `xpander`.

    from unimeter.export.xpander import Tokens, areport_metrics

    task.tokens = Tokens.from_run(run.metrics)
    task.used_tools = [call.name for call in run.tools]
    await areport_metrics(task)

Inside xpander's own `@on_task` the runtime reports by itself when `task.tokens` is set: report there as well, and the
task is counted twice.

https://docs.xpander.ai (Task.areport_metrics); the wire is xpander-sdk 2.0.537's.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, computed_field

from unimeter.errors import UnimeterError
from unimeter.fields import Sum
from unimeter.metrics import BaseMetrics, RunMetrics
from unimeter.registry import registry
from unimeter.run import Run

if TYPE_CHECKING:
    import httpx

_P = ParamSpec("_P")
_T = TypeVar("_T")

DEFAULT_HOST = "inbound.xpander.ai"
TIMEOUT = 60.0
"""Seconds that each step of a report may take: to connect, to send, to wait for more of the answer."""


class ModuleException(UnimeterError):  # xpander's name for it
    """A report that was refused, timed out, or could not be sent."""

    def __init__(self, status_code: int, description: str) -> None:
        """
        Args:
            status_code: the HTTP status of the answer; 500 where there was none.
            description: what the server said, or what went wrong.
        """
        super().__init__(f"[{status_code}] {description}")
        self.status_code = status_code
        self.description = description

    def __reduce__(self) -> tuple[Any, ...]:
        return ModuleException, (self.status_code, self.description)


# what is reported ----------------------------------------------------------------------------------------------------


class Tokens(BaseModel):
    """A task's tokens, with the cache where the task's provider counts it.

    xpander's store takes each provider's own way: with OpenAI the cached tokens are inside `prompt_tokens`, with
    Anthropic and on Bedrock they stand outside. `from_run` turns unimeter's counts, of which the cache is always a
    part, into that.
    """

    completion_tokens: int | None = Field(default=0, ge=0)
    prompt_tokens: int | None = Field(default=0, ge=0)
    cache_read_tokens: int | None = Field(default=0, ge=0)
    cache_write_tokens: int | None = Field(default=0, ge=0)

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def total_tokens(self) -> int:
        """Prompt and completion; the cache is never added."""
        return (self.completion_tokens or 0) + (self.prompt_tokens or 0)

    @classmethod
    def from_run(cls, run: Run | RunMetrics) -> Tokens:
        """The tokens of a run, each model's as its provider counts them.

        >>> from unimeter import read
        >>> run = RunMetrics()
        >>> run.record(read({"type": "message", "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 2}}))
        >>> Tokens.from_run(run)
        Tokens(completion_tokens=2, prompt_tokens=3, cache_read_tokens=7, cache_write_tokens=0, total_tokens=5)
        """
        metrics = run.metrics if isinstance(run, Run) else run
        outside = sum(_cache_outside(entry.provider, entry) for models in (metrics.details or {}).values() for entry in models)
        return cls(
            completion_tokens=metrics.output_tokens,
            prompt_tokens=metrics.input_tokens - outside,
            cache_read_tokens=metrics.cache_read_tokens,
            cache_write_tokens=metrics.cache_write_tokens,
        )


def _cache_outside(provider: str, metrics: BaseMetrics) -> int:
    """The cached tokens that a provider counts outside of its prompt: those that its table adds to the input."""
    return sum(getattr(metrics, name) for name in _added_to_input(provider))


@cache
def _added_to_input(provider: str) -> tuple[str, ...]:
    own = registry().by_label.get(provider)
    field = own[0].input_tokens if own else None
    parts = field.parts if isinstance(field, Sum) else ()
    return tuple(name for name in ("cache_read_tokens", "cache_write_tokens") if own and getattr(own[0], name) in parts)


class ExecutionTokens(BaseModel):
    """The tokens of an execution."""

    inner: Tokens | None = Field(default_factory=Tokens)
    worker: Tokens | None = Field(default_factory=Tokens)
    """The task's own."""


class ExecutionReport(BaseModel):
    """The body of a report, field for field as xpander's SDK sends it."""

    execution_id: str
    source: str
    sub_executions: list[str] = Field(default_factory=list)
    memory_thread_id: str
    task: str
    triggered_by: str = "N/A"
    skills: list[str] = Field(default_factory=list)
    status: str
    internal_status: str | None = None
    duration: float = 0.0
    """Always 0: xpander takes the time from elsewhere."""
    ai_model: str = "xpander"
    worker: str | None = None
    ai_employee_id: str | None = None
    api_calls_made: list[Any]
    result: str | None = None
    llm_tokens: ExecutionTokens

    @classmethod
    def of(cls, task: Task) -> ExecutionReport:
        """The report of a task.

        Raises:
            ValueError: the task has no tokens.
        """
        if not task.tokens:
            raise ValueError("tokens must be provided: task.tokens = Tokens(...)")
        metrics_come_later = bool(getattr(task, "return_metrics", False)) and task.source == "orchestration"
        tokens = ExecutionTokens()
        if not metrics_come_later:
            tokens.worker = _tokens_of(task.tokens)
        return cls(
            execution_id=task.id,
            source=task.source,
            memory_thread_id=task.id,
            task=task.input.text or "",
            status=_value(task.status),
            internal_status=_value(task.internal_status),
            ai_model=(getattr(task, "served_model", None) or "").strip().lower() or "xpander",
            api_calls_made=[] if metrics_come_later else _names(task.used_tools),
            result=task.result or None,
            llm_tokens=tokens,
        )


def _tokens_of(told: Any) -> Tokens:
    """A task's tokens, whichever kind they are: ours, those of xpander's SDK, a dict."""
    names = told if isinstance(told, dict) else dir(told)
    if not {"prompt_tokens", "completion_tokens"} & set(names):
        raise ValueError(f"a task's tokens are Tokens, not {type(told).__name__}: task.tokens = Tokens.from_run(run.metrics)")
    return Tokens.model_validate(told, from_attributes=True)


def _names(tools: Any) -> list[Any]:
    return [tools] if isinstance(tools, str) else list(tools or [])


def _value(word: Any) -> Any:
    return word.value if isinstance(word, Enum) else word


class Input(Protocol):
    """What a task was asked."""

    @property
    def text(self) -> str | None: ...


class Task(Protocol):
    """What of a task is reported. xpander's own has all of it; `served_model`, `return_metrics` and `configuration` may lack."""

    @property
    def id(self) -> str: ...
    @property
    def agent_id(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def input(self) -> Input: ...
    @property
    def status(self) -> Any: ...
    @property
    def internal_status(self) -> Any: ...
    @property
    def used_tools(self) -> Any: ...
    @property
    def result(self) -> str | None: ...
    @property
    def tokens(self) -> Any: ...


# where it goes -------------------------------------------------------------------------------------------------------


class Configuration(BaseModel):
    """Where reports go, and with which key.

    By default as the environment says: `XPANDER_API_KEY`, `XPANDER_BASE_URL`, `XPANDER_ORGANIZATION_ID`. Without a
    base url it is xpander's own host, inbound.xpander.ai.
    """

    model_config = ConfigDict(extra="ignore")

    api_key: str | None = Field(default_factory=lambda: os.getenv("XPANDER_API_KEY"))
    base_url: str | None = Field(default_factory=lambda: os.getenv("XPANDER_BASE_URL") or DEFAULT_HOST)
    organization_id: str | None = Field(default_factory=lambda: os.getenv("XPANDER_ORGANIZATION_ID"))

    def get_full_url(self) -> str:
        """The url that paths are added to: agent controllers are addressed by organization.

        Raises:
            ValueError: there is no base_url.
        """
        if not self.base_url:
            raise ValueError("no base_url: give one, or set XPANDER_BASE_URL")
        url = self.base_url if self.base_url.lower().startswith(("http://", "https://")) else f"https://{self.base_url}"
        parts = urlsplit(url)
        mounted = parts.path.strip("/").partition("/")[0].lower() == "agent-controller"
        if mounted or "agent-controller" in (parts.hostname or "") or parts.port == 9016:
            if not self.organization_id:
                raise ValueError("an agent controller needs an organization_id: give one, or set XPANDER_ORGANIZATION_ID")
            return f"{url}/{self.organization_id}"
        return url


class HasFullUrl(Protocol):
    """Any configuration: ours or that of xpander's SDK."""

    @property
    def api_key(self) -> str | None: ...
    def get_full_url(self) -> str: ...


def report_metrics(task: Task, configuration: HasFullUrl | None = None, *, timeout: float = TIMEOUT, retries: int = 0) -> None:
    """Report a task's tokens, tools and outcome.

    Args:
        task: xpander's task, or anything with its attributes.
        configuration: where to; else the task's own, else as the environment says.
        timeout: seconds that each of its steps may take.
        retries: how often to try again where no connection came about. A report that was sent is never sent again.

    Raises:
        ValueError: the task has no tokens.
        ModuleException: the report was refused, timed out, or could not be sent.
    """
    request = _request(task, configuration)
    httpx = _httpx()
    try:
        with httpx.Client(timeout=timeout, **_tries(httpx.HTTPTransport, retries)) as client:
            _look_at(client.post(**request))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _not_sent(error, request["url"]) from error


async def areport_metrics(
    task: Task, configuration: HasFullUrl | None = None, *, timeout: float = TIMEOUT, retries: int = 0
) -> None:
    """`report_metrics` without blocking: takes and raises the same."""
    request = _request(task, configuration)
    httpx = _httpx()
    try:
        async with httpx.AsyncClient(timeout=timeout, **_tries(httpx.AsyncHTTPTransport, retries)) as client:
            _look_at(await client.post(**request))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _not_sent(error, request["url"]) from error


def reports_metrics(handler: Callable[_P, _T]) -> Callable[_P, _T]:
    """A handler of tasks, sync or async, that reports its task once it is done, if the task has tokens by then.

    The task is the argument called `task`, or else the first that has tokens. A handler that raises is reported as well:
    its tokens were used. A report that fails raises as `report_metrics` does, or is noted on what the handler raised.
    Not for use under xpander's `@on_task`, which reports by itself.
    """
    if isgeneratorfunction(handler) or isasyncgenfunction(handler):
        raise TypeError("a generator has no end at which it could report: report in it, or decorate what iterates it")
    if iscoroutinefunction(handler):

        @wraps(handler)
        async def awaited(*arguments: _P.args, **keywords: _P.kwargs) -> Any:
            task = _task_of(arguments, keywords)
            try:
                result = await cast(Awaitable[Any], handler(*arguments, **keywords))
            except Exception as error:
                if task.tokens:
                    with _noted_on(error):
                        await areport_metrics(task)
                raise
            if task.tokens:
                await areport_metrics(task)
            return result

        return cast(Callable[_P, _T], awaited)

    @wraps(handler)
    def called(*arguments: _P.args, **keywords: _P.kwargs) -> _T:
        task = _task_of(arguments, keywords)
        try:
            result = handler(*arguments, **keywords)
        except Exception as error:
            if task.tokens:
                with _noted_on(error):
                    report_metrics(task)
            raise
        if task.tokens:
            report_metrics(task)
        return result

    return called


@contextmanager
def _noted_on(error: Exception) -> Iterator[None]:
    """A report that fails after its handler did must not hide why the handler failed."""
    try:
        yield
    except Exception as refused:
        error.add_note(f"and the report of its tokens failed: {refused}")


def _task_of(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A handler's task: the argument of that name, or else the first that has tokens, though they be None."""
    if "task" in keywords:
        return keywords["task"]
    for argument in (*arguments, *keywords.values()):
        if hasattr(argument, "tokens"):
            return argument
    raise TypeError("the handler was called without a task: none of its arguments has tokens")


def _request(task: Task, configuration: HasFullUrl | None) -> dict[str, Any]:
    report = ExecutionReport.of(task)
    where: HasFullUrl = configuration or getattr(task, "configuration", None) or Configuration()
    if not where.api_key:
        raise _not_sent("no api_key: give a configuration, or set XPANDER_API_KEY")
    url = f"{where.get_full_url().rstrip('/')}/agents-metrics/{quote(task.agent_id, safe='')}/execution"
    headers = {"x-api-key": where.api_key, "content-type": "application/json"}
    return {"url": url, "headers": headers, "content": report.model_dump_json().encode()}


def _tries(transport: Any, retries: int) -> dict[str, Any]:
    """A client's transport that connects again; by default httpx's own, which knows of proxies."""
    return {"transport": transport(retries=retries)} if retries else {}


def _look_at(response: httpx.Response) -> None:
    if not response.is_success:
        raise ModuleException(response.status_code, response.text)


def _not_sent(why: object, url: str = "") -> ModuleException:
    to = f" to {urlsplit(url).netloc}" if url else ""
    return ModuleException(500, f"Failed to report metrics{to} - {str(why) or type(why).__name__}")


def _httpx() -> Any:
    try:
        import httpx
    except ModuleNotFoundError:
        raise ModuleNotFoundError("the report to xpander needs httpx: pip install 'unimeter[xpander]'") from None
    return httpx
