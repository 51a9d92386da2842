"""However a session ends: one message, a whole log, an exit code, the terminal given back."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from places import SUPPORT

import ser_live
from ser_live.records.session_log import SessionLog

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and terminals of POSIX systems")

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
SPOILT = SUPPORT / "spoilt_session.py"
REAL = ("-m", "ser_live")
CHEAP = ("--model", "classic", "--vad-confirm", "off")


def start(*command: Any, **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *map(str, command)], **streams)


def records(log: Path) -> list[dict[str, Any]]:
    """Every line of the log; each one must be whole."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def wait_for(log: Path, what: str) -> None:
    """Wait until the session has logged `what`."""
    deadline_s = time.monotonic() + 60
    while not log.exists() or what not in log.read_text():
        assert time.monotonic() < deadline_s, f"no {what} in the log"
        time.sleep(0.02)


class Terminal:
    """A process on a pseudo terminal of its own, which controls it."""

    def __init__(self, *command: Any) -> None:
        import pty

        pid, self._master = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(sys.executable, [sys.executable, *map(str, command)])  # noqa: S606
        self.pid = pid
        self.sent = b""
        self._is_closing = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # so Linux reports the end of a pseudo terminal
            while not self._is_closing:
                if select.select([self._master], [], [], 0.05)[0]:
                    self.sent += os.read(self._master, 65536)
        self.ended_s = time.monotonic()
        os.close(self._master)

    def type(self, text: bytes) -> None:
        os.write(self._master, text)

    def close(self) -> None:
        """Close the window."""
        self._is_closing = True
        self._reader.join()

    def wait(self) -> int:
        """Exit code of the process."""
        _, status = os.waitpid(self.pid, 0)
        self._reader.join()
        return os.waitstatus_to_exitcode(status)

    def assert_given_back(self) -> str:
        """Cursor and old screen are back; what was printed after that."""
        drawn, _, after = self.sent.rpartition(b"\x1b[?1049l")
        assert drawn.count(b"\x1b[?1049h") == 1
        assert b"\x1b[?1049h" not in after
        assert self.sent.rfind(b"\x1b[?25h") > self.sent.rfind(b"\x1b[?25l")
        return after.decode()


@pytest.mark.parametrize(("fault", "n_finals"), [("worker=3", None), ("segmenter=100", 1)])
def test_a_defect_is_one_sentence_on_a_terminal_given_back(
    fault: str, n_finals: int | None, tmp_path: Path
) -> None:
    """A defect in either thread: message, exit code 70, log closed with the reason."""
    log = tmp_path / "log.jsonl"
    terminal = Terminal(SPOILT, fault, "replay", DEMO, "--speed", "8", "--log", log)
    assert terminal.wait() == 70
    said = terminal.assert_given_back()
    assert said.count("ser-live: ") == 1
    assert "a defect in the program ended it (ZeroDivisionError: a defect" in said
    assert "\x1b" not in said
    assert "Traceback" not in said
    logged = records(log)
    assert (logged[-1]["type"], logged[-1]["reason"]) == ("session_ended", "error")
    assert logged[-1]["duration_s"] > 1.0
    if n_finals is not None:  # what had been heard before is judged and logged
        assert len([r for r in logged if r.get("kind") == "final"]) >= n_finals


def test_debug_shows_the_traceback_of_a_defect(tmp_path: Path) -> None:
    """Who looks for the cause sees where it is."""
    result = subprocess.run(
        [sys.executable, SPOILT, "worker=1", "--debug", "replay", DEMO, "--speed", "0", "--no-log"],
        capture_output=True,
        check=False,
    )
    assert b"Traceback" in result.stderr
    assert b"ZeroDivisionError" in result.stderr


def test_the_first_ctrl_c_drains_and_the_second_aborts(tmp_path: Path) -> None:
    """With analysis slowed to a crawl the second Ctrl-C does not wait for what is queued."""
    log = tmp_path / "log.jsonl"
    terminal = Terminal(SPOILT, "seconds=3", "replay", DEMO, "--log", log)
    wait_for(log, '"partial"')
    terminal.type(b"\x03")
    time.sleep(0.5)
    terminal.type(b"\x03")
    assert terminal.wait() == 130
    terminal.assert_given_back()
    logged = records(log)
    assert (logged[-1]["type"], logged[-1]["reason"]) == ("session_ended", "abort")
    assert logged[-1]["duration_s"] > 1.0  # the stream was not over
    assert not [r for r in logged if r.get("kind") == "final"]


