"""`read` and `normalize`: any response of any provider in, a `Reading` or its metrics out.

Both come to the same numbers. `read` goes the whole way, by `interpret`. `normalize` first tries the readers that are made
for one kind of payload; they know what they do not know, and then it is `read` that answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.errors import MalformedUsage
from unimeter.interpret import Call, envelope_of
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of
from unimeter.raw_response import raw_response
from unimeter.reading import Reading
from unimeter.recognise import NO_URL, FromUrl, Recogniser, recogniser, url_text
from unimeter.typed import Reader
from unimeter.values import Refused


def normalize(
    payload: Any,
    provider: str | None = None,
    *,
    url: str | None = None,
    headers: Mapping[str, Any] | None = None,
    model: str | None = None,
    strict: bool = False,
) -> MessageMetrics:
    """The metrics of a response. Takes and raises what `read` does.

    >>> normalize({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}})
    MessageMetrics(input_tokens=9, output_tokens=2, total_tokens=11)
    """
    if headers is None and not strict:
        known = recogniser()
        kind = type(payload)
        reader: Reader | None = None
        if url is not None:
            pass  # `_straight` looks at it
        elif kind is dict:
            adapter = known.adapter_of(payload, provider)
            reader = None if adapter is None else adapter.metrics
        elif kind is bytes:
            reader = known.readers.get(provider)
        else:
            reader = known.object_readers.get((kind, provider))
        try:
            metrics = None if reader is None else reader(payload)
            if metrics is None and (kind is not dict or url is not None):
                metrics = _straight(known, payload, provider, url)
        except (Refused, AttributeError):  # what an object's class declares may never have been set
            metrics = None  # `read` says what and where
        if metrics is not None:
            return metrics
    return read(payload, provider, url=url, headers=headers, model=model, strict=strict).metrics


def read(
    payload: Any,
    provider: str | None = None,
    *,
    url: str | None = None,
    headers: Mapping[str, Any] | None = None,
    model: str | None = None,
    strict: bool = False,
) -> Reading:
    """What a response says about its usage.

    Args:
        payload: a raw response object of an HTTP library or an SDK, whose body was read; an SDK's object, a dict,
            JSON bytes or text, a raw HTTP body (JSON, server-sent events, JSON lines, an
            AWS event stream; gzip'd or not), a list or stream of events or chunks; the usage object alone if the
            provider is named.
        provider: its label or slug, such as "Anthropic" or "aws-bedrock"; needed only if nothing else tells.
        url: the url of the call, whole or only its path; the strongest hint after the name.
        headers: the response's headers, for providers that put usage there (Bedrock InvokeModel).
        model: the model's id, for responses that do not name it.
        strict: whether a warning (`Reading.odd`) is an error. Of several responses in a body, each is checked.

    Raises:
        UnknownProvider: nothing recognises the payload.
        MissingUsage: it carries no usage.
        MalformedUsage: a value is not what it must be; the message gives its path. With `strict`, also for a warning.

    >>> reading = read({"type": "message", "model": "claude-x", "usage": {"input_tokens": 3, "cache_read_input_tokens": 7}})
    >>> reading.provider, reading.metrics.input_tokens, sorted(reading.reported)
    ('Anthropic', 10, ['cache_read_tokens', 'input_tokens'])
    """
    call = Call(provider, url, model)
    try:
        found = call.found(payload) if headers is None else None
        reading = None if found is None else call.reading(found)
        if reading is None:
            if (raw := raw_response(payload)) is not None:
                url, headers = url or raw.url, headers or raw.headers
                return read(raw.body, provider, url=url, headers=headers, model=model, strict=strict)
            reading = call.read(payload, headers)
        if strict:
            _refuse_warnings(reading)
        return reading
    except Refused as refused:
        raise MalformedUsage(call.label or "", refused.path, refused.expected, refused.got) from None


def _refuse_warnings(reading: Reading) -> None:
    """Raise the first warning of a reading, or of a response or another model's call in it."""
    if isinstance(reading.error, MalformedUsage):
        raise reading.error
    for inner in (*reading.calls, *reading.parts):
        _refuse_warnings(inner)
    if reading.odd:
        raise MalformedUsage(reading.provider, "usage", "free of contradictions (strict=True)", "; ".join(reading.odd))


def _straight(known: Recogniser, payload: Any, provider: str | None, url: str | None) -> MessageMetrics | None:
    """The metrics of one response of a known shape with its usage in its place; None for what needs a second look."""
    label = None if provider is None else known.label(provider)
    hints = NO_URL if url is None else known.from_url(url if type(url) is str else url_text(url))
    kind = type(payload)
    if kind is bytes:
        return _straight_from_bytes(
            known, payload, label, hints, provider if url is None else (label, hints.label, hints.dialect)
        )
    fields = payload if kind is dict else fields_of(payload)
    found = None if fields is None else known.whose(fields, kind, label, hints)
    if fields is None or found is None:
        return None
    metrics = found[1].metrics(fields)
    if kind is not dict and url is None and metrics is not None and (kind, provider) not in known.object_readers:
        known.remember_kind(kind, provider, found[1], payload)
    return metrics


def _straight_from_bytes(known: Recogniser, raw: bytes, label: str | None, hints: FromUrl, told: Any) -> MessageMetrics | None:
    """The same for a body, by the typed reader of the last that was told of alike, or else by its envelope."""
    if told.__class__ is tuple and (reader := known.readers.get(told)) is not None:
        metrics = reader(raw)
        if metrics is not None:
            return metrics
    fields = envelope_of(raw, known.registry)
    found = None if fields is None else known.whose(fields, dict, label, hints)
    if fields is None or found is None:
        return None
    metrics = found[1].metrics(fields)
    if metrics is not None:
        named = label is not None or hints.label is not None
        known.remember(told, found[1] if named else known.registry.root_of(found[1]), fields, named=named)
    return metrics
