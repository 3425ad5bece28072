"""The command line: `unimeter read`, `unimeter matrix`. Needs the extra `cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from unimeter.cli.app import app
    except ModuleNotFoundError as error:
        sys.exit(f"unimeter's command line needs {error.name}: pip install 'unimeter[cli]'")
    app()
