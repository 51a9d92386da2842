"""Rows of a run that go into the parts of an archive, and in the end into one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

from ser_live.archive.asked import Asked
from ser_live.archive.merge import merge
from ser_live.archive.parts import Heard, Parts, remove_parts
from ser_live.archive.plan import WHOLE, Shard
from ser_live.archive.table import Form
from ser_live.batch.output_file import Done
from ser_live.errors import UsageError
from ser_live.events import Record
from ser_live.records.exports.parquet_table import pyarrow
from ser_live.records.json_line import json_line
from ser_live.remote import Location, RemoteError, RemotePath

PARTS_SUFFIX = ".parts"
FILE_SUFFIXES = (".parquet", ".csv")

_NOTHING = Done("", None)


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
    target : Path or RemotePath
        File of rows (``.parquet``, ``.csv``), or the folder of parts.
    files : sequence of Path or RemotePath
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
        target: Location,
        files: Sequence[Location],
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
        refuse_read_only(target)
        try:
            _refuse_existing(target, folder, is_file=self._is_file, overwrites=overwrites)
        except RemoteError as error:
            raise _unreachable(target, error) from error
        self._asked = Asked.of(files)
        self._parts = Parts(
            folder,
            form,
            shard,
            begins_anew=overwrites and not (self._is_file and folder.exists()),
            on_told=self._asked.note,
        )
        self._ends = self._asked.ends()
        self._end = next(self._ends, -1)
        """Number of the last recording of the part that is being made."""
        self._heard: list[Heard] = []
        self._rows: list[Record] = []
        self.n_done = 0
        self.n_before = self._asked.n_done
        """Recordings that earlier runs were done with."""

    @property
    def errors(self) -> Iterable[tuple[str, str]]:
        """Files that could not be analyzed before, with the reason."""
        return self._asked.errors()

    def early(self, number: int) -> Done | None:
        """Nothing to do for a file whose rows are in a part."""
        return _NOTHING if self._asked.is_done(number) else None

    def add(self, done: Done) -> None:
        """Take the rows of the next file; those of its neighbours become a part with them."""
        number, self.n_done = self.n_done, self.n_done + 1
        self._take(number, done)
        if number == self._end:
            self._end = next(self._ends, -1)
            self._write()

    def keep(self, number: int, done: Done) -> None:
        """Take the rows of a file that is done out of turn."""
        self._take(number, done)

    def _take(self, number: int, done: Done) -> None:
        if self._asked.is_done(number):
            return
        *rows, summary = [json.loads(line) for line in done.text.splitlines()] or [{}]
        self._heard.append(Heard.of(self._asked.source(number), rows, done.error, summary))
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
            self.said = merge([self._parts.folder], self.path, only=self._asked).in_words
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
            self._asked.close()


def refuse_read_only(target: Location) -> None:
    """Refuse an address under which nothing can be written.

    Raises
    ------
    UsageError
        It is one.
    """
    if isinstance(target, RemotePath) and target.is_read_only:
        raise UsageError(
            f"{target} is an address of a web server, which can only be read from, but rows need a "
            "place: name a path, or an address such as s3://bucket/folder."
        )


def _refuse_existing(
    target: Location, folder: Location, *, is_file: bool, overwrites: bool
) -> None:
    if is_file and target.exists() and not overwrites and not folder.exists():
        raise UsageError(
            f"{target} exists already and would be replaced: add --overwrite, or name another file."
        )
    if not is_file and target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file, but parts need a folder: name another one.")


def _is_folder(target: Location) -> bool:
    try:
        return target.is_dir()
    except RemoteError as error:
        raise _unreachable(target, error) from error


def _unreachable(target: Location, error: RemoteError) -> UsageError:
    return UsageError(
        f"{target} cannot be written ({error.strerror}): check address, network and credentials."
    )


def is_file_of_rows(target: Location) -> bool:
    """Whether a target is one file of rows, by its name, and not a folder of parts.

    Raises
    ------
    UsageError
        Its name is that of a file of another kind.
    """
    suffix = target.suffix.lower()
    if suffix in FILE_SUFFIXES:
        return True
    if suffix and not _is_folder(target):
        raise UsageError(
            f"Found --out {target}, but rows go into a .parquet or .csv file, or a folder of "
            "parts without a suffix: name one of these."
        )
    return False
