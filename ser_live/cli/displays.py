"""Display of a live command, and encoding of its rows: ``--display`` and ``--format``."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ser_live.cli.ending import say
from ser_live.cli.options import Command
from ser_live.cli.rows_output import rows_file
from ser_live.errors import UsageError
from ser_live.terminal.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ser_live.outputs.sink import Sink

DISPLAYS = ("auto", "dashboard", "lines", "none")
FORMATS = ("lines", "jsonl", "csv")
_MOVED = ("auto", "dashboard")
"""Displays that were words of ``--format`` before, and still are."""


class _Format(click.Choice[str]):
    """Choice of an encoding that also takes, unlisted, the words that moved to ``--display``."""

    def __init__(self) -> None:
        super().__init__(FORMATS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return value if value in _MOVED else str(super().convert(value, param, ctx))


def display_options(command: Command) -> Command:
    """Add ``--display``, ``--format``, ``--finals`` and ``--output``."""
    options = [
        click.option(
            "--display",
            type=click.Choice(DISPLAYS),
            default="auto",
            show_default=True,
            help="What is shown; auto is the dashboard in a terminal and lines elsewhere, none "
            "leaves only what went wrong.",
        ),
        click.option(
            "-f",
            "--format",
            "format_",
            type=_Format(),
            default=None,
            help="Encoding of rows; without it lines for people. Rows take the dashboard's place. "
            "csv is a row for each final result.",
        ),
        click.option("--finals", is_flag=True, help="Of the rows only final results."),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            default=None,
            metavar="FILE",
            help="Write rows to this new file; without it they are printed. With --display "
            "dashboard both are there.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Showing:
    """Display of a session, and the place of its rows.

    Parameters
    ----------
    display : str
        One of `DISPLAYS`.
    format_ : str or None
        One of `FORMATS`, or a display in the old spelling.
    finals, output, is_quiet
        As the options of that name.
    """

    display: str
    format_: str | None
    finals: bool
    output: Path | None
    is_quiet: bool

    def renewed(self) -> Showing:
        """The same in the spelling of today; an old one is told of.

        Raises
        ------
        UsageError
            Both spellings are there and disagree.
        """
        if self.format_ not in _MOVED:
            return self
        if self.display not in ("auto", self.format_):
            raise UsageError(
                f"Found --format {self.format_} beside --display {self.display}, but only one can "
                "be shown: leave out --format."
            )
        if not self.is_quiet:
            say(
                f"ser-live: --format {self.format_} is --display {self.format_} by now; the old "
                "spelling goes on working."
            )
        return Showing(self.format_, None, self.finals, self.output, self.is_quiet)

    def check(self, *, keeps_nothing_else: bool) -> None:
        """Refuse what does not go together.

        Parameters
        ----------
        keeps_nothing_else : bool
            Neither a log nor audio is written.

        Raises
        ------
        UsageError
            Rows beside a display that leaves them no place, or a session nothing is left of.
        """
        if self.display in ("dashboard", "none") and self.output is None:
            asked = {"--finals": self.finals, f"--format {self.format_}": self.format_ is not None}
            for name in (name for name, is_given in asked.items() if is_given):
                raise UsageError(
                    f"Found {name} with --display {self.display}, but rows need a place: add "
                    "--output FILE, or choose --display lines."
                )
            if self.display == "none" and keeps_nothing_else:
                raise UsageError(
                    "Found --display none with --no-log, but then nothing is left of the session: "
                    "leave one out, or add --output FILE."
                )

    @contextmanager
    def sinks(
        self, labels: Sequence[str], dashboard: Callable[[], Sink]
    ) -> Iterator[tuple[Sink, Sink | None]]:
        """The display, and rows in a file where they are something else.

        Parameters
        ----------
        labels : sequence of str
            Those of the model, which are columns of csv.
        dashboard : callable
            Makes the dashboard, where that is what is shown.
        """
        with self._stream() as stream:
            if self.display == "none" or self._is_drawn():
                display = self._nothing() if self.display == "none" else dashboard()
                yield display, self._rows(labels, stream, tells=False)
            else:
                rows = self._rows(labels, stream, tells=True)
                assert rows is not None  # noqa: S101  rows that are printed need no file
                yield rows, None

    def _stream(self) -> AbstractContextManager[TextIO | None]:
        return nullcontext() if self.output is None else rows_file(self.output)

    def _is_drawn(self) -> bool:
        if self.display != "auto":
            return self.display == "dashboard"
        if self.format_ is not None or self.finals or self.output is not None:
            return False
        # Late: rows need none of what draws, which takes some hundredths of a second to load.
        from ser_live.outputs.dashboard.live import can_draw
        from ser_live.terminal.console import HonestConsole

        return can_draw(HonestConsole())

    def _nothing(self) -> Sink:
        """A display that says what went wrong, and nothing else."""
        from ser_live.outputs.standard_output import Lines

        return Lines(prints=False, is_quiet=True, name="standard error")

    def _rows(self, labels: Sequence[str], stream: TextIO | None, *, tells: bool) -> Sink | None:
        if stream is None and not tells:
            return None
        from ser_live.outputs.standard_output import Lines

        fields: Sequence[str] = ()
        if self.format_ == "csv":
            from ser_live.records.csv_rows import emotion_fields

            fields = emotion_fields(labels)
        return Lines(
            as_json=self.format_ == "jsonl",
            csv_fields=fields,
            finals=self.finals,
            is_quiet=self.is_quiet,
            tells=tells,
            stream=stream,
            name="standard output" if self.output is None else printable(str(self.output)),
        )
