"""The command line as a user meets it: real processes, real files."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sick_machine import run, without

import ser_live
from ser_live.emotions import LABELS

DEMO = Path(ser_live.__file__).parent / "demo.ogg"

HEAVY = ("numpy", "scipy", "sounddevice", "soundfile", "sklearn", "librosa", "joblib", "soxr")


def ser(
    *arguments: object, stdin: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ser_live", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def records(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode().splitlines()]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of the demo recording, as a 48 kHz stereo wav with an awkward name."""
    import soxr

    samples, rate = soundfile.read(DEMO, dtype="float32")
    part = soxr.resample(samples[: 9 * rate], rate, 48_000)
    path = tmp_path_factory.mktemp("répertoire 録音") / "a talk №1.wav"
    soundfile.write(path, np.stack([part, 0 * part], axis=1), 48_000, subtype="PCM_24")
    return path


def assert_one_sentence(result: subprocess.CompletedProcess[bytes], code: int, what: str) -> None:
    stderr = result.stderr.decode()
    assert result.returncode == code, stderr
    assert what in stderr
    assert "Traceback" not in stderr


def test_help_and_import_load_nothing_heavy() -> None:
    """Neither `import ser_live` nor `--help` of any command loads a numeric or audio library."""
    code = (
        "import sys, ser_live, ser_live.cli as c\n"
        "import click\n"
        "for name in c.cli.list_commands(None):\n"
        "    c.cli.get_command(None, name).get_help(click.Context(c.cli))\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_replay_prints_json_lines_with_the_documented_fields(talk: Path) -> None:
    """Data on stdout; every emotion line has the fields that programs rely on."""
    result = ser("replay", talk, "--speed", 0, "--format", "jsonl", "--no-log")
    assert result.returncode == 0, result.stderr.decode()
    emotions = [r for r in records(result.stdout) if r["type"] == "emotion"]
    assert {r["kind"] for r in emotions} == {"partial", "final"}
    for record in emotions:
        assert {"id", "start_s", "end_s", "emotion", "state", "confidence", "latency_ms"} <= {
            *record
        }
        assert record["file"] == str(talk)
        if record["probabilities"] is not None:
            assert list(record["probabilities"]) == list(LABELS)
            assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-3)
            probabilities, named = record["probabilities"], record["emotion"]
            # A partial goes on showing its label while another is about to overtake it.
            shown = max(probabilities.values()) if named is None else probabilities[named]
            assert record["confidence"] == shown
            assert record["kind"] == "partial" or shown == max(probabilities.values())
        assert (record["emotion"] is None) == (record["state"] != "ok")


def test_stdout_and_log_tell_the_same(talk: Path, tmp_path: Path) -> None:
    """What is shown was written before, field for field."""
    log = tmp_path / "session.jsonl"
    result = ser("replay", talk, "--speed", 0, "--format", "jsonl", "--log", log)
    shown = [r for r in records(result.stdout) if r["type"] == "emotion"]
    logged = [r for r in records(log.read_bytes()) if r["type"] == "emotion"]
    assert shown == logged
    types = [r["type"] for r in records(log.read_bytes())]
    assert types[-1] == "session_ended"
    assert log.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_log_is_never_overwritten(talk: Path, tmp_path: Path) -> None:
    """A second session with the same --log is refused and the first log untouched."""
    log = tmp_path / "session.jsonl"
    log.write_text("precious")
    result = ser("replay", talk, "--speed", 0, "--log", log)
    assert_one_sentence(result, 6, "exists")
    assert log.read_text() == "precious"


def test_without_log_option_a_log_lies_in_the_state_folder(talk: Path, tmp_path: Path) -> None:
    """Each session gets a file of its own in the user's state folder."""
    for _ in range(2):
        ser("replay", talk, "--speed", 0, XDG_STATE_HOME=str(tmp_path), HOME=str(tmp_path))
    assert len(list(tmp_path.rglob("*.jsonl"))) == 2


def test_no_audio_is_kept_unless_asked_for(talk: Path, tmp_path: Path) -> None:
    """--save-audio writes one FLAC an utterance; without it there is none."""
    kept = tmp_path / "kept"
    ser("replay", talk, "--speed", 0, "--no-log", HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path))
    assert not list(tmp_path.rglob("*.*"))
    result = ser(
        "replay", talk, "--speed", 0, "--no-log", "--format", "jsonl", "--save-audio", kept
    )
    finals = [r for r in records(result.stdout) if r.get("kind") == "final"]
    files = sorted(kept.iterdir())
    assert len(files) == len(finals)
    for file, record in zip(files, finals, strict=True):
        info = soundfile.info(file)
        assert info.duration == pytest.approx(record["end_s"] - record["start_s"], abs=1e-3)


