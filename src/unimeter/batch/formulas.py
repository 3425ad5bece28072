"""Texts that a spreadsheet would take for formulas. What a server calls its model must not be run.

A text that begins with `=`, `+`, `-` or `@`, also after blanks and control characters, and one that begins with a tab or a
line break, gets an apostrophe before it (https://owasp.org/www-community/attacks/CSV_Injection). The same after a semicolon,
a tab or a line break, at which a spreadsheet of another locale begins a new cell.
"""

from __future__ import annotations

import re
from typing import Any

from unimeter.extras import needs

with needs("batch"):
    import pyarrow.compute as pc

_BEGINS = "=+@＝＋－＠-"
"""What a formula begins with; the wide forms are what some programs take for the same."""
_BLANKS = "\\x00-\\x20\u00a0\ufeff"
_FORMULA = f"(^|[;\\t\\r\\n])([{_BLANKS}]*[{_BEGINS}])|^([\\t\\r\\n])"
_HARMLESS = "\\1'\\2\\3"


def harmless(text: str) -> str:
    """A text as one that no spreadsheet runs.

    >>> harmless("=1+1"), harmless("gpt-5"), harmless("a;@SUM(1)")
    ("'=1+1", 'gpt-5', "a;'@SUM(1)")
    """
    return re.sub(_FORMULA, _HARMLESS, text)


def harmless_column(column: Any) -> Any:
    """`harmless` for every text in a column."""
    return pc.replace_substring_regex(column, _FORMULA, _HARMLESS)
