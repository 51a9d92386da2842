"""The log keeps what was shown, whatever happens to the process or the disk."""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT
from simulated_session import MICROPHONE, REASONS

from ser_live.cli.log import command
from ser_live.emotions import LABELS, Emotion
from ser_live.errors import LogError
from ser_live.events import (
    EmotionResult,
    EventReader,
    Kind,
    Level,
    OfStream,
    Reason,
    Record,
    Recorded,
    SessionStarted,
    SourceFailed,
    StreamEnded,
    StreamId,
    StreamStarted,
    Verdict,
    columns,
)
from ser_live.features import FEATURE_NAMES
from ser_live.records import session_log
from ser_live.records.csv_rows import emotion_fields
from ser_live.records.log_entries import ENTRY_CLASSES, LogContinued, LogGap
from ser_live.records.log_file import LogFile
from ser_live.records.session_log import SCHEMA_VERSION, SessionLog, read_log

DOC = ROOT / "docs" / "session_log.md"
HEADER = '{"type":"log","schema":"ser-live-session","schema_version":1}\n'
CHILD_ENV = {**os.environ, "PYTHONPATH": str(ROOT)}

_numbers = st.floats(-1e9, 1e9) | st.sampled_from([math.nan, math.inf, -math.inf])
_results = st.builds(
    EmotionResult,
    stream=st.builds(
        StreamId,
        number=st.integers(1, 3),
        source=st.just("talk"),
        channel=st.none() | st.integers(0, 63),
        role=st.none() | st.text(),
        file=st.none() | st.text(st.characters()),  # lone surrogates included
    ),
    id=st.integers(1, 10**6),
    kind=st.sampled_from(Kind),
    start_sample=st.integers(0, 10**9),
    end_sample=st.integers(0, 10**9),
    state=st.sampled_from(Verdict),
    emotion=st.none() | st.sampled_from(Emotion),
    probabilities=st.none() | st.tuples(*[st.floats(0, 1)] * 8),
    speech_s=st.floats(0, 100),
    level_dbfs=_numbers,
    snr_db=_numbers,
    latency_ms=_numbers,
    reasons=st.lists(
        st.builds(Reason, feature=st.text(), difference=_numbers, z=_numbers, text=st.text()),
        max_size=3,
    ).map(tuple),
)


def records_of(path: Path) -> list[Record]:
    """What a log holds, read and checked, as records."""
    return [entry.as_record() for entry in read_log(path, on_cut=pytest.fail)]


def failed(message: str) -> SourceFailed:
    return SourceFailed(message=message)


def began(**more: Any) -> SessionStarted:
    return SessionStarted(started_at="2026-01-01", version="0", model="m", model_sha256="h", **more)


def stream_began(source: str, number: int = 1) -> StreamStarted:
    stream = StreamId(number=number, source=source)
    return StreamStarted(stream=stream, sample_rate=16_000, n_channels=1)


def test_every_result_comes_back_as_it_was_recorded() -> None:
    """What is written is what is read, whatever the numbers and names."""

    @given(st.lists(_results, max_size=5))
    @settings(max_examples=50, deadline=None)
    def holds(results: list[EmotionResult]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.jsonl"
            with SessionLog.create(path) as log:
                assert all(log.write(result) for result in results)
            assert records_of(path)[1:] == [result.as_record() for result in results]

    holds()


def test_a_log_never_holds_nan_or_infinity(tmp_path: Path) -> None:
    """Undefined numbers become null, also deep in the settings."""
    path = tmp_path / "log.jsonl"
    with SessionLog.create(path) as log:
        log.write(began(settings={"a": [math.nan, {"b": math.inf}]}))
    assert records_of(path)[1]["settings"] == {"a": [None, {"b": None}]}


def test_an_event_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    """Another reader sees a line as soon as it is written, before the log is closed."""
    path = tmp_path / "log.jsonl"
    with SessionLog.create(path) as log:
        log.write(failed("nothing there"))
        assert len(list(read_log(path))) == 2


def test_a_log_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """What someone said is nobody else's business."""
    with SessionLog.create(tmp_path / "log.jsonl") as log:
        assert stat.S_IMODE(log.path.stat().st_mode) & 0o077 == 0


def test_two_default_logs_in_one_second_are_two_files(tmp_path: Path) -> None:
    """A default name that is taken gets a number."""
    logs = [SessionLog.create(folder=tmp_path / "new" / "sessions") for _ in range(5)]
    for log in logs:
        log.close()
    assert len({log.path for log in logs}) == 5
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}(-\d)?\.jsonl", log.path.name) for log in logs)


