"""What ``listen``, ``replay`` and ``demo`` share: log, output, signals, exit code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from ser_live.cli.ending import (
    EXIT_CODES,
    Failures,
    GuardedOutput,
    leave_quietly,
    print_end,
    say,
    signals,
)
from ser_live.cli.options import load_speaker
from ser_live.cli.printing import echo
from ser_live.errors import OutputError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ser_live.config import Settings
    from ser_live.session import LiveSession
    from ser_live.sources import AudioSource

F = TypeVar("F", bound=Callable[..., Any])

POLL_S = 0.1
"""Longest wait for an event; also the period of the display."""

SILENT_METER_PERIOD_S = 0.25
"""How often the level meter moves while nobody speaks."""


def output_options(command: F) -> F:
    """Add the options for display and log."""
    options = [
        click.option(
            "-f",
            "--format",
            "format_",
            type=click.Choice(["auto", "dashboard", "lines", "jsonl"]),
            default="auto",
            help="Display; auto is the dashboard in a terminal and lines elsewhere.",
        ),
        click.option(
            "--log",
            "log_path",
            type=click.Path(path_type=Path, dir_okay=False),
            default=None,
            metavar="FILE",
            help="Write the session log here instead of the user's state folder.",
        ),
        click.option("--no-log", is_flag=True, help="Write no session log."),
        click.option(
            "--save-audio",
            type=click.Path(path_type=Path, file_okay=False),
            default=None,
            metavar="DIR",
            help="Keep the audio of every utterance here; nothing is kept without it.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class Output(Protocol):
    """Where results are shown; all calls come from the main thread."""

    def show(self, event: Any) -> None: ...

    def tick(self, session: LiveSession) -> None: ...

    def note(self, message: str) -> None: ...


class _Lines:
    """Text or JSON lines on standard output, what people need to know on standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def show(self, event: Any) -> None:
        from ser_live.emotions import State
        from ser_live.events import (
            DeviceFound,
            DeviceLost,
            Drop,
            EmotionResult,
            SourceFailed,
            StreamGap,
            StreamStarted,
            StreamState,
        )
        from ser_live.result_lines import json_line, text_line

        is_warning = isinstance(event, StreamState) and event.state is State.NO_SIGNAL
        if is_warning or isinstance(event, SourceFailed | DeviceLost):
            echo(f"ser-live: {event.message}", err=True)
        if self._as_json:
            if hasattr(event, "as_record"):
                click.echo(json_line(event.as_record()))
        elif isinstance(event, EmotionResult):
            if event.kind == "final":
                echo(text_line(event))
        elif isinstance(event, StreamStarted | StreamGap | Drop | DeviceFound):
            echo(text_line(event), err=True)

    def tick(self, session: LiveSession) -> None:
        del session

    def note(self, message: str) -> None:
        say(f"ser-live: {message}")


@contextmanager
def _lines(*, as_json: bool) -> Iterator[Output]:
    yield _Lines(as_json=as_json)


class DashboardOutput:
    """The dashboard fed with events, levels and the length of the queue."""

    def __init__(self, console: Console | None = None) -> None:
        from ser_live.dashboard import LiveDashboard
        from ser_live.dashboard_state import DashboardState

        self._state = DashboardState()
        self._level_at_s = float("-inf")
        self.live = LiveDashboard(self._state, console)

    def show(self, event: Any) -> None:
        self._state.apply(event)

    def tick(self, session: LiveSession) -> None:
        now_s = time.monotonic()
        level = session.level
        # Noise moves the meter all the time; in silence a slower meter halves the drawing.
        if level is not None and (
            level.is_speech or now_s - self._level_at_s >= SILENT_METER_PERIOD_S
        ):
            self._level_at_s = now_s
            self._state.apply(level)
        self._state.apply(session.queue_depth)
        self.live.update(now_s)

    def note(self, message: str) -> None:
        self._state.note(message)


@contextmanager
def _dashboard() -> Iterator[Output]:
    shown = DashboardOutput()
    with shown.live:
        yield shown


def _open_output(format_: str) -> AbstractContextManager[Output]:
    if format_ == "auto":
        from rich.console import Console

        from ser_live.dashboard import can_draw

        format_ = "dashboard" if can_draw(Console()) else "lines"
    if format_ == "dashboard":
        return _dashboard()
    return _lines(as_json=format_ == "jsonl")


def run_live(
    sources: Sequence[AudioSource],
    *,
    settings: Settings,
    model: str | None,
    channel: int | None,
    format_: str,
    log_path: Path | None,
    no_log: bool,
    save_audio: Path | None,
    speaker: str | None = None,
) -> int:
    """Run a session over the sources until they or the user end it.

    Each event is on disk before it is shown.

    Returns
    -------
    int
        Exit code: 0, that of the first source that failed, 128 + the signal that ended the
        session, or 141 where standard output did not take everything.
    """
    from ser_live.model import EmotionModel
    from ser_live.native_memory import give_back_early
    from ser_live.recorder import UtteranceRecorder
    from ser_live.session import LiveSession
    from ser_live.session_log import SessionLog

    if log_path is not None and no_log:
        raise UsageError("Found both --log and --no-log, but only one can hold: leave one out.")
    give_back_early()
    emotion_model = EmotionModel.load(model) if model else EmotionModel.load()
    profile = load_speaker(speaker)
    recorder = None if save_audio is None else UtteranceRecorder(save_audio)
    with ExitStack() as stack:
        session = LiveSession(
            sources,
            emotion_model,
            settings,
            channel=channel,
            drop_when_full=any(source.is_live for source in sources),
            recorder=recorder,
            profile=profile,
        )
        log = None if no_log else stack.enter_context(SessionLog.create(log_path))
        failures = Failures(log, recorder)
        # From before the terminal is taken until it was given back.
        received = stack.enter_context(signals(session))
        output = GuardedOutput(stack.enter_context(_open_output(format_)), session)
        with session:
            try:
                while not session.finished:
                    for event in session.poll(POLL_S):
                        if log is not None and hasattr(event, "as_record"):
                            log.write(event)
                        output.show(event)
                    for sentence in failures.new():
                        output.note(sentence)
                    output.tick(session)
            except BaseException:
                if log is not None:
                    log.write(session.failed())
                raise
    print_end(session, log, failures)
    leave_quietly()
    if received:
        return EXIT_CODES[received[0]]
    if output.has_lost:
        return OutputError.exit_code
    if session.first_failure is not None:
        return session.first_failure.exit_code
    return 0
