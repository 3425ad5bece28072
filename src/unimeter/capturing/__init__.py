"""Every call that a program makes, heard where it goes over the wire, whatever framework makes it.

    with unimeter.capture() as run:
        agent.run("...")
    run.metrics

What is known of a call stands in one direction: a tap in an HTTP library → `Exchange` → `MeteredCall` → the run.
"""

from unimeter.capturing.hooks import botocore_hooks, httpx_hooks
from unimeter.capturing.run import Capture as capture  # noqa: N813  # it reads as what is done: `with capture() as run`

__all__ = ["botocore_hooks", "capture", "httpx_hooks"]