def test_a_session_that_cannot_begin_leaves_no_log(talk: Path, tmp_path: Path) -> None:
    """Where audio cannot be kept, that is said before a log is made."""
    log, in_the_way = tmp_path / "session.jsonl", tmp_path / "file"
    in_the_way.write_text("")
    result = ser("replay", talk, "--speed", 0, "--log", log, "--save-audio", in_the_way / "kept")
    assert_one_sentence(result, 6, "Cannot make the folder")
    assert not log.exists()


WAV_OF_NOTHING = struct.pack(
    "<4sI8sIHHIIHH4sI", b"RIFF", 36, b"WAVEfmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", 0
)


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe is not looked at before it is heard")
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"<html>no such file</html>" * 99, "carries text"),
        (b"\x1f\x8b\x08" * 999, "carries gzip"),
        (b"", "Standard input ended without a single byte"),
        (b"\1", "Standard input ended without a single sample"),
        (WAV_OF_NOTHING, "Standard input ended without a single sample"),
    ],
)
def test_a_pipe_that_carries_no_sound_begins_nothing(
    data: bytes, found: str, tmp_path: Path
) -> None:
    """One sentence; no sums of nothing, and no log."""
    log = tmp_path / "session.jsonl"
    result = ser("-", "--log", log, stdin=data)
    assert_one_sentence(result, 3, found)
    assert "utterances" not in result.stderr.decode()
    assert result.stdout == b""
    assert not log.exists()


ASKING = """
import ser_live.sources
from ser_live.errors import DeviceError

def microphone(*_, n_channels, **__):
    raise DeviceError(f"asked for {n_channels}")

ser_live.sources.ReconnectingMicrophone = microphone
"""


