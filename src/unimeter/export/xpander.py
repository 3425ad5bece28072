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
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar, cast
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field
from pydantic_core import PydanticSerializationError

from unimeter.errors import UnimeterError
from unimeter.export._xpander_http import Answer, Hidden, Redactor, Target, secrets_of, target_of, unfit_for_a_header
from unimeter.fields import Sum
from unimeter.metrics import BaseMetrics, RunMetrics
from unimeter.registry import registry
from unimeter.run import Run

_P = ParamSpec("_P")
_T = TypeVar("_T")

DEFAULT_HOST = "inbound.xpander.ai"
TIMEOUT = 60.0
"""Seconds that each step of a report may take: to connect, to send, to wait for more of the answer."""
LONGEST_TEXT = 100_000
"""Characters of a text that are reported, at most. A longer one is cut, with a warning."""


class ModuleException(UnimeterError):  # xpander's name for it
    """A report that was refused, timed out, or could not be made or sent. It never holds the key, a password or a text."""

    def __init__(self, status_code: int, description: str) -> None:
        """
        Args:
            status_code: the HTTP status of the answer; 500 where there was none.
            description: what the server said, cut and without secrets; or what went wrong.
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

    model_config = ConfigDict(hide_input_in_errors=True)

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

    model_config = ConfigDict(hide_input_in_errors=True)  # an input is what was asked, or answered

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
        """The report of a task. A text longer than `LONGEST_TEXT` is cut, with a warning.

        Raises:
            ValueError: the task has no tokens, or something that cannot be reported.
        """
        _check_tokens(task)
        metrics_come_later = bool(getattr(task, "return_metrics", False)) and task.source == "orchestration"
        tokens = ExecutionTokens()
        if not metrics_come_later:
            tokens.worker = _tokens_of(task.tokens)
        return cls(
            execution_id=task.id,
            source=task.source,
            memory_thread_id=task.id,
            task=_reported(task.input.text or "", "input"),
            status=_value(task.status),
            internal_status=_reported(_value(task.internal_status), "internal status"),
            ai_model=(getattr(task, "served_model", None) or "").strip().lower() or "xpander",
            api_calls_made=[] if metrics_come_later else _names(task.used_tools),
            result=_reported(task.result or None, "result"),
            llm_tokens=tokens,
        )


class _NoTokens(ValueError):
    """Something else than tokens. The message quotes nothing of it."""


def _tokens_of(told: Any) -> Tokens:
    """A task's tokens, whichever kind they are: ours, those of xpander's SDK, a dict."""
    names = told if isinstance(told, dict) else dir(told)
    if not {"prompt_tokens", "completion_tokens"} & set(names):
        raise _NoTokens(f"a task's tokens are Tokens, not {type(told).__name__}: task.tokens = Tokens.from_run(run.metrics)")
    return Tokens.model_validate(told, from_attributes=True)


def _check_tokens(task: Task) -> None:
    if not task.tokens:
        raise ValueError("tokens must be provided: task.tokens = Tokens(...)")


def _names(tools: Any) -> list[Any]:
    names = [tools] if isinstance(tools, str) else list(tools or [])
    return [_reported(name, "name of a tool") for name in names]


def _reported(text: Any, what: str) -> Any:
    """A text as it is reported: not too long, and without halves of characters, which no JSON can hold."""
    if not isinstance(text, str):
        return text
    if len(text) > LONGEST_TEXT:
        says = f"… (cut: it had {len(text):,} characters)"
        warnings.warn(
            f"the {what} of a task is cut: it has {len(text):,} characters, {LONGEST_TEXT:,} are reported", stacklevel=2
        )
        text = text[: LONGEST_TEXT - len(says)] + says
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


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
    base url it is xpander's own host, inbound.xpander.ai. Neither the key nor a password in the url is ever shown.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    api_key: str | None = Field(default_factory=lambda: os.getenv("XPANDER_API_KEY"))
    base_url: str | None = Field(default_factory=lambda: os.getenv("XPANDER_BASE_URL") or DEFAULT_HOST)
    organization_id: str | None = Field(default_factory=lambda: os.getenv("XPANDER_ORGANIZATION_ID"))

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        yield "api_key", self.api_key and "***"
        try:
            yield "base_url", self.base_url and str(target_of(_with_scheme(self.base_url)).url)
        except ValueError:
            yield "base_url", "***"
        yield "organization_id", self.organization_id

    def get_full_url(self) -> str:
        """The url that paths are added to: agent controllers are addressed by organization.

        Raises:
            ValueError: there is no base_url, or it is not one; or it needs an organization_id. The message quotes none.
        """
        if not self.base_url:
            raise ValueError("no base_url: give one, or set XPANDER_BASE_URL")
        url = Hidden(_with_scheme(self.base_url))
        parts = urlsplit(target_of(url).url)
        mounted = parts.path.strip("/").partition("/")[0].lower() == "agent-controller"
        if mounted or "agent-controller" in (parts.hostname or "") or parts.port == 9016:
            if not self.organization_id:
                raise ValueError("an agent controller needs an organization_id: give one, or set XPANDER_ORGANIZATION_ID")
            return f"{url}/{quote(self.organization_id, safe='')}"
        return str(url)


def _with_scheme(base_url: str) -> str:
    return base_url if "://" in base_url else f"https://{base_url}"


class HasFullUrl(Protocol):
    """Any configuration: ours or that of xpander's SDK."""

    @property
    def api_key(self) -> str | None: ...
    def get_full_url(self) -> str: ...


