"""The log keeps what was shown, whatever happens to the process or the disk."""

from __future__ import annotations

import csv
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
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_live import events
from ser_live.cli.log import command
from ser_live.emotions import LABELS, Emotion, State
from ser_live.errors import LogError
from ser_live.events import EmotionResult, Reason, SourceFailed, StreamStarted
from ser_live.records import session_log
from ser_live.records.csv_rows import EMOTION_FIELDS
from ser_live.records.log_file import LogFile
from ser_live.records.session_log import SCHEMA_VERSION, SessionLog, read_log

DOC = Path(__file__).parents[1] / "docs" / "session_log.md"
HEADER = '{"type":"log","schema":"ser-live-session","schema_version":1}\n'
CHILD_ENV = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

_numbers = st.floats(allow_nan=True, allow_infinity=True)
_results = st.builds(
    EmotionResult,
    id=st.integers(1, 10**6),
    kind=st.sampled_from(["partial", "final"]),
    start_sample=st.integers(0, 10**9),
    end_sample=st.integers(0, 10**9),
    state=st.sampled_from(State),
    emotion=st.none() | st.sampled_from(Emotion),
    probabilities=st.none() | st.tuples(*[st.floats(0, 1)] * 8),
    speech_s=st.floats(0, 100),
    level_dbfs=_numbers,
    snr_db=_numbers,
    latency_ms=_numbers,
    reasons=st.lists(st.builds(Reason, st.text(), _numbers, _numbers, st.text()), max_size=3).map(
        tuple
    ),
    file=st.none() | st.text(st.characters()),  # lone surrogates included
)


def test_every_result_comes_back_as_it_was_recorded() -> None:
    """What is written is what is read, whatever the numbers and names."""

    @given(st.lists(_results, max_size=5))
    @settings(max_examples=50, deadline=None)
    def holds(results: list[EmotionResult]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.jsonl"
            with SessionLog.create(path) as log:
                assert all(log.write(result) for result in results)
            assert list(read_log(path))[1:] == [result.as_record() for result in results]

    holds()


def test_a_log_never_holds_nan_or_infinity(tmp_path: Path) -> None:
    """Undefined numbers become null, also deep in the settings."""
    path = tmp_path / "log.jsonl"
    started = events.SessionStarted("2026-01-01", "0", "m", "h", {"a": [math.nan, {"b": math.inf}]})
    with SessionLog.create(path) as log:
        log.write(started)
    assert list(read_log(path))[1]["settings"] == {"a": [None, {"b": None}]}


def test_an_event_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    """Another reader sees a line as soon as it is written, before the log is closed."""
    path = tmp_path / "log.jsonl"
    with SessionLog.create(path) as log:
        log.write(SourceFailed("nothing there"))
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
    assert [log.write(SourceFailed("x")) for _ in range(3)] == [False] * 3
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
        written = [log.write(SourceFailed(f"event {n:0100d}")) for n in range(4)]
    assert written == [True, False, False, False]
    assert path.read_bytes().endswith(b"\n")
    assert log.write(SourceFailed("room again"))
    log.close()
    records = list(read_log(path, on_cut=pytest.fail))
    assert [r["type"] for r in records] == ["log", "source_failed", "log_gap", "source_failed"]
    assert records[2] == {"type": "log_gap", "n_events": 3}
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
        assert not log.write(SourceFailed("x" * 200))
    assert log.write(SourceFailed("later"))
    log.close()
    told: list[str] = []
    assert len(list(read_log(path, on_cut=told.append))) == 1
    assert len(told) == 1
    assert [r["type"] for r in read_log(log.path)] == [
        *("log", "log_continued", "log_gap", "source_failed")
    ]


def test_a_deleted_log_goes_on_in_the_users_state_folder(tmp_path: Path, elsewhere: Path) -> None:
    """Writing into a deleted file succeeds and keeps nothing: the log notices and moves."""
    folder = tmp_path / "vanishing"
    folder.mkdir()
    log = SessionLog.create(folder / "log.jsonl")
    started = events.SessionStarted("2026-01-01", "0", "m", "h", {})
    stream = StreamStarted("talk.wav", 16_000, 1)
    assert all(log.write(event) for event in (started, stream, SourceFailed("before")))
    shutil.rmtree(folder)
    assert all(log.write(SourceFailed(text)) for text in ("after", "later"))
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
        {
            "type": "log_continued",
            "path": str(folder / "log.jsonl"),
            "cause": "the file was deleted",
        },
        started.as_record(),
        stream.as_record(),
        SourceFailed("after").as_record(),
        SourceFailed("later").as_record(),
    ]


def test_a_file_system_that_counts_no_names_deletes_nothing(elsewhere: Path) -> None:
    """Where a file has no name from the beginning, that is no sign that it was deleted."""
    if not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files without a name")
    path = Path("/nameless")
    log = SessionLog(LogFile(path, os.memfd_create("log")))
    assert log.write(SourceFailed("x"))
    assert (log.path, log.failure) == (path, None)
    log.close()


