"""Keys at the dashboard, pressed on a real terminal, and the terminal given back after it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import ser_live
from ser_live.events import Cause, Mark, Note, NotedBy, StreamGap, StreamNotice
from ser_live.records.session_log import read_log

if os.name == "nt":
    pytest.skip("needs a pseudo terminal", allow_module_level=True)

from screen_program import ScreenProgram
from screen_program import ser_live as program

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
CHEAP = ("--model", "classic", "--vad-confirm", "off")
UP, DOWN, ESCAPE = "\x1b[A", "\x1b[B", "\x1b"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.fixture
def screen(log: Path) -> Iterator[ScreenProgram]:
    files = [DEMO, DEMO]
    with closing(ScreenProgram(program("replay", *files, *CHEAP, "--log", log))) as screen:
        yield screen


def test_every_key_does_what_it_says(screen: ScreenProgram, log: Path) -> None:
    """All of them in one session, which ends in order with its log."""
    before = screen.modes()
    screen.wait_for(r"file 1 of 2   00:0\d / 00:\d\d")
    screen.wait_for("q end   space pause")
    assert screen.modes() != before, "keys come one by one"
    screen.press("?")
    screen.wait_for("forget the voice")
    screen.press("?i")
    screen.wait_for(r"latency +\S")
    screen.press("i")
    screen.press("m")
    screen.wait_for("mark this moment as:")
    screen.press("complaintt\x7f\r")
    screen.wait_for(r"marked 00:\d\d: complaint$|marked 00:\d\d: complaint\s")
    screen.press("m")
    screen.wait_for("mark this moment as:")
    screen.press(f"q{ESCAPE}")
    screen.wait_for("(?s)^(?!.*mark this moment)")
    screen.press("nslept badly ü\r")
    screen.wait_for("1 .bad. to 5")
    screen.press("2")
    screen.wait_for("noted")
    screen.wait_for(r"0:\d\d  . \w")
    screen.press(DOWN)
    screen.wait_for("utterance 1 of")
    screen.press(f"{DOWN}{UP}\r")
    screen.wait_for("above the noise|known")
    screen.press(ESCAPE)
    screen.wait_for("(?s)^(?!.*above the noise)")
    screen.press(ESCAPE)
    screen.wait_for("last utterances")
    for layout in ("verdict", "time", "utterances", "overview"):
        screen.press("\t")
        screen.wait_for(f"layout: {layout}")
    screen.press("+")
    screen.wait_for("the strip shows 30 s")
    screen.press("--")
    screen.wait_for("the strip shows 2 min")
    screen.press("0")
    screen.wait_for("the whole session")
    screen.press("f")
    screen.wait_for("frozen at")
    screen.press("f")
    screen.wait_for("the present is shown")
    screen.press("uu ")
    screen.wait_for(r"paused   00:0\d")
    screen.wait_for(r"paused   00:01")
    screen.press(" ")
    screen.wait_for("listening again")
    screen.press("r")
    screen.wait_for("forget the voice heard so far")
    screen.press("y")
    screen.wait_for("the voice is forgotten")
    screen.press("d")
    screen.wait_for("no microphone is heard here")
    screen.press("q")
    assert screen.wait() == 0
    assert screen.modes() == before
    entries = list(read_log(log))
    marks = [e for e in entries if isinstance(e, Mark)]
    assert [(m.label, m.source) for m in marks] == [("complaint", NotedBy.USER)]
    assert [(n.text, n.rating) for n in entries if isinstance(n, Note)] == [("slept badly ü", 2)]
    (gap,) = [e for e in entries if isinstance(e, StreamGap)]
    assert gap.cause is Cause.PAUSED
    assert gap.duration_s >= 0.9
    assert any(isinstance(e, StreamNotice) and "forgotten" in e.message for e in entries)


def test_the_window_may_change_while_keys_are_typed(screen: ScreenProgram) -> None:
    """The picture fits anew, and the text that was typed so far stays."""
    screen.wait_for("q end")
    screen.press("mhalf")
    screen.wait_for("as: half")
    screen.resize(50, 12)
    screen.wait_for("as: half")
    screen.press(" done\r")
    screen.wait_for("half done")
    screen.press("q")
    assert screen.wait() == 0


def test_without_keys_nothing_is_read(log: Path) -> None:
    """The terminal keeps its modes, Ctrl-C ends, and q does not."""
    command = program("replay", DEMO, *CHEAP, "--no-log", "--no-keys")
    with closing(ScreenProgram(command)) as screen:
        before = screen.modes()
        screen.wait_for("Ctrl-C ends")
        assert screen.modes() == before
        screen.press("q")
        screen.wait_for(r"00:0[3-9]")
        screen.press("\x03")
        assert screen.wait() == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals) -> None:
    """Modes, cursor and screen are given back before the last words."""
    with closing(ScreenProgram(program("replay", DEMO, *CHEAP, "--no-log"))) as screen:
        before = screen.modes()
        screen.wait_for("q end")
        screen.kill(number)
        assert screen.wait() == 128 + number
        assert screen.modes() == before
        assert screen.sent.rstrip().rfind(b"\x1b[?1049l") > screen.sent.rfind(b"\x1b[?1049h")
        assert screen.sent.rfind(b"\x1b[?25h") > screen.sent.rfind(b"\x1b[?25l")


def test_a_shell_has_its_terminal_while_the_program_sleeps(log: Path) -> None:
    """After Ctrl-Z the shell's own modes are back; after ``fg`` keys work again."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    with closing(ScreenProgram([bash, "--norc", "--noprofile", "-i"])) as screen:
        screen.wait_for("shell")
        screen.press(f"stty -g; {sys.executable} -m ser_live replay {DEMO} {DEMO} --no-log "
                     f"{' '.join(CHEAP)}\n")  # fmt: skip
        screen.wait_for("q end")
        screen.press("\x1a")
        screen.wait_for("Stopped")
        # pyte has no alternate screen, so what was drawn lies below: it is cleared first.
        modes_asked = "stty -a | grep -o '.icanon'; stty -a | grep -o '.echo '"
        screen.press(f"printf '\\033[H\\033[2J'; {modes_asked}\n")
        screen.wait_for(r" icanon\s+ echo")
        screen.press("fg\n")
        screen.wait_for("q end")
        screen.press("?")
        screen.wait_for("forget the voice")
        screen.press("q")
        screen.wait_for(r"gaps .*\s+shell\$")
        screen.press("stty -g; echo fin''ished\n")
        screen.wait_for("finished")
        screen.press("exit\n")
        screen.wait()
    modes = [
        line for line in screen.sent.decode(errors="replace").split("\r\n") if line.count(":") > 20
    ]
    assert len(modes) >= 2
    assert len(set(modes)) == 1