def test_the_default_folder_is_the_users_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a path the log lies where the system keeps a program's state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with SessionLog.create() as log:
        assert log.path.parent.name == "sessions"
        assert tmp_path in log.path.parents


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """A named log that exists is refused with the way out, and stays as it was."""
    path = tmp_path / "log.jsonl"
    path.write_text("mine")
    with pytest.raises(LogError, match="never overwritten: give --log another name"):
        SessionLog.create(path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["missing/log.jsonl", "", "nul\0byte", "a" * 300])
def test_a_log_that_cannot_be_created_says_so(tmp_path: Path, name: str) -> None:
    """An impossible place is one sentence with the way out."""
    with pytest.raises(LogError, match=r"--log|--no-log"):
        SessionLog.create(tmp_path / name)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """A file in the way of the default folder is one sentence with the way out."""
    (tmp_path / "state").write_text("")
    with pytest.raises(LogError, match="name a writable place with --log PATH, or use --no-log"):
        SessionLog.create(folder=tmp_path / "state" / "sessions")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder in which the user's state and temporary files lie: `state` and `temporary`."""
    folder = tmp_path / "elsewhere"
    (folder / "temporary").mkdir(parents=True)
    monkeypatch.setattr(session_log, "sessions_folder", lambda: folder / "state")
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))
    return folder


def nowhere(folder: Path) -> None:
    """Let no file be made in `folder`: where its folders should be there are files."""
    for path in (folder / "state", folder / "temporary"):
        if path.is_dir():
            path.rmdir()
        path.write_text("in the way")


