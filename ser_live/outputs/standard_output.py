"""Events as lines on standard output, and an output that may go away."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress

import click

from ser_live.events import (
    DeviceFound,
    DeviceLost,
    Drop,
    EmotionResult,
    Event,
    Kind,
    Notice,
    SourceFailed,
    StateChanged,
    StreamGap,
    StreamNotice,
    StreamStarted,
    StreamState,
)
from ser_live.outputs.sink import Sink
from ser_live.outputs.text_lines import text_line
from ser_live.records.json_line import json_line
from ser_live.terminal.printing import echo

GONE = (errno.EPIPE, errno.EIO, errno.ENXIO, errno.EINVAL)
"""Errors of a pipe whose reader left and of a terminal that was closed."""


class Lines:
    """Text or JSON lines on standard output; warnings for people on standard error.

    Parameters
    ----------
    as_json : bool
        Every logged event as a line of JSON, instead of final results as text.
    """

    name = "standard output"
    failure: str | None = None

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def open(self) -> None:
        """Do nothing: standard output is open."""

    def take(self, event: Event) -> None:
        if message := _warning(event):
            echo(f"ser-live: {message}", err=True)
        if self._as_json:
            if event.is_logged:
                click.echo(json_line(event.as_record()))
        elif isinstance(event, EmotionResult):
            if event.kind is Kind.FINAL:
                echo(text_line(event))
        elif isinstance(event, StreamStarted | StreamGap | Drop | DeviceFound):
            echo(text_line(event), err=True)

    def idle(self, now_s: float) -> None:
        """Do nothing: every line is written at once."""

    def close(self) -> None:
        """Do nothing: standard output is the program's."""


def _warning(event: Event) -> str:
    """Sentence that people need to know at once; empty for most events."""
    if isinstance(event, StateChanged):
        return event.message if event.state is StreamState.NO_SIGNAL else ""
    if isinstance(event, SourceFailed | DeviceLost | Notice | StreamNotice):
        return event.message
    return ""


class Guarded:
    """An output on the terminal or a pipe, which may go away while the session lasts.

    Where the reader of a pipe left or the terminal was closed, the session ends in order and
    is logged to its end, unseen. Where there is no room, that is said and the next event is
    tried again.

    Parameters
    ----------
    sink : Sink
    on_gone : callable
        Ends the session in order.
    """

    def __init__(self, sink: Sink, on_gone: Callable[[], None]) -> None:
        self.name = sink.name
        self.has_lost = False
        """Something could not be shown."""
        self.failure: str | None = None
        self._sink = sink
        self._on_gone = on_gone
        self._is_gone = False

    def open(self) -> None:
        self._sink.open()

    def take(self, event: Event) -> None:
        self._try(lambda: self._sink.take(event))

    def idle(self, now_s: float) -> None:
        self._try(lambda: self._sink.idle(now_s))

    def close(self) -> None:
        self._sink.close()

    def _try(self, call: Callable[[], None]) -> None:
        if self._is_gone:
            return
        try:
            call()
        except OSError as error:
            if error.errno in GONE:
                self._is_gone = True
                self._on_gone()
            elif not self.has_lost:
                cause = str(error.strerror or error).lower()
                # Said here and now: to most people no other output would show it.
                with suppress(OSError):
                    echo(
                        f"ser-live: standard output cannot be written ({cause}): the session "
                        "goes on, some results are in its log alone.",
                        err=True,
                    )
            self.has_lost = True
