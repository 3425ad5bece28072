"""The page of a job, in a real browser: what it shows is what was read, and nothing that was sent runs in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet as pq
from rich.console import Console
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import alert_is_present

from unimeter import __version__
from unimeter.batch.job import Options, run
from unimeter.batch.report import page
from unimeter.batch.summary import Summary
from unimeter.cli.batch import table_of

from .test_batch import CHAT, GOOD

pytestmark = pytest.mark.batch

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--window-size=1280,900"),
)
BAD_NAMES = (
    "<script>alert(1)</script>",
    "</script><script>window.ran=1</script>",
    '<img src=x onerror="window.ran=1">',
    '<a href="javascript:window.ran=1">m</a>',
    "<b>%{x}</b> &lt;i&gt; $x$",
)
BARS = "return [...document.querySelectorAll(arguments[0])].map(one => one.getBoundingClientRect()).map(r => [r.width, r.height])"


def chat(model: str, tokens: int = 9, **usage: Any) -> bytes:
    body = {"choices": [], "model": model, "usage": {"prompt_tokens": tokens, "completion_tokens": 2, **usage}}
    return json.dumps(body).encode()


def summary_of(folder: Path, *lines: bytes) -> Summary:
    (folder / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return run([str(folder / "in.jsonl")], folder / "out.jsonl", Options(), workers=1)


def batch(folder: Path, *arguments: str, before: str = "pass") -> subprocess.CompletedProcess[str]:
    command = f"{before}; from unimeter.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", command, "batch", *arguments, "--workers", "1"], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver") or "chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job with a report: the fixtures, names that would run, and a file and a provider with such a name."""
    folder = tmp_path_factory.mktemp("job")
    named = [chat(name, 10_000_000, prompt_tokens_details={"cached_tokens": 10**6}) for name in BAD_NAMES]
    lines = [*GOOD, *named, b"broken"]
    (folder / "1.jsonl").write_bytes(b"\n".join(lines))
    (folder / "<img src=x onerror='window.ran=1'>.jsonl").write_bytes(json.dumps({BAD_NAMES[2]: 1}).encode())
    ran = batch(folder, "<img src=x onerror='window.ran=1'>.jsonl", "1.jsonl", "-o", "out.parquet", "--report", "report.html")
    assert ran.returncode == 1, ran.stderr
    assert sorted(one.name for one in folder.iterdir() if "jsonl" not in one.name) == ["out.parquet", "report.html"]
    return folder


@pytest.fixture
def shown(browser: webdriver.Chrome, folder: Path) -> webdriver.Chrome:
    """The report of that job, opened."""
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get((folder / "report.html").as_uri())
    return browser


