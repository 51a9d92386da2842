"""Help that fits a terminal, and all of it for who asks.

``--help`` is one screen of 24 rows and 80 columns: what a command does, two examples, the
options that people use. ``--help-all`` is the rest: details, every option below a heading, and
the settings. A command says which options people use; its docstring holds the details after a
form feed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from ser_live.errors import UsageError
from ser_live.terminal.printing import echo_lines

SCREEN_ROWS, SCREEN_COLUMNS = 24, 80
"""Least terminal that any ``--help`` fits on."""

_ALL = "ser_live.help_all"
"""Key among what contexts share: whether all is shown."""

_COLUMN_CELLS = 34
"""Greatest width of the column of names."""

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "What is heard": (
        *("device", "list-devices", "device-wait", "samplerate", "channels", "follow"),
        *("follow-for", "file", "speed", "channel", "track", "unit", "jobs"),
        *("roles", "shard", "dask"),
    ),
    "How it is judged": (
        *("sensitivity", "pace", "model", "prior", "speaker", "adapt", "help-settings"),
    ),
    "What is shown and written": (
        *("display", "format", "finals", "output", "resume", "quiet", "verbose"),
        *("log", "no-log", "save-audio", "expire", "out", "overwrite"),
    ),
    "What other programs are told": (
        *("osc", "osc-map", "lsl", "lsl-name", "exec", "webhook", "allow-remote", "act-on"),
        *("mqtt", "mqtt-password-file", "mqtt-ca", "state-pace"),
    ),
}
"""Options by the heading that they stand below where all are shown; others are just options."""


def show_all(ctx: click.Context, *, settings: bool = True) -> None:
    """Let the help of this context, and of those below it, be all of it.

    Parameters
    ----------
    ctx : click.Context
    settings : bool
        With the settings that many commands share.
    """
    ctx.meta[_ALL] = "with settings" if settings else "options"


def shows_all(ctx: click.Context) -> bool:
    """Whether all of the help is asked for."""
    return bool(ctx.meta.get(_ALL))


def _print_all(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    show_all(ctx)
    echo_lines(ctx.get_help())
    ctx.exit()


def long_name(option: click.Option) -> str:
    """Name of an option without hyphens, the long one where it has one."""
    name = next((text for text in option.opts if text.startswith("--")), option.opts[0])
    return name.lstrip("-")


class _Pages(click.Command):
    """Part of a command that is about its help.

    Parameters
    ----------
    shown : sequence of str
        Long names of the options that people use, without hyphens; all where it is empty.
    """

    def __init__(self, *arguments: Any, shown: Sequence[str] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._shown = tuple(shown)
        self.params.append(
            click.Option(
                ["--help-all"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_all,
                help="Show everything about it and exit.",
            )
        )

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        short, _, details = inspect.cleandoc(self.help or "").partition("\f")
        text = f"{short.rstrip()}\n\n{details.strip()}" if shows_all(ctx) else short
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text.rstrip())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if shows_all(ctx):
            for heading, rows in self._sections(ctx):
                with formatter.section(heading):
                    formatter.write_dl(rows)
            return
        rows, n_more = self._usual(ctx)
        names = ", ".join([*sorted(self.get_help_option_names(ctx), key=len), "--help-all"])
        more = f"and {n_more} more options" if n_more else "or all there is to say"
        with formatter.section("Options"):
            formatter.write_dl([*rows, (names, f"Show this, {more}.")], col_max=_COLUMN_CELLS)

    def _usual(self, ctx: click.Context) -> tuple[list[tuple[str, str]], int]:
        """Rows of the options that people use, in their order, and how many there are more."""
        options = {long_name(o): o for o in _options_of(self) if not o.hidden}
        del options["help-all"]  # it has a row of its own
        wanted = [options[name] for name in self._shown or options if name in options]
        return [_in_short(option, ctx) for option in wanted], len(options) - len(wanted)

    def _sections(self, ctx: click.Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], **{name: [] for name in HEADINGS}}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                name = long_name(param)
                heading = next((h for h, names in HEADINGS.items() if name in names), "Options")
                rows[heading].append(record)
        # What a command has of its own comes first, as it is what sets it apart.
        if len(rows["Options"]) == 2:  # only those of the help
            rows["Options"] = rows.pop("Options")
        yield from ((heading, found) for heading, found in rows.items() if found)
        has_settings = any(long_name(option) == "help-settings" for option in _options_of(self))
        if has_settings and ctx.meta[_ALL] == "with settings":
            from ser_live.cli.options import setting_rows

            yield from setting_rows()


def _options_of(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option)]


def _in_short(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    """Row of an option: its names, and the first clause about it."""
    record = option.get_help_record(ctx)
    assert record is not None  # noqa: S101  hidden options are not asked for
    names = record[0].replace(" / ", "/")
    clause = re.split(r"[;.:](?: |$)", option.help or "", maxsplit=1)[0]
    if option.show_default and not option.is_flag:
        clause = f"{clause} [{option.get_default(ctx)}]".lstrip()
    return names, f"{clause}."


class Page(_Pages, click.Command):
    """A command whose help fits a terminal."""


class GroupPage(_Pages, click.Group):
    """A group whose help fits a terminal, and the help of whose commands does."""

    command_class = Page

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0] if args else ""
        if not ctx.resilient_parsing and self.get_command(ctx, word) is None:
            from difflib import get_close_matches

            advice = f"see `{ctx.command_path} --help`."
            if close := get_close_matches(word.lower(), self.list_commands(ctx), n=1):
                advice = f"did you mean `{ctx.command_path} {close[0]}`?"
            raise UsageError(
                f"Found '{word}', which is no command of `{ctx.command_path}`: {advice}"
            )
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


GROUPS: Mapping[str, tuple[str, ...]] = {
    "Listen": ("listen", "replay", "serve", "demo", "enroll"),
    "Recordings": (
        "analyze",
        "calls",
        "summarize",
        "features",
        "merge",
        "train",
        "evaluate",
        "compare",
    ),
    "Your data": ("log", "report", "history", "note", "annotate", "purge"),
    "The machine": ("doctor", "config", "completion", "help", "version"),
}
"""Commands of the program by what they are about; one that is nowhere stands below More."""

_NAMED_ALONE = frozenset(
    [
        *("demo", "enroll", "features", "merge", "train", "evaluate", "compare", "note"),
        *("annotate", "purge", "config", "completion", "help", "version"),
    ]
)
"""Commands that the short help names without a word about them."""


def grouped(table: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Heading and commands of each group of the table."""
    placed = {name for names in GROUPS.values() for name in names}
    rest = tuple(name for name in table if name not in placed)
    for heading, names in {**GROUPS, "More": rest}.items():
        if found := [name for name in names if name in table]:
            yield heading, found


def write_overview(formatter: click.HelpFormatter, table: Mapping[str, str]) -> None:
    """Write the groups side by side with their commands, a row for each that is used often."""
    cells = 2 + max(map(len, table))
    for heading, names in grouped(table):
        often = [name for name in names if name not in _NAMED_ALONE]
        rows = [f"{name:{cells}}{table[name]}" for name in often]
        if rare := [name for name in names if name in _NAMED_ALONE]:
            rows.append(f"{'also':{cells}}{', '.join(rare)}")
        for number, row in enumerate(rows):
            start = heading if number == 0 else ""
            formatter.write(
                click.formatting.wrap_text(
                    row,
                    formatter.width,
                    initial_indent=f"{start:13}",
                    subsequent_indent=" " * (13 + cells),
                )
            )
            formatter.write("\n")
    formatter.write_paragraph()
    formatter.write_text("`ser-live COMMAND --help` explains a command, --help-all the rest.")
