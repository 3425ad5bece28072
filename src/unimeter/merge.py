"""One usage of a stream's several: for each path the last value that is not null.

    >>> merged([{"prompt_tokens": 9, "details": {"cached": 8}}, {"prompt_tokens": 9, "details": None, "completion_tokens": 0}])
    {'prompt_tokens': 9, 'details': {'cached': 8}, 'completion_tokens': 0}

Nothing is summed and nothing compared: an explicit 0 overwrites, an absent or null field does not. Lists are values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimeter.fields import other_spelling
from unimeter.objects import fields_of, is_unset
from unimeter.values import DEEPEST, MOST_VALUES, spend

_PLAIN = frozenset((int, float, str, bool))


def merged(usages: Sequence[Any]) -> Any:
    """The usages laid over one another, in order. A single one is returned as it is; several make a new object."""
    whole = usages[0]
    for usage in usages[1:]:
        whole = laid_over(whole, usage, 0)
    return whole


def laid_over(old: Any, new: Any, depth: int, left: list[int] | None = None) -> Any:
    """A new value over an old one; neither is changed. `left` is how many more values are looked at."""
    if new is None or is_unset(new):
        return old
    new_fields = fields_of(new)
    old_fields = fields_of(old)
    if new_fields is None or old_fields is None or depth == DEEPEST:
        return new
    left = left or [MOST_VALUES]
    spend(left, len(new_fields), "usage")
    out: dict[str, Any] = dict(old_fields)
    for name, value in new_fields.items():
        if name not in out and (other := other_spelling(name)) in out:
            out[name] = out.pop(other)  # a dict from the wire, and then an SDK's object
        out[name] = value if type(value) in _PLAIN else laid_over(out.get(name), value, depth + 1, left)
    return out