class Hung:
    """A session whose thread hangs, and that was ended by two Ctrl-C; it takes its 10 s."""

    def __init__(self, log: Path, fault: str, logged: str, *options: str) -> None:
        self.log = log
        self.terminal = Terminal(SPOILT, fault, *options, "replay", DEMO, "--log", log, *CHEAP)
        self.watchdog = threading.Timer(90, os.kill, (self.terminal.pid, signal.SIGKILL))
        self.watchdog.start()
        wait_for(log, logged)
        time.sleep(0.5)
        self.terminal.type(b"\x03")
        time.sleep(0.5)
        self.terminal.type(b"\x03")
        self.began_s = time.monotonic()

    def wait(self) -> int:
        exit_code = self.terminal.wait()
        self.watchdog.cancel()
        return exit_code


@pytest.fixture(scope="module")
def hung_sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Hung]:
    """Two of them, which take their 10 s at the same time."""
    folder = tmp_path_factory.mktemp("hung")
    return {
        "analysis": Hung(folder / "analysis.jsonl", "hung=2", '"partial"'),
        "segmenting": Hung(folder / "segmenting.jsonl", "deaf=1", '"stream_started"', "--debug"),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("thread", "said"),
    [
        ("analysis", "ended it (TimeoutError: analysis did not end within 10 s): "),
        ("segmenting", "Error: segmenting did not end within 10 s"),
    ],
)
def test_a_thread_that_hangs_does_not_hold_up_the_second_ctrl_c(
    thread: str, said: str, hung_sessions: dict[str, Hung]
) -> None:
    """It is named, the exit code is that of a defect, the log is closed, the process is gone."""
    hung = hung_sessions[thread]
    assert hung.wait() == 70
    assert 9.0 < hung.terminal.ended_s - hung.began_s < 20.0
    last_words = hung.terminal.assert_given_back()
    assert said in last_words
    assert last_words.count("did not end within") == 1
    # Only --debug shows where it hangs.
    assert ("spoilt_session.py" in last_words) == (thread == "segmenting")
    logged = records(hung.log)
    assert (logged[-1]["type"], logged[-1]["reason"]) == ("session_ended", "error")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_gives_the_terminal_back_and_reports_the_open_utterance(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    """Each of the three drains: the utterance that was growing is final in the log."""
    log = tmp_path / "log.jsonl"
    terminal = Terminal(*REAL, "replay", DEMO, "--log", log)
    wait_for(log, '"partial"')
    os.kill(terminal.pid, number)
    assert terminal.wait() == code
    assert "utterances 1" in terminal.assert_given_back()
    logged = records(log)
    assert [r["kind"] for r in logged if r["type"] == "emotion"][-1] == "final"
    assert (logged[-1]["type"], logged[-1]["reason"]) == ("session_ended", "interrupt")


@pytest.mark.parametrize(
    "form",
    [("--display", "dashboard"), ("--format", "lines"), ("--format", "jsonl")],
    ids=lambda form: form[1],
)
def test_a_window_that_closes_ends_the_session_in_order(
    form: tuple[str, str], tmp_path: Path
) -> None:
    """Hang-up and a terminal that is gone: nothing heard is lost, nothing is left running."""
    log = tmp_path / "log.jsonl"
    terminal = Terminal(*REAL, "replay", DEMO, "--log", log, *form)
    wait_for(log, '"partial"')
    terminal.close()
    assert terminal.wait() == 129
    logged = records(log)
    assert [r["kind"] for r in logged if r["type"] == "emotion"][-1] == "final"
    assert (logged[-1]["type"], logged[-1]["reason"]) == ("session_ended", "interrupt")


def test_a_repeated_sigterm_still_drains(tmp_path: Path) -> None:
    """Only Ctrl-C aborts: a terminal or a supervisor may send its signal more than once."""
    log = tmp_path / "log.jsonl"
    process = start(*REAL, "replay", DEMO, "--log", log, stdout=subprocess.DEVNULL)
    wait_for(log, '"partial"')
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert records(log)[-1]["reason"] == "interrupt"


def test_a_signal_that_was_ignored_stays_ignored(short_talk: Path, tmp_path: Path) -> None:
    """Under ``nohup`` a hang-up ends nothing."""
    log = tmp_path / "log.jsonl"
    process = start(
        *(*REAL, "replay", short_talk, "--speed", "3", "--log", log, *CHEAP),
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    wait_for(log, '"partial"')
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 0
    assert records(log)[-1]["reason"] == "end"


def test_a_third_ctrl_c_ends_a_process_whose_reader_sleeps() -> None:
    """A pipe that nobody reads holds the program back, but not for ever."""
    read_end, write_end = os.pipe()
    process = start(
        *(*REAL, "replay", *[DEMO] * 200, "--speed", "0", *CHEAP, "--no-log"),
        *("--format", "jsonl"),
        stdout=write_end,
        stderr=subprocess.DEVNULL,
    )
    deadline_s = time.monotonic() + 120
    # How many bytes that are hangs on how its lines fit into the pages of the pipe.
    while select.select([], [write_end], [], 0)[1]:
        assert time.monotonic() < deadline_s, "the pipe is not full"
        time.sleep(0.1)
    time.sleep(1)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    assert process.wait(30) == -signal.SIGINT
    os.close(write_end)
    os.close(read_end)


def test_a_reader_that_leaves_ends_the_session_in_order(tmp_path: Path) -> None:
    """``ser-live | head -1``: no traceback, the log complete, the exit code of a broken pipe."""
    log = tmp_path / "log.jsonl"
    process = start(
        *(*REAL, "replay", DEMO, "--format", "jsonl", "--log", log),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert b"Traceback" not in stderr
    assert b"Exception" not in stderr
    assert (records(log)[-1]["type"], records(log)[-1]["reason"]) == ("session_ended", "interrupt")


def test_output_without_room_is_said_and_the_log_goes_on(tmp_path: Path) -> None:
    """Standard output on a full disk: one sentence, every result in the log, exit code 141."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    log = tmp_path / "log.jsonl"
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, *REAL, "replay", DEMO, "--speed", "0", "--format", "jsonl",
             "--log", log, *CHEAP],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
    assert result.returncode == 141
    assert result.stderr.count(b"standard output cannot be written (no space left on device)") == 1
    assert b"Exception" not in result.stderr
    assert records(log)[-1]["reason"] == "end"
    assert len([r for r in records(log) if r.get("kind") == "final"]) >= 8


@pytest.mark.parametrize(
    "arguments",
    [("features", DEMO), ("log", "export", "{log}"), ("log", "show", "{log}"), ("-h",)],
    ids=lambda arguments: " ".join(map(str, arguments[:2])),
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here to write to")
def test_output_without_room_outside_a_session(
    arguments: tuple[object, ...], tmp_path: Path
) -> None:
    """One sentence and exit code 141, also where the few lines are written at the very end."""
    log = tmp_path / "log.jsonl"
    with SessionLog.create(log):
        pass
    command = [sys.executable, *REAL, *(str(argument).format(log=log) for argument in arguments)]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    lines = result.stderr.decode().splitlines()
    assert lines[-1].startswith("ser-live: standard output cannot be written (no space left")
    assert sum("ser-live" in line for line in lines) == 1
    assert result.returncode == 141


def test_a_reader_that_leaves_outside_a_session() -> None:
    """Exit code 141 and not a word: such a reader has what it wanted."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        result = subprocess.run(
            [sys.executable, *REAL, "features", DEMO],
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.parametrize("number", [1, 2])
def test_a_stream_that_was_closed(number: int, short_talk: Path, tmp_path: Path) -> None:
    """`>&-` is as good as /dev/null, and nothing else takes the place of the stream."""
    log = tmp_path / "log.jsonl"
    command = [sys.executable, *REAL, "replay", short_talk, "--speed", "0", "--log", log, *CHEAP]
    result = subprocess.run(
        ["sh", "-c", f'"$@" {number}>&-', "sh", *command], capture_output=True, check=False
    )
    assert result.returncode == 0
    assert [r["type"] for r in records(log)][-2:] == ["stream_ended", "session_ended"]


def test_ctrl_c_outside_a_session_is_one_line_and_130() -> None:
    """Where there is no open utterance to report, Ctrl-C simply ends the program."""
    process = start(
        *(*REAL, "analyze", *[DEMO] * 50, "--format", "jsonl", *CHEAP[:2]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == b"ser-live: ended by Ctrl-C."
    assert b"Traceback" not in stderr


def in_private_mount(folder: Path, size: str, *command: Any) -> list[str]:
    """`command` with a small disk of its own mounted on `folder`; gone when it ends."""
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'
    return [*unshare, mount, str(folder), sys.executable, *map(str, command)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Callable[..., list[str]]:
    """Makes the command that runs ser-live with a disk of 16 kB on ``disk``."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        trial = subprocess.run(
            in_private_mount(folder, "16k", "-c", "print('mounted')"),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no `unshare` here to make a small disk with")
    if trial.stdout != b"mounted\n":
        pytest.skip(f"no right to mount a small disk: {trial.stderr.decode().strip()}")
    return lambda *command: in_private_mount(folder, "16k", *command)


def test_a_log_on_a_full_disk_goes_on_on_another(
    small_disk: Callable[..., list[str]], tmp_path: Path
) -> None:
    """A real full disk: said at once, nothing lost, both logs load, the second names the first."""
    log = tmp_path / "disk" / "log.jsonl"
    kept = tmp_path / "kept.jsonl"
    state = tmp_path / "state"
    command = [*REAL, "replay", DEMO, "--speed", "0", "--format", "jsonl", "--log", log, *CHEAP]
    # The disk ends with its process: the log is copied off it before.
    script = (
        "import shutil, sys; from ser_live.cli import main\n"
        "try: main()\n"
        f"finally: shutil.copy({str(log)!r}, {str(kept)!r})"
    )
    result = subprocess.run(
        small_disk("-c", script, *command[2:]),
        capture_output=True,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    )
    assert result.returncode == 0, result.stderr.decode()
    sentence = f"the session log {log} cannot be written (no space left on device)"
    assert result.stderr.decode().count(f"ser-live: {sentence}: it goes on in ") == 2  # and at end
    shown = [json.loads(line) for line in result.stdout.splitlines()]
    (other,) = state.rglob("*.jsonl")
    first, second = records(kept), records(other)
    assert [r["type"] for r in second[:4]] == [
        *("log", "log_continued", "session_started", "stream_started")
    ]
    assert second[1] == {
        "type": "log_continued",
        "path": str(log),
        "cause": "no space left on device",
    }
    assert first[1:] + second[4:] == shown
    assert len(first) > 5


def test_audio_on_a_full_disk_is_said_and_the_session_goes_on(
    small_disk: Callable[..., list[str]], tmp_path: Path
) -> None:
    """--save-audio without room: every result comes, the loss is said, no half file stays."""
    folder = tmp_path / "disk" / "audio"
    script = (
        "import os, sys; from ser_live.cli import main\n"
        "try: main()\n"
        f"finally: print(os.listdir({str(folder)!r}), file=sys.stderr)"
    )
    result = subprocess.run(
        small_disk("-c", script, "replay", DEMO, "--speed", 0, "--no-log", "--format", "jsonl",
                   "--save-audio", folder, *CHEAP),
        capture_output=True,
        check=False,
    )  # fmt: skip
    stderr = result.stderr.decode()
    assert result.returncode == 0, stderr
    finals = [r for r in map(json.loads, result.stdout.splitlines()) if r.get("kind") == "final"]
    assert len(finals) >= 8
    assert "the audio of utterance 1 could not be kept" in stderr
    assert "(no space left on device): the session goes on without it" in stderr
    assert stderr.splitlines()[-1] == "[]"


def test_a_vanished_folder_is_said_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    """The log's folder is deleted in the middle of a session: the rest lies elsewhere."""
    import shutil

    folder = tmp_path / "vanishing"
    folder.mkdir()
    log = folder / "log.jsonl"
    process = start(
        *(*REAL, "replay", DEMO, "--speed", "12", "--format", "jsonl", "--log", log),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
    )
    wait_for(log, '"final"')
    shutil.rmtree(folder)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    (other,) = (tmp_path / "state").rglob("*.jsonl")
    assert f"{log} cannot be written (the file was deleted): it goes on in {other}." in (
        stderr.decode()
    )
    rest = records(other)[4:]
    shown = [json.loads(line) for line in stdout.splitlines()]
    assert rest == shown[-len(rest) :]
    assert rest[-1]["type"] == "session_ended"
    assert [r for r in rest if r.get("kind") == "final"]
