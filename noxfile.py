"""The environments that the tests need, a command each: `nox -s tests`, `nox -s sdk`, … `.ci/run` runs them all."""

import os
import re
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "yes"

PYTHONS = ("3.11", "3.12", "3.13")
NEWEST = PYTHONS[-1]
FRAMEWORKS = (
    "agent_framework",
    "agno",
    "autogen",
    "crewai",
    "dspy",
    "google_adk",
    "haystack",
    "langchain",
    "litellm",
    "llama_index",
    "openai_agents",
    "pydantic_ai",
    "smolagents",
    "strands",
)
OLDEST_JAVA = 17
"""What Spark 4 asks for."""
OLDEST_DEPENDENCIES = ("msgspec==0.19.0", "pydantic==2.9.0")


def install(session: nox.Session, *groups: str) -> None:
    """Install unimeter as it stands, and some groups of what it is tested with."""
    session.install("-e", ".[cli,test]", *(argument for group in groups for argument in ("--group", group)))


def from_debian(session: nox.Session, *packages: str) -> None:
    """Install Debian's packages, where this is a Debian and we may."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        session.run("apt-get", "update", external=True)
        session.run("apt-get", "install", "-y", "--no-install-recommends", *packages, external=True, env=quiet)


def java(session: nox.Session) -> int:
    """The version of the Java that Spark would start; 0 where there is none."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else "java"
    told = session.run(program, "-version", external=True, silent=True) if shutil.which(program) else ""
    version = re.search(r'version "(?:1\.)?(\d+)', str(told))
    return int(version[1]) if version else 0


def need_java(session: nox.Session) -> None:
    """See that Java is there, new enough."""
    if java(session) < OLDEST_JAVA and "JAVA_HOME" not in os.environ:
        from_debian(session, f"openjdk-{OLDEST_JAVA}-jre-headless")
    if java(session) < OLDEST_JAVA:
        session.error(f"Spark needs Java {OLDEST_JAVA} or newer, by JAVA_HOME or on the path; found {java(session) or 'none'}")


def need_chromium(session: nox.Session) -> None:
    """See that Chromium and its driver are there."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        from_debian(session, "chromium", "chromium-driver")
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        session.error("the report is looked at in Chromium: install chromium and chromedriver (Debian: chromium-driver)")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The default tests."""
    install(session)
    session.run("pytest", "-q", "-n", "2", *session.posargs)


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """The default tests with the oldest dependencies that are promised."""
    install(session)
    session.install(*OLDEST_DEPENDENCIES)
    session.run("pytest", "-q", "-n", "2", *session.posargs)


@nox.session(python=NEWEST)
def lint(session: nox.Session) -> None:
    """Style."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=NEWEST)
def types(session: nox.Session) -> None:
    """Types, by both checkers."""
    install(session, "types")
    session.run("mypy", "--strict")
    session.run("pyright")


@nox.session(python=NEWEST)
def sdk(session: nox.Session) -> None:
    """The fixtures through the real SDKs, from a loopback server."""
    install(session, "sdk")
    session.run("pytest", "-q", "-n", "2", "-m", "sdk", "tests/sdk", *session.posargs)


@nox.session(python=NEWEST)
def litellm(session: nox.Session) -> None:
    """The same through LiteLLM, which needs an older openai than the SDKs' session has."""
    install(session, "litellm")
    session.run("pytest", "-q", "-m", "litellm", "tests/sdk", *session.posargs)


@nox.session(python=NEWEST)
@nox.parametrize("group", ["sdk", "litellm"])
def drift(session: nox.Session, group: str) -> None:
    """What the newest SDKs report and nobody reads. For a nightly job: it fails on what is not in this repository."""
    session.install("--upgrade", "-e", ".[cli]", "--group", group)
    session.run("unimeter", "drift", *session.posargs)


@nox.session(python=NEWEST)
def mutants(session: nox.Session) -> None:
    """The contract, against adapters that are wrong; prints which check catches which."""
    install(session)
    session.run("pytest", "-q", "-s", "tests/testing/test_mutants.py", *session.posargs)


@nox.session(python=NEWEST)
def agno(session: nox.Session) -> None:
    """The roll-up against agno's own classes."""
    install(session, "agno")
    session.run("pytest", "-q", "-n", "2", "tests/agno", *session.posargs)


@nox.session(python=NEWEST)
def xpander(session: nox.Session) -> None:
    """The report against xpander's SDK, which brings an agno 2: the roll-up is compared with that one as well."""
    install(session, "xpander")
    session.run("pytest", "-q", "tests/xpander", "tests/agno", *session.posargs)


@nox.session(python=NEWEST)
def batch(session: nox.Session) -> None:
    """Many responses at once, with pyarrow; the report in a real browser."""
    install(session, "batch")
    need_chromium(session)
    session.run("pytest", "-q", "tests/batch", "src/unimeter/batch", "src/unimeter/cli/batch.py", *session.posargs)


@nox.session(python=NEWEST)
def spark(session: nox.Session) -> None:
    """The same on a Spark cluster on loopback, with Java."""
    install(session, "spark")
    need_java(session)
    session.run("pytest", "-q", "tests/spark", "src/unimeter/spark.py", *session.posargs)


@nox.session(python=NEWEST)
def extras(session: nox.Session) -> None:
    """The exports and prices by the packages that they are for."""
    install(session, "extras")
    session.run("pytest", "-q", "tests/extras", "src/unimeter/export/opentelemetry.py", "src/unimeter/genai.py", *session.posargs)


@nox.session(python=NEWEST)
@nox.parametrize("framework", FRAMEWORKS)
def frameworks(session: nox.Session, framework: str) -> None:
    """The integrations with the real frameworks, each in an environment of its own."""
    install(session, f"framework-{framework}")
    session.run("pytest", "-q", "-m", f"frameworks and {framework}", "tests/frameworks", *session.posargs)


@nox.session(python=NEWEST)
def live(session: nox.Session) -> None:
    """A real llama.cpp server on loopback."""
    install(session, "live")
    session.run("pytest", "-q", "tests/live", *session.posargs)


@nox.session(python=NEWEST)
def bench(session: nox.Session) -> None:
    """The benchmarks. They print ratios and judge nothing."""
    install(session, "bench", "sdk")
    session.run("python", "benchmarks/speed.py")
    session.run("python", "benchmarks/rollup.py")
    session.run("python", "benchmarks/stream.py")


@nox.session(python=NEWEST)
def bench_batch(session: nox.Session) -> None:
    """Many bodies against what else one could do; with `-- job`, `unimeter batch` on one core and on two."""
    install(session, "bench_batch")
    session.run("python", "benchmarks/batch.py", *session.posargs)


@nox.session(python=NEWEST)
def bench_spark(session: nox.Session) -> None:
    """One Spark worker against two."""
    need_java(session)
    install(session, "spark")
    session.run("python", "benchmarks/spark.py")