def report_metrics(
    task: Task,
    configuration: HasFullUrl | None = None,
    *,
    timeout: float = TIMEOUT,
    retries: int = 0,
    trust_env: bool = False,
) -> None:
    """Report a task's tokens, tools and outcome. A text longer than `LONGEST_TEXT` is cut, with a warning.

    Args:
        task: xpander's task, or anything with its attributes.
        configuration: where to; else the task's own, else as the environment says.
        timeout: seconds that each of its steps may take.
        retries: how often to try again where no connection came about. A report that was sent is never sent again.
        trust_env: whether the environment's proxies (`HTTPS_PROXY`, …) are used. They are not combined with `retries`.

    Raises:
        ValueError: the task has no tokens; or both `retries` and `trust_env` are given.
        ModuleException: the report was refused, timed out, or could not be made or sent.
    """
    _check_use(retries, trust_env)
    request = _request(task, configuration)
    answer = Answer(timeout)
    problem: ModuleException | None = None
    httpx = _httpx()
    try:
        options = _options(httpx, httpx.HTTPTransport, timeout, retries, trust_env)
        with httpx.Client(**options) as client, client.stream("POST", **request.arguments()) as response:
            if not response.is_success:
                answer.read(response.iter_raw())
                problem = request.refused(response, answer)
    except Exception as error:
        problem = request.not_sent(error)
    if problem is not None:  # raised here, so that it does not hold the exception above, and with it the request and its key
        raise problem


async def areport_metrics(
    task: Task,
    configuration: HasFullUrl | None = None,
    *,
    timeout: float = TIMEOUT,
    retries: int = 0,
    trust_env: bool = False,
) -> None:
    """`report_metrics` without blocking: takes and raises the same."""
    _check_use(retries, trust_env)
    request = _request(task, configuration)
    answer = Answer(timeout)
    problem: ModuleException | None = None
    httpx = _httpx()
    try:
        options = _options(httpx, httpx.AsyncHTTPTransport, timeout, retries, trust_env)
        async with httpx.AsyncClient(**options) as client, client.stream("POST", **request.arguments()) as response:
            if not response.is_success:
                await answer.aread(response.aiter_raw())
                problem = request.refused(response, answer)
    except Exception as error:
        problem = request.not_sent(error)
    if problem is not None:  # raised here for the same reason
        raise problem


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


def _check_use(retries: int, trust_env: bool) -> None:
    if retries and trust_env:
        raise ValueError("retries and trust_env exclude each other: httpx does not retry through a proxy")


