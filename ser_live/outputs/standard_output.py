"""Events as lines or rows on standard output or in a file, and an output that may go away."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TextIO

import click

from ser_live.events import (
    Activity,
    DeviceFound,
    DeviceLost,
    Drop,
    Event,
    Hearing,
    Notice,
    SourceFailed,
    StateChanged,
    StreamGap,
    StreamNotice,
    StreamStarted,
    StreamState,
)
from ser_live.outputs.log_lines import is_final, log_line
from ser_live.outputs.sink import Sink
from ser_live.outputs.text_lines import text_line
from ser_live.records.csv_rows import CsvText
from ser_live.records.json_line import json_line
from ser_live.terminal.printing import echo

GONE = (errno.EPIPE, errno.EIO, errno.ENXIO, errno.EINVAL)
"""Errors of a pipe whose reader left and of a terminal that was closed."""


class Lines:
    """Text, JSON or CSV on standard output; warnings for people on standard error.

    Parameters
    ----------
    as_json : bool
        Every logged event as a line of JSON, instead of final results as text.
    csv_fields : sequence of str
        Columns of a row of CSV for each final result, instead of text.
    finals : bool
        Of JSON only final results.
    is_quiet : bool
        Leave out of standard error what tells of no trouble.
    prints : bool
        Print results; without it people are warned, and nothing else.
    tells : bool
        Warn people; another output does where it has the terminal.
    stream : text stream, optional
        Where lines go instead of standard output; its owner closes it.
    name : str
        Name of that for people.
    """

    failure: str | None = None

    def __init__(
        self,
        *,
        as_json: bool = False,
        csv_fields: Sequence[str] = (),
        finals: bool = False,
        is_quiet: bool = False,
        prints: bool = True,
        tells: bool = True,
        stream: TextIO | None = None,
        name: str = "standard output",
    ) -> None:
        self.name = name
        self._as_json = as_json
        self._finals = finals
        lost = (StreamGap, Drop)
        self._told = lost if is_quiet else (*lost, StreamStarted, DeviceFound)
        self._prints = prints
        self._tells = tells
        self._stream = stream
        self._only_active: set[int] = set()
        """Streams of which only the activity is known, by number."""
        self._table = CsvText(csv_fields) if csv_fields else None

    def open(self) -> None:
        """Do nothing: the place where lines go is open."""

    def take(self, event: Event) -> None:
        if self._tells and (message := _warning(event)):
            echo(f"ser-live: {message}", err=True)
        if isinstance(event, StreamStarted) and event.level is Hearing.ACTIVITY:
            self._only_active.add(event.stream.number)
        if self._is_line(event) or (self._as_json and event.is_logged and not self._finals):
            if self._prints:
                self._write(event)
        elif self._tells and not self._as_json and isinstance(event, self._told):
            echo(text_line(event), err=True)

    def _is_line(self, event: Event) -> bool:
        """Whether an event is one of those that are always told."""
        if isinstance(event, Activity) and not self._as_json and not self._finals:
            return event.stream.number in self._only_active
        return is_final(event)

    def _write(self, event: Event) -> None:
        if self._table is not None:
            click.echo(self._table.text(event.as_record()), file=self._stream, nl=False)
        elif self._stream is not None:
            line = log_line(event, as_json=self._as_json, finals=False)
            self._stream.write(f"{line}\n")
            self._stream.flush()
        elif self._as_json:
            click.echo(json_line(event.as_record()))
        else:
            echo(log_line(event, as_json=False, finals=False))

    def idle(self, now_s: float) -> None:
        """Do nothing: every line is written at once."""

    def close(self) -> None:
        """Do nothing: the place where lines go is not of this sink's making."""


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
                where = "standard output" if self.name == "dashboard" else self.name
                # Said here and now: to most people no other output would show it.
                with suppress(OSError):
                    echo(
                        f"ser-live: {where} cannot be written ({cause}): the session "
                        "goes on, some results are in its log alone.",
                        err=True,
                    )
            self.has_lost = True
