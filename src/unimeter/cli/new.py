"""What `unimeter new` writes."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from unimeter.fixture import is_fixture
from unimeter.testing.draft import class_name, draft_of, fixture_of, module_name, table_of, test_of


def write_new(name: str, recorded: Path, path: str, folder: Path) -> int:
    """Write a provider's adapter, fixture and test; 1 if that is not possible. Nothing is ever overwritten."""
    module = module_name(name)
    if not class_name(name).isidentifier() or iskeyword(module) or find_spec(module) is not None:
        sys.stderr.write(f"{name!r}: a provider's name gives a class and a module that does not exist yet\n")
        return 1
    try:
        data = json.loads(recorded.read_bytes())
        response = data.get("response") if is_fixture(data) else data
        if not isinstance(response, dict):
            raise ValueError("a whole response is needed, a JSON object and not a stream")
        draft = draft_of(response)
    except (OSError, ValueError, RecursionError, KeyError) as error:
        sys.stderr.write(f"{recorded}: {error}\n")
        return 1
    fixture = json.dumps(fixture_of(name, response, draft, path), indent=1, ensure_ascii=False) + "\n"
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
