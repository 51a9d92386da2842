"""Rows in a file that an interrupted run leaves so that another one can go on with it.

As long as a run is not finished, a second file lies beside the rows, with ``.unfinished`` behind
its name: the options, and for each file that is done how far its rows reach. Rows are in the order
of the files, so what other processes finished too early is kept there, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ser_live.errors import OutputError, UsageError
from ser_live.records.private_files import create_private_file
from ser_live.remote import Location

_SUFFIX = ".unfinished"
_MAX_JOURNAL_BYTES = 1 << 30


@dataclass(frozen=True)
class Done:
    """Rows of one file as text, and why it could not be analyzed to its end."""

    text: str
    error: str | None


@dataclass
class _State:
    """Contents of a journal."""

    n_done: int = 0
    end: int = 0
    """Bytes of rows of the files that are done."""
    errors: list[tuple[str, str]] = field(default_factory=list)
    early: dict[int, Done] = field(default_factory=dict)
    """Rows that were done out of turn, by the number of their file."""


class OutputFile:
    """Rows of a run in a file, and beside it how far the run has come.

    Parameters
    ----------
    path : Path
    files : sequence of Path or RemotePath
        Everything that is to be analyzed, in order.
    options : mapping
        What the rows hang on; a run is only gone on with under the same.
    header : str
        Lines before the first row.
    resumes : bool
        Go on with a run that was interrupted, where there is one.

    Raises
    ------
    UsageError
        The file exists and is not to be gone on with, or cannot be.
    OutputError
        It cannot be written.
    """

    going_on = "; --resume goes on with the others"
    """Half a sentence for someone who interrupts the run."""
    said = ""
    """Sentence about where the rows are, when all are there."""

    def __init__(
        self,
        path: Path,
        files: Sequence[Location],
        options: Mapping[str, object],
        *,
        header: str,
        resumes: bool,
    ) -> None:
        self.path = path
        self._header = header
        self._files = files
        self._options = json.loads(json.dumps(options, default=str))
        self._journal_path = path.with_name(path.name + _SUFFIX)
        self._state = _State()
        self._next_number = 0
        is_begun = self._journal_path.exists()
        if not resumes and (is_begun or path.exists()):
            raise UsageError(
                f"{path} exists already, but rows of another run would be lost in it: "
                f"{'go on with it by --resume, or ' if is_begun else ''}name another file."
            )
        self.is_finished = resumes and path.exists() and not is_begun
        """There is nothing to go on with, for the run came to its end."""
        if self.is_finished:
            return
        try:
            self._rows, self._journal = self._reopened() if is_begun else self._created()
        except OSError as error:
            raise self._refusal(error) from error
        self._next_number = self._state.n_done

    @property
    def n_done(self) -> int:
        """Files whose rows are in place."""
        return self._next_number

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Files that could not be analyzed before, with the reason."""
        return list(self._state.errors)

    def early(self, number: int) -> Done | None:
        """Rows of a file that were done before, out of turn."""
        return self._state.early.get(number)

    def add(self, done: Done) -> None:
        """Put the rows of the next file in place."""
        number, self._next_number = self._next_number, self._next_number + 1
        text = done.text if self._state.end or not done.text else self._header + done.text
        data = text.encode("utf-8", "backslashreplace")
        self._state.end += len(data)
        record = {**self._named(number), "end": self._state.end, "error": done.error}
        try:
            # The rows first: what the journal does not know of is cut off again.
            self._rows.write(data)
            self._rows.flush()
            self._note(record)
        except OSError as error:
            raise self._refusal(error) from error

    def keep(self, number: int, done: Done) -> None:
        """Keep the rows of a file that is done out of turn for the run that goes on."""
        with suppress(OSError):
            self._note({**self._named(number), "text": done.text, "error": done.error})

    def finish(self, has_good: bool) -> None:
        """End the run: the rows are whole, and what helped to go on is removed.

        Parameters
        ----------
        has_good : bool
            Whether a file could be analyzed: only then is a header without rows true.
        """
        is_empty = self._state.end == 0
        try:
            if is_empty and has_good:
                self._rows.write(self._header.encode())
            self._rows.close()
        except OSError as error:
            raise self._refusal(error) from error
        self._journal.close()
        with suppress(OSError):
            if is_empty and not has_good:
                self.path.unlink()  # a start that failed leaves nothing
            self._journal_path.unlink()

    def __enter__(self) -> OutputFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.is_finished:
            for file in (self._rows, self._journal):
                with suppress(OSError):
                    file.close()

    def _created(self) -> tuple[IO[bytes], IO[bytes]]:
        # The journal first: rows without one would be taken for those of a run that is finished.
        self._journal = os.fdopen(create_private_file(self._journal_path), "wb")
        self._note({"options": self._options})
        return os.fdopen(create_private_file(self.path), "wb"), self._journal

    def _reopened(self) -> tuple[IO[bytes], IO[bytes]]:
        if not self.path.exists():  # then nothing that the journal tells of is there
            os.close(create_private_file(self.path))
        rows = self.path.open("r+b")
        try:
            good = self._read(self.path.stat().st_size)
            rows.truncate(self._state.end)
            rows.seek(self._state.end)
            journal = self._journal_path.open("r+b")
            journal.truncate(good)
            journal.seek(good)
        except BaseException:
            rows.close()
            raise
        if good == 0:  # it was ended before its first line
            journal.write(_line({"options": self._options}))
        return rows, journal

    def _read(self, n_bytes: int) -> int:
        """Take in the journal, as far as it is whole; the bytes that are good."""
        if self._journal_path.stat().st_size > _MAX_JOURNAL_BYTES:
            raise self._unreadable()
        good = 0
        with self._journal_path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    is_good = self._take(json.loads(line), n_bytes)
                except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                    raise self._unreadable() from error
                if not is_good:
                    break
                good += len(line)
        return good

    def _take(self, record: dict[str, Any], n_bytes: int) -> bool:
        """Take in one line; False where the rows that it tells of never reached the disk."""
        if "options" in record:
            self._compare(record["options"])
            return True
        error = None if record["error"] is None else str(record["error"])
        number = int(record["number"])
        if not 0 <= number < len(self._files) or record["file"] != str(self._files[number]):
            raise UsageError(
                f"{self.path} was begun with other files ({record['file']} as number "
                f"{number + 1}), but the same ones are needed to go on: name another file."
            )
        if any(record.get(name) != value for name, value in self._named(number).items()):
            raise UsageError(
                f"{record['file']} changed since {self.path} was begun, but one run is of files as "
                "they are: name another file and begin again."
            )
        if "text" in record:
            self._state.early[number] = Done(str(record["text"]), error)
            return True
        if int(record["end"]) > n_bytes or number != self._state.n_done:
            return False
        self._state.n_done += 1
        self._state.end = int(record["end"])
        if error is not None:
            self._state.errors.append((str(record["file"]), error))
        return True

    def _compare(self, options: dict[str, Any]) -> None:
        for name in (*options, *self._options):
            before, now = options.get(name), self._options.get(name)
            if before != now:
                raise UsageError(
                    f"{self.path} was begun with {_said(name, before, now)}, but a run is gone on "
                    "with under the same options alone: give these, or name another file."
                )

    def _named(self, number: int) -> dict[str, object]:
        path = self._files[number]
        record: dict[str, object] = {"number": number, "file": str(path)}
        with suppress(OSError, ValueError):
            status = path.stat()
            record |= {"n_bytes": status.st_size, "changed_ns": status.st_mtime_ns}
        return record

    def _note(self, record: Mapping[str, object]) -> None:
        self._journal.write(_line(record))
        self._journal.flush()

    def _unreadable(self) -> UsageError:
        return UsageError(
            f"{self._journal_path} is damaged, but tells where a run is gone on with: remove it "
            f"and {self.path.name}, and begin again."
        )

    def _refusal(self, error: OSError) -> OutputError:
        cause = str(error.strerror or error).lower()
        return OutputError(
            f"{self.path} cannot be written ({cause}): make room or choose another place, "
            "and go on with --resume."
        )


def _line(record: Mapping[str, object]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _said(name: str, before: object, now: object) -> str:
    """The difference in an option, or in a group of them."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in (*before, *now):
            if before.get(key) != now.get(key):
                return _said(key, before.get(key), now.get(key))
    return f"{name} {before} and not {now}"
