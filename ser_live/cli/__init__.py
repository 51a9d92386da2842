"""The command line: thin commands over the library, each loaded only when used.

``ser-live`` alone listens to the default microphone. Every command lives in a
module of its own that exposes ``command``; the table below names it and says in
one line what it does, so that ``--help`` imports nothing else.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import click

from ser_live import __version__
from ser_live.cli.completing import PROGRAM, VARIABLE
from ser_live.cli.configured import CONFIGURED, PREFIX, defaults_for, name_variables
from ser_live.cli.ending import leave_quietly, open_missing_streams, say_ended, watched_output
from ser_live.cli.help_pages import GroupPage, grouped, shows_all, write_overview
from ser_live.cli.starting import STARTING
from ser_live.errors import (
    DEFECT_EXIT_CODE,
    INCOMPLETE_EXIT_CODE,
    MissingExtraError,
    OutputError,
    SerLiveError,
    UsageError,
)
from ser_live.onnx_graph import silence_telemetry
from ser_live.process.ending_signals import ignore_signals, raise_on_signals
from ser_live.process.one_thread import multiply_on_one_thread
from ser_live.terminal.printing import echo, echo_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.shell_completion import CompletionItem

_COMMANDS = {
    "listen": "Hear the microphone, or a pipe; what runs by itself.",
    "replay": "Play recordings as if they were heard live.",
    "demo": "Hear an actor say one sentence in eight ways.",
    "enroll": "Get to know a voice from half a minute of reading.",
    "analyze": "Analyze files or folders: rows for utterances.",
    "calls": "Tell how a call's customer felt, and who spoke when.",
    "merge": "Join the parts of an archive into one file.",
    "summarize": "Sum up an archive by groups of people.",
    "features": "Print the acoustic features of files or folders.",
    "train": "Train a model on your recordings and labels.",
    "evaluate": "Measure a model on speakers it never saw.",
    "compare": "Compare two models on the same recordings.",
    "log": "List, read, follow and export session logs.",
    "report": "Make a page of a session, or compare sessions.",
    "history": "Look back over weeks and months of sessions.",
    "annotate": "Hear what a session kept, and give labels of your own.",
    "note": "Note how you feel, beside what the voice says.",
    "serve": "Give emotion to other programs, and to a page.",
    "config": "Show and begin the configuration file.",
    "doctor": "Check whether this machine can listen.",
    "purge": "Remove logs, kept audio, profiles and notes.",
    "completion": "Let a shell complete commands, devices, sessions.",
    "help": "Show the help of a command.",
    "version": "Show the version.",
}


_LEAVING = ("--help", "-h", "--help-all", "--version", "-V")
"""Options of the program that print something and leave."""

_OPENS_MICROPHONE = {"listen", "enroll", "doctor"}
_RUNS_SESSIONS = {"listen", "replay", "demo"}
_FITS = {"train", "evaluate"}
"""Commands with large products of matrices, for which several threads are worth their cost."""
_USES_SOUND = {*_OPENS_MICROPHONE, "replay", "demo", "analyze", "calls", "features"}
"""Commands that call libraries which print on standard error by themselves."""


class _LazyGroup(GroupPage):
    """Commands are imported when called; without one, ``listen`` runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"ser_live.cli.{cmd_name}")
        command: click.Command = module.command
        if cmd_name in CONFIGURED:
            name_variables(command)
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if shows_all(ctx):
            super().format_options(ctx, formatter)
        else:
            formatter.write_paragraph()
            write_overview(formatter, _COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, names in grouped(_COMMANDS):
            with formatter.section(heading):
                formatter.write_dl([row for name in names for row in self._rows(ctx, name)])

    def _rows(self, ctx: click.Context, name: str) -> Iterator[tuple[str, str]]:
        """Row of a command, and those of its own commands."""
        yield name, _COMMANDS[name]
        command = self.get_command(ctx, name)
        if isinstance(command, click.Group):
            for own, inner in command.commands.items():
                yield f"{name} {own}", inner.get_short_help_str(limit=80)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        n_own = _n_own_options(args)
        first = args[n_own] if n_own < len(args) else None
        is_begun = first is None or not (first.startswith("-") or os.path.exists(first))  # noqa: PTH110
        if ctx.resilient_parsing and is_begun:
            return super().parse_args(ctx, args)  # a shell completes a command that is begun
        if first is None or (first.startswith("-") and first not in _LEAVING):
            args = [*args[:n_own], "listen", *args[n_own:]]
        elif not first.startswith("-") and first not in _COMMANDS:
            if not os.path.exists(first):  # noqa: PTH110  a name that no path can have is no file
                raise UsageError(_no_command(first))
            args = [*args[:n_own], "replay", *args[n_own:]]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _FITS:
            multiply_on_one_thread()  # before the command's module, which may import numpy
        found = super().resolve_command(ctx, args)
        is_silent = ctx.resilient_parsing or not {"-q", "--quiet"}.isdisjoint(found[2])
        if found[0] in _RUNS_SESSIONS and not is_silent:
            STARTING.begin()
        if found[0] in _USES_SOUND and not ctx.resilient_parsing:
            from ser_live.process.sound import prepared_for_sound

            # Before the command's options are looked at: one of them lists the devices.
            ctx.with_resource(
                prepared_for_sound(
                    opens_microphone=found[0] in _OPENS_MICROPHONE,
                    shows_messages=ctx.params["debug"],
                )
            )
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, none of which is imported for it; options are those of ``listen`` too."""
        from ser_live.cli.completing import commands

        if not incomplete.startswith("-"):
            return commands(_COMMANDS.items(), incomplete)
        listen = self.get_command(ctx, "listen")
        assert listen is not None  # noqa: S101  it is in the table
        found = [
            *click.Command.shell_complete(self, ctx, incomplete),
            *listen.shell_complete(click.Context(listen), incomplete),
        ]
        return list({item.value: item for item in found}.values())

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with watched_output():  # --help and --version print here
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with watched_output():
                return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort) as error:  # outside a session, which ends by itself
            if isinstance(error, click.Abort) and not isinstance(
                error.__context__, KeyboardInterrupt
            ):
                raise
            ctx.exit(say_ended(error))


def _no_command(word: str) -> str:
    """Sentence about a first word that is no command: one mistyped, a file, or neither."""
    from difflib import get_close_matches

    advice = "check the path, or see `ser-live --help`."
    if close := get_close_matches(word.lower(), _COMMANDS, n=1):
        advice = f"did you mean `ser-live {close[0]}`?"
    return f"Found '{word}', which is neither a command, a file nor '-': {advice}"


def _n_own_options(args: list[str]) -> int:
    """Number of words at the beginning that are options of the program itself."""
    place = 0
    while place < len(args) and (
        args[place] in ("--debug", "--config") or args[place].startswith("--config=")
    ):
        place += 2 if args[place] == "--config" else 1
    return min(place, len(args))


@click.group(
    cls=_LazyGroup,
    subcommand_metavar="[COMMAND | FILE]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    envvar=f"{PREFIX}CONFIG",
    metavar="FILE",
    help="Take defaults from this file; without it from the user's own.",
)
@click.version_option(__version__, "-V", "--version", prog_name="ser-live")
@click.pass_context
def cli(ctx: click.Context, debug: bool, config: Path | None) -> None:
    """Hear how something was said, live and on your own machine.

    \b
    Examples:
      ser-live              listen to the microphone; -d headset chooses another
      ser-live talk.wav     replay a recording as if it were live

    \f
    Without a command the microphone is heard, and options are those of `listen`; a file is
    replayed. Every command has a --help of one screen and a --help-all. Options may also stand
    in a configuration file or in variables such as SER_LIVE_PRIOR: see `ser-live config`.
    """
    ctx.obj = {"debug": debug}
    name = ctx.invoked_subcommand
    if name in CONFIGURED:
        ctx.default_map = {name: defaults_for(name, partial(_loaded, ctx), config)}


def _loaded(ctx: click.Context, name: str) -> click.Command:
    command = cli.get_command(ctx, name)
    assert command is not None  # noqa: S101  the table has it
    return command


def main() -> None:
    """Run the command line; errors become one sentence and an exit code."""
    try:
        raise_on_signals()
        code = _run()
        ignore_signals()
    except KeyboardInterrupt as error:
        ignore_signals()
        code = say_ended(error)
    sys.exit(code)


def _run() -> int:
    """Exit code of the command that was asked for, once all is said about it."""
    open_missing_streams()
    silence_telemetry()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that the terminal's encoding lacks must not end the program.
        sys.stdout.reconfigure(errors="backslashreplace")
    debug = "--debug" in sys.argv[1:]
    try:
        return int(cli(prog_name=PROGRAM, standalone_mode=False, complete_var=VARIABLE) or 0)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # before the command was known
            raise error.__cause__ from None
        echo("Aborted!", err=True)
        return 1
    except click.ClickException as error:
        from ser_live.cli.complaints import complain

        complain(error)
        return error.exit_code
    except OutputError as error:
        leave_quietly()
        if not isinstance(error.__cause__, BrokenPipeError):  # such a reader has what it wanted
            _complain(str(error), debug=debug)
        return error.exit_code
    except SerLiveError as error:
        _complain(str(error), debug=debug)
        return error.exit_code
    except MissingExtraError as error:
        _complain(str(error), debug=debug)
        return INCOMPLETE_EXIT_CODE
    except ImportError as error:
        said = shorten(str(error), 200, placeholder=" …")  # numpy's is a page long
        _complain(
            f"a library cannot be imported ({said}), but this command needs it: install ser-live "
            "again with its dependencies, and see what `ser-live doctor` says.",
            debug=debug,
        )
        return INCOMPLETE_EXIT_CODE
    except Exception as error:  # noqa: BLE001  the top of the program
        _complain(
            f"a defect in the program ended it ({type(error).__name__}: {error}): "
            "run it again with --debug first and report what it prints.",
            debug=debug,
        )
        return DEFECT_EXIT_CODE


def _complain(sentence: str, *, debug: bool) -> None:
    """Say what went wrong, or print the traceback of it."""
    if debug:
        echo_lines(traceback.format_exc().rstrip(), err=True)
    else:
        echo(f"ser-live: {sentence}", err=True)
