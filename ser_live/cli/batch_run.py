"""The run of ``analyze`` and ``features`` over their files: rows out as they are done, any end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, overload

import click

from ser_live.batch.output_file import Done, OutputFile
from ser_live.cli.batch_bar import BatchBar
from ser_live.cli.batch_notes import BatchNotes
from ser_live.cli.ending import BatchEnding, say
from ser_live.cli.given_path import GivenPath
from ser_live.cli.options import Command, taking
from ser_live.cli.rows import Form
from ser_live.errors import UsageError, WorkersLostError
from ser_live.process.ending_signals import EndedBySignal
from ser_live.records.long_list import LongList
from ser_live.remote import Location

if TYPE_CHECKING:
    from ser_live.archive.cluster.batch import ClusterBatch
    from ser_live.archive.rows import ArchiveRows
    from ser_live.batch.folders import Found
    from ser_live.batch.workers import Batch, Job
    from ser_live.events import Record


class _Result(Protocol):
    @property
    def file(self) -> str: ...
    @property
    def error(self) -> str | None: ...


R = TypeVar("R", bound=_Result)


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Values of the options that both commands have."""

    jobs: int
    output: Path | None
    resume: bool
    verbose: bool
    quiet: bool

    def check(self, format_: str) -> None:
        """Refuse what does not go together.

        Raises
        ------
        UsageError
            ``--resume`` without a file, a file of rows that programs cannot read, or both quiet
            and verbose.
        """
        if self.quiet and self.verbose:
            raise UsageError("Found both --quiet and --verbose, but they disagree: leave one out.")
        if self.resume and self.output is None:
            raise UsageError(
                "Found --resume, but it needs the file to go on with: add --output FILE."
            )
        if self.output is not None and format_ == "table":
            raise UsageError(
                "Found --output with the format table, but csv or jsonl is needed to go on with a "
                "file: add --format csv."
            )


def batch_options(command: Command) -> Command:
    """Add ``--jobs``, ``--output``, ``--resume``, ``-v`` and ``-q``, one argument: `options`."""
    command = taking(BatchOptions, command)
    for option in reversed(
        [
            click.option(
                "-j",
                "--jobs",
                type=click.IntRange(min=0),
                default=1,
                show_default=True,
                metavar="N",
                help="Processes that work side by side; 0 takes one for each core.",
            ),
            click.option(
                "-o",
                "--output",
                type=click.Path(path_type=Path, dir_okay=False),
                default=None,
                metavar="FILE",
                help="Write the rows to this new file; without it they are printed.",
            ),
            click.option(
                "--resume",
                is_flag=True,
                help="Go on where --output was interrupted.",
            ),
            click.option(
                "-v",
                "--verbose",
                is_flag=True,
                help="Name what was left out of folders, and say each note.",
            ),
            click.option(
                "-q", "--quiet", is_flag=True, help="No progress; say only what went wrong."
            ),
        ]
    ):
        command = option(command)
    return command


def paths_argument(command: Command) -> Command:
    """Add ``PATH...``."""
    return click.argument("paths", nargs=-1, required=True, type=GivenPath(), metavar="PATH...")(
        command
    )


def crashed(how: str) -> str:
    """One sentence about a file that the analyzer did not survive."""
    return (
        f"failed: crashed the analyzer ({how}), which should bear any recording: leave it out, and "
        "report it."
    )


def _no_notes(_: object) -> Sequence[str]:
    return ()


