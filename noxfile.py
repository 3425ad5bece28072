"""The environments that the tests need, a command each: `nox -s tests`, `nox -s sdk`, … `.ci/run` runs them all.

What they install comes from `tests/locks`. `nox -s lock` makes these files anew; `nox -s newest` tries the newest releases.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

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
ENVIRONMENTS = {
    "tests": (),
    "oldest": (),
    **{name: (name,) for name in ("lint", "types", "sdk", "litellm", "coexistence", "agno", "xpander", "batch", "spark")},
    **{name: (name,) for name in ("extras", "live")},
    **{f"framework-{name}": (f"framework-{name}",) for name in FRAMEWORKS},
    "bench": ("bench", "sdk"),
    "bench_batch": ("bench_batch",),
}
"""The locked environments, and the dependency groups in each besides unimeter with the extras `cli` and `test`."""
TOOLS = {
    "tools": ("nox", "uv"),
    "build": ("hatchling>=1.27", "editables", "setuptools", "wheel"),
}
"""What makes the environments, and what builds packages from sources."""
FROM_SOURCE = ("unimeter", "ibm-cos-sdk", "ibm-cos-sdk-core", "ibm-cos-sdk-s3transfer", "pyspark")
"""All others are installed as wheels: a build could install what is in no lock."""
TESTS = {
    "sdk": ("-n", "2", "-m", "sdk", "tests/sdk"),
    "litellm": ("-m", "litellm", "tests/sdk"),
    "coexistence": ("tests/coexistence",),
    **{f"framework-{name}": ("-m", f"frameworks and {name}", "tests/frameworks") for name in FRAMEWORKS},
}
"""The tests of the environments that `newest` runs as well, as arguments of pytest."""
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}
"""Without this LiteLLM fetches prices when it is imported, and ddtrace tells its maker that it runs."""
LOCKS = Path("tests/locks")


def packages(environment: str) -> tuple[str, ...]:
    """What an environment holds, as arguments of `uv pip install`."""
    return ("-e", ".[cli,test]", *(part for group in ENVIRONMENTS[environment] for part in ("--group", group)))


def install(session: nox.Session, environment: str) -> None:
    """Install unimeter as it is here, and an environment from its lock. Fail if anything else is installed."""
    lock, build = (str(LOCKS / f"{name}.txt") for name in (environment, "build"))
    wheels = ("--only-binary", ":all:", *(part for name in FROM_SOURCE for part in ("--no-binary", name)))
    session.install("--exact", *packages(environment), "--constraints", lock, "--build-constraints", build, *wheels)
    session.run("python", str(LOCKS / "check.py"), lock)


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
    install(session, "tests")
    session.run("pytest", "-q", "-n", "2", *session.posargs)


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """The default tests with the oldest dependencies that are promised."""
    install(session, "oldest")
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
    session.run("pytest", "-q", *TESTS["sdk"], *session.posargs)


@nox.session(python=NEWEST)
def litellm(session: nox.Session) -> None:
    """The fixtures through LiteLLM, whose upper limits (openai<4, huggingface-hub<3) would hold back the SDKs of `sdk`."""
    install(session, "litellm")
    session.run("pytest", "-q", *TESTS["litellm"], *session.posargs)


@nox.session(python=NEWEST)
def coexistence(session: nox.Session) -> None:
    """A capture beside other libraries that patch HTTP clients, or stand in for a server."""
    install(session, "coexistence")
    session.run("pytest", "-q", *TESTS["coexistence"], *session.posargs, env=OFFLINE)


@nox.session(python=NEWEST)
@nox.parametrize("group", ["sdk", "litellm"])
def drift(session: nox.Session, group: str) -> None:
    """What the SDKs report and no table reads."""
    install(session, group)
    session.run("unimeter", "drift", *session.posargs, env=OFFLINE)


@nox.session(python=NEWEST)
def newest(session: nox.Session) -> None:
    """The newest releases, without locks: the README's commands, and each SDK and framework. Prints what changed.

    Runs all even if some fail, and is not in `.ci/run`: a failure here tells of others' releases, not of a broken build.
    """
    failed: dict[str, str] = {}
    unread: set[str] = set()
    try:
        session.run("bash", ".ci/readme", sys.executable, external=True)
    except CommandFailed:
        failed["the README's commands"] = ""
    for environment, arguments in TESTS.items():
        try:
            session.install("--exact", "--upgrade", *packages(environment))
        except CommandFailed:
            failed[environment] = "cannot be installed\n"
            continue
        drifts = session.run("python", "-c", DRIFT, silent=True, env=OFFLINE, success_codes=range(256)) or ""
        found = [json.loads(line) for line in str(drifts).splitlines() if line.startswith('["')]
        unread |= {f"{provider}: {path} ({package})" for provider, package, paths in found for path in paths}
        if not found:
            failed[environment] = drifts
            continue
        try:
            session.run("pytest", "-q", *arguments, env=OFFLINE)
        except CommandFailed:
            check = ("python", str(LOCKS / "check.py"), str(LOCKS / f"{environment}.txt"))
            failed[environment] = str(session.run(*check, silent=True, success_codes=(0, 1)))
    session.log("Not read by any table, by provider and path:\n" + ("\n".join(sorted(unread)) or "none"))
    for environment, differences in failed.items():
        session.warn(f"{environment} failed\n{differences}")
    if failed or unread:
        session.error(f"{len(unread)} new paths; failed: {', '.join(failed) or 'none'}")


DRIFT = """
import json
from unimeter.drift import drift_of
from unimeter.registry import registry
for adapter in registry().adapters:
    if (drift := drift_of(adapter)) and drift.installed:
        print(json.dumps([adapter.provider, drift.sdk, drift.unread]))