def test_a_full_disk_is_counted_and_said_and_ends_nothing(elsewhere: Path) -> None:
    """Where no place takes an event, every failure is counted, and none raises."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    nowhere(elsewhere)
    log = SessionLog(LogFile(Path("/dev/full"), os.open("/dev/full", os.O_WRONLY)))
    assert [log.write(failed("x")) for _ in range(3)] == [False] * 3
    assert log.n_failed == 3
    assert log.failure is not None
    assert "no space left" in log.failure
    log.close()


@contextmanager
def _no_file_larger_than(n_bytes: int) -> Iterator[None]:
    """A disk with that much room, as far as this process can tell."""
    resource = pytest.importorskip("resource", reason="this system cannot limit file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_leaves_only_whole_lines(tmp_path: Path, elsewhere: Path) -> None:
    """A half-written line is taken back; when there is room again the log says what is missing."""
    nowhere(elsewhere)
    path = tmp_path / "log.jsonl"
    log = SessionLog.create(path)
    with _no_file_larger_than(300):
        written = [log.write(failed(f"event {n:0100d}")) for n in range(4)]
    assert written == [True, False, False, False]
    assert path.read_bytes().endswith(b"\n")
    assert log.write(failed("room again"))
    log.close()
    entries = list(read_log(path, on_cut=pytest.fail))
    assert [e.type for e in entries] == ["log", "source_failed", "log_gap", "source_failed"]
    assert entries[2] == LogGap(n_events=3)
    assert log.n_failed == 3
    assert log.failure is not None


def test_a_line_that_cannot_be_taken_back_stays_the_last(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where half a line has to stay, nothing is written behind it: the log goes on elsewhere."""
    path = tmp_path / "log.jsonl"

    def refuse(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    log = SessionLog.create(path)
    monkeypatch.setattr(os, "ftruncate", refuse)
    with _no_file_larger_than(100):
        assert not log.write(failed("x" * 200))
    assert log.write(failed("later"))
    log.close()
    told: list[str] = []
    assert len(list(read_log(path, on_cut=told.append))) == 1
    assert len(told) == 1
    assert [entry.type for entry in read_log(log.path)] == [
        *("log", "log_continued", "log_gap", "source_failed")
    ]


def test_a_deleted_log_goes_on_in_the_users_state_folder(tmp_path: Path, elsewhere: Path) -> None:
    """Writing into a deleted file succeeds and keeps nothing: the log notices and moves."""
    folder = tmp_path / "vanishing"
    folder.mkdir()
    log = SessionLog.create(folder / "log.jsonl")
    started = began()
    stream = stream_began("talk.wav")
    assert all(log.write(event) for event in (started, stream, failed("before")))
    shutil.rmtree(folder)
    assert all(log.write(failed(text)) for text in ("after", "later"))
    log.close()
    assert log.earlier == [folder / "log.jsonl"]
    assert log.path.parent == elsewhere / "state"
    assert log.n_failed == 0
    assert stat.S_IMODE(log.path.stat().st_mode) & 0o077 == 0
    assert log.failure == (
        f"the session log {folder / 'log.jsonl'} cannot be written (the file was deleted): "
        f"it goes on in {log.path}."
    )
    assert list(read_log(log.path))[1:] == [
        LogContinued(path=str(folder / "log.jsonl"), cause="the file was deleted"),
        started,
        stream,
        failed("after"),
        failed("later"),
    ]


def test_a_log_that_goes_on_elsewhere_repeats_the_streams_that_are_open(
    tmp_path: Path, elsewhere: Path
) -> None:
    """Every one of them, so that what follows has its stream; those that are over are not."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    streams = [stream_began(f"{number}.wav", number) for number in (1, 2, 3)]
    ended = StreamEnded(stream=streams[1].stream, n_samples=0, n_utterances=0)
    for event in (began(), *streams, ended):
        log.take(event)
    log.path.unlink()
    last = StreamEnded(stream=streams[2].stream, n_samples=16_000, n_utterances=0)
    log.take(last)
    log.close()
    entries = list(read_log(log.path))[2:]
    assert entries == [began(), streams[0], streams[2], last]


def test_what_is_for_displays_alone_is_not_logged(tmp_path: Path) -> None:
    """Levels would fill the disk."""
    level = Level(
        stream=MICROPHONE,
        sample=0,
        rms_dbfs=-20.0,
        peak_dbfs=-10.0,
        noise_dbfs=-60.0,
        is_speech=True,
    )
    with SessionLog.create(tmp_path / "log.jsonl") as log:
        for event in (began(), level, failed("x")):
            log.take(event)
    assert [entry.type for entry in read_log(log.path)] == [
        *("log", "session_started", "source_failed")
    ]


def test_a_file_system_that_counts_no_names_deletes_nothing(elsewhere: Path) -> None:
    """Where a file has no name from the beginning, that is no sign that it was deleted."""
    if not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files without a name")
    path = Path("/nameless")
    log = SessionLog(LogFile(path, os.memfd_create("log")))
    assert log.write(failed("x"))
    assert (log.path, log.failure) == (path, None)
    log.close()


def test_a_log_goes_on_among_temporary_files_where_the_state_folder_fails(
    tmp_path: Path, elsewhere: Path
) -> None:
    """The last resort is a folder for temporary files that only the owner may enter."""
    (elsewhere / "state").write_text("in the way")
    log = SessionLog.create(tmp_path / "log.jsonl")
    log.path.unlink()
    assert log.write(failed("x"))
    log.close()
    assert elsewhere / "temporary" in log.path.parents
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_a_log_moves_again_when_its_second_place_fails(tmp_path: Path, elsewhere: Path) -> None:
    """Each file names the one before it, and no event is lost between them."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    paths = [log.path]
    for n in range(3):
        log.path.rename(tmp_path / f"kept {n}")  # a log that is moved goes on where it lies now
        assert log.write(failed(f"moved {n}"))
        assert log.path == paths[-1]
        (tmp_path / f"kept {n}").unlink()
        assert log.write(failed(f"deleted {n}"))
        paths.append(log.path)
    log.close()
    assert log.earlier == paths[:-1]
    entries = list(read_log(log.path))
    assert entries[1] == LogContinued(path=str(paths[-2]), cause="the file was deleted")
    assert entries[-1] == failed("deleted 2")


def test_a_place_without_room_keeps_no_empty_file(tmp_path: Path, elsewhere: Path) -> None:
    """Where the log could not go on, it leaves neither files nor folders behind."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    with _no_file_larger_than(100):
        assert not log.write(failed("x" * 200))
    log.close()
    assert not [path for path in elsewhere.rglob("*") if path.name not in ("state", "temporary")]


def test_a_new_log_on_a_full_disk_is_refused(tmp_path: Path) -> None:
    """A log that cannot even begin says so before the session starts, and leaves no file."""
    with _no_file_larger_than(10), pytest.raises(LogError, match="make room, name another place"):
        SessionLog.create(tmp_path / "log.jsonl")
    assert not list(tmp_path.iterdir())


@pytest.mark.stress
def test_a_killed_writer_leaves_a_log_that_loads(tmp_path: Path) -> None:
    """After kill -9 every event that the program had got through is there, in order."""
    path = tmp_path / "log.jsonl"
    program = (
        "import sys; from pathlib import Path\n"
        "from ser_live.events import SourceFailed\n"
        "from ser_live.records.session_log import SessionLog\n"
        "log = SessionLog.create(Path(sys.argv[1])); n = 0\n"
        "while True:\n"
        "    log.write(SourceFailed(message=str(n))); print(n, flush=True); n += 1\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, env=CHILD_ENV, text=True
    )
    assert writer.stdout is not None
    for _ in range(50):
        writer.stdout.readline()
    time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    shown = 50 + len(writer.stdout.read().split("\n")) - 1
    writer.wait()
    writer.stdout.close()
    entries = list(read_log(path))[1:]
    messages = [int(entry.message) for entry in entries if isinstance(entry, SourceFailed)]
    assert len(messages) == len(entries)
    assert messages == list(range(len(messages)))
    assert len(messages) >= shown


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_cut_last_line_is_reported_and_the_rest_is_read(tmp_path: Path, cut: int) -> None:
    """Wherever the last line breaks off, the lines before it load and one sentence says so."""
    path = tmp_path / "log.jsonl"
    with SessionLog.create(path) as log:
        log.write(failed("a" * 30))
        log.write(failed("b" * 30))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    told: list[str] = []
    records = list(read_log(path, on_cut=told.append))
    if cut == 1:  # only the line end is missing, so the record is complete
        assert (len(records), told) == (3, [])
    else:
        assert len(records) == 2
        assert len(told) == 1
        assert "breaks off in line 3" in told[0]


@pytest.mark.parametrize(
    "line", ["{", "[]", "12", "", '{"no":"type"}', '{"type":"x","v":NaN}', "\0\0"]
)
def test_a_bad_line_in_the_middle_is_named(tmp_path: Path, line: str) -> None:
    """A line that was altered later is refused with its number."""
    path = tmp_path / "log.jsonl"
    path.write_text(HEADER + line + "\n" + '{"type":"gap"}\n')
    with pytest.raises(LogError, match=r"line 2 of .* is not a record"):
        list(read_log(path))


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A log of a later program is not misread."""
    path = tmp_path / "log.jsonl"
    path.write_text(HEADER.replace("1}", f"{SCHEMA_VERSION + 1}}}"))
    with pytest.raises(LogError, match="update ser-live to read it"):
        list(read_log(path))


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"RIFF\x00\xff\n", b'{"type":"gap"}\n', b'{"ty']
)
def test_another_file_is_not_taken_for_a_log(tmp_path: Path, content: bytes) -> None:
    """A file without the first line of a log is refused."""
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(LogError, match="is not a session log of ser-live"):
        list(read_log(path))


