"""A model of Agno's that tells of its requests: Agno has no hook for them, so a copy gets a subclass of its class."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from copy import copy
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, cast

from unimeter.extras import needs
from unimeter.integrations.listener import Listener

with needs("agno"):
    from agno.models.base import Model


def _convention(model: Any) -> str:
    """Whose way of counting a model's metrics follow: Claude's wherever it is called, Bedrock's, Gemini's, or its provider's."""
    modules = {base.__module__.removeprefix("agno.models.").partition(".")[0] for base in type(model).__mro__}
    return next((name for name in ("aws", "anthropic", "google") if name in modules), model.get_provider())


@dataclass(eq=False)
class Role:
    """What a metered model is called for, and by whom; shared by the copies that Agno makes of the model."""

    listener: Listener
    model_type: str | Enum
    agent: str | None

    def __deepcopy__(self, memo: Any) -> Role:
        return self

    def calling(self) -> Any:
        return self.listener.calling(self.model_type, agent=self.agent)

    def heard(self, key: Any, delta: Any) -> Any:
        """A piece of a stream; the usage in it."""
        self.listener.answers(key)
        if delta.content or delta.reasoning_content or delta.tool_calls:
            self.listener.first_token(key)
        return delta.response_usage

    def ends(self, key: Any, model: Any, usage: Any) -> None:
        told = {"response_usage": usage, "model": model.id} if usage is not None else None
        self.listener.call_ends(key, told, provider=_convention(model))


@cache
def _metered_class(kind: type[Any]) -> type[Any]:
    """A subclass of a model's class, each of whose requests is told."""

    class Metered(kind):
        __slots__ = ()  # or the class of an object could not be exchanged

        def invoke(self, *arguments: Any, **options: Any) -> Any:
            with self._unimeter.calling() as key:
                response = super().invoke(*arguments, **options)
                self._unimeter.ends(key, self, response.response_usage)
                return response

        async def ainvoke(self, *arguments: Any, **options: Any) -> Any:
            with self._unimeter.calling() as key:
                response = await super().ainvoke(*arguments, **options)
                self._unimeter.ends(key, self, response.response_usage)
                return response

        def invoke_stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
            with self._unimeter.calling() as key:
                usage = None
                for delta in super().invoke_stream(*arguments, **options):
                    usage = self._unimeter.heard(key, delta) or usage
                    yield delta
                self._unimeter.ends(key, self, usage)

        async def ainvoke_stream(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
            with self._unimeter.calling() as key:
                usage = None
                async for delta in super().ainvoke_stream(*arguments, **options):
                    usage = self._unimeter.heard(key, delta) or usage
                    yield delta
                self._unimeter.ends(key, self, usage)

    Metered.__name__, Metered.__qualname__, Metered.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Metered


def metered(model: Model, role: Role) -> Model:
    """A copy of a model that tells of its requests, on the same client."""
    own: Any = copy(model)
    if not hasattr(own, "_unimeter"):
        own.__class__ = _metered_class(own.__class__)
    own._unimeter = role
    return cast(Model, own)
