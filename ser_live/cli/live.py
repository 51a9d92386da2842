"""What ``listen``, ``replay`` and ``demo`` share: log, output, signals, exit code."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, TypeVar

import click

from ser_live.config import Settings
from ser_live.errors import UsageError
from ser_live.events import LevelMeter, QueueDepth, SessionEnded
from ser_live.sources import AudioSource

F = TypeVar("F", bound=Callable[..., Any])

POLL_S = 0.1
"""Longest wait for an event; also the period of the display."""

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
if hasattr(signal, "SIGHUP"):
    EXIT_CODES[signal.SIGHUP] = 129


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
    """Where results are shown."""

    def show(self, event: Any) -> None: ...

    def tick(self, level: LevelMeter | None, depth: QueueDepth, now_s: float) -> None: ...


def run_live(
    sources: Sequence[AudioSource],
    *,
    settings: Settings,
    is_live: bool,
    model: str | None,
    channel: int | None,
    format_: str,
    log_path: Path | None,
    no_log: bool,
    save_audio: Path | None,
) -> int:
    """Run a session over the sources until they or the user end it; returns the exit code."""
    from ser_live.model import EmotionModel
    from ser_live.recorder import UtteranceRecorder
    from ser_live.session import LiveSession
    from ser_live.session_log import SessionLog

    if log_path is not None and no_log:
        raise UsageError("Found both --log and --no-log, but only one can hold: leave one out.")
    emotion_model = EmotionModel.load(model)
    recorder = None if save_audio is None else UtteranceRecorder(save_audio)
    with ExitStack() as stack:
        log = None if no_log else stack.enter_context(SessionLog.create(log_path))
        session = LiveSession(
            sources,
            emotion_model,
            settings,
            channel=channel,
            drop_when_full=is_live,
            recorder=recorder,
        )
        output = stack.enter_context(_open_output(format_))
        ended: SessionEnded | None = None
        with session, _signals(session) as received:
            try:
                while not session.finished:
                    for event in session.poll(POLL_S):
                        if log is not None and hasattr(event, "as_record"):
                            log.write(event)
                        output.show(event)
                        if isinstance(event, SessionEnded):
                            ended = event
                    output.tick(session.level, session.queue_depth, time.monotonic())
            except BaseException:
                if log is not None:
                    log.write(session.failed())
                raise
    if ended is not None:
        _print_summary(ended, log)
    if received:
        return EXIT_CODES[received[0]]
    if session.first_failure is not None:
        return session.first_failure.exit_code
    return 0


@contextmanager
def _signals(session: Any) -> Iterator[list[signal.Signals]]:
    """First signal ends the session in order, the second at once."""
    received: list[signal.Signals] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))
        if len(received) == 1:
            session.stop()
        else:
            session.abort()

    previous = {number: signal.signal(number, handle) for number in EXIT_CODES}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