@pytest.mark.parametrize("name", ["missing.jsonl", ""])
def test_a_log_that_cannot_be_read_says_so(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are one sentence each."""
    with pytest.raises(LogError, match="cannot be read"):
        list(read_log(tmp_path / name))


@pytest.mark.parametrize(
    "record",
    [
        '{"type":"gap","start_s":1.0,"cause":"overflow"}',
        '{"type":"gap","start_s":1.0,"duration_s":"1","cause":"overflow"}',
        '{"type":"gap","start_s":1.0,"duration_s":1.0,"cause":"boredom"}',
        '{"type":"log_gap","n_events":true}',
    ],
)
def test_a_record_that_does_not_fit_is_named(tmp_path: Path, record: str) -> None:
    """A field that is missing or of the wrong kind is refused with the number of its line."""
    path = tmp_path / "log.jsonl"
    path.write_text(HEADER + record + "\n")
    with pytest.raises(LogError, match=r"line 2 of .* is not a record"):
        list(read_log(path))


def test_records_of_a_later_program_are_passed_over(tmp_path: Path) -> None:
    """A type that is not known is left out, and unknown fields of a known one are."""
    path = tmp_path / "log.jsonl"
    path.write_text(
        f'{HEADER}{{"type":"mood","of":[1]}}\n{{"type":"log_gap","n_events":1,"x":2}}\n'
    )
    assert list(read_log(path))[1:] == [LogGap(n_events=1)]


# -- the documentation

LOGGED = [cls for cls in ENTRY_CLASSES.values() if cls.is_logged]


def _doc_example() -> list[dict[str, Any]]:
    found = re.search(r"```jsonl\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return [json.loads(line) for line in found[1].splitlines()]


@pytest.mark.parametrize("cls", LOGGED, ids=lambda cls: cls.type)
def test_every_event_in_the_log_is_documented(cls: type[Recorded]) -> None:
    """Each type has its section, its fields are named there, and the example shows one."""
    doc = DOC.read_text(encoding="utf-8")
    section = re.search(rf"^### `{cls.type}`\n(.*?)(?=^##|\Z)", doc, re.DOTALL | re.MULTILINE)
    assert section, f"docs/session_log.md has no section for {cls.type}"
    assert [record for record in _doc_example() if record["type"] == cls.type], (
        f"the example in docs/session_log.md has no {cls.type}"
    )
    for column in columns(cls):
        assert f"`{column.key}`" in section[1], f"{cls.type}: {column.key} is not described"
        described = re.search(rf"^\| `{column.key}` \| [^|]+ \| ([^|]+)\|$", doc, re.MULTILINE)
        assert described, f"{cls.type}: nothing is said of {column.key}"
        assert described[1].strip()


def test_nothing_is_documented_that_is_not_there() -> None:
    """Each section of a record is that of a type that logs hold."""
    doc = DOC.read_text(encoding="utf-8")
    assert re.findall(r"^### `(\w+)`", doc, re.MULTILINE) == [cls.type for cls in LOGGED]


def test_what_is_generated_of_the_page_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables are those that the docstrings and forms of the classes give."""
    monkeypatch.syspath_prepend(str(DOC.parents[1] / "scripts"))
    log_page = importlib.import_module("log_page")
    doc = DOC.read_text(encoding="utf-8")
    for name, made in (
        ("stream", log_page.stream_fields()),
        ("records", log_page.records()),
        ("words", log_page.words()),
    ):
        assert f"<!-- generated: {name} -->\n{made}<!-- end -->" in doc


@pytest.mark.parametrize("cls", LOGGED, ids=lambda cls: cls.type)
def test_the_documented_example_has_the_fields_of_the_event(cls: type[Recorded]) -> None:
    """The example cannot fall behind the code, nor the code behind the example."""
    names = ["type", *(column.key for column in columns(cls))]
    for example in (r for r in _doc_example() if r["type"] == cls.type):
        assert list(example) == names


def test_the_documented_example_is_a_log(tmp_path: Path) -> None:
    """The reader takes the example as it stands."""
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in _doc_example()))
    assert records_of(path) == _doc_example()


