"""``--exec``: real commands, hostile labels, slow ones, many at once."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
import told_events as made

from ser_live.bridges import command as module
from ser_live.bridges.bridge import BridgeThread
from ser_live.bridges.command import CommandBridge
from ser_live.errors import UsageError
from ser_live.events import Verdict

WRITER = """
import json, os, sys
with open(sys.argv[1], "a") as file:
    values = {k: v for k, v in os.environ.items() if k.startswith("SERLIVE_")}
    print(json.dumps([sys.argv[2:], values]), file=file)
"""


@pytest.fixture
def writer(tmp_path: Path) -> str:
    """The beginning of a line: a program that notes its arguments and variables."""
    (tmp_path / "writer.py").write_text(WRITER)
    return f"'{sys.executable}' '{tmp_path / 'writer.py'}' '{tmp_path / 'noted'}'"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands may follow each other at once, where a test does not say otherwise."""
    monkeypatch.setattr(module, "LEAST_INTERVAL_S", 0.0)


def noted(tmp_path: Path) -> list[list[object]]:
    path = tmp_path / "noted"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def ended(bridge: CommandBridge, within_s: float = 10.0) -> None:
    """Let the bridge go on until its command is over."""
    deadline_s = time.monotonic() + within_s
    while (bridge._process or bridge._waiting) and time.monotonic() < deadline_s:
        bridge.idle(time.monotonic())
        time.sleep(0.01)


def test_the_command_gets_arguments_and_variables(writer: str, tmp_path: Path) -> None:
    """Whole arguments are replaced, others stay; the record of the log is a variable."""
    bridge = CommandBridge(
        f"{writer} {{emotion}} {{confidence}} {{valence}} 'a b' $HOME {{arousal}}"
    )
    bridge.take(made.result(3, "happy", 1.0, 3.0))
    ended(bridge)
    bridge.close()
    ((arguments, variables),) = noted(tmp_path)
    assert arguments == ["happy", "0.790", "0.500", "a b", "$HOME", "-0.250"]
    assert isinstance(variables, dict)
    record = json.loads(variables.pop("SERLIVE_RECORD"))
    assert (record["type"], record["id"], record["emotion"]) == ("emotion", 3, "happy")
    assert variables == {
        "SERLIVE_EMOTION": "happy",
        "SERLIVE_CONFIDENCE": "0.790",
        "SERLIVE_VALENCE": "0.500",
        "SERLIVE_AROUSAL": "-0.250",
        "SERLIVE_ROLE": "",
        "SERLIVE_SESSION": "",
        "SERLIVE_START_S": "1.000",
        "SERLIVE_END_S": "3.000",
        "SERLIVE_KIND": "utterance",
    }
    assert bridge.failure is None


