"""Why there is no reading, in words that say what to do. No word of a prompt or an answer is in them, only names."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.payload import Event
from unimeter.values import name_of


def why_missing(adapter: type[Adapter], event: Event, *, is_stream: bool, complete: bool = True) -> str:
    """Why a response or a stream has no usage to read, as far as one of its events tells; and how to ask for it."""
    if not complete and event.get("error") is None and adapter.final:
        return "the stream ended before it told any usage"
    what = "stream" if is_stream else "response"
    error = "; it holds an error" if event.get("error") is not None else ""
    hint = hint_of(adapter, is_stream=is_stream)
    return f"the {what} carries no usage{error}{hint and f'; {hint}'}"


def hint_of(adapter: type[Adapter], *, is_stream: bool) -> str:
    """How to ask for usage that a response or a stream lacks; "" where there is no way, or it is always there."""
    return "" if adapter.stream_option and not is_stream else adapter.hint


def nothing_known(events: list[Event], kind: type | None) -> str:
    """What was looked at of a payload that nothing recognises, and what its reader can do."""
    names = ", ".join(name[:32] for name in sorted(map(name_of, events[0]))[:12]) if events else ""
    what = "a payload" if kind is None or kind is dict else f"{kind.__module__}.{kind.__qualname__}"
    return (
        f"nothing recognises {what} with {f'the names {names}' if names else 'no name that a table knows'}; "
        "name the provider (provider='anthropic') or give the url"
    )
