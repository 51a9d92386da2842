"""Keys by name, however a terminal cuts what it sends."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_live.terminal.keyboard import Keyboard, KeyParser

SENT = {
    "\x1b[A": "up",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[H": "home",
    "\x1b[1;5C": "right",
    "\r": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x15": "clear",
    "q": "q",
    "ü": "ü",
    "語": "語",
}


@given(st.lists(st.sampled_from(sorted(SENT)), max_size=20), st.data())
@settings(max_examples=60, deadline=None)
def test_keys_do_not_depend_on_how_they_are_cut(sent: list[str], data: st.DataObject) -> None:
    """Byte by byte or all at once, the same keys come in the same order."""
    stream = "".join(sent).encode()
    parser, found, at = KeyParser(), [], 0
    while at < len(stream):
        n = data.draw(st.integers(1, len(stream) - at))
        found += parser.push(stream[at : at + n])
        at += n
    assert found == [SENT[text] for text in sent]


def test_escape_alone_is_a_key_once_nothing_follows() -> None:
    """It may be the beginning of another key until then."""
    parser = KeyParser()
    assert parser.push(b"\x1b") == []
    assert parser.push(b"") == ["escape"]
    assert parser.push(b"\x1bq") == ["escape", "q"]


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_nothing_that_is_sent_breaks_the_reading(data: bytes) -> None:
    """Every key is a name or one printable character, and afterwards keys work."""
    parser = KeyParser()
    keys = [*parser.push(data), *parser.push(b""), *parser.push(b"")]
    assert all(key.isprintable() and key for key in keys)
    assert parser.push(b"q")[-1:] == ["q"]


def test_a_sequence_without_end_is_given_up() -> None:
    """It is not kept growing."""
    parser = KeyParser()
    for _ in range(50):
        parser.push(b"\x1b[" + b"1" * 40)
    assert parser.push(b"q")[-1] == "q"


def test_without_a_terminal_there_are_no_keys() -> None:
    """A file, a pipe and nothing at all are left alone."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as pipe, os.fdopen(writing, "w", encoding="utf-8"):
        for stream in (io.StringIO("q"), pipe, None):
            with Keyboard(stream) as keyboard:
                assert not keyboard.is_there
                assert keyboard.read() == []


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo terminal")
def test_a_terminal_of_another_program_is_not_touched() -> None:
    """One that this process is not in the foreground of keeps its modes, and no key is read."""
    import pty
    import termios

    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    with os.fdopen(slave, encoding="utf-8") as stream, Keyboard(stream) as keyboard:
        assert keyboard.is_there
        os.write(master, b"q\n")
        assert keyboard.read() == []
        assert termios.tcgetattr(slave) == before
    os.close(master)
