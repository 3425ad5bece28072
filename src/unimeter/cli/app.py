"""The commands and their options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from unimeter import __version__
from unimeter import matrix as matrix_of_adapters
from unimeter.cli.check import adapter_named, show_checks
from unimeter.cli.drift import show_drift
from unimeter.cli.new import write_new
from unimeter.cli.record import record_program
from unimeter.cli.show import Shown, show_json, show_table
from unimeter.cli.sources import sources
from unimeter.errors import UnknownProvider
from unimeter.registry import registry, slug

app = typer.Typer(
    help="One meter for every LLM provider.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold what was read
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"unimeter {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)] = False,
) -> None: ...


@app.command()
def read(
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files or folders of raw responses; - is standard input.")],
    provider: Annotated[str | None, typer.Option(help="Whose responses they are, if nothing else tells.")] = None,
    url: Annotated[str | None, typer.Option(help="The url of the calls, whole or only its path.")] = None,
    json: Annotated[bool | None, typer.Option("--json/--table", help="By default, a table on a terminal.")] = None,
    lines: Annotated[
        bool | None,
        typer.Option("--lines/--whole", help="Each line is a response, or the file is one. By default, .jsonl files are lines."),
    ] = None,
) -> None:
    """Read responses, and show provider, model and every metric that is not zero.

    A file may be a raw body of any provider (JSON, server-sent events, JSON lines, an AWS event stream; gzip'd or not),
    a fixture, or JSON lines with a response each. One that cannot be read is a line on standard error; the others are
    read all the same, and the exit code is 1.
    """
    if provider is not None:
        try:
            registry().label(provider)
        except UnknownProvider as error:
            raise typer.BadParameter(str(error), param_hint="--provider") from None
    shown = (Shown.of(source, provider, url) for source in sources(paths, lines))
    as_json = not sys.stdout.isatty() if json is None else json
    failed = show_json(shown) if as_json else show_table(shown)
    raise typer.Exit(1 if failed else 0)


@app.command()
def matrix(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
) -> None:
    """Print which provider fills which metric: ✅ promised, + beyond the promise."""
    sys.stdout.write(matrix_of_adapters.markdown() if markdown else matrix_of_adapters.text())


@app.command()
def drift(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE…]", help="Raw responses to look into, instead of the SDKs.")
    ] = None,
    payload: Annotated[bool, typer.Option("--payload", help="Say that files follow; they are taken as such without it.")] = False,
    provider: Annotated[str | None, typer.Option(help="Whose responses they are, if nothing else tells.")] = None,
    url: Annotated[str | None, typer.Option(help="The url of the calls, whole or only its path.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """List what is reported and not read: by the usage types of the SDKs installed here, or in raw responses.

    Every leaf of a usage is read by its adapter's table or stands in its `ignored` with the reason. The exit code is 1 if
    there is one that is neither.
    """
    if payload and not paths:
        raise typer.BadParameter("no files", param_hint="--payload")
    raise typer.Exit(show_drift(paths or [], provider, url, "markdown" if markdown else "json" if json else "text"))


@app.command()
def batch(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT…", help="JSON lines (plain, .gz, .zst) or Parquet, or folders.")],
    out: Annotated[Path, typer.Option("--out", "-o", readable=False, help="The file to write: .parquet, .jsonl or .csv.")],
    column: Annotated[str, typer.Option(help="The column of a Parquet file that holds the responses.")] = "response",
    response: Annotated[
        str | None, typer.Option(metavar="PATH", help="Where in each line or value the response stands, such as log.body.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Whose responses they are, if nothing else tells.")] = None,
    provider_column: Annotated[
        str | None, typer.Option(help="The column that names the provider of each; in lines, where it stands.")
    ] = None,
    url_column: Annotated[
        str | None, typer.Option(help="The column that has the url of each call; in lines, where it stands.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Whose log the lines are: litellm, langfuse or otel (OTLP as JSON).")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first row that cannot be read.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what an earlier run has left.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one for each core.")] = None,
    report: Annotated[
        Path | None, typer.Option(readable=False, help="Write what was read as a page as well: one HTML file with charts.")
    ] = None,
) -> None:
    """Read many responses into one table, a row each: provider, model, tokens, cost, and what could not be read.

    The file is there whole, or not at all. A row that cannot be read has an `error`, and the exit code is 1.
    """
    try:
        from unimeter.batch.job import Options
        from unimeter.batch.logs import LOGS
        from unimeter.cli.batch import read_files
    except ImportError as error:
        raise typer.BadParameter(str(error)) from None
    if provider is not None:
        try:
            registry().label(provider)
        except UnknownProvider as error:
            raise typer.BadParameter(str(error), param_hint="--provider") from None
    if log is not None and log not in LOGS:
        raise typer.BadParameter(f"{log} is none of {', '.join(LOGS)}", param_hint="--log")
    options = Options(column, provider, provider_column, url_column, response, strict, log)
    raise typer.Exit(read_files(inputs, out, options, resume=resume, workers=workers, report=report))


@app.command()
def check(
    adapter: Annotated[str, typer.Argument(metavar="MODULE:CLASS", help="The adapter.")],
    fixtures: Annotated[Path | None, typer.Argument(help="The folder of its fixtures; by default fixtures/<provider>.")] = None,
) -> None:
    """Check that an adapter keeps the contract, as `unimeter.testing.AdapterContract` does in tests."""
    try:
        found = adapter_named(adapter)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="MODULE:CLASS") from None
    raise typer.Exit(show_checks(found, fixtures or Path("fixtures") / slug(found.provider).replace("-", "_")))


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The provider's name, such as acme.")],
    recorded: Annotated[Path, typer.Option("--from", help="A response of the provider's, or a fixture of one.")],
    path: Annotated[str, typer.Option(help="The path of the call's url.")] = "/",
    folder: Annotated[Path, typer.Option(help="Where to write.")] = Path(),
) -> None:
    """Write the draft of an adapter, with a fixture and the contract's test, from a recorded response.

    What the names in it seem to mean is a guess: the fixture expects nothing yet, so that the contract is broken until
    somebody has looked the figures up in the provider's documents.
    """
    raise typer.Exit(write_new(name, recorded, path, folder))


@app.command(context_settings={"ignore_unknown_options": True})
def record(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND…", help="The program, such as: python my_script.py")],
    out: Annotated[Path, typer.Option(help="A folder, or the file of the first fixture.")],
    keep_text: Annotated[bool, typer.Option("--keep-text", help="Leave texts and ids as they are.")] = False,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST[=PROVIDER]", help="A server or gateway that no table knows, and whose dialect it speaks."),
    ] = None,
) -> None:
    """Run a program, and write the draft of a fixture of every answer that it gets from a provider.

    Secrets never reach a file: of the request only the url's path is kept. Ids and texts are written anew. What the drafts
    expect is what unimeter reads today: hold it against the provider's documents.
    """
    hosts: dict[str, str | None] = {}
    for text in host or ():
        name, _, provider = text.partition("=")
        try:
            hosts[name] = provider and registry().label(provider)
        except UnknownProvider as error:
            raise typer.BadParameter(str(error), param_hint="--host") from None
    raise typer.Exit(record_program(command, out, keep_text, hosts))


def run(*arguments: str | Path) -> int:
    """Run a command in this process; its exit code."""
    try:
        app([str(argument) for argument in arguments], standalone_mode=True)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0
