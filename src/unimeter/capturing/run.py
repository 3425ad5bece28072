"""`capture`: a run that hears every call made inside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from unimeter.blocks import Call
from unimeter.capturing import taps
from unimeter.capturing.hosts import Hosts
from unimeter.capturing.metered import Count, Heard, MeteredCall
from unimeter.metrics import ModelType
from unimeter.pairing import WIRE, ObservedCall
from unimeter.prices import Price
from unimeter.reading import Reading
from unimeter.run import Run, Session
from unimeter.unharmed import unharmed


class Capture(Run):
    """A run that hears every call to a model that is made inside it, by whichever framework or SDK.

        with unimeter.capture() as run:
            agent.run("...")
        print(run.metrics)

    It hears httpx, httpx2, aiohttp, requests, urllib3 and botocore, synchronous or not, streaming or not, in this
    thread or task, in those that inherit its context, and in threads and pools that get their work inside. An answer
    is counted in the innermost run that is current when the request is made, and so in all that it is nested in.

    The program gets the same bytes and the same errors. Of a body only the events that carry usage are kept, and only
    until its end. A stream that is still open when the capture ends is counted by what it has told, as not complete.

    What is asked for again by GET (batches, background responses, assistants' runs) is not heard, as it was made before.
    """

    def __init__(
        self,
        *,
        session: Session | None = None,
        price: Price | None = None,
        hosts: Mapping[str, str | None] | None = None,
        inject_usage: bool = False,
    ) -> None:
        """
        Args:
            session: what the run belongs to.
            price: what a call costs whose provider does not say, as for `Run`.
            hosts: gateways and servers of your own, and whose dialect they speak: `{"llm.acme.example": "openai-chat"}`.
                A url is known without it where its path ends as a provider's do (`/chat/completions`), or its host is a
                provider's. None for a host that is not to be heard.
            inject_usage: ask for usage where a streaming request to an OpenAI-style endpoint does not
                (`stream_options.include_usage`). The program then sees one more chunk at the end of each such stream,
                with the usage and without choices, as OpenAI documents it.

        Raises:
            UnknownProvider: no provider has the name that is given for a host.
        """
        super().__init__(session=session, price=price)
        self._hosts = Hosts(hosts)
        self._inject_usage = inject_usage
        self._open: set[MeteredCall] = set()
        """Calls that are not counted yet. Held, as the garbage collector may be about to end one in another thread."""

    def start(self) -> Self:
        """Begin to hear, once, as `with` does; for programs that have no block to put it around."""
        return self._enter()

    def stop(self) -> None:
        """Hear no more, as the end of `with` does."""
        self._leave(None)

    def _enter(self) -> Self:
        taps.open_to(ear_of)
        try:
            return super()._enter()
        except BaseException:
            taps.close_to(ear_of)
            raise

    def _leave(self, error: BaseException | str | None) -> None:
        if not self._entered or self._ended is not None:
            return
        super()._leave(error)
        taps.close_to(ear_of)
        for call in tuple(self._open):
            _settle(call)
        self._open.clear()

    def _hears(self, method: str, url: str, headers: Mapping[str, Any] | None = None) -> MeteredCall | None:
        """An ear for a request; None where it is no call to a model."""
        told = self._hosts.told(method, url, headers)
        if told is None:
            return None
        current, block = _here() or self, Call.current()
        if block is not None and current in block._run._lineage():
            current = block._run
        count = _count_in(current, self, block)
        channels = (WIRE, block._channel) if block is not None and block._channel else (WIRE,)
        call = MeteredCall(told, count, asks_for_usage=self._inject_usage, over=self._open.discard, channels=channels)
        if block is not None:
            block._heard.append(call)
        self._open.add(call)
        return call


@unharmed
def _settle(call: MeteredCall) -> None:
    call.settle()


def _count_in(current: Run, capture: Run, block: Call | None) -> Count:
    """Counts a call in the run that is current when it is made, and in the capture if that is nowhere around it."""
    others = (capture,) if block is None else (capture, block._run)
    also = [run for run in dict.fromkeys(others) if run not in current._lineage()]
    model_type = ModelType.MODEL.value if block is None else block._model_type

    def count(reading: Reading | None, heard: Heard) -> list[ObservedCall]:
        observation, duration, first_token = heard
        current.record(
            reading, model_type, agent=block, duration=duration, time_to_first_token=first_token, also=also, channel=observation
        )
        return observation.calls

    return count


def _here() -> Run | None:
    """The run that is current; else the one whose call this is, which a framework's hook may have begun elsewhere."""
    run = Run.current()
    if run is None and (call := Call.current()) is not None:
        return call._run
    return run


def ear_of(method: str, url: str, headers: Mapping[str, Any]) -> MeteredCall | None:
    """An ear for a request that is made here and now; None where no capture hears it."""
    run = _here()
    capture = (
        None if run is None else next((one for one in run._around() if isinstance(one, Capture) and one._ended is None), None)
    )
    return None if capture is None else capture._hears(method, url, headers)
