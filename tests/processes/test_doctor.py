"""The doctor: what each finding means, and whole runs on healthy and sick machines."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyte
import pytest
import soundfile
from debian_packages import require_portaudio
from numpy.typing import NDArray
from sick_machine import NO_ONNXRUNTIME, NO_PORTAUDIO, failing_portaudio, run, without
from virtual_microphone import VirtualMicrophone, require_sound_server
from watched_session import files_below, socket_events

import ser_live
from ser_live import events
from ser_live.config import Settings, VadSettings
from ser_live.doctor import Check, Examination, Verdict, can_listen, machine
from ser_live.doctor.hearing import check_detector, judge_results
from ser_live.doctor.machine import check_folder, check_python
from ser_live.doctor.microphone import Heard, judge_level
from ser_live.errors import DeviceError
from ser_live.events import EmotionResult, Kind, StreamId
from ser_live.model.emotion_model import find_model

DEMO = Path(ser_live.__file__).parent / "demo.ogg"

NAMES = [
    *("Python", "PortAudio", "microphone", "level", "speech detector", "model", "self-test"),
    *("log folder", "profile folder", "terminal"),
]

ANYTHING_GOOD = {"ok", "warning"}
"""Of the self-test, which on a busy machine rightly says that it is slow."""


doctor = partial(run, "doctor")


def report(run: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The checks by name; what must hold of every report is asserted."""
    said = json.loads(run.stdout)
    checks = {check["name"]: check for check in said["checks"]}
    assert list(checks) == NAMES
    for check in checks.values():
        assert set(check) == {"name", "verdict", "found", "remedy", "measured"}
        assert check["verdict"] in {"ok", "warning", "problem", "not tried"}
        assert check["found"]
        needs_remedy = check["verdict"] in {"warning", "problem"}
        assert bool(check["remedy"]) == needs_remedy, check
    assert run.returncode == (0 if said["can_listen"] else 1)
    assert said["can_listen"] == (set(verdicts(checks).values()) <= ANYTHING_GOOD)
    assert run.stderr == ""
    return checks


def verdicts(checks: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: check["verdict"] for name, check in checks.items()}


def second(level_dbfs: float) -> NDArray[np.float32]:
    """A second of a 200 Hz tone with the given RMS level."""
    t = np.arange(16_000) / 16_000
    return (2**0.5 * 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * 200 * t)).astype(np.float32)


class TestLevel:
    def test_zeros(self) -> None:
        """Only zeros mean that nothing can be heard: muted, or on macOS not permitted."""
        check = judge_level(Heard(np.zeros(16_000, np.float32), 0), "linux")
        assert check.verdict is Verdict.PROBLEM
        assert "only zeros" in check.found
        assert check.remedy.startswith("unmute")
        check = judge_level(Heard(np.zeros(16_000, np.float32), 0), "darwin")
        assert "permission is denied" in check.remedy
        assert "unmute" in check.remedy

    @pytest.mark.parametrize("samples", [np.zeros(0), np.full(16_000, 0.25)])
    def test_nothing_and_a_constant_are_zeros_too(self, samples: NDArray[np.float64]) -> None:
        """No sample at all, or a microphone's constant offset, is no sound."""
        check = judge_level(Heard(samples.astype(np.float32), 0))
        assert check.verdict is Verdict.PROBLEM

    @pytest.mark.parametrize(
        ("level_dbfs", "verdict", "said"),
        [
            (-80.0, Verdict.WARNING, "-80 dBFS: too quiet, or nobody spoke"),
            (-55.5, Verdict.WARNING, "too quiet"),
            (-54.5, Verdict.OK, "normal"),
            (-20.0, Verdict.OK, "loudest moment -20 dBFS: normal"),
        ],
    )
    def test_quiet_and_normal(self, level_dbfs: float, verdict: Verdict, said: str) -> None:
        """The border is the level below which a session calls speech too quiet."""
        check = judge_level(Heard(second(level_dbfs), 0))
        assert check.verdict is verdict
        assert said in check.found
        assert check.measured["loudest_dbfs"] == pytest.approx(level_dbfs, abs=0.3)

    def test_the_loudest_moment_counts(self) -> None:
        """A tenth of a second of speech in a quiet second is enough to be heard."""
        samples = second(-80.0)
        samples[4800:6400] = second(-30.0)[:1600]
        assert judge_level(Heard(samples, 0)).verdict is Verdict.OK

    def test_clipping(self) -> None:
        """More than one sample in a hundred at the limit is clipping."""
        check = judge_level(Heard(np.clip(second(0.0) * 2, -1, 1), 0))
        assert check.verdict is Verdict.WARNING
        assert "clipping" in check.found
        assert "lower the input level" in check.remedy
        barely = second(-30.0)
        barely[:160] = 1.0
        assert judge_level(Heard(barely, 0)).verdict is Verdict.OK

    def test_losses(self) -> None:
        """Sound lost on the way is said, however good the rest sounds."""
        check = judge_level(Heard(second(-20.0), 3))
        assert check.verdict is Verdict.WARNING
        assert "lost 3 times" in check.found


