"""LiteLLM's proxy, started as its users start it, with our logger in its configuration."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .provider import provider

pytestmark = [pytest.mark.frameworks, pytest.mark.litellm]

SECONDS_TO_START = 90
KEY = "sk-" + "0123456789abcdef" * 4

MODULE = """
import json, pathlib, threading, time
import unimeter
from unimeter.integrations.litellm import UnimeterLogger

run = unimeter.{run}
logger = UnimeterLogger(run)

def tell():
    while True:
        time.sleep(0.1)
        pathlib.Path({told!r} + ".new").write_text(json.dumps(run.metrics.to_dict()))
        pathlib.Path({told!r} + ".new").rename({told!r})

threading.Thread(target=tell, daemon=True).start()
"""

CONFIG = """
model_list:
  - model_name: weather
    litellm_params: {{model: openai/gpt-x, api_base: "{url}/v1", api_key: k}}
litellm_settings:
  callbacks: unimeter_logger.logger
"""


@pytest.mark.parametrize("run", ["Run()", "capture().start()"])
def test_the_proxy(run: str, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    with provider() as url:
        (tmp_path / "config.yaml").write_text(CONFIG.format(url=url))
        (tmp_path / "unimeter_logger.py").write_text(MODULE.format(run=run, told=str(told)))
        for address in proxy(tmp_path):
            for stream in (False, True):
                ask(address, stream=stream)
            time.sleep(2)  # its loggers are asynchronous
    metrics = json.loads(told.read_text())
    assert metrics["additional_metrics"]["calls"] == 2
    assert metrics["additional_metrics"]["calls_without_usage"] == 0
    assert (metrics["input_tokens"], metrics["output_tokens"], metrics["cache_read_tokens"]) == (300, 60, 192)


def ask(address: str, *, stream: bool) -> None:
    body: dict[str, Any] = {"model": "weather", "messages": [{"role": "user", "content": "Weather in Paris?"}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    response = httpx.post(f"{address}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=60)
    assert response.status_code == 200, response.text


def proxy(where: Path) -> Iterator[str]:
    """The address of a proxy that runs in a directory; it ends before the loop that takes it does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "litellm"),
        "--config",
        "config.yaml",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": KEY,
        "PYTHONPATH": os.pathsep.join([str(where), *sys.path]),
    }
    with (where / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=where, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end and process.poll() is None:
            try:
                if httpx.get(f"{address}/health/liveliness", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        else:
            pytest.fail((where / "log").read_text()[-3000:])
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