"""
"""Prints what `unimeter drift` compares, with the provider's name: a line of JSON for each adapter."""


@nox.session(venv_backend="none")
def lock(session: nox.Session) -> None:
    """Make the locks anew, from the newest releases; with `-- NAME ...` only these."""
    for name in session.posargs or (*ENVIRONMENTS, *TOOLS):
        shared = name in TOOLS or name == "tests"  # by all Pythons
        arguments = ["--universal"] if shared else []
        requirements = TOOLS.get(name, OLDEST_DEPENDENCIES if name == "oldest" else ())
        if name in ENVIRONMENTS:
            groups = (part for group in ENVIRONMENTS[name] for part in ("--group", group))
            arguments += ["pyproject.toml", "--extra", "cli", "--extra", "test", *groups]
        if requirements:
            listed = Path(session.create_tmp(), f"{name}.in")
            listed.write_text("\n".join(requirements))
            arguments += [str(listed)]
        if name == "build":  # pip takes one list of constraints for the build and for what is installed
            arguments += ["--constraint", str(LOCKS / "tests.txt")]
        python = PYTHONS[0] if shared or name == "oldest" else NEWEST
        output = ("--output-file", str(LOCKS / f"{name}.txt"))
        form = ("--quiet", "--upgrade", "--no-header", "--no-annotate")
        session.run("uv", "pip", "compile", *form, "--python-version", python, *arguments, *output)


@nox.session(python=NEWEST)
def mutants(session: nox.Session) -> None:
    """The contract, against adapters that are wrong; prints which check catches which."""
    install(session, "tests")
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
    session.run("pytest", "-q", *TESTS[f"framework-{framework}"], *session.posargs)


@nox.session(python=NEWEST)
def live(session: nox.Session) -> None:
    """A real llama.cpp server on loopback."""
    install(session, "live")
    session.run("pytest", "-q", "tests/live", *session.posargs)


@nox.session(python=NEWEST)
def bench(session: nox.Session) -> None:
    """The benchmarks. They print ratios and judge nothing."""
    install(session, "bench")
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
