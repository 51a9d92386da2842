"""Waiting in silence is for a moment alone, and only people are told."""

from __future__ import annotations

import io
import time

import pytest

from ser_live.cli.starting import Starting


class Terminal(io.StringIO):
    """Stands for standard error on a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "takes_s", "n_said"),
    [(Terminal(), 0.3, 1), (Terminal(), 0.0, 0), (io.StringIO(), 0.3, 0)],
    ids=["slow", "quick", "no terminal"],
)
def test_only_long_waits_on_a_terminal_are_told(
    stream: io.StringIO, takes_s: float, n_said: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence comes while one waits, once; a program that reads gets none."""
    monkeypatch.setattr("sys.stderr", stream)
    starting = Starting()
    starting.begin(patience_s=0.1)
    time.sleep(takes_s)
    starting.end()
    starting.end()
    time.sleep(0.15)
    assert stream.getvalue().count("getting ready") == n_said