def test_a_log_goes_on_among_temporary_files_where_the_state_folder_fails(
    tmp_path: Path, elsewhere: Path
) -> None:
    """The last resort is a folder for temporary files that only the owner may enter."""
    (elsewhere / "state").write_text("in the way")
    log = SessionLog.create(tmp_path / "log.jsonl")
    log.path.unlink()
    assert log.write(SourceFailed("x"))
    log.close()
    assert elsewhere / "temporary" in log.path.parents
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_a_log_moves_again_when_its_second_place_fails(tmp_path: Path, elsewhere: Path) -> None:
    """Each file names the one before it, and no event is lost between them."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    paths = [log.path]
    for n in range(3):
        log.path.rename(tmp_path / f"kept {n}")  # a log that is moved goes on where it lies now
        assert log.write(SourceFailed(f"moved {n}"))
        assert log.path == paths[-1]
        (tmp_path / f"kept {n}").unlink()
        assert log.write(SourceFailed(f"deleted {n}"))
        paths.append(log.path)
    log.close()
    assert log.earlier == paths[:-1]
    records = list(read_log(log.path))
    assert records[1]["path"] == str(paths[-2])
    assert records[-1]["message"] == "deleted 2"


def test_a_place_without_room_keeps_no_empty_file(tmp_path: Path, elsewhere: Path) -> None:
    """Where the log could not go on, it leaves neither files nor folders behind."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    with _no_file_larger_than(100):
        assert not log.write(SourceFailed("x" * 200))
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
        "    log.write(SourceFailed(str(n))); print(n, flush=True); n += 1\n"
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
    messages = [int(record["message"]) for record in list(read_log(path))[1:]]
    assert messages == list(range(len(messages)))
    assert len(messages) >= shown


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_cut_last_line_is_reported_and_the_rest_is_read(tmp_path: Path, cut: int) -> None:
    """Wherever the last line breaks off, the lines before it load and one sentence says so."""
    path = tmp_path / "log.jsonl"
    with SessionLog.create(path) as log:
        log.write(SourceFailed("a" * 30))
        log.write(SourceFailed("b" * 30))
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


# -- the documentation


def _doc_example() -> list[dict[str, Any]]:
    found = re.search(r"```jsonl\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return [json.loads(line) for line in found[1].splitlines()]


def _logged_events() -> list[Any]:
    found = [v for v in vars(events).values() if is_dataclass(v) and hasattr(v, "as_record")]
    return [event for event in found if hasattr(event, "type")]


@pytest.mark.parametrize("event", _logged_events(), ids=lambda event: event.type)
def test_every_event_in_the_log_is_documented(event: Any) -> None:
    """Each event has its section, its fields are named there, and the example shows one."""
    doc = DOC.read_text(encoding="utf-8")
    section = re.search(rf"^### `{event.type}`\n(.*?)(?=^### |\Z)", doc, re.DOTALL | re.MULTILINE)
    assert section, f"docs/session_log.md has no section for {event.type}"
    example = [record for record in _doc_example() if record["type"] == event.type]
    assert example, f"the example in docs/session_log.md has no {event.type}"
    for name in example[0]:
        assert name == "type" or f"`{name}`" in section[1], f"{event.type}: {name} is not described"


def _sample(event: Any) -> Any:
    """An instance with the plainest value for each field."""
    plain: dict[str, Any] = {"str": "x", "int": 1, "float": 1.0, "State": State.OK}
    values = {}
    for field in fields(event):
        kind = str(field.type)
        values[field.name] = plain.get(kind, {} if kind.startswith("dict") else None)
    values.update({"reasons": ()} if "reasons" in values else {})
    return event(**values)


@pytest.mark.parametrize("event", _logged_events(), ids=lambda event: event.type)
def test_the_documented_example_has_the_fields_of_the_event(event: Any) -> None:
    """The example cannot fall behind the code, nor the code behind the example."""
    record = _sample(event).as_record()
    for example in (r for r in _doc_example() if r["type"] == event.type):
        assert list(example) == list(record)


def test_the_documented_example_is_a_log(tmp_path: Path) -> None:
    """The reader takes the example as it stands."""
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in _doc_example()))
    assert list(read_log(path, on_cut=pytest.fail)) == _doc_example()


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
    assert tuple(rows[0]) == EMOTION_FIELDS
    assert [row["id"] for row in rows] == ["1", "2"]
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
    for word in ["talk.wav", "happy", "100%", "too short", "ravdess-prosody-1", "silent.mp4"]:
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
        log.write(StreamStarted("evil\x1b]0;owned\x07", 16_000, 1))
    assert "\x1b" not in CliRunner().invoke(command, ["show", str(path)]).stdout