class _Request(NamedTuple):
    """A report on its way."""

    target: Target
    path: str
    key: Hidden
    body: bytes

    def __repr__(self) -> str:
        return f"<a report to {self.target.host}>"

    def arguments(self) -> dict[str, Any]:
        """What an HTTP client takes. No key goes where a server redirects to, and no answer is decompressed."""
        headers = {"x-api-key": self.key, "content-type": "application/json", "accept-encoding": "identity"}
        url, auth = f"{self.target.url}{self.path}", self.target.auth
        return {"url": url, "headers": headers, "content": self.body, "auth": auth, "follow_redirects": False}

    def refused(self, response: Any, answer: Answer) -> ModuleException:
        """What a server's refusal is."""
        text = answer.text(response.charset_encoding, response.headers.get("content-encoding"))
        return ModuleException(response.status_code, self._redactor().clean(text, was_cut=answer.was_cut))

    def not_sent(self, error: Exception) -> ModuleException:
        """What a failure on the way is."""
        why = self._redactor().clean(" ".join(str(error).split()) or type(error).__name__)
        return _not_sent(why, self.target.host)

    def _redactor(self) -> Redactor:
        return Redactor(secrets_of(str(self.key), self.target))


def _request(task: Task, configuration: HasFullUrl | None) -> _Request:
    _check_tokens(task)
    body, problem = _body_of(task)
    if problem:
        raise _not_sent(f"the task cannot be reported: {problem}")
    where: HasFullUrl = configuration or getattr(task, "configuration", None) or Configuration()
    if not where.api_key:
        raise _not_sent("no api_key: give a configuration, or set XPANDER_API_KEY")
    if problem := unfit_for_a_header(where.api_key):
        raise _not_sent(f"the api_key cannot be sent: it {problem}")
    target, problem = _target_of(where)
    if target is None:
        raise _not_sent(problem)
    agent, problem = _agent_of(task)
    if problem:
        raise _not_sent(problem, target.host)
    return _Request(target, f"/agents-metrics/{agent}/execution", Hidden(where.api_key), body)


def _body_of(task: Task) -> tuple[bytes, str]:
    """The body of a task's report; or why there is none, without the texts that a validation quotes."""
    try:
        return ExecutionReport.of(task).model_dump_json().encode(), ""
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return b"", "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found)
    except AttributeError as error:
        return b"", f"it has no {error.name}" if error.name else "an attribute is missing"
    except _NoTokens as error:
        return b"", str(error)
    except PydanticSerializationError:
        return b"", "something in it cannot be written as JSON"
    except (TypeError, ValueError, RecursionError) as error:
        return b"", type(error).__name__


def _target_of(where: HasFullUrl) -> tuple[Target | None, str]:
    """Where a configuration points; or why it points nowhere. What another's configuration raises may quote the url."""
    try:
        return target_of(where.get_full_url()), ""
    except ValueError as error:
        is_ours = isinstance(where, Configuration)
        return None, str(error) if is_ours else "the configuration has no valid url"


def _agent_of(task: Task) -> tuple[str, str]:
    agent = task.agent_id
    try:
        text = quote(agent, safe="") if isinstance(agent, str) else ""
    except UnicodeError:
        text = ""
    return (text, "") if text.strip(".") else ("", "the task's agent_id is no name that a url can hold")


def _options(httpx: Any, transport: Any, timeout: float, retries: int, trust_env: bool) -> dict[str, Any]:
    """What an HTTP client is made with. Without `trust_env` httpx would not know the environment's certificates either."""
    verify = httpx.create_ssl_context()
    options = {"timeout": timeout, "trust_env": trust_env, "verify": verify}
    return options | ({"transport": transport(verify=verify, retries=retries, trust_env=False)} if retries else {})


def _not_sent(why: str, host: str = "") -> ModuleException:
    to = f" to {host}" if host else ""
    return ModuleException(500, f"Failed to report metrics{to} - {why}")


def _httpx() -> Any:
    try:
        import httpx
    except ModuleNotFoundError:
        raise ModuleNotFoundError("the report to xpander needs httpx: pip install 'unimeter[xpander]'") from None
    return httpx