HOSTILE = (
    "; touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "| touch pwned",
    "--help",
    "-rf",
    "@x",
)


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_one_harmless_argument(
    label: str, writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It arrives as a single word, which no program takes for an option, and starts nothing."""
    monkeypatch.chdir(tmp_path)
    bridge = CommandBridge(f"{writer} {{emotion}}")
    bridge.take(made.result(1, label, 1.0, 3.0, labels=(label, "b"), valence=None))
    ended(bridge)
    ((arguments, variables),) = noted(tmp_path)
    assert arguments == [label if label[0] not in "-@" else f"_{label[1:]}"]
    assert isinstance(variables, dict)
    assert variables["SERLIVE_EMOTION"] == label
    assert not (tmp_path / "pwned").exists()
    bridge.close()


def test_what_was_not_named_starts_nothing(writer: str, tmp_path: Path) -> None:
    """Rejected and uncertain utterances are no occasion."""
    bridge = CommandBridge(writer)
    bridge.take(made.result(1, None, 1.0, 1.1, verdict=Verdict.TOO_SHORT))
    bridge.take(made.result(2, "sad", 2.0, 3.0, verdict=Verdict.UNCERTAIN))
    bridge.close()
    assert noted(tmp_path) == []


def test_changes_of_the_running_emotion_can_be_the_occasion(writer: str, tmp_path: Path) -> None:
    """The first label, then the one that took over with a second utterance, then unknown."""
    bridge = CommandBridge(f"{writer} {{emotion}}", "changes", "game")
    at_s = 1.0
    for number, label in enumerate(("happy", "happy", "sad", "sad", "sad")):
        for event in made.utterance(number + 1, label, at_s, at_s + 2.0):
            bridge.take(event)
            ended(bridge)
        at_s += 2.5
    bridge.take(made.level(at_s + 60.0, -80.0))
    ended(bridge)
    bridge.close()
    assert [words for words, _ in noted(tmp_path)] == [["happy"], ["sad"], ["unknown"]]


def test_one_at_a_time_and_the_latest_waits(writer: str, tmp_path: Path) -> None:
    """While one runs, of all that come only the last is started, and the others are counted."""
    bridge = CommandBridge(f"{writer} {{emotion}}")
    for number, label in enumerate(("happy", "sad", "angry", "calm")):
        bridge.take(made.result(number + 1, label, number, number + 0.9))
    ended(bridge)
    bridge.close()
    assert [words for words, _ in noted(tmp_path)] == [["happy"], ["calm"]]
    assert bridge.failure == "the command of --exec was not started for 2 that came too fast."


def test_once_a_second_at_most(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two waits until a second after the start of the first."""
    monkeypatch.setattr(module, "LEAST_INTERVAL_S", 1.0)
    bridge = CommandBridge(f"{writer} {{emotion}}")
    bridge.take(made.result(1, "happy", 1.0, 2.0))
    first_s = bridge._started_s
    bridge.take(made.result(2, "sad", 2.0, 3.0))
    ended(bridge)
    assert 1.0 <= bridge._started_s - first_s < 1.5
    assert len(noted(tmp_path)) == 2
    bridge.close()


@pytest.mark.skipif(os.name == "nt", reason="process groups")
def test_a_command_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the limit it and what it started are killed, and the sentence says so."""
    monkeypatch.setattr(module, "LIMIT_S", 0.5)
    (tmp_path / "hang.sh").write_text(f"sleep 60 & echo $! > {tmp_path}/child; wait")
    bridge = CommandBridge(f"sh {tmp_path}/hang.sh")
    bridge.take(made.result(1, "happy", 1.0, 2.0))
    ended(bridge)
    child = int((tmp_path / "child").read_text())
    deadline_s = time.monotonic() + 5.0
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline_s:
        state = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][:1]
        if state == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{child}").exists()
    bridge.close()
    assert bridge.failure == "the command of --exec failed 1 of 1 times (took more than 0.5 s)."


@pytest.mark.skipif(os.name == "nt", reason="sleep")
def test_the_end_of_a_session_waits_two_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that goes on is ended with the session, which does not hang on it."""
    monkeypatch.setattr(module, "END_S", 0.3)
    thread = BridgeThread(CommandBridge("sleep 60"))
    thread.open()
    thread.take(made.result(1, "happy", 1.0, 2.0))
    began_s = time.monotonic()
    thread.close()
    assert time.monotonic() - began_s < 3.0
    assert "still running 0.3 s after the end" in str(thread.failure)


def test_a_command_that_fails_is_counted(tmp_path: Path) -> None:
    """Its exit code is named."""
    bridge = CommandBridge(f"'{sys.executable}' -c 'raise SystemExit(7)'")
    bridge.take(made.result(1, "happy", 1.0, 2.0))
    ended(bridge)
    assert bridge.failure == "the command of --exec failed once (ended with 7)."
    bridge.close()


@pytest.mark.parametrize(
    "line",
    [
        *("", "   ", "'unclosed", "no-such-program-anywhere {emotion}", "{emotion}"),
        *("sh -c 'echo {emotion}'", "sh --mood={emotion}", "/dev/null", "a\0b"),
    ],
)
def test_a_line_that_does_not_fit_is_one_sentence(line: str) -> None:
    """Above all a place within a larger argument, where a shell could read it."""
    with pytest.raises(UsageError, match=r"^--exec found .*\.$"):
        CommandBridge(line)
