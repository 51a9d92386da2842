"""Lists and tables that lie in temporary files: the same as in memory, in little of it."""

from __future__ import annotations

import sqlite3
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from ser_live.errors import OutputError
from ser_live.records.long_list import LongList
from ser_live.records.scratch import Scratch, key_text, text_key

NUMBERS = [0, 1, 499, 500, 501, 2_499]


@pytest.mark.parametrize("n_items", NUMBERS)
def test_a_long_list_is_a_list(n_items: int) -> None:
    """Whatever lies in the file comes back in its order, from both ends and in pieces."""
    plain = [(Path(f"folder/{n}.wav"), n) for n in range(n_items)]
    long = LongList(plain)
    assert list(long) == plain
    assert long == plain
    assert long[n_items // 3 :] == plain[n_items // 3 :]
    assert long[-7:3:-2] == plain[-7:3:-2]
    assert [long[n] for n in reversed(range(n_items))] == plain[::-1]
    long.append((Path("last"), -1))
    assert long[-1] == (Path("last"), -1)
    assert long != plain
    with pytest.raises(IndexError, match="is beyond"):
        long[n_items + 1]


def test_a_long_list_takes_little_memory() -> None:
    """Ten thousand or fifty thousand members take the same, to a tenth of what they would."""
    held = []
    for n_items in (10_000, 50_000):
        tracemalloc.start()
        long = LongList(f"a recording with a long name, such as number {n}" for n in range(n_items))
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert len(long) == n_items
    assert held[1] - held[0] < 40_000 * 10


def test_a_full_folder_for_temporary_files_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the folder and the way out."""

    def full(*_: object, **__: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(OutputError, match=r"\(no space left on device\).* by TMPDIR\.$"):
        LongList(range(1_000))


def test_what_sqlite_has_no_room_for_is_the_same_sentence() -> None:
    """Also where the trouble comes while rows are read."""
    with Scratch("CREATE TABLE t (x)") as scratch:
        scratch.run_each("INSERT INTO t VALUES (?)", ((n,) for n in range(5)))
        assert scratch.first("SELECT SUM(x) FROM t") == (10,)
        scratch.run("PRAGMA max_page_count = 2")
        with pytest.raises(OutputError, match="make room, or name another one by TMPDIR"):
            scratch.run("INSERT INTO t VALUES (zeroblob(100000))")


def test_texts_sort_as_their_bytes_do() -> None:
    """Names that are no text, too."""
    names = ["a/b", "a b", "ä", "\udce9", "\ud7ff", "\U0001f600", "", "Z"]
    assert [key_text(key) for key in sorted(map(text_key, names))] == sorted(names)


def test_rows_that_nobody_reads_to_their_end_bear_the_end_of_their_tables() -> None:
    """A run that ends in the middle of its plan leaves such."""
    scratch = Scratch("CREATE TABLE t (x)")
    scratch.run_each("INSERT INTO t VALUES (?)", ((n,) for n in range(5)))
    rows = scratch.rows("SELECT x FROM t")
    assert next(rows) == (0,)
    scratch.close()
    rows.close()  # type: ignore[attr-defined]
    with pytest.raises(sqlite3.ProgrammingError):
        scratch.run("SELECT 1")
