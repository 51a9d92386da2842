"""Rows of a run that go into the parts of an archive, and in the end into one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from ser_live.archive.merge import merge
from ser_live.archive.parts import Heard, Parts, remove_parts
from ser_live.archive.plan import WHOLE, Shard, Source, grouped
from ser_live.archive.table import Form
from ser_live.batch.output_file import Done
from ser_live.errors import UsageError
from ser_live.events import Record
from ser_live.records.exports.parquet_table import pyarrow
from ser_live.records.json_line import json_line

PARTS_SUFFIX = ".parts"
FILE_SUFFIXES = (".parquet", ".csv")


class JsonForm:
    """Form of rows between the work and its part."""

    header = ""

    def text(self, records: Sequence[Mapping[str, object]]) -> str:
        """Lines of JSON; the last one is the recording's own."""
        return "".join(f"{json_line(record)}\n" for record in records)


class ArchiveRows:
    """Place of rows that outlives any end: what is in a part is not worked on again.

    Parameters
    ----------
    target : Path
        File of rows (``.parquet``, ``.csv``), or the folder of parts.
    files : sequence of Path
        Everything that is to be analyzed, in order.
    form : Form
    shard : Shard
        Which of the files are whose.
    overwrites : bool
        Whether what is there may be lost.

    Raises
    ------
    UsageError
        The target is there, is of another kind, or of another run.
    OutputError
        It cannot be written.
    """

    is_finished = False
    said = ""
    going_on = "; the same command goes on with the others"

    def __init__(
        self,
        target: Path,
        files: Sequence[Path],
        form: Form,
        *,
        shard: Shard = WHOLE,
        overwrites: bool = False,
    ) -> None:
        pyarrow()
        self.path = target
        self._form = form
        self._overwrites = overwrites
        self._is_file = is_file_of_rows(target)
        folder = target.with_name(target.name + PARTS_SUFFIX) if self._is_file else target
        if self._is_file and shard != WHOLE:
            raise UsageError(
                f"Found --shard with the file {target}, but each shard writes parts: give the "
                "folder for all of them by --out, and join them by `ser-live merge`."
            )
        if self._is_file and target.exists() and not overwrites and not folder.exists():
            raise UsageError(
                f"{target} exists already and would be replaced: add --overwrite, or name another "
                "file."
            )
        if not self._is_file and target.exists() and not target.is_dir():
            raise UsageError(f"{target} is a file, but parts need a folder: name another one.")
        self._sources = [Source.of(path) for path in files]
        self._parts = Parts(
            folder, form, shard, begins_anew=overwrites and not (self._is_file and folder.exists())
        )
        before = self._parts.done()
        self._before = {
            number: before[source.file]
            for number, source in enumerate(self._sources)
            if source.file in before and before[source.file].source == source
        }
        self._ends = {group[-1] for group in grouped(self._sources)}
        self._heard: list[Heard] = []
        self._rows: list[Record] = []
        self.n_done = 0
        self.n_before = len(self._before)
        """Recordings that earlier runs were done with."""

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Files that could not be analyzed before, with the reason."""
        return [
            (heard.source.file, heard.error)
            for heard in self._before.values()
            if heard.error is not None
        ]

    def early(self, number: int) -> Done | None:
        """Nothing to do for a file whose rows are in a part."""
        return Done("", None) if number in self._before else None

    def add(self, done: Done) -> None:
        """Take the rows of the next file; those of its neighbours become a part with them."""
        number, self.n_done = self.n_done, self.n_done + 1
        self._take(number, done)
        if number in self._ends:
            self._write()

    def keep(self, number: int, done: Done) -> None:
        """Take the rows of a file that is done out of turn."""
        self._take(number, done)

    def _take(self, number: int, done: Done) -> None:
        if number in self._before:
            return
        *rows, summary = [json.loads(line) for line in done.text.splitlines()] or [{}]
        self._heard.append(Heard.of(self._sources[number], rows, done.error, summary))
        self._rows.extend(rows)

    def _write(self) -> None:
        if self._heard:
            heard, self._heard = self._heard, []
            rows, self._rows = self._rows, []
            self._parts.add(heard, rows)

    def finish(self, has_good: bool) -> None:
        """Write the last part, and the one file of all rows where that is asked for."""
        self._write()
        if self._is_file:
            # Parts of files that are not among those asked for now stay out of it.
            asked = {source.file for source in self._sources}
            self.said = merge([self._parts.folder], self.path, only=asked).in_words
            remove_parts(self._parts.folder)
            self._parts.folder.rmdir()
        else:
            self.said = f"the parts are in {self.path}; `ser-live merge` joins them."

    def __enter__(self) -> ArchiveRows:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not isinstance(error, OSError):
                self._write()
        finally:
            self._parts.__exit__()


def is_file_of_rows(target: Path) -> bool:
    """Whether a target is one file of rows, by its name, and not a folder of parts.

    Raises
    ------
    UsageError
        Its name is that of a file of another kind.
    """
    suffix = target.suffix.lower()
    if suffix in FILE_SUFFIXES:
        return True
    if suffix and not target.is_dir():
        raise UsageError(
            f"Found --out {target}, but rows go into a .parquet or .csv file, or a folder of "
            "parts without a suffix: name one of these."
        )
    return False