def texts(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [one.get_property("textContent") for one in browser.find_elements(By.CSS_SELECTOR, selector)]


def cells(browser: webdriver.Chrome, number: int) -> list[list[str]]:
    """The rows of a table."""
    table = browser.find_elements(By.TAG_NAME, "table")[number]
    rows = "return [...arguments[0].rows].slice(1).map(row => [...row.cells].map(cell => cell.textContent))"
    return browser.execute_script(rows, table)


def test_the_totals_are_those_of_the_table(shown: webdriver.Chrome, folder: Path) -> None:
    table = pq.read_table(folder / "out.parquet")
    read = table.filter(pc.is_null(table["error"]))
    expected = [("rows", str(len(table))), ("read", str(len(read))), ("errors", str(len(table) - len(read)))]
    for label, name in (
        ("input tokens", "input_tokens"),
        ("cached input tokens", "cache_read_tokens"),
        ("output tokens", "output_tokens"),
        ("cost in US dollars", "cost"),
    ):
        column = read[name]
        assert 0 < column.null_count < len(read)
        total = pc.sum(column).as_py()
        figure = f"{total:,.6f}" if name == "cost" else f"{total:,}"
        expected.append((label, f"{figure}told by {len(column) - column.null_count} of {len(read)} calls"))
    assert list(zip(texts(shown, "dt"), texts(shown, "dd"), strict=True)) == expected
    assert __version__ in texts(shown, "h1 + p")[0]
    assert texts(shown, "h1") == ["out.parquet"]


def test_the_table_has_every_model_and_what_was_not_told_is_not_zero(shown: webdriver.Chrome, folder: Path) -> None:
    table = pq.read_table(folder / "out.parquet").to_pylist()
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in table:
        if row["error"] is None:
            groups.setdefault((row["provider"], row["model"] or "–"), []).append(row)
    found = {(provider, model): rest for provider, model, *rest in cells(shown, 0)}
    assert found.keys() == groups.keys()
    seen: Counter[str] = Counter()
    for who, rows in groups.items():
        calls, sent, cached, share, output, cost = found[who]
        assert calls == str(len(rows))
        for text, name in ((sent, "input_tokens"), (cached, "cache_read_tokens"), (output, "output_tokens"), (cost, "cost")):
            told = [row[name] for row in rows if row[name] is not None]
            figure, _, of = text.partition(" (")
            seen["none" if not told else "some" if len(told) < len(rows) else "all"] += 1
            assert (figure == "–") == (not told)
            assert of == (f"{len(told)} of {len(rows)})" if 0 < len(told) < len(rows) else "")
            if told and name != "cost":
                assert figure == f"{sum(told):,}"
        both = [row for row in rows if row["cache_read_tokens"] is not None and row["input_tokens"]]
        hits, of_input = (sum(row[name] for row in both) for name in ("cache_read_tokens", "input_tokens"))
        assert share.partition(" (")[0] == (f"{hits / of_input:.1%}" if both else "–")
    assert all(seen[what] > 10 for what in ("none", "some", "all")), seen


def test_the_charts_are_drawn(shown: webdriver.Chrome) -> None:
    for chart, bars in (("tokens", 31 * 4), ("cache", 31)):
        sizes = shown.execute_script(BARS, f"#{chart} .barlayer .point path")
        assert len(sizes) == bars
        assert max(width for width, _ in sizes) > 300
        assert min(height for width, height in sizes if width) > 15
        labels = texts(shown, f"#{chart} .yaxislayer-above .ytick")
        assert len(labels) == 31
        assert labels[-1].startswith("others")
    assert texts(shown, "#tokens .legendtext") == ["input, not cached", "input, cached", "input, cache not told", "output"]
    assert sum("others are summed" in text for text in texts(shown, "p")) == 2


def test_the_longest_bars_are_as_long_as_they_should_be(shown: webdriver.Chrome) -> None:
    """Those of ten million tokens, a tenth of them cached."""
    uncached, cached, _, output = (
        shown.execute_script(BARS, f"#tokens .barlayer .trace:nth-child({number}) .point path")[0][0] for number in (1, 2, 3, 4)
    )
    assert cached / (uncached + cached) == pytest.approx(0.1, abs=0.01)
    assert output < 1


def test_nothing_that_was_sent_runs(shown: webdriver.Chrome) -> None:
    assert not alert_is_present()(shown)
    assert shown.execute_script("return window.ran") is None
    assert not shown.find_elements(By.CSS_SELECTOR, "img, a, b, td *, .ytick a, .ytick [style*=bold]")
    models = [row[1] for row in cells(shown, 0)]
    labels = texts(shown, "#tokens .ytick")
    for name in BAD_NAMES:
        assert name in models
        start = name if len(name) <= 26 else name[:25] + "…"
        assert start + "OpenAI Chat" in labels
    path = shown.find_element(By.CSS_SELECTOR, "#tokens .point path")
    webdriver.ActionChains(shown).move_to_element(path).perform()
    hover = "".join(texts(shown, "#tokens .hoverlayer"))
    assert any(name in hover for name in BAD_NAMES), hover
    assert shown.execute_script("return window.ran") is None


def test_nothing_is_asked_for_outside_the_file(shown: webdriver.Chrome, folder: Path) -> None:
    assert shown.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in shown.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [(folder / "report.html").as_uri()]
    assert shown.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []


def test_each_kind_of_error_has_its_first_example(shown: webdriver.Chrome, folder: Path) -> None:
    failed = [row for row in pq.read_table(folder / "out.parquet").to_pylist() if row["error"]]
    expected = []
    for kind, count in Counter(row["error"].partition(":")[0] for row in failed).most_common():
        first = next(row for row in failed if row["error"].startswith(kind))
        expected.append([kind, str(count), first["source"], str(first["position"]), first["error"]])
    assert len(expected) > 1
    assert cells(shown, 1) == expected


def test_it_can_be_read_on_a_narrow_screen(shown: webdriver.Chrome) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    shown.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        shown.refresh()
        assert shown.execute_script("return document.documentElement.scrollWidth") == 390
        assert max(width for width, _ in shown.execute_script(BARS, "#cache .barlayer .point path")) > 80
    finally:
        shown.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_page_of_nothing(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get_log("browser")
    (tmp_path / "report.html").write_text(page(Summary(), "<i>.csv"), "utf-8")
    browser.get((tmp_path / "report.html").as_uri())
    assert texts(browser, "dd") == ["0", "0", "0", "–", "–", "–", "–"]
    assert texts(browser, "p").count("None.") == 4
    assert texts(browser, "h1") == ["<i>.csv"]
    assert browser.get_log("browser") == []


def test_of_many_kinds_of_errors_the_most_frequent_are_shown(browser: webdriver.Chrome, tmp_path: Path) -> None:
    summary = Summary()
    errors = [f"Kind{number}: what {number} says" for number in range(60) for _ in range(number + 1)]
    where = {"row": range(len(errors)), "source": ["in"] * len(errors), "position": range(len(errors)), "error": errors}
    numbers = {name: pa.nulls(len(errors), pa.int64()) for name in ("input_tokens", "cache_read_tokens", "output_tokens", "cost")}
    names = {name: pa.nulls(len(errors), pa.string()) for name in ("provider", "model")}
    table = pa.table({**where, **numbers, **names})
    summary.add(table.slice(0, 100))
    summary.add(table.slice(100))
    (tmp_path / "report.html").write_text(page(summary, "out.csv"), "utf-8")
    browser.get((tmp_path / "report.html").as_uri())
    rows = cells(browser, 0)
    assert [row[:2] for row in rows] == [[f"Kind{number}", str(number + 1)] for number in range(59, 9, -1)]
    assert all(errors[int(position)] == text and errors.index(text) == int(position) for *_, position, text in rows)
    assert "And 10 more kinds." in texts(browser, "p")


def test_the_sums_say_of_how_many_calls_they_are(tmp_path: Path) -> None:
    told = chat("m", 100, prompt_tokens_details={"cached_tokens": 40}, cost=0.5)
    summary = summary_of(tmp_path, told, chat("m", 900), chat("n"), chat("none", prompt_tokens_details={"cached_tokens": 0}))
    both = summary.models["OpenAI Chat", "m"]
    assert (both["calls"], both["cache_read_tokens_calls"], both["cacheable_tokens"], both["cached_tokens"]) == (2, 1, 100, 40)
    assert (both["cost"], both["cost_calls"], summary.total["cost_calls"], summary.total["calls"]) == (0.5, 1, 1, 4)
    console = Console(width=120)
    with console.capture() as shown:
        console.print(table_of(summary))
    lines = [[cell.strip() for cell in line.split("│")[2:-1]] for line in shown.get().splitlines() if "OpenAI" in line]
    assert lines == [
        ["m", "2", "1,000", "40 (1 of 2)", "4", "0.500000 (1 of 2)"],
        ["n", "1", "9", "–", "2", "–"],
        ["none", "1", "9", "0", "2", "–"],
    ]


def test_a_model_that_looks_like_markup_in_the_terminal(tmp_path: Path) -> None:
    console = Console(width=120)
    with console.capture() as shown:
        console.print(table_of(summary_of(tmp_path, chat("[/red]"), chat("[bold]m"))))
    assert "[/red]" in shown.get()
    assert "[bold]m" in shown.get()


def test_what_stands_in_the_way_of_a_report_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(CHAT)
    without = "import sys; sys.modules['plotly'] = None"
    for report, before, says in (
        ("report.html", without, "unimeter[report]"),
        ("out.csv", "pass", "a file of its own"),
        (".", "pass", "a file of its own"),
        ("nowhere/report.html", "pass", "no folder nowhere"),
    ):
        ran = batch(tmp_path, "in.jsonl", "-o", "out.csv", "--report", report, before=before)
        assert ran.returncode == 2, ran.stderr
        assert says in ran.stderr
        assert "Traceback" not in ran.stderr
        assert not (tmp_path / "out.csv").exists()
    assert batch(tmp_path, "in.jsonl", "-o", "out.csv", before=without).returncode == 0
