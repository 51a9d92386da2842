"""Code that ``listen``, ``replay`` and ``demo`` share: options, and running a session."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.bridge_options import BridgeOptions, bridge_options
from ser_live.cli.displays import Showing, display_options
from ser_live.cli.ending import leave_quietly, print_end, signals
from ser_live.cli.expire import expire_option, expiring
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
from ser_live.cli.presets import preset_options
from ser_live.cli.roles import given_roles, role_options
from ser_live.cli.starting import STARTING
from ser_live.cli.suspending import fall_asleep, on_suspend
from ser_live.config import Settings
from ser_live.errors import DEFECT_EXIT_CODE, OutputError, UsageError
from ser_live.process.ending_signals import EXIT_CODES
from ser_live.terminal.themes import THEMES

if TYPE_CHECKING:
    from ser_live.outputs.sink import Sink
    from ser_live.session.live import LiveSession
    from ser_live.sources import AudioSource
    from ser_live.stream.roles import Roles


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """Values of the options that every live command has."""

    settings: Settings
    channel: int | None
    """Counted from 0."""
    model: str | None
    speaker: str | None
    format_: str | None
    log_path: Path | None
    no_log: bool
    save_audio: Path | None
    display: str = "auto"
    output: Path | None = None
    finals: bool = False
    quiet: bool = False
    roles: str | None = None
    i_have_a_legal_ground: bool = False
    theme: str = "auto"
    keys: bool = True
    bridges: BridgeOptions = field(default_factory=BridgeOptions)
    expires_at: str | None = None

    @property
    def lanes(self) -> Roles | None:
        """Roles of the channels, where they have any; raises `UsageError`."""
        return given_roles(self.roles, self.i_have_a_legal_ground, self.channel)

    @property
    def tells_people(self) -> bool:
        """Whether what is printed is for people, rather than for a program or for nobody."""
        is_read = self.format_ not in ("jsonl", "csv") and self.output is None
        return is_read and self.display != "none" and not self.quiet

    def check(self) -> Showing:
        """Refuse what does not go together; what is shown where all does.

        Raises
        ------
        UsageError
            Both a log and none, or rows that have no place.
        """
        if self.log_path is not None and self.no_log:
            raise UsageError("Found both --log and --no-log, but only one can hold: leave one out.")
        showing = Showing(self.display, self.format_, self.finals, self.output, self.quiet)
        showing = showing.renewed()
        is_kept = not self.no_log or self.save_audio is not None
        showing.check(keeps_nothing_else=not is_kept and not self.bridges.tell_anybody)
        return showing


def live_options(command: Command) -> Command:
    """Add the options of a live command, which takes their values as `options`."""
    command = bridge_options(taking(LiveOptions, command))
    for add in (
        settings_options,
        expire_option,
        _keeping_options,
        display_options,
        speaker_options,
        prior_option,
        preset_options,
        model_option,
        role_options,
        channel_option,
    ):
        command = add(command)
    return command


def _keeping_options(command: Command) -> Command:
    options = [
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
    """Let keys act on the session, and Ctrl-Z give the terminal back, where a dashboard has it."""
    if display.name != "dashboard":  # nor is the module loaded where nothing is drawn
        yield
        return
    from ser_live.outputs.dashboard.sink import DashboardSink

    assert isinstance(display, DashboardSink)  # noqa: S101  no other sink is called so
    display.control(session)
    with on_suspend(lambda: display.sleep_soon(fall_asleep)):
        yield


def run_live(
    sources: Sequence[AudioSource],
    options: LiveOptions,
    *,
    beside: Callable[[Sink], Sink] | None = None,
) -> int:
    """Run a session over the sources until they or the user end it.

    Each event is on disk before it is shown.

    Parameters
    ----------
    sources : sequence of AudioSource
    options : LiveOptions
    beside : callable, optional
        Makes of the display one that shows something more beside the events.

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

    showing = options.check()
    bridges = options.bridges.sinks()
    give_back_early()
    received: list[signal.Signals] = []
    model, profile = loaded(options.model), load_speaker(options.speaker)
    STARTING.end()
    keeps_more = not options.no_log or options.save_audio is not None
    with ExitStack() as stack:
        stack.enter_context(expiring(options.output, options.expires_at, keeps_more=keeps_more))
        dashboard = partial(_dashboard, options, sources)
        display, rows = stack.enter_context(showing.sinks(model.card.labels, dashboard))

        @contextmanager
        def arranged(session: LiveSession) -> Iterator[None]:
            with signals(session, received), _attended(display, session):
                yield

        outcome = run_session(
            sources,
            model=model,
            settings=options.settings,
            channels=[options.channel],
            lanes=options.lanes,
            profile=profile,
            display=display if beside is None else beside(display),
            rows=rows,
            bridges=bridges,
            make_log=None if options.no_log else partial(SessionLog.create, options.log_path),
            audio_folder=options.save_audio,
            expires_at=options.expires_at,
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
