"""Today's SDKs: every leaf of their usage types is read, or ignored with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from unimeter import Adapter
from unimeter.adapters.anthropic import Anthropic
from unimeter.adapters.litellm import LiteLLM
from unimeter.drift import drift_of
from unimeter.fields import absent, count
from unimeter.registry import registry

ELSEWHERE = ("unimeter.adapters.litellm", "unimeter.adapters.langchain", "unimeter.adapters.frameworks")
"""Whose types are installed in environments of their own: below, and in `tests/frameworks`."""
SDKS = [adapter for adapter in registry().adapters if vars(adapter).get("sdk_types") and adapter.__module__ not in ELSEWHERE]


def said(adapter: type[Adapter]) -> Any:
    drift = drift_of(adapter)
    assert drift is not None
    assert drift.installed, drift.sdk
    return drift


@pytest.mark.sdk
@pytest.mark.parametrize("adapter", SDKS, ids=lambda adapter: adapter.__name__)
def test_no_leaf_is_unread(adapter: type[Adapter]) -> None:
    assert said(adapter).unread == []


@pytest.mark.litellm
def test_no_leaf_of_litellms_is_unread() -> None:
    assert said(LiteLLM).unread == []


@pytest.mark.sdk
def test_a_field_that_is_taken_out_is_named() -> None:
    class Less(Anthropic):
        sdk_types = Anthropic.sdk_types

        cache_read_tokens = absent
        input_tokens = count("input_tokens") + Anthropic.cache_write_tokens

    assert said(Less).unread == ["cache_read_input_tokens"]
