"""What it costs to record a reading into a run, and that it does not grow with the run's length.

    python benchmarks/rollup.py

A reading with a cost and metrics of its own, under one of three models; medians of many short rounds, the lengths
interleaved. "Bare" adds up the nine counts and the cost in a dict, without a lock, roles, models or anything else.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import msgspec

import unimeter
from unimeter import Reading, Run, Session

LENGTHS = (1, 1_000, 100_000)
ROUNDS = 41
CALLS_A_ROUND = 500


def readings(count: int) -> list[Reading]:
    """Readings of which each has an id of its own."""
    usage = {"prompt_tokens": 1_200, "completion_tokens": 80, "total_tokens": 1_280, "cost": 0.00042}
    read = unimeter.read({"choices": [], "id": "x", "model": "m", "usage": usage, "service_tier": "default"})
    return [msgspec.structs.replace(read, id=f"id-{n}", model=f"model-{n % 3}") for n in range(count)]


class Bare:
    """What one would write in a hurry."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(unimeter.BaseMetrics.__slots__, 0)

    def record(self, reading: Reading) -> None:
        metrics = reading.metrics
        for name in self.counts:
            self.counts[name] += getattr(metrics, name) or 0


def main() -> None:
    """Print the figures."""
    one_round = readings(CALLS_A_ROUND)
    long = readings(max(LENGTHS))

    def run_of(length: int, session: Session | None = None) -> Run:
        run = Run(session=session)
        for reading in long[:length]:
            run.record(msgspec.structs.replace(reading, id=f"before-{reading.id}"))
        return run

    longest = run_of(LENGTHS[-1])
    tasks: dict[str, Callable[[], Run | Bare]] = {
        f"a run of {length:,} calls": partial(run_of, length) for length in LENGTHS[:-1]
    }
    tasks[f"a run of {LENGTHS[-1]:,} calls"] = lambda: longest
    tasks["a new run in a session"] = lambda: Run(session=Session())
    tasks["bare, by hand"] = Bare
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(ROUNDS):
        for name, recorder in tasks.items():
            fresh = [msgspec.structs.replace(reading, id=f"{turn}-{reading.id}") for reading in one_round]
            record = recorder().record
            start = time.perf_counter()
            for reading in fresh:
                record(reading)
            times[name].append((time.perf_counter() - start) / CALLS_A_ROUND * 1e6)
    for name, measured in times.items():
        median = statistics.median(measured)
        asked = "" if "calls" not in name else "(asked: < 3)" if median < 3 else "(asked: < 3) MISSED"
        print(f"{name:30} {median:6.2f} µs a reading  {asked}")
    first, *_, last = (statistics.median(times[f"a run of {length:,} calls"]) for length in LENGTHS)
    print(f"{'longest against shortest':30} {last / first:6.2f} ×")


if __name__ == "__main__":
    main()
