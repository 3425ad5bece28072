"""For those who want nothing patched: hooks that a client of httpx, httpx2 or botocore takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from itertools import count
from typing import Any

from unimeter.capturing.exchange import Exchange
from unimeter.capturing.hosts import Hosts
from unimeter.capturing.metered import Heard, MeteredCall
from unimeter.capturing.run import Capture
from unimeter.capturing.taps import httpx, urllib3
from unimeter.metrics import ModelType
from unimeter.pairing import ObservedCall
from unimeter.reading import Reading
from unimeter.run import Run
from unimeter.unharmed import unharmed

_numbers = count()


class _Nothing:
    """What a hook returns: an asynchronous client awaits it, and gets None."""

    def __await__(self) -> Generator[Any, None, None]:
        return iter(())  # type: ignore[return-value]  # nothing to wait for


def httpx_hooks(run: Run, *, hosts: Mapping[str, str | None] | None = None) -> dict[str, list[Callable[[Any], Any]]]:
    """Hooks that count in a run what a client calls: `httpx.Client(event_hooks=unimeter.httpx_hooks(run))`.

    The same for `httpx.AsyncClient`, and for httpx2's clients.

    Args:
        run: where the calls are counted.
        hosts: as for `capture`.
    """
    known, key = _known(run, hosts), f"unimeter.{next(_numbers)}"

    @unharmed
    def requested(request: Any) -> None:
        exchange = _exchange(known, run, request.method, str(request.url), request.headers)
        if exchange is not None:
            request.extensions[key] = exchange

    @unharmed
    def answered(response: Any) -> None:
        exchange = response.request.extensions.pop(key, None)
        if exchange is not None:
            httpx.listen(sys.modules[type(response).__module__.partition(".")[0]], response, exchange)

    def on_request(request: Any) -> _Nothing:
        requested(request)
        return _Nothing()

    def on_response(response: Any) -> _Nothing:
        answered(response)
        return _Nothing()

    return {"request": [on_request], "response": [on_response]}


def botocore_hooks(client: Any, run: Run, *, hosts: Mapping[str, str | None] | None = None) -> None:
    """Count in a run what a botocore (boto3) client calls, from now on, by the client's own events.

    Args:
        client: a client such as `boto3.client("bedrock-runtime")`.
        run: where the calls are counted.
        hosts: as for `capture`.
    """
    known, key = _known(run, hosts), f"unimeter.{next(_numbers)}"

    @unharmed
    def before(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        exchange = _exchange(known, run, params["method"], params["url"], params["headers"])
        if exchange is not None:
            context[key] = exchange

    @unharmed
    def after(http_response: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        exchange = context.pop(key, None)
        if exchange is None:
            return
        if model.has_event_stream_output or model.has_streaming_output:
            urllib3.listen(http_response.raw, exchange)
        else:
            exchange.answered(http_response.status_code, http_response.headers)
            exchange.feed(http_response.content)
            exchange.end()

    client.meta.events.register("before-call", before)
    client.meta.events.register("after-call", after)


def _known(run: Run, hosts: Mapping[str, str | None] | None) -> Hosts:
    if isinstance(run, Capture):
        raise TypeError("a capture hears by itself: its calls would be counted twice")
    return Hosts(hosts)


def _is_captured(run: Run) -> bool:
    """Whether a capture hears what is called here, and counts it where the run's calls count."""
    current = Run.current()
    captured = current is not None and any(isinstance(one, Capture) and one._ended is None for one in current._around())
    return captured and current is not None and (run in current._lineage() or current in run._lineage())


def _exchange(known: Hosts, run: Run, method: str, url: str, headers: Mapping[str, Any]) -> Exchange | None:
    told = known.told(method, url, headers)
    if told is None or _is_captured(run):
        return None

    def counted(reading: Reading | None, heard: Heard) -> list[ObservedCall]:
        observation, duration, first_token = heard
        run.record(reading, ModelType.MODEL, duration=duration, time_to_first_token=first_token, channel=observation)
        return observation.calls

    return Exchange([MeteredCall(told, counted)])
