"""A real llama.cpp server in a process of its own: `python serve.py MODEL SLOTS` prints its address once it answers.

It listens on loopback, on a port that the system chooses, and ends when its standard input is closed: also when whoever
started it dies.
"""

from __future__ import annotations

import sys


def serve(model: str, slots: int) -> None:
    """Serve a GGUF file until standard input ends."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"tiny"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = slots
    params.n_ctx = 2048 * slots
    params.cpuparams.n_threads = 1
    params.use_jinja = True
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201  # the test waits for this line
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