class TestMachine:
    @pytest.mark.parametrize(
        ("version", "verdict"),
        [
            ((3, 9), Verdict.PROBLEM),
            ((3, 10), Verdict.OK),
            ((3, 13), Verdict.OK),
            ((3, 14), Verdict.WARNING),
        ],
    )
    def test_python(self, version: tuple[int, int], verdict: Verdict) -> None:
        """Python 3.10 to 3.13 is supported, older ones cannot, newer ones were not tried."""
        check = check_python(version)
        assert check.verdict is verdict
        assert bool(check.remedy) == (verdict is not Verdict.OK)

    def test_a_writable_folder_is_left_as_it_was(self, tmp_path: Path) -> None:
        """A missing folder is not made, and nothing stays in the one that is there."""
        for folder in (tmp_path, tmp_path / "not" / "yet"):
            check = check_folder(folder, Verdict.PROBLEM, "")
            assert check.verdict is Verdict.OK
            assert ("made when needed" in check.found) == (folder != tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_an_unwritable_folder(self, tmp_path: Path) -> None:
        """Even for root: a file stands where a folder should be, or the system refuses."""
        (tmp_path / "file").touch()
        folders = [tmp_path / "file" / "sessions"]
        if Path("/proc/self").exists():
            folders.append(Path("/proc/ser-live/sessions"))
        for folder in folders:
            check = check_folder(folder, Verdict.PROBLEM, "make it writable")
            assert check.verdict is Verdict.PROBLEM
            assert "cannot be written" in check.found
            assert check.remedy == "make it writable"

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where less room is left than is wanted, that is said with its remedy."""
        monkeypatch.setattr(machine, "MIN_FREE_BYTES", 1 << 62)
        check = check_folder(tmp_path, Verdict.PROBLEM, "")
        assert check.verdict is Verdict.WARNING
        assert "ser-live purge" in check.remedy


class TestHearing:
    @pytest.mark.parametrize("confirm", ["on", "off"])
    def test_the_detector_knows_the_known_signals(self, confirm: str) -> None:
        """Bundled speech is speech and white noise is not, with and without the network."""
        check = check_detector(Settings(vad=VadSettings(confirm=confirm)))
        assert check.verdict is Verdict.OK
        assert check.measured["confirmed_by_network"] is (confirm == "on")

    @pytest.mark.parametrize(
        "wrong",
        [
            VadSettings(min_level_dbfs=0.0),
            VadSettings(confirm="on", sure_probability=0.0),
            VadSettings(confirm="off", aggressiveness=0, min_above_noise_db=-10.0),
        ],
    )
    def test_a_detector_that_hears_wrongly_is_found(self, wrong: VadSettings) -> None:
        """Settings under which it hears nothing, speech in everything, or in noise."""
        check = check_detector(Settings(vad=wrong))
        assert check.verdict is Verdict.PROBLEM

    def result(self, latency_ms: float, *, judged: bool = True) -> EmotionResult:
        return EmotionResult(
            stream=StreamId(number=1, source="demo.ogg"),
            id=1,
            kind=Kind.FINAL,
            start_sample=0,
            end_sample=16_000,
            state=events.Verdict.UNCERTAIN if judged else events.Verdict.TOO_SHORT,
            emotion=None,
            probabilities=(0.125,) * 8 if judged else None,
            speech_s=1.0,
            level_dbfs=-20.0,
            snr_db=30.0,
            latency_ms=latency_ms,
        )

    def test_no_result_is_a_problem(self) -> None:
        """Utterances that are never judged are as bad as none."""
        assert judge_results([]).verdict is Verdict.PROBLEM
        check = judge_results([self.result(9.0, judged=False)])
        assert check.verdict is Verdict.PROBLEM
        assert "1 utterances, none with an emotion" in check.found

    def test_latency(self) -> None:
        """The median decides whether it is slow; the largest is said beside it."""
        check = judge_results([self.result(ms) for ms in (40.0, 60.0, 900.0)])
        assert check.verdict is Verdict.OK
        assert "3 results, 60 ms after the utterance, at most 900 ms" in check.found
        check = judge_results([self.result(ms) for ms in (40.0, 600.0, 900.0)])
        assert check.verdict is Verdict.WARNING


def test_a_sentence_becomes_finding_and_remedy() -> None:
    """An error's sentence says before its colon what was found, after it what to do."""
    check = Check.failed(DeviceError("card: x is gone, but one is needed: plug it in."))
    assert (check.found, check.remedy) == ("card: x is gone, but one is needed", "plug it in")


def test_only_what_was_tried_can_be_relied_on() -> None:
    """A warning does not keep from listening; a problem does, and so does what was not tried."""
    checks = [Check(verdict, "") for verdict in (Verdict.OK, Verdict.WARNING)]
    assert can_listen(checks)
    assert not can_listen([*checks, Check(Verdict.PROBLEM, "")])
    assert not can_listen([*checks, Check(Verdict.NOT_TRIED, "")])


class TestExamination:
    def raising(self, error: BaseException) -> Examination:
        def examine() -> Check:
            raise error

        return Examination("level", examine, needs="microphone")

    @pytest.mark.parametrize(
        ("error", "found", "remedy"),
        [
            (DeviceError("vmic is gone, but one is needed: plug it in."), "vmic is gone", "plug"),
            (ImportError("DLL load failed"), "cannot be imported (ImportError: DLL", "install"),
            (ImportError("a\n\npage " * 500), "a page a page", "install"),
            (RuntimeError("x\ny"), "could not be tried to its end (RuntimeError: x y)", "report"),
        ],
    )
    def test_one_that_breaks_has_failed(self, error: Exception, found: str, remedy: str) -> None:
        """Whatever is raised is a problem with its remedy, in one line, and can be printed."""
        check = self.raising(error).run({"microphone": Check(Verdict.WARNING, "")})
        assert check.verdict is Verdict.PROBLEM
        assert found in check.found
        assert check.found.isprintable()
        assert len(check.found) < 300
        assert remedy in check.remedy
        if not isinstance(error, DeviceError):
            assert "in examine" in check.measured["traceback"]

    def test_ctrl_c_is_no_finding(self) -> None:
        """The user can end a check that takes too long."""
        with pytest.raises(KeyboardInterrupt):
            self.raising(KeyboardInterrupt()).run({"microphone": Check(Verdict.OK, "")})

    @pytest.mark.parametrize("verdict", [Verdict.PROBLEM, Verdict.NOT_TRIED])
    def test_what_it_needs_comes_first(self, verdict: Verdict) -> None:
        """Without it the check is not made, and that is what it says."""
        check = self.raising(AssertionError("made")).run({"microphone": Check(verdict, "")})
        assert check == Check(Verdict.NOT_TRIED, "microphone has to work first")


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    require_sound_server()
    with VirtualMicrophone(rate=48_000, channels=2) as microphone:
        yield microphone


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Ten seconds of sound without a pause, as long as a doctor may take to get to it."""
    samples, rate = soundfile.read(DEMO, frames=3 * 22_050, start=22_050)
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.tile(samples, 5), rate)
    return path


@pytest.mark.microphone
class TestMicrophone:
    def play(self, microphone: VirtualMicrophone, path: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["paplay", "--device=vsink", str(path)],
            env=microphone.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def test_a_healthy_machine(self, microphone: VirtualMicrophone, talk: Path) -> None:
        """With sound in the microphone all is well, the exit code is 0, and nothing is left."""
        home = Path(microphone.environment["HOME"])
        before = files_below(home).keys()
        player = self.play(microphone, talk)
        run = doctor("--format", "json", "-d", "vmic", **microphone.environment)
        player.kill()
        player.wait()
        checks = report(run)
        assert run.returncode == 0
        assert set(verdicts(checks).values()) <= ANYTHING_GOOD
        assert checks["level"]["verdict"] == "ok"
        assert checks["level"]["measured"]["loudest_dbfs"] > -40
        devices = {d["name"]: d for d in checks["microphone"]["measured"]["devices"]}
        assert devices["vmic"]["accepted_rates"] == [
            *(8000, 16000, 22050, 32000, 44100, 48000, 96000)
        ]
        assert sum(d["is_default"] for d in devices.values()) == 1
        assert "vmic gives 16000 Hz, 1 channel" in checks["microphone"]["found"]
        assert checks["self-test"]["measured"]["n_judged"] >= 1
        assert {path.name for path in files_below(home).keys() - before} <= {"cookie"}

    def test_a_muted_microphone(self, microphone: VirtualMicrophone) -> None:
        """Zeros end with exit code 1 and say to unmute."""
        checks = report(doctor("--format", "json", **microphone.environment))
        assert verdicts(checks)["level"] == "problem"
        assert "unmute" in checks["level"]["remedy"]

    @pytest.mark.parametrize(
        ("wanted", "found"), [("webcam", "has “webcam” in its name"), ("99", "no input device 99")]
    )
    def test_a_wrong_device(self, microphone: VirtualMicrophone, wanted: str, found: str) -> None:
        """A device that is not there is a problem; the devices that are there are listed."""
        checks = report(doctor("--format", "json", "-d", wanted, **microphone.environment))
        assert verdicts(checks)["microphone"] == "problem"
        assert found in checks["microphone"]["found"]
        assert verdicts(checks)["level"] == "not tried"
        assert len(checks["microphone"]["measured"]["devices"]) == 3

    def test_no_device(self, microphone: VirtualMicrophone) -> None:
        """Without any device that is the one problem, and the level is not tried."""
        microphone.kill()
        checks = report(doctor("--format", "json", **microphone.environment))
        assert verdicts(checks) == {
            **dict.fromkeys(NAMES, "ok"),
            "microphone": "problem",
            "level": "not tried",
            "self-test": verdicts(checks)["self-test"],
        }
        assert checks["self-test"]["verdict"] in ANYTHING_GOOD
        assert "connect one" in checks["microphone"]["remedy"]


class TestSickMachines:
    def test_no_portaudio(self) -> None:
        """Without PortAudio it says what to install, and tries no device."""
        checks = report(doctor("--format", "json", prelude=NO_PORTAUDIO))
        assert verdicts(checks)["PortAudio"] == "problem"
        assert "apt install libportaudio2" in checks["PortAudio"]["remedy"]
        assert [verdicts(checks)[name] for name in ("microphone", "level")] == ["not tried"] * 2

    def test_the_old_spelling_goes_on_working(self) -> None:
        """`--json` is the same report, after one sentence about it."""
        run = doctor("--json", prelude=NO_PORTAUDIO)
        assert json.loads(run.stdout)["can_listen"] is False
        assert run.stderr == (
            "ser-live: --json is --format json by now; the old spelling goes on working.\n"
        )

    def test_portaudio_that_does_not_start(self) -> None:
        """The library is there and fails: a problem of PortAudio, and no device is tried."""
        checks = report(doctor("--format", "json", prelude=failing_portaudio("Pa_Initialize")))
        assert verdicts(checks)["PortAudio"] == "problem"
        assert "does not start (Error initializing PortAudio" in checks["PortAudio"]["found"]
        assert "sound server" in checks["PortAudio"]["remedy"]
        assert [verdicts(checks)[name] for name in ("microphone", "level")] == ["not tried"] * 2

    def test_devices_that_cannot_be_listed(self) -> None:
        """PortAudio starts and gives no devices: nobody can listen, whatever else works."""
        run = doctor("--format", "json", prelude=failing_portaudio("Pa_GetDeviceCount"))
        checks = report(run)
        assert verdicts(checks)["PortAudio"] == "ok"
        assert verdicts(checks)["microphone"] == "problem"
        assert "cannot list the devices" in checks["microphone"]["found"]
        assert verdicts(checks)["level"] == "not tried"
        assert run.returncode == 1

    @pytest.mark.parametrize(
        ("module", "broken"),
        [
            ("webrtcvad", {"speech detector", "self-test"}),
            ("soundfile", {"speech detector", "self-test"}),
            ("soxr", {"speech detector", "self-test"}),
            ("sounddevice", {"PortAudio"}),
            ("platformdirs", {"log folder", "profile folder"}),
            ("numpy", {"PortAudio", "speech detector", "model"}),
        ],
    )
    def test_a_library_that_cannot_be_imported(self, module: str, broken: set[str]) -> None:
        """Each check that needs it names it and says what to do; all the others are made."""
        if "PortAudio" not in broken:
            require_portaudio()
        checks = report(doctor("--format", "json", prelude=without(module)))
        for name in broken:
            assert checks[name]["verdict"] == "problem", checks[name]
            assert f"No module named '{module}'" in checks[name]["found"]
            assert "install ser-live again" in checks[name]["remedy"]
        # Whether there is a microphone differs from machine to machine.
        for name in {*NAMES} - broken - {"microphone", "level"}:
            waits = name == "self-test" and "model" in broken
            assert checks[name]["verdict"] in ({"not tried"} if waits else ANYTHING_GOOD), name

    @pytest.mark.parametrize("content", [b"no sound at all", None])
    def test_a_damaged_recording(self, content: bytes | None, tmp_path: Path) -> None:
        """Without the bundled recording the two checks that hear it say so; the others are made."""
        package = Path(ser_live.__file__).parent
        models = find_model("classic").parent
        shutil.copytree(package, tmp_path / "ser_live", ignore=lambda *_: {"__pycache__", "models"})
        shutil.copytree(models, tmp_path / "ser_live" / "models")
        recording = tmp_path / "ser_live" / "demo.ogg"
        recording.unlink()
        if content is not None:
            recording.write_bytes(content)
        # Python looks for packages in the folder it is started in before all others.
        checks = report(doctor("--format", "json", folder=tmp_path))
        for name in ("speech detector", "self-test"):
            assert checks[name]["verdict"] == "problem"
            assert "demo.ogg is missing or damaged" in checks[name]["found"]
            assert "install ser-live again" in checks[name]["remedy"]
        assert verdicts(checks)["model"] == "ok"

    def test_a_tampered_model(self, tmp_path: Path) -> None:
        """One changed byte in the weights is a problem, and the self-test is not tried."""
        folder = tmp_path / "classic"
        shutil.copytree(find_model("classic"), folder)
        content = bytearray((folder / "weights.npz").read_bytes())
        content[len(content) // 2] ^= 1
        (folder / "weights.npz").write_bytes(content)
        checks = report(doctor("--format", "json", "--model", folder))
        assert verdicts(checks)["model"] == "problem"
        assert "SHA-256" in checks["model"]["found"]
        assert verdicts(checks)["self-test"] == "not tried"

    def test_a_card_without_its_fields(self, tmp_path: Path) -> None:
        """A card that lacks a field is a problem of the model."""
        folder = tmp_path / "classic"
        shutil.copytree(find_model("classic"), folder)
        card = json.loads((folder / "card.json").read_text())
        del card["licence"]
        (folder / "card.json").write_text(json.dumps(card))
        checks = report(doctor("--format", "json", "--model", folder))
        assert "lacks the field 'licence'" in checks["model"]["found"]

    def test_no_onnxruntime(self) -> None:
        """Without onnxruntime the default model cannot be used, and the other one can."""
        checks = report(doctor("--format", "json", prelude=NO_ONNXRUNTIME))
        assert verdicts(checks)["model"] == "problem"
        assert verdicts(checks)["speech detector"] == "warning"
        checks = report(doctor("--format", "json", "--model", "classic", prelude=NO_ONNXRUNTIME))
        assert verdicts(checks)["model"] == "ok"
        assert verdicts(checks)["self-test"] in ANYTHING_GOOD

    def test_unwritable_folders(self, tmp_path: Path) -> None:
        """Logs that cannot be written are a problem; profiles only a warning."""
        blocked = tmp_path / "file"
        blocked.touch()
        environment = {"XDG_STATE_HOME": str(blocked), "XDG_DATA_HOME": str(blocked)}
        if sys.platform in ("darwin", "win32"):
            pytest.skip("folders are named by variables on Linux only")
        checks = report(doctor("--format", "json", **environment))
        assert verdicts(checks)["log folder"] == "problem"
        assert "--no-log" in checks["log folder"]["remedy"]
        assert verdicts(checks)["profile folder"] == "warning"

    def test_no_network(self, tmp_path: Path) -> None:
        """The doctor asks nobody: with sockets forbidden it tries none."""
        _, events = socket_events(["-m", "ser_live", "doctor"], tmp_path)
        assert events == []


def in_terminal(columns: int, rows: int, **environment: str) -> tuple[list[str], str]:
    """The screen after a run in a terminal of that size, and every byte that was sent to it."""
    pty = pytest.importorskip("pty")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "ser_live", "doctor"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**kept, "TERM": "xterm-256color", **environment},
    )
    os.close(terminal)
    sent = b""
    deadline_s = time.monotonic() + 90
    try:
        while (part := os.read(controller, 4096)) and time.monotonic() < deadline_s:
            sent += part
    except OSError:  # the other end was closed
        pass
    process.wait(timeout=10)
    os.close(controller)
    screen = pyte.Screen(columns, 100)
    pyte.ByteStream(screen).feed(sent)
    return [line.rstrip() for line in screen.display], sent.decode()


class TestView:
    def test_it_is_aligned_and_complete_on_a_small_screen(self) -> None:
        """In 80 x 24 cells every row has its word and name in place, and nothing is cut off."""
        lines, sent = in_terminal(80, 24)
        rows = [line for line in lines if line and not line.startswith(" ")]
        assert [row[11:28].strip() for row in rows[:-1]] == NAMES
        assert {row[:11].strip() for row in rows[:-1]} <= {"ok", "warning", "problem", "not tried"}
        assert rows[-1].startswith("ser-live can")
        assert len([line for line in lines if line]) <= 24
        assert not any("hearing the bundled recording" in line for line in lines), "it is over"
        assert "hearing the bundled recording" in sent
        assert "\x1b[32mok" in sent

    def test_without_colour_the_words_say_it_all(self) -> None:
        """NO_COLOR leaves the words and takes the colours."""
        lines, sent = in_terminal(80, 24, NO_COLOR="1")
        assert "\x1b[32m" not in sent
        assert "\x1b[33m" not in sent
        assert "\x1b[31m" not in sent
        assert "ok         Python" in lines[0]

    def test_a_small_window_is_said(self) -> None:
        """Where the dashboard has too little room, that is a warning with its remedy."""
        text = " ".join(" ".join(in_terminal(60, 20)[0]).split())
        assert "warning terminal 60 x 20, too small" in text
        assert "enlarge the window to 80 x 24" in text

    def test_a_pipe_gets_words_and_no_escapes(self) -> None:
        """Written to a file it is plain text, every line within 80 cells."""
        output = doctor(prelude=NO_PORTAUDIO).stdout
        assert "\x1b" not in output
        assert "do: install it" in output
        conclusion = output.splitlines()[-1]
        assert conclusion.startswith("ser-live cannot listen on this machine yet: 1 problem")
        assert "2 not tried" in conclusion
        assert max(map(len, output.splitlines())) <= 80
        assert output == "\n".join(line.rstrip() for line in output.splitlines()) + "\n"
