"""LiteLLM: a custom logger, for its SDK and its proxy.

    import litellm
    import unimeter
    from unimeter.integrations.litellm import UnimeterLogger

    litellm.callbacks = [UnimeterLogger()]
    with unimeter.capture() as run:
        litellm.completion("openai/gpt-5-mini", [{"role": "user", "content": "Weather in Paris?"}])
    print(run)

In the proxy's configuration, `callbacks: my_module.logger`, and in that module `logger = UnimeterLogger(Run(...))`.

It hears completions, streaming or not, in the run that is current where they are made, and not what LiteLLM answers from
its cache. Without `capture` the figures are LiteLLM's `Usage` and its cost; where a provider tells no usage, LiteLLM makes
one up by counting texts, which cannot be told apart. It logs in a thread of its own, some time after the answer.

Tested with litellm 1.106.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from unimeter.extras import needs
from unimeter.integrations.listener import Listener
from unimeter.run import Run

with needs("litellm"):
    from litellm.integrations.custom_logger import CustomLogger


class UnimeterLogger(CustomLogger):  # type: ignore[misc,unused-ignore]
    """Counts LiteLLM's calls in a run: the current one, or the one that is given."""

    def __init__(self, run: Run | None = None) -> None:
        super().__init__()
        self._listener = Listener(run, __name__)
        self._told: deque[str] = deque(maxlen=1000)
        """Calls that have ended: both of LiteLLM's loggers may tell of one."""

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Mapping[str, Any]) -> None:
        if kwargs["litellm_call_id"] in self._told:  # which a program may choose, and choose again
            self._told.remove(kwargs["litellm_call_id"])
        self._listener.call_begins(kwargs["litellm_call_id"])

    def log_success_event(self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self._ends(kwargs, response_obj, start_time)

    async def async_log_success_event(self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self._ends(kwargs, response_obj, start_time)

    def log_failure_event(self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self._listener.call_fails(kwargs["litellm_call_id"])

    async def async_log_failure_event(self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self._listener.call_fails(kwargs["litellm_call_id"])

    def _ends(self, kwargs: Mapping[str, Any], response: Any, start_time: Any) -> None:
        call_id = kwargs["litellm_call_id"]
        if kwargs.get("stream") is True:
            response = kwargs.get("complete_streaming_response") or kwargs.get("async_complete_streaming_response")
            if response is None:
                return  # a chunk
        if call_id in self._told:
            return
        self._told.append(call_id)
        if kwargs.get("cache_hit"):
            self._listener.call_was_none(call_id)
            return
        if self._listener.call_of(call_id) is None:  # some providers' calls are told of when they end
            self._listener.call_begins(call_id)
        first = kwargs.get("completion_start_time")
        if kwargs.get("stream") is True and isinstance(first, datetime) and isinstance(start_time, datetime):
            self._listener.first_token(call_id, after=(first - start_time).total_seconds())
        self._listener.call_ends(call_id, response if getattr(response, "usage", None) else None)