@dataclass(frozen=True, kw_only=True)
class BatchRun(Generic[R]):
    """A run over files, from the first to any kind of end."""

    found: Found
    work: Callable[[Location], R]
    """Makes the result of one file."""
    on_crash: Callable[[str, str], R]
    """Makes the result of a file that has none, from its name and a sentence."""
    rows_of: Callable[[R], Sequence[Record]]
    form: Form
    options: BatchOptions
    what: str
    """Activity that the progress bar names."""
    notes_of: Callable[[R], Sequence[str]] = _no_notes
    """Sentences that people should know about a file that was read."""
    hangs_on: Mapping[str, object]
    """Options that the rows hang on; another run is only gone on with under the same."""
    place: Callable[[], ArchiveRows] | None = None
    """Opens where the rows go, if neither to standard output nor into a file of text."""

    batch: Callable[[Job[R]], Batch[R] | ClusterBatch[R]] | None = None
    """Makes what works on the files, if not processes of this machine."""

    def run(self) -> int:
        """Print or write all rows, then what failed and what was left out; the exit code."""
        rows = self._rows()
        if isinstance(rows, OutputFile) and rows.is_finished:
            say(f"ser-live: {rows.path} is finished: there is nothing to go on with.")
            return 0
        failures = LongList([*self.found.unreadable])
        failures.extend(rows.errors)
        n_files = len(self.found.files)
        notes = BatchNotes(n_files, says_each=self.options.verbose, say=say)
        with BatchEnding() as ending:
            try:
                with rows, BatchBar(n_files, self.what, is_wanted=not self.options.quiet) as bar:
                    self._run(rows, bar, ending, failures, notes)
                    # A header alone says that nothing was found where something was heard.
                    rows.finish(n_files > len(failures) - len(self.found.unreadable))
                if rows.said and not self.options.quiet:
                    say(f"ser-live: {rows.said}")
            except OSError as error:
                if ending.received:  # a window that closes takes its terminal along
                    raise EndedBySignal(ending.received[0]) from error
                raise
            except KeyboardInterrupt:
                say(f"ser-live: {rows.n_done} of {n_files} files are done{rows.going_on}.")
                raise
            finally:
                notes.report()
                self._report(failures)
        return 1 if failures else 0

    def _rows(self) -> _Printed | OutputFile | ArchiveRows:
        if self.place is not None:
            return self.place()
        if self.options.output is None:
            return _Printed(self.form.header)
        return OutputFile(
            self.options.output,
            self.found.files,
            self.hangs_on,
            header=self.form.header,
            resumes=self.options.resume,
        )

    def _run(
        self,
        rows: _Printed | OutputFile | ArchiveRows,
        bar: BatchBar,
        ending: BatchEnding,
        failures: LongList[tuple[str, str]],
        notes: BatchNotes,
    ) -> None:
        from ser_live.batch.workers import Batch, Job

        files = self.found.files
        numbers = LongList(n for n in range(rows.n_done, len(files)) if rows.early(n) is None)
        begin = self.batch or partial(Batch, n_jobs=self.options.jobs)
        batch = begin(
            Job(
                work=self.work,
                paths=_Chosen(files, numbers),
                on_crash=lambda path, how: self.on_crash(str(path), crashed(how)),
                interruptible=ending.interruptible,
            )
        )
        with batch:
            results = iter(batch)
            try:
                while (number := rows.n_done) < len(files):
                    bar.advance(number)
                    done = rows.early(number) or self._done(next(results), bar, notes)
                    with bar.aside():
                        rows.add(done)
                    _note(failures, files[number], done)
            except (KeyboardInterrupt, WorkersLostError):
                for position, result in batch.finished().items():
                    number, done = numbers[position], self._done(result, bar, notes)
                    with bar.aside():
                        rows.keep(number, done)
                    _note(failures, files[number], done)
                raise

    def _done(self, result: R, bar: BatchBar, notes: BatchNotes) -> Done:
        if found := self.notes_of(result):
            with bar.aside():
                notes.add(result.file, found)
        return Done(self.form.text(self.rows_of(result)), result.error)

    def _report(self, failures: Sequence[tuple[str, str]]) -> None:
        """Say on standard error which files failed, and what was left out of folders."""
        from ser_live.batch.folders import in_words

        n_asked = len(self.found.files) + len(self.found.unreadable)
        if failures:
            say(f"ser-live: {len(failures)} of {n_asked} files could not be analyzed:")
        for file, message in failures:
            say(f"  {with_path(file, message)}")
        left_out = self.found.left_out
        if left_out and not self.options.quiet:
            hint = "" if self.options.verbose else " (-v names them)"
            say(f"ser-live: left out {in_words(left_out)}{hint}.")
        if self.options.verbose:
            for path, why in left_out:
                say(f"  {path}: {why.value[0]}")


def with_path(file: str, sentence: str) -> str:
    """A sentence about a file with the whole path, once."""
    path, name = Path(file), os.fsencode(Path(file).name).decode(errors="replace")
    if str(path) in sentence or file in sentence:  # a path drops a slash of an address
        return sentence
    if name and name in sentence:
        return sentence.replace(name, file, 1)
    return f"{file}: {sentence}"


class _Chosen(Sequence[Location]):
    """Files of a run that are still to be worked on, by their numbers among all."""

    def __init__(self, files: Sequence[Location], numbers: Sequence[int]) -> None:
        self._files = files
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> Location: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Location]: ...
    def __getitem__(self, place: int | slice) -> Location | Sequence[Location]:
        if isinstance(place, slice):
            return [self._files[n] for n in self._numbers[place]]
        return self._files[self._numbers[place]]


def _note(failures: LongList[tuple[str, str]], path: Location, done: Done) -> None:
    if done.error is not None:
        failures.append((str(path), done.error))


class _Printed:
    """Rows on standard output, each as soon as it is known."""

    going_on = ""
    said = ""

    def __init__(self, header: str) -> None:
        self._header = header
        self.n_done = 0
        self.errors: tuple[tuple[str, str], ...] = ()

    def __enter__(self) -> _Printed:
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing: standard output is the program's."""

    def early(self, number: int) -> None:
        """Nothing is known from before."""

    def add(self, done: Done) -> None:
        self.n_done += 1
        self._print(done.text)

    def keep(self, number: int, done: Done) -> None:
        """Print the rows of a file that is done before its turn, which will not come."""
        self.add(done)

    def finish(self, has_good: bool) -> None:
        if has_good:
            self._print_with_header("")

    def _print(self, text: str) -> None:
        if text:
            self._print_with_header(text)

    def _print_with_header(self, text: str) -> None:
        """Print rows; the header waits for the first: a start that fails prints none."""
        text, self._header = self._header + text, ""
        click.echo(text, nl=False)
