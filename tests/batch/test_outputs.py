"""What a job writes: by one job at a time, whole or not at all, and an output that cannot be written is one line."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from unimeter import UnimeterError, __version__
from unimeter.batch import job, lock, normalize_batch
from unimeter.batch.chunks import NoInput
from unimeter.batch.formulas import harmless
from unimeter.batch.job import BadRow, Options, OtherJob, run
from unimeter.batch.output import OutputError, OutputInUse
from unimeter.batch.report import page
from unimeter.batch.workers import interrupts_held
from unimeter.cli.app import run as command

from .test_batch import CHAT

pytestmark = pytest.mark.batch


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the test is in, with one response in `in.jsonl`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_bytes(CHAT + b"\n")
    return tmp_path


def batch(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    """Run the command; its exit code, and the lines on standard error."""
    code = command("batch", *words, "--workers", "1")
    return code, capsys.readouterr().err.splitlines()


def rows_of(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def read(*inputs: str, out: str = "out.jsonl", **options: Any) -> list[dict[str, Any]]:
    """The rows of a job."""
    run([*inputs], Path(out), Options(**options), workers=1)
    return rows_of(out)


# two jobs ------------------------------------------------------------------------------------------------------------


@contextmanager
def running_job(folder: Path, out: str = "out.jsonl") -> Iterator[subprocess.Popen[str]]:
    """A job in another process, that goes on until its pipe is written to."""
    os.mkfifo(folder / "pipe.jsonl")
    words = [sys.executable, "-m", "unimeter", "batch", "in.jsonl", "pipe.jsonl", "-o", out, "--workers", "1"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            pipe = os.open(folder / "pipe.jsonl", os.O_WRONLY)  # waits for the job, which then has its lock
            os.write(pipe, CHAT)
            yield process
            os.close(pipe)
            process.wait(30)
        finally:
            process.kill()


def test_a_second_job_on_the_same_output_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "link.jsonl").symlink_to("out.jsonl")
    with running_job(folder) as first:
        for out in ("out.jsonl", "./out.jsonl", str(folder / "out.jsonl"), "link.jsonl"):
            for more in ([], ["--resume"]):
                code, lines = batch(capsys, "in.jsonl", "-o", out, *more)
                assert (code, lines) == (2, [f"{Path(out)}: another job is writing it ({lines[0].partition('(')[2]}"])
                assert f"process {first.pid} on " in lines[0]
        with pytest.raises(OutputInUse):
            run(["in.jsonl"], Path("out.jsonl"), Options())
        assert len(read("in.jsonl", out="other.jsonl")) == 1
    assert first.returncode == 0
    assert len(rows_of("out.jsonl")) == 2
    assert len(read("in.jsonl")) == 1  # the lock went with the job
    assert sorted(os.listdir()) == ["in.jsonl", "link.jsonl", "other.jsonl", "out.jsonl", "pipe.jsonl"]


def test_a_second_job_in_the_same_process_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def second(*_: Any) -> None:
        with pytest.raises(OutputInUse):
            run(["in.jsonl"], Path("out.jsonl"), Options())
        refused.append(True)

    run(["in.jsonl"], Path("out.jsonl"), Options(), told=second)
    assert refused == [True]
    assert len(rows_of("out.jsonl")) == 1


def test_many_jobs_at_once_spoil_nothing() -> None:
    """Each ends or is refused, also while another is removing its lock; what is there is always whole."""
    ended: list[bool] = []

    def work() -> None:
        for _ in range(20):
            try:
                run(["in.jsonl"], Path("out.jsonl"), Options(), workers=1)
                ended.append(True)
            except OutputInUse:
                ended.append(False)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 80
    assert any(ended)
    assert len(rows_of("out.jsonl")) == 1
    assert sorted(os.listdir()) == ["in.jsonl", "out.jsonl"]


def test_the_lock_of_a_job_that_was_killed_holds_nobody_up(folder: Path) -> None:
    with running_job(folder) as first:
        first.kill()
        first.wait(30)
        assert (folder / ".out.jsonl.parts" / "lock").exists()
        assert len(read("in.jsonl")) == 1
    assert not (folder / ".out.jsonl.parts").exists()


def test_without_locks_a_job_runs_and_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Some network file systems have none."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("unimeter.batch.lock._lock", refuse)
    assert len(read("in.jsonl")) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "out.jsonl: its file system has no locks; a second job on the same output would spoil it"
    ]
    assert sorted(os.listdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("sigmask", [True, False], ids=["POSIX", "Windows"])
def test_ctrl_c_waits_until_a_worker_has_started(sigmask: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if another thread takes the signal."""
    if not sigmask:
        monkeypatch.delattr(signal, "pthread_sigmask")
    steps = []

    def start() -> None:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.02)
            steps.append("started")
        steps.append("lost")

    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        start()
    ended.set()
    other.join()
    assert steps == ["started"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_lock_whose_file_was_removed_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job before ended between the opening of the file and the lock on it: a third job would not see this lock."""
    taken = []
    take = lock._lock

    def late(descriptor: int) -> None:
        take(descriptor)
        if not taken:
            Path(".out.jsonl.parts/lock").unlink()
        taken.append(descriptor)

    monkeypatch.setattr(lock, "_lock", late)
    there = []
    run(["in.jsonl"], Path("out.jsonl"), Options(), told=lambda *_: there.append(Path(".out.jsonl.parts/lock").exists()))
    assert (len(taken), there) == (2, [True])


def test_the_file_that_a_link_points_to_is_written(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "out.jsonl").symlink_to("data/real.jsonl")
    assert len(read("in.jsonl")) == 1
    assert (folder / "out.jsonl").is_symlink()
    assert len(rows_of("data/real.jsonl")) == 1


# outputs that cannot be written --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("kind", ["folder", "below a file", "device", "no place", "parts", "linked parts", "read-only"])
def test_an_output_that_cannot_be_written_is_one_line(
    kind: str, suffix: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(f"out{suffix}")
    if kind == "folder":
        out.mkdir()
    elif kind == "below a file":
        out = Path("in.jsonl", out)
    elif kind == "device":
        out.symlink_to("/dev/full")
    elif kind == "no place":
        out = Path("/proc", out)
    elif kind == "parts":
        Path(f".out{suffix}.parts").write_text("")
    elif kind == "linked parts":
        (folder / "mine").mkdir()
        (folder / "mine/kept").write_text("")
        Path(f".out{suffix}.parts").symlink_to("mine")
    else:
        out.write_text("")
        access = os.access  # whoever runs the tests may write everywhere
        monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK and access(path, mode))
    before = sorted(folder.rglob("*"))
    code, lines = batch(capsys, "in.jsonl", "-o", str(out))
    assert (code, len(lines)) == (2, 1), lines
    assert lines[0].startswith(f"{out}: it cannot be written: ")
    with pytest.raises(OutputError, match="it cannot be written"):
        run(["in.jsonl"], out, Options())
    assert issubclass(OutputError, UnimeterError)
    assert sorted(folder.rglob("*")) == before


class Full:
    """A file on a disk that is full."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.closed = False

    def write(self, _: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self.file.close()
        self.closed = True


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("where", ["part", "output", "rename", "lock"])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    where: str, suffix: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = f"out{suffix}"
    Path(out).write_text("what was there")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if where == "part":
            file = pa.OSFile
            patch.setattr(pa, "OSFile", lambda *_: file("/dev/full", "wb"))
        elif where == "output":  # the file is opened on a device that is always full
            writer_for = job.writer_for
            Path("full").symlink_to("/dev/full")
            patch.setattr(job, "writer_for", lambda suffix, _, schema: writer_for(suffix, Path("full"), schema))
        elif where == "rename":
            patch.setattr(Path, "replace", full)
        else:
            patch.setattr(os, "write", full)
        code, lines = batch(capsys, "in.jsonl", "-o", out)
    assert (code, lines) == (2, [f"{out}: it cannot be written: No space left on device"])
    assert Path(out).read_text() == "what was there"
    assert not Path(f".{out}.new").exists()
    assert not list(Path().glob(f".{out}.parts/*.new"))
    assert batch(capsys, "in.jsonl", "-o", out, "--resume")[0] == 0
    assert Path(out).read_bytes() != b"what was there"
    assert not Path(f".{out}.parts").exists()


def test_a_full_disk_in_a_worker_is_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes from another process: what is raised there must be the error here."""
    from unimeter.batch import chunks

    Path("in.jsonl").write_bytes((CHAT + b"\n") * 3)
    monkeypatch.setattr(chunks, "BYTES", 100)
    for number in range(3):
        os.makedirs(f".out.jsonl.parts/{number:08}.new", exist_ok=True)  # where the worker would write
    begin = job.begin
    with monkeypatch.context() as patch:
        patch.setattr(job, "begin", lambda parts, about, _: (parts / "job.json").write_text("{}"))
        with pytest.raises(OutputError, match=r"^out\.jsonl: it cannot be written: .* is a directory"):
            run(["in.jsonl"], Path("out.jsonl"), Options(), workers=2)
    assert begin is job.begin
    assert len(read("in.jsonl")) == 3


def test_a_standard_output_that_is_full_is_one_line() -> None:
    words = [sys.executable, "-m", "unimeter", "batch", "in.jsonl", "-o", "out.jsonl", "--workers", "1"]
    with open("/dev/full", "w") as full:
        ran = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ran.returncode, ran.stderr) == (2, "standard output: it cannot be written: No space left on device\n")


def test_a_stop_after_the_file_is_there_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unimeter.cli.batch.table_of", stop)
    assert batch(capsys, "in.jsonl", "-o", "out.jsonl") == (130, ["stopped; out.jsonl is written"])


def test_a_report_never_takes_the_place_of_an_input(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = batch(capsys, "in.jsonl", "-o", "out.jsonl", "--report", "in.jsonl")
    assert (code, lines) == (2, ["in.jsonl: the report is a file of its own"])
    code, lines = batch(capsys, "in.jsonl", "-o", "out.jsonl", "--report", "/dev/full")
    assert (code, lines) == (2, ["/dev/full: it cannot be written: it is not a regular file"])
    code, lines = batch(capsys, "in.jsonl", "-o", "out.jsonl", "--report", "/proc/report.html")
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith("/proc/report.html: it cannot be written: ")
    assert Path("in.jsonl").read_bytes() == CHAT + b"\n"


# inputs --------------------------------------------------------------------------------------------------------------


def empty_inputs() -> list[str]:
    Path("empty.jsonl").write_text("")
    Path("blank.jsonl").write_text("\n \r\n\t\n")
    for name in ("empty.jsonl.gz", "empty.jsonl.zst"):
        with pa.output_stream(name, compression="detect") as stream:
            stream.write(b"\n")
    pq.write_table(pa.table({"response": pa.array([], pa.string())}), "empty.parquet")
    return ["empty.jsonl", "blank.jsonl", "empty.jsonl.gz", "empty.jsonl.zst", "empty.parquet"]


def test_inputs_that_are_all_empty_are_nothing_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    names = empty_inputs()
    before = sorted(os.listdir())
    for name in (*names, "/dev/null"):
        assert batch(capsys, name, "-o", "out.csv") == (2, [f"{name}: it is empty"])
        assert batch(capsys, name, "-o", "out.csv", "--log", "litellm")[0] == 2 or name.endswith("parquet")
        with suppress(FileNotFoundError):
            Path("out.csv").unlink()
    assert batch(capsys, *names, "-o", "out.csv") == (2, ["all 5 files are empty"])
    assert sorted(os.listdir()) == before
    assert len(read(*names, "in.jsonl")) == 1


def test_an_empty_input_leaves_the_earlier_output(capsys: pytest.CaptureFixture[str]) -> None:
    read("in.jsonl")
    Path("empty.jsonl").write_text("")
    assert batch(capsys, "empty.jsonl", "-o", "out.jsonl")[0] == 2
    assert len(rows_of("out.jsonl")) == 1


def test_a_file_that_is_given_twice_is_read_once(folder: Path) -> None:
    (folder / "logs/day").mkdir(parents=True)
    (folder / "logs/day/a.jsonl").write_bytes(CHAT)
    os.link("logs/day/a.jsonl", "logs/hard.jsonl")
    (folder / "soft.jsonl").symlink_to("logs/day/a.jsonl")
    (folder / "soft").symlink_to("logs")
    a = "logs/day/a.jsonl"
    for inputs in (
        [a, a],
        ["logs", a],
        [a, "logs"],
        ["logs/day", "logs"],
        [a, str(folder / a)],
        [a, "logs/../logs/day/a.jsonl"],
        [a, "soft.jsonl"],
        ["soft.jsonl", "soft/day/a.jsonl"],
        ["logs", "soft"],
        ["logs/hard.jsonl", a],
        ["."],
    ):
        rows = read(*inputs, out="/".join((str(folder), ".out.jsonl")))
        assert len(rows) == (2 if inputs == ["."] else 1), inputs  # in.jsonl is in the folder as well
    (folder / "copy.jsonl").write_bytes(CHAT)  # another file, though it looks the same
    assert len(read(a, "copy.jsonl")) == 2


def test_a_pipe_is_read(folder: Path) -> None:
    """Its size is nothing; it was taken for an empty file."""
    import gzip

    os.mkfifo("pipe.jsonl")
    os.mkfifo("pipe.jsonl.gz")
    for name, content in (("pipe.jsonl", CHAT), ("pipe.jsonl.gz", gzip.compress(CHAT + b"\n" + CHAT))):
        threading.Thread(target=Path(name).write_bytes, args=[content], daemon=True).start()
    assert len(read("in.jsonl", "pipe.jsonl", "pipe.jsonl.gz")) == 4
    os.mkfifo("pipe.parquet")
    with pytest.raises(NoInput, match=r"pipe\.parquet: Parquet is read from files only"):
        run(["pipe.parquet"], Path("out.jsonl"), Options())


def test_what_a_pipe_held_is_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another job finds something else in it, and what comes after it may have other numbers."""
    os.mkfifo("pipe.jsonl")
    Path("last.jsonl").write_bytes(CHAT + b"\n" + CHAT)

    def write(content: bytes) -> None:
        threading.Thread(target=Path("pipe.jsonl").write_bytes, args=[content], daemon=True).start()

    write(CHAT.replace(b'"x"', b'"first"'))
    with monkeypatch.context() as patch:
        patch.setattr(job, "clear", lambda *_, **__: (_ for _ in ()).throw(ZeroDivisionError))
        patch.setattr(job, "begin", lambda parts, about, _: begin(parts, about, True))
        begin = sys.modules["unimeter.batch.resume"].begin
        patch.setattr("unimeter.batch.resume.clear", lambda *_, **__: None)
        with pytest.raises(ZeroDivisionError):
            run(["in.jsonl", "pipe.jsonl", "last.jsonl"], Path("out.jsonl"), Options(), workers=1)
    assert len(list(Path(".out.jsonl.parts").glob("*.arrow"))) == 3
    write(CHAT.replace(b'"x"', b'"second"'))
    run(["in.jsonl", "pipe.jsonl", "last.jsonl"], Path("out.jsonl"), Options(), workers=1, resume=True)
    assert [row["id"] for row in rows_of("out.jsonl")] == ["x", "second", "x", "x"]


def test_an_input_that_cannot_be_read_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "in.jsonl")

    with monkeypatch.context() as patch:
        patch.setattr("unimeter.batch.chunks._text", refuse)
        code, lines = batch(capsys, "in.jsonl", "-o", "out.jsonl")
    assert (code, len(lines)) == (2, 1)
    assert "in.jsonl: it cannot be read" in lines[0]
    with monkeypatch.context() as patch:  # a folder within that may not be looked into is not left out
        walk = os.walk
        patch.setattr("os.walk", lambda *words, onerror: (onerror(OSError(errno.EACCES, "no")), walk(*words))[1])
        code, lines = batch(capsys, ".", "-o", "out.jsonl")
    assert (code, len(lines)) == (2, 1)


# parts ---------------------------------------------------------------------------------------------------------------


def leave_parts(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The parts of a job that was killed before it ended."""
    with monkeypatch.context() as patch:
        patch.setattr("unimeter.batch.job._join", None)
        with pytest.raises(TypeError):
            run(["in.jsonl"], Path("out.jsonl"), Options())
    return Path(".out.jsonl.parts")


def test_parts_say_which_version_wrote_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    parts = leave_parts(monkeypatch)
    about = json.loads((parts / "job.json").read_text())
    assert about["unimeter"] == __version__
    assert pa.ipc.open_file(parts / "00000000.arrow").schema.metadata == {b"unimeter": __version__.encode()}
    for change in ({"unimeter": "0.0.1"}, {"adapters": ["acme 1"]}, {"unimeter": None}):
        (parts / "job.json").write_text(json.dumps(about | change))
        code, lines = batch(capsys, "in.jsonl", "-o", "out.jsonl", "--resume")
        assert (code, len(lines)) == (2, 1)
        assert f"unimeter {__version__}" in lines[0]
        assert str(change.get("unimeter") or "") in lines[0]
    (parts / "job.json").write_text("")  # written by a machine that then lost power
    with pytest.raises(OtherJob):
        run(["in.jsonl"], Path("out.jsonl"), Options(), resume=True)
    assert (parts / "00000000.arrow").exists()
    assert len(read("in.jsonl")) == 1  # without resuming


@pytest.mark.parametrize("kind", ["another version", "no version", "broken"])
def test_a_part_that_another_version_wrote_is_not_mixed_in(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = leave_parts(monkeypatch)
    part = parts / "00000000.arrow"
    table = pa.ipc.open_file(part.read_bytes()).read_all()  # not mapped: it is written anew
    if kind == "broken":
        part.write_bytes(b"")
    else:
        schema = table.schema.with_metadata({"unimeter": "0.0.1"} if kind == "another version" else None)
        with pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, schema) as sink:
            sink.write_table(table.cast(schema))
    with pytest.raises(OtherJob, match="without --resume"):
        run(["in.jsonl"], Path("out.jsonl"), Options(), resume=True)
    assert not Path("out.jsonl").exists()


# texts that a spreadsheet would run ----------------------------------------------------------------------------------

FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\tx", "\rx", "\nx", " =1", "\x00=1", "＝1", "a;=1", "a\n=1", "a\t@x", "a;;-1")
NO_FORMULAS = ("gpt-5", "a=1", "m@2", "x-1+1", "a; b", "", "'=1", "meta/llama-3;q4")


def starts_a_formula(text: str) -> bool:
    return any(cell.lstrip(" \x00\ufeff").startswith(("=", "+", "-", "@", "＝")) for cell in text.replace(";", "\n").splitlines())


def test_no_cell_of_a_csv_is_a_formula() -> None:
    names = [*FORMULAS, *NO_FORMULAS]
    body = {**json.loads(CHAT), "service_tier": "=tier"}
    lines = [json.dumps(body | {"model": name, "id": name}).encode() for name in names]
    Path("=in.jsonl").write_bytes(b"\n".join(lines) + b"\n-broken")
    run(["=in.jsonl"], Path("out.csv"), Options(), workers=1)
    with Path("out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(names) + 1
    for name, row in zip(names, rows, strict=False):
        assert row["model"] == row["id"] == harmless(name)
        assert row["model"].replace("'", "") == name.replace("'", "")
        assert not any(map(starts_a_formula, row.values())), row
        assert (row["model"] == name) is (name in NO_FORMULAS)
        assert row["total_tokens"] == "11"
        assert json.loads(row["provider_metrics"])["service_tier"] == "=tier"
    assert {row["source"] for row in rows} == {"'=in.jsonl"}
    models = [row["model"] or "" for row in read("=in.jsonl")]
    assert models[: len(names)] == names  # what is no spreadsheet has them as they are


def test_a_negative_number_stays_a_number() -> None:
    Path("in.jsonl").write_bytes(CHAT.replace(b'tokens": 2', b'tokens": 2, "total_tokens": 4'))
    run(["in.jsonl"], Path("out.csv"), Options(), workers=1)
    with Path("out.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["unaccounted"] == "-7"


# requests that failed ------------------------------------------------------------------------------------------------

FAILED = {
    '{"custom_id": "1", "response": {"status_code": 400, "body": {"error": {"message": "violets", "type": "bad"}}}}': "400 bad",
    '{"custom_id": "1", "result": {"type": "errored", "error": {"error": {"type": "bad", "message": "violets"}}}}': "bad",
    '{"custom_id": "1", "result": {"type": "expired"}}': "expired",
    '{"key": "1", "error": {"code": 429, "message": "violets", "status": "RESOURCE_EXHAUSTED"}}': "429 RESOURCE_EXHAUSTED",
    '{"status": "violets", "processed_time": "t", "request": {}, "response": {}}': "no reason given",
    '{"recordId": "1", "modelInput": {}, "error": {"errorCode": 400, "errorMessage": "violets"}}': "400",
    '{"error": {"code": 503, "message": "violets", "status": "UNAVAILABLE"}}': "503 UNAVAILABLE",
    '{"type": "error", "error": {"type": "overloaded_error", "message": "violets"}}': "overloaded_error",
    '{"error": "violets"}': "no reason given",
}
NOT_FAILED = (
    '{"custom_id": "1", "response": {"status_code": 200, "body": null}}',
    '{"custom_id": "1", "result": {"type": "succeeded"}}',
    '{"choices": [], "model": "m", "object": "chat.completion"}',
    '{"level": "info", "error": "x", "response": {"usage": {}}}',
    '{"level": "info", "error": {"type": "x"}, "response": {"usage": {}}}',
)


def test_a_request_that_failed_is_a_row_of_its_own_kind() -> None:
    rows = normalize_batch(pa.record_batch({"response": [*FAILED, *NOT_FAILED]})).to_pylist()
    errors = [row["error"] for row in rows]
    assert errors[: len(FAILED)] == [f"FailedRequest: {why}" for why in FAILED.values()]
    assert all(error.startswith(("MissingUsage: ", "UnknownProvider: ")) for error in errors[len(FAILED) :])
    assert "violets" not in str(rows)


def test_a_row_of_several_requests_that_failed_counts_them() -> None:
    line = '{"custom_id": "%s", "result": {"type": "%s"}}'
    failed = "\n".join(line % one for one in (("1", "expired"), ("2", "expired"), ("3", "canceled")))
    silent = failed + "\n" + line % ("4", "succeeded")
    rows = normalize_batch(pa.record_batch({"response": [failed, silent]})).to_pylist()
    assert rows[0]["error"] == "FailedRequest: 2 × expired, 1 × canceled"
    assert rows[1]["error"].startswith("MissingUsage: ")


def test_a_job_with_requests_that_failed_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    failed = next(iter(FAILED)).encode()
    Path("in.jsonl").write_bytes(CHAT + b"\n" + failed + b"\n")
    assert command("batch", "in.jsonl", "-o", "out.jsonl", "--workers", "1", "--strict") == 0
    assert "FailedRequest" in capsys.readouterr().out
    summary = run(["in.jsonl"], Path("out.jsonl"), Options(), workers=1)
    assert (summary.errors, summary.unread, summary.total["calls"]) == ({"FailedRequest": 1}, 0, 1)
    Path("in.jsonl").write_bytes(failed + b"\n" + NOT_FAILED[0].encode() + b"\n")
    with pytest.raises(BadRow, match="MissingUsage"):
        run(["in.jsonl"], Path("out.jsonl"), Options(strict=True), workers=1)
    assert command("batch", "in.jsonl", "-o", "out.jsonl", "--workers", "1") == 1


def test_a_call_that_litellm_logged_as_failed_is_one() -> None:
    about = {"error_class": "RateLimitError", "error_code": "429", "error_message": "violets", "traceback": "violets"}
    lines = [{"status": "failure", "response": None, "error_information": about, "error_str": "violets"}, {"status": "success"}]
    Path("in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    errors = [row["error"] for row in read("in.jsonl", log="litellm")]
    assert errors[0] == "FailedRequest: 429 RateLimitError"
    assert errors[1].startswith("MissingUsage")


def test_responses_without_usage_are_counted_by_provider(tmp_path: Path) -> None:
    silent = {"object": "chat.completion", "choices": []}
    bodies = [silent, {"type": "message", "role": "assistant", "content": [], "usage": None}, silent, {"nobody": "knows"}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, bodies)) + "\n")
    summary = run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options(), workers=1)
    assert summary.without_usage == {"OpenAI Chat": 2, "Anthropic": 1}
    assert summary.errors.total() == 4
    shown = page(summary, "out").partition("Responses without usage")[2]
    assert [cell.partition("<")[0] for cell in shown.split("<td")[1:]] == [
        ">OpenAI Chat",
        " class=number>2",
        ">Anthropic",
        " class=number>1",
    ]