def test_the_documented_example_names_what_there_is() -> None:
    """Features by their names, models by theirs; streams begin before anything is said of them."""
    example = _doc_example()
    reasons = [reason for r in example for reason in r.get("reasons", [])]
    assert reasons
    assert {reason["feature"] for reason in reasons} <= set(FEATURE_NAMES)
    assert {reason.feature for reason in REASONS} <= set(FEATURE_NAMES)
    (started,) = [r for r in example if r["type"] == "session_started"]
    assert (DOC.parents[1] / "models" / started["model"] / "card.json").exists()
    reader = EventReader(ENTRY_CLASSES)
    known: dict[int, StreamId] = {}
    for record in example:
        event = reader.read(record)
        if isinstance(event, StreamStarted):
            known[event.stream.number] = event.stream
        elif isinstance(event, OfStream):
            assert event.stream == known[event.stream.number]


# -- the command


@pytest.fixture
def example_log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in _doc_example()) + "\n")
    return path


def test_export_writes_one_row_an_utterance(example_log: Path) -> None:
    """Final results become rows under the documented columns."""
    outcome = CliRunner().invoke(command, ["export", str(example_log), "--to", "csv"])
    rows = list(csv.DictReader(io.StringIO(outcome.stdout)))
    assert tuple(name for name in rows[0] if name != "started_at") == emotion_fields()
    assert [row["id"] for row in rows] == ["1", "2"]
    assert rows[0]["started_at"] == "2026-03-14T15:09:29.612+01:00"
    assert rows[0]["probability_happy"] == "0.81"
    assert rows[0]["reasons"] == "pitch +3.1 st; louder +4 dB"
    assert [rows[1][f"probability_{label}"] for label in LABELS] == [""] * 8
    assert rows[1]["emotion"] == ""


