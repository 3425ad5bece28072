"""Everything that unimeter raises.

    UnimeterError
    ├── UnknownProvider      nothing recognises the payload, or no provider has the given name
    ├── UsageError           the provider is known, its usage cannot be told
    │   ├── MissingUsage     there is none; a missing number never becomes zero
    │   └── MalformedUsage   a value is not what it must be; it is never clamped or guessed
    └── AdapterError         an adapter's table is wrong; raised when the class is created

No message ever quotes a prompt or a completion, nor does an error behind it: values are shown only if they are numbers, names
only if they look like names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unimeter.reading import Reading


class UnimeterError(Exception):
    """The root of all errors that unimeter raises."""


class UnknownProvider(UnimeterError):
    """Nothing recognises the payload. The message says what was looked at and how to name the provider."""


class UsageError(UnimeterError):
    """The usage of a response cannot be told.

    Attributes:
        provider: the label of the provider that the response was read as; "" where it is not known.
    """

    def __init__(self, provider: str, message: str) -> None:
        super().__init__(f"{provider}: {message}" if provider else message)
        self.provider = provider
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.provider, self.message)


class MissingUsage(UsageError):
    """The response carries no usage. The message says how to ask for it, where the provider has a way.

    Attributes:
        provider: the label of the provider that the response was read as; "" where it is not known.
        due: whether there should be any; False for a call that uses nothing, such as a moderation or a count of tokens.
        hint: how to ask for usage; None where the provider has no way.
        model: the model's id, as far as the response tells it.
        id: the response's id, as far as it tells one.
        calls: the single responses, where the body holds several and none has usage. Those of failed requests have an `error`.
    """

    def __init__(
        self,
        provider: str,
        message: str,
        due: bool = True,
        hint: str | None = None,
        model: str | None = None,
        id: str | None = None,  # noqa: A002  # what the response calls it
        calls: tuple[Reading, ...] = (),
    ) -> None:
        super().__init__(provider, message)
        self.due = due
        self.hint = hint
        self.model = model
        self.id = id
        self.calls = calls

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.provider, self.message, self.due, self.hint, self.model, self.id, self.calls)


class MalformedUsage(UsageError):
    """A value in the response is not what the provider's dialect says it must be.

    Attributes:
        provider: the label of the provider that the response was read as.
        path: where the value stands, such as ``usage.prompt_tokens``.
        expected: what it must be.
        got: what came, cut short.
    """

    def __init__(self, provider: str, path: str, expected: str, got: str) -> None:
        super().__init__(provider, f"{path} must be {expected}, not {got}")
        self.path = path
        self.expected = expected
        self.got = got

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.provider, self.path, self.expected, self.got)


class AdapterError(UnimeterError):
    """An adapter's table is wrong: a misspelt metric, a bad path, a doubled name. The message gives a hint."""
