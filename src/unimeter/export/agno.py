"""Agno's own classes (agno 2.5 and newer): what a run and a session have measured, as its agents keep it."""

from __future__ import annotations

from unimeter.extras import needs
from unimeter.run import Run, Session

with needs("agno"):
    from agno.metrics import RunMetrics, SessionMetrics


def run_metrics(run: Run) -> RunMetrics:
    """A run's metrics, for `RunOutput.metrics`."""
    return RunMetrics.from_dict(run.metrics.to_dict())


def session_metrics(session: Session) -> SessionMetrics:
    """A session's metrics."""
    return SessionMetrics.from_dict(session.metrics.to_dict())