def test_export_can_include_partials(example_log: Path) -> None:
    """With --partials the growing results are there too."""
    outcome = CliRunner().invoke(command, ["export", str(example_log), "--partials"])
    assert [row["kind"] for row in csv.DictReader(io.StringIO(outcome.stdout))] == [
        "partial",
        "final",
        "final",
    ]


def test_export_does_not_overwrite(example_log: Path, tmp_path: Path) -> None:
    """An output file that exists is refused and stays; a new one is written."""
    output = tmp_path / "out.csv"
    first = CliRunner().invoke(command, ["export", str(example_log), "--output", str(output)])
    assert first.exit_code == 0
    before = output.read_bytes()
    again = CliRunner().invoke(command, ["export", str(example_log), "--output", str(output)])
    assert isinstance(again.exception, LogError)
    assert output.read_bytes() == before


def test_show_sums_a_session_up(example_log: Path) -> None:
    """The summary names source, emotions, states and losses."""
    text = CliRunner().invoke(command, ["show", str(example_log)]).stdout
    for word in ["talk.wav", "happy", "100%", "too short", "model      ear (", "silent.mp4"]:
        assert word in text


def test_show_works_on_a_log_cut_off(example_log: Path) -> None:
    """A log without its end is summed up as far as it goes, and says so."""
    example_log.write_bytes(example_log.read_bytes()[:-40])
    outcome = CliRunner().invoke(command, ["show", str(example_log)])
    assert "cut off" in outcome.stdout
    assert "breaks off in line" in outcome.stderr
    assert outcome.exit_code == 0


def test_show_says_which_log_another_one_continues(tmp_path: Path) -> None:
    """The way back to the beginning of a session stands in the summary."""
    path = tmp_path / "log.jsonl"
    continued = '{"type":"log_continued","path":"/usb/mood.jsonl","cause":"no space left"}\n'
    path.write_text(HEADER + continued)
    text = CliRunner().invoke(command, ["show", str(path)]).stdout
    assert "continues  /usb/mood.jsonl (no space left)" in text


def test_a_stream_name_cannot_command_the_terminal(tmp_path: Path) -> None:
    """Escapes in a device name do not reach the screen through the summary."""
    path = tmp_path / "log.jsonl"
    with SessionLog.create(path) as log:
        log.write(stream_began("evil\x1b]0;owned\x07"))
    assert "\x1b" not in CliRunner().invoke(command, ["show", str(path)]).stdout
