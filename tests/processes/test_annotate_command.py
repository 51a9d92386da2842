"""``ser-live annotate`` on a terminal of its own, keys pressed one by one."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from kept_session import write_kept_session
from made_history import write_session

from ser_live.cli import cli
from ser_live.records.corrections import corrections_file, read_corrections

if os.name == "nt":
    pytest.skip("no pseudo-terminals under Windows", allow_module_level=True)


def _takes_terminal() -> None:
    """Make standard input the terminal that Ctrl-C comes from."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A running program, what it showed so far, and its keyboard."""

    def __init__(self, *arguments: object, state: Path) -> None:
        self._ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ser_live", *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "dumb", "XDG_STATE_HOME": str(state)},
            start_new_session=True,
            preexec_fn=_takes_terminal,
        )
        os.close(theirs)
        self.shown = ""
        self._seen = 0

    def wait_for(self, text: str, timeout_s: float = 60.0) -> None:
        """Read until `text` was shown behind what was waited for before."""
        deadline_s = time.monotonic() + timeout_s
        while text not in self.shown[self._seen :] and time.monotonic() < deadline_s:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    part = os.read(self._ours, 65536)
                except OSError:
                    break
                self.shown += part.decode(errors="replace")
        assert text in self.shown[self._seen :], self.shown
        self._seen = self.shown.index(text, self._seen) + len(text)

    def press(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def end(self) -> int:
        return self.process.wait(timeout=60)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


def test_a_round_through_a_terminal(tmp_path: Path) -> None:
    """Blind first, again, a label, a step back, another, cannot tell, enough; stored at once."""
    state, heard = tmp_path / "state", tmp_path / "heard"
    log = write_kept_session(
        state / "ser-live" / "sessions", tmp_path / "kept", [0.9, 0.4, 0.6, 0.5]
    )
    player = tmp_path / "player"
    player.write_text(f'#!/bin/sh\necho "$1" >> "{heard}"\n')
    player.chmod(0o755)
    with Terminal("annotate", "--player", player, state=state) as terminal:
        terminal.wait_for("1 of 4 (0.5 s): ")
        assert "ser-live: happy" not in terminal.shown
        terminal.press(" ")
        terminal.press("4")
        terminal.wait_for("sad; ser-live: happy 0.40 (named)")
        assert {"id": 2, "emotion": "sad"}.items() <= json.loads(
            corrections_file(log).read_text().splitlines()[-1]
        ).items()
        terminal.wait_for("2 of 4")
        terminal.press("u")
        terminal.wait_for("1 of 4")
        terminal.press("5")
        terminal.wait_for("angry; ser-live: happy")
        terminal.wait_for("2 of 4")
        terminal.press("s")
        terminal.wait_for("3 of 4")
        terminal.press("x")  # a key without a meaning
        terminal.press("3")
        terminal.wait_for("happy; ser-live: happy 0.60")
        terminal.wait_for("4 of 4")
        terminal.press("q")
        terminal.wait_for("2 of 4 utterances are labelled")
        assert terminal.end() == 0
        assert read_corrections(log).by_person == {"me": {(1, 2): "angry", (1, 3): "happy"}}
        played = [Path(line).name for line in heard.read_text().splitlines()]
        assert set(played) == {f"microphone-u0000{n}.flac" for n in (1, 2, 3, 4)}


def test_ctrl_c_keeps_what_was_given(tmp_path: Path) -> None:
    """The program ends as on every Ctrl-C, and the label is there."""
    state = tmp_path / "state"
    log = write_kept_session(state / "ser-live" / "sessions", tmp_path / "kept", [0.9, 0.4])
    with Terminal("annotate", "--player", "true", state=state) as terminal:
        terminal.wait_for("1 of 2")
        terminal.press("1")
        terminal.wait_for("2 of 2")
        terminal.press("\x03")
        assert terminal.end() == 130
        assert read_corrections(log).by_person == {"me": {(1, 2): "neutral"}}


def test_a_player_that_is_not_there_is_told(tmp_path: Path) -> None:
    """One sentence with what to do."""
    state = tmp_path / "state"
    write_kept_session(state / "ser-live" / "sessions", tmp_path / "kept", [0.9])
    with Terminal("annotate", "--player", tmp_path / "none", state=state) as terminal:
        terminal.wait_for("cannot be started (no such file or directory)")
        assert terminal.end() == 4


@pytest.mark.parametrize("kind", ["no terminal", "no audio"])
def test_what_is_missing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Without a terminal there are no keys; without audio there is nothing to hear."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    sessions = tmp_path / "state" / "ser-live" / "sessions"
    from kept_session import START

    write_session(sessions, START, [(0.1, 0.1, 2.0)])
    if kind == "no terminal":
        result = CliRunner().invoke(cli, ["annotate"])
        assert "run it in a terminal" in str(result.exception)
        return
    with Terminal("annotate", state=tmp_path / "state") as terminal:
        terminal.wait_for("record with --save-audio")
        assert terminal.end() == 2
