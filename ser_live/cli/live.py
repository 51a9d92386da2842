"""Code that ``listen``, ``replay`` and ``demo`` share: options, and running a session."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ser_live.cli.ending import EXIT_CODES, leave_quietly, print_end, signals
from ser_live.cli.options import (
    Command,
    channel_option,
    load_speaker,
    model_option,
    prior_option,
    settings_options,
    speaker_options,
    taking,
)
from ser_live.cli.rows_output import rows_file
from ser_live.cli.suspending import fall_asleep, on_suspend
from ser_live.config import Settings
from ser_live.errors import DEFECT_EXIT_CODE, OutputError, UsageError
from ser_live.terminal.text import printable
from ser_live.terminal.themes import THEMES

if TYPE_CHECKING:
    from ser_live.outputs.sink import Sink
    from ser_live.session.live import LiveSession
    from ser_live.sources import AudioSource


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """Values of the options that every live command has."""

    settings: Settings
    channel: int | None
    """Counted from 0."""
    model: str | None
    speaker: str | None
    format_: str
    log_path: Path | None
    no_log: bool
    save_audio: Path | None
    output: Path | None = None
    finals: bool = False
    quiet: bool = False
    theme: str = "auto"
    keys: bool = True

    def check(self) -> None:
        """Refuse what does not go together.

        Raises
        ------
        UsageError
            Both a log and none, or rows of the dashboard.
        """
        if self.log_path is not None and self.no_log:
            raise UsageError("Found both --log and --no-log, but only one can hold: leave one out.")
        for name, is_given in (("--output", self.output), ("--finals", self.finals)):
            if is_given and self.format_ == "dashboard":
                raise UsageError(
                    f"Found {name} with the format dashboard, but only rows take it: choose "
                    "--format lines or jsonl."
                )


def live_options(command: Command) -> Command:
    """Add the options of a live command, which takes their values as `options`."""
    command = taking(LiveOptions, command)
    for add in (
        settings_options,
        _output_options,
        speaker_options,
        prior_option,
        model_option,
        channel_option,
    ):
        command = add(command)
    return command


def _output_options(command: Command) -> Command:
    options = [
        click.option(
            "-f",
            "--format",
            "format_",
            type=click.Choice(["auto", "dashboard", "lines", "jsonl"]),
            default="auto",
            help="Display; auto is the dashboard in a terminal and lines elsewhere.",
        ),
        click.option("--finals", is_flag=True, help="With lines or jsonl: only final results."),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            default=None,
            metavar="FILE",
            help="Write lines or jsonl to this new file instead of standard output.",
        ),
        click.option(
            "-q", "--quiet", is_flag=True, help="On standard error say only what went wrong."
        ),
        click.option(
            "--theme",
            type=click.Choice(THEMES),
            default="auto",
            help="Colours of the dashboard; auto goes by the terminal.",
        ),
        click.option(
            "--keys/--no-keys", default=True, help="Let keys act on the dashboard; ? lists them."
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


def _display(options: LiveOptions, sources: Sequence[AudioSource], stream: TextIO | None) -> Sink:
    from ser_live.outputs.dashboard.live import can_draw
    from ser_live.terminal.console import HonestConsole

    is_for_rows = stream is not None or options.finals
    is_drawn = options.format_ == "auto" and not is_for_rows and can_draw(HonestConsole())
    if options.format_ == "dashboard" or is_drawn:
        return _dashboard(options, sources)
    from ser_live.outputs.standard_output import Lines

    return Lines(
        as_json=options.format_ == "jsonl",
        finals=options.finals,
        is_quiet=options.quiet,
        stream=stream,
        name="standard output" if options.output is None else printable(str(options.output)),
    )


def _dashboard(options: LiveOptions, sources: Sequence[AudioSource]) -> Sink:
    from ser_live.outputs.dashboard.frame import Recordings
    from ser_live.outputs.dashboard.live import can_draw
    from ser_live.outputs.dashboard.sink import DashboardSink
    from ser_live.sources.said_length import said_length_s
    from ser_live.terminal.console import HonestConsole
    from ser_live.terminal.keyboard import Keyboard

    # Keys are for somebody who sees what they do, and sound may come through standard input.
    has_keys = options.keys and can_draw(HonestConsole())
    n_files = sum(source.file is not None for source in sources)
    return DashboardSink(
        recordings=Recordings(n_files, said_length_s),
        theme=options.theme,
        keyboard=Keyboard(sys.stdin) if has_keys else None,
    )


@contextmanager
def _attended(display: Sink, session: LiveSession) -> Iterator[None]:
    """Let keys act on the session where a dashboard has the terminal."""
    from ser_live.outputs.dashboard.sink import DashboardSink

    if isinstance(display, DashboardSink):
        display.control(session)
    yield


@contextmanager
def _sleeping(display: Sink) -> Iterator[None]:
    """Let Ctrl-Z give the terminal back where a dashboard has it."""
    from ser_live.outputs.dashboard.sink import DashboardSink

    if not isinstance(display, DashboardSink):
        yield
        return
    with on_suspend(lambda: display.sleep_soon(fall_asleep)):
        yield


def run_live(sources: Sequence[AudioSource], options: LiveOptions) -> int:
    """Run a session over the sources until they or the user end it.

    Each event is on disk before it is shown.

    Returns
    -------
    int
        Exit code: 0, that of the first source that failed, 128 + the signal that ended the
        session, 141 where standard output did not take everything, or that of a defect where
        an output failed.
    """
    from ser_live.outputs.wiring import run_session
    from ser_live.process.native_memory import give_back_early
    from ser_live.records.session_log import SessionLog
    from ser_live.stream.analyzer import loaded

    options.check()
    give_back_early()
    received: list[signal.Signals] = []
    model, profile = loaded(options.model), load_speaker(options.speaker)
    with ExitStack() as stack:
        stream = None if options.output is None else stack.enter_context(rows_file(options.output))
        display = _display(options, sources, stream)

        @contextmanager
        def arranged(session: LiveSession) -> Iterator[None]:
            with signals(session, received), _sleeping(display), _attended(display, session):
                yield

        outcome = run_session(
            sources,
            model=model,
            settings=options.settings,
            channels=[options.channel],
            profile=profile,
            display=display,
            make_log=None if options.no_log else partial(SessionLog.create, options.log_path),
            audio_folder=options.save_audio,
            during=arranged,
        )
    print_end(outcome, says_failure=display.name == "dashboard", is_quiet=options.quiet)
    leave_quietly()
    if received:
        return EXIT_CODES[received[0]]
    if outcome.has_lost_output:
        return OutputError.exit_code
    if outcome.n_left_behind:
        return DEFECT_EXIT_CODE
    return 0 if outcome.first_failure is None else outcome.first_failure.exit_code
