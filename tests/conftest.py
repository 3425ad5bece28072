"""What all tests share: the fixtures, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from unimeter.fixture import Fixture, load_all

ROOT = Path(__file__).parent.parent
FIXTURES = {fixture.name: fixture for fixture in load_all(ROOT / "fixtures")}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `fixture` with every fixture; one that takes `read_fixture`, with those that can be read."""
    for argument, wanted in (("fixture", lambda _: True), ("read_fixture", lambda fixture: fixture.expected.error is None)):
        if argument in metafunc.fixturenames:
            names = [name for name, fixture in FIXTURES.items() if wanted(fixture)]
            metafunc.parametrize(argument, [FIXTURES[name] for name in names], ids=names)


@pytest.fixture
def one(request: pytest.FixtureRequest) -> Fixture:
    """A fixture by its name, given as the parameter."""
    return FIXTURES[request.param]
