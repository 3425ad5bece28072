"""What `unimeter new` writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from unimeter.fixture import is_fixture
from unimeter.testing.draft import class_name, draft_of, fixture_of, module_name, table_of, test_of


def write_new(name: str, recorded: Path, path: str, folder: Path) -> int:
    """Write a provider's adapter, fixture and test; 1 if that is not possible. Nothing is ever overwritten."""
    module = module_name(name)
    try:
        data = json.loads(recorded.read_bytes())
        response = data["response"] if is_fixture(data) else data
        if not isinstance(response, dict):
            raise ValueError("a single response is needed, a JSON object")
        draft = draft_of(response)
    except (OSError, ValueError, RecursionError, KeyError) as error:
        sys.stderr.write(f"{recorded}: {error}\n")
        return 1
    fixture = json.dumps(fixture_of(response, draft, path), indent=1, ensure_ascii=False) + "\n"
    files = {
        folder / f"{module}.py": table_of(name, draft),
        folder / "fixtures" / module / "plain.json": fixture,
        folder / f"test_{module}.py": test_of(name),
    }
    if there := [str(file) for file in files if file.exists()]:
        sys.stderr.write(f"{', '.join(there)}: exists already\n")
        return 1
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        sys.stdout.write(f"{file}\n")
    sys.stdout.write(f"Look for `to do` in them, then: unimeter check {module}:{class_name(name)}\n")
    return 0