@pytest.mark.parametrize("command", [("listen", "--no-log"), ("enroll", "anna")], ids=str)
def test_enough_channels_of_a_microphone_are_opened(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    """Channel 2, as people count, asks the device for two channels."""
    for options, n_channels in (((), None), (("--channel", "2"), 2)):
        said = run(*command, *options, prelude=ASKING, HOME=str(tmp_path))
        assert said.stderr == f"ser-live: asked for {n_channels}\n"
        assert said.returncode == 4


def test_channel_chooses_what_is_analyzed(talk: Path) -> None:
    """Channel 2 of the recording is silent; channel 3 does not exist."""
    arguments = ("--speed", 0, "--no-log", "--format", "jsonl")
    silent = ser("replay", talk, *arguments, "--channel", 2)
    assert not [r for r in records(silent.stdout) if r["type"] == "emotion"]
    assert [
        r
        for r in records(ser("replay", talk, *arguments, "--channel", 1).stdout)
        if r["type"] == "emotion"
    ]
    assert_one_sentence(ser("replay", talk, *arguments, "--channel", 3), 2, "2 channels")


def test_piped_pcm_gives_the_results_of_the_file(talk: Path) -> None:
    """`ser-live -` reads raw 16-bit PCM at the rate and channel count given."""
    samples, rate = soundfile.read(talk, dtype="int16")
    piped = ser("-", "-r", rate, "-c", 2, "--no-log", "--format", "jsonl", stdin=samples.tobytes())
    replayed = ser("replay", talk, "--speed", 0, "--no-log", "--format", "jsonl")
    spans = [
        [(r["start_s"], r["end_s"], r["emotion"]) for r in records(out) if r.get("kind") == "final"]
        for out in (piped.stdout, replayed.stdout)
    ]
    assert spans[0] == spans[1] != []


def test_analyze_goes_on_past_bad_files_and_says_which(talk: Path, tmp_path: Path) -> None:
    """One row per good file, bad ones listed on stderr, exit code 1."""
    (tmp_path / "good.wav").write_bytes(talk.read_bytes())
    (tmp_path / "bad.wav").write_bytes(b"not audio at all")
    result = ser("analyze", tmp_path, "--unit", "file", "--format", "jsonl")
    assert result.returncode == 1
    rows = records(result.stdout)
    assert [Path(r["file"]).name for r in rows] == ["good.wav"]
    assert {"emotion", "probabilities", "speech_s", "n_utterances"} <= {*rows[0]}
    assert b"bad.wav" in result.stderr
    assert b"Traceback" not in result.stderr


def test_analyze_with_two_jobs_gives_the_rows_of_one(talk: Path) -> None:
    """Rows come in the order of the files whatever the number of processes."""
    outputs = [
        ser("analyze", talk, DEMO, "--format", "csv", "--jobs", jobs).stdout for jobs in (1, 2)
    ]
    assert outputs[0] == outputs[1]
    rows = list(csv.DictReader(io.StringIO(outputs[0].decode())))
    assert rows[0]["file"] == str(talk)
    assert 0 <= float(rows[0]["probability_angry"]) <= 1


def test_analyze_agrees_with_replay(talk: Path) -> None:
    """Batch and replay give the same spans and probabilities."""
    batch = records(ser("analyze", talk, "--format", "jsonl").stdout)
    replayed = records(ser("replay", talk, "--speed", 0, "--no-log", "--format", "jsonl").stdout)
    finals = [r for r in replayed if r.get("kind") == "final"]
    for record in (*batch, *finals):
        record.pop("latency_ms")
        record.pop("id")
    assert batch == finals


def test_features_prints_every_feature_by_name(talk: Path) -> None:
    """One CSV row per utterance, or one for the whole file."""
    from ser_live.features import FEATURE_NAMES

    by_utterance = ser("features", talk)
    rows = list(csv.DictReader(io.StringIO(by_utterance.stdout.decode())))
    assert len(rows) >= 2
    assert set(FEATURE_NAMES) <= set(rows[0])
    whole = records(ser("features", talk, "--unit", "file", "--format", "jsonl").stdout)
    assert len(whole) == 1
    assert whole[0]["end_s"] == pytest.approx(9.0, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("replay", "missing.wav"), 3, "missing.wav"),
        (("replay", "."), 3, "folder"),
        (("replay", DEMO, "--model", "no-such-model"), 5, "no-such-model"),
        (("replay", DEMO, "--log", "nowhere/at/all.jsonl"), 6, "all.jsonl"),
        (("replay", DEMO, "--log", "a.jsonl", "--no-log"), 2, "--no-log"),
        (("analyze", "no-such-folder"), 1, "no-such-folder"),
        (("file.wav",), 2, "check the path"),
        (("log", "show", "missing.jsonl"), 6, "missing.jsonl"),
    ],
)
def test_bad_input_gets_one_sentence_and_its_exit_code(
    arguments: tuple[Any, ...], code: int, what: str, tmp_path: Path
) -> None:
    """No traceback, the name of what was wrong, the documented exit code."""
    result = subprocess.run(
        [sys.executable, "-m", "ser_live", *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert_one_sentence(result, code, what)


@pytest.mark.parametrize("module", ["numpy", "webrtcvad"])
def test_a_missing_library_is_one_sentence_and_exit_code_69(module: str) -> None:
    """No defect of the program: it names the library, also where a thread needed it."""
    result = run("replay", DEMO, "--speed", 0, "--no-log", prelude=without(module))
    assert result.returncode == 69
    assert result.stderr.count("ser-live: ") == 1
    assert f"No module named '{module}'" in result.stderr
    assert "install ser-live again" in result.stderr
    assert "Traceback" not in result.stderr
    debugged = run("--debug", "replay", DEMO, "--no-log", prelude=without(module))
    assert "Traceback" in debugged.stderr


def test_debug_shows_the_traceback() -> None:
    """What is one sentence for users is a traceback for those who look for the cause."""
    result = ser("--debug", "replay", DEMO, "--no-log", "--model", "no-such-model")
    assert b"Traceback" in result.stderr


def test_a_full_disk_for_the_log_is_said_and_the_session_goes_on(talk: Path) -> None:
    """Results are still shown; the loss is named on stderr."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here to stand for a full disk")
    resource = pytest.importorskip("resource")
    process = subprocess.run(
        [sys.executable, "-m", "ser_live", "replay", talk, "--speed", "0", "--format", "jsonl",
         "--log", talk.with_name("full.jsonl")],
        capture_output=True,
        check=False,
        preexec_fn=lambda: (
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
            resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600)),
        ),
    )  # fmt: skip
    assert any(r.get("kind") == "final" for r in records(process.stdout))
    assert b"full.jsonl" in process.stderr
    assert b"Traceback" not in process.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_ends_the_session_in_order(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    """The open utterance is reported, the log is complete, the exit code tells the signal."""
    log = tmp_path / "session.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "ser_live", "replay", DEMO, "--format", "jsonl", "--log", log],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1].get("kind") == "partial":
            process.send_signal(number)
            break
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == code
    finals = [r for r in (*lines, *records(rest)) if r.get("kind") == "final"]
    assert finals[-1]["id"] == lines[-1]["id"]
    logged = records(log.read_bytes())
    assert logged[-1]["type"] == "session_ended"
    assert logged[-1]["reason"] == "interrupt"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")
def test_a_killed_session_leaves_a_log_that_loads(tmp_path: Path) -> None:
    """After kill -9 every whole line is there and `log export` reads it."""
    log = tmp_path / "session.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "ser_live", "replay", DEMO, "--speed", "4", "--log", log],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and b'"final"' not in (
        log.read_bytes() if log.exists() else b""
    ):
        time.sleep(0.05)
    process.kill()
    process.communicate()
    exported = ser("log", "export", log, "--to", "csv")
    assert exported.returncode == 0, exported.stderr.decode()
    rows = list(csv.DictReader(io.StringIO(exported.stdout.decode())))
    assert rows
    assert rows[0]["kind"] == "final"
