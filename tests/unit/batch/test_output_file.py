"""Files of rows that are gone on with: what is kept, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ser_live.batch.output_file import Done, OutputFile
from ser_live.errors import UsageError

OPTIONS: dict[str, Any] = {"--unit": "file", "settings": {"vad": {"confirm": "auto"}}}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "in").mkdir()
    paths = [tmp_path / "in" / name for name in "abcd"]
    for path in paths:
        path.write_text(path.name)
    return paths


def opened(files: list[Path], *, resumes: bool = True, **options: Any) -> OutputFile:
    return OutputFile(
        files[0].parent.parent / "rows.csv",
        files,
        {**OPTIONS, **options},
        header="name\n",
        resumes=resumes,
    )


def begun(files: list[Path]) -> Path:
    """A run that was broken off after two files, with the fourth done out of turn."""
    with opened(files) as rows:
        rows.add(Done("", "no sound"))
        rows.add(Done("b\n", None))
        rows.keep(3, Done("d\n", None))
    return rows.path


def test_a_run_is_gone_on_with(files: list[Path]) -> None:
    """Rows, failures and what was done out of turn are known again."""
    path = begun(files)
    with path.open("a") as torn:
        torn.write("c, but not whole")
    with opened(files) as rows:
        assert rows.n_done == 2
        assert rows.errors == [(str(files[0]), "no sound")]
        assert rows.early(2) is None
        rows.add(Done("c\n", None))
        early = rows.early(3)
        assert early is not None
        rows.add(early)
        rows.finish(True)
    assert path.read_text() == "name\nb\nc\nd\n"
    assert [p.name for p in path.parent.iterdir() if p.is_file()] == ["rows.csv"]


@pytest.mark.parametrize("n_bytes", range(0, 700, 23))
def test_a_journal_that_was_cut_anywhere_leads_to_the_same_rows(
    n_bytes: int, files: list[Path]
) -> None:
    """What it does not tell of any more is done again."""
    path = begun(files)
    journal = path.with_name("rows.csv.unfinished")
    journal.write_bytes(journal.read_bytes()[:n_bytes])
    texts = ["", "b\n", "c\n", "d\n"]
    with opened(files) as rows:
        while rows.n_done < 4:
            rows.add(rows.early(rows.n_done) or Done(texts[rows.n_done], None))
        rows.finish(True)
    assert path.read_text() == "name\nb\nc\nd\n"


def test_rows_that_never_reached_the_disk_are_made_again(files: list[Path]) -> None:
    """A journal that tells of more than is there is believed as far as it is true."""
    path = begun(files)
    path.write_text("na")
    with opened(files) as rows:
        assert rows.n_done == 1
        rows.add(Done("b\n", None))
    assert path.read_text() == "name\nb\n"


def test_a_journal_without_its_rows_begins_anew(files: list[Path]) -> None:
    """A process that was killed between making the two, or rows that somebody removed."""
    path = begun(files)
    path.unlink()
    with opened(files) as rows:
        assert rows.n_done == 1  # of the first one there were none
        rows.add(Done("b\n", None))
    assert path.read_text() == "name\nb\n"


def test_other_options_are_refused(files: list[Path]) -> None:
    """The sentence names what differs, also deep in the settings."""
    begun(files)
    with pytest.raises(UsageError, match=r"was begun with --unit file and not utterance, but"):
        opened(files, **{"--unit": "utterance"})
    with pytest.raises(UsageError, match=r"was begun with confirm auto and not off, but"):
        opened(files, settings={"vad": {"confirm": "off"}})


def test_other_files_are_refused(files: list[Path]) -> None:
    """A file that comes before those that are done, or one that changed, would mix two runs."""
    path = begun(files)
    before = path.read_bytes()
    first = files[0].with_name("0")
    first.write_text("0")
    with pytest.raises(UsageError, match=r"was begun with other files \(.*a as number 1\)"):
        opened([first, *files])
    files[1].write_text("another one")
    with pytest.raises(UsageError, match="changed since"):
        opened(files)
    assert path.read_bytes() == before


def test_a_file_that_is_there_is_not_written_over(files: list[Path]) -> None:
    """Neither one that is whole nor one that is not."""
    path = begun(files)
    with pytest.raises(UsageError, match="go on with it by --resume, or name another"):
        opened(files, resumes=False)
    rows = path.read_bytes()
    path.with_name("rows.csv.unfinished").unlink()
    with pytest.raises(UsageError, match=r"exists already, but .*: name another file"):
        opened(files, resumes=False)
    assert opened(files).is_finished
    assert path.read_bytes() == rows


def test_a_damaged_journal_is_refused(files: list[Path]) -> None:
    """Whatever stands in it, it is one sentence."""
    path = begun(files)
    journal = path.with_name("rows.csv.unfinished")
    for line in (b"[]\n", b"nonsense\n", b'{"error":1}\n', b'{"options":3}\n', b"[" * 9999 + b"\n"):
        journal.write_bytes(line)
        with pytest.raises(UsageError, match="is damaged, but tells where"):
            opened(files)


def test_a_run_of_failures_leaves_no_file(files: list[Path]) -> None:
    """There is nothing that a reader could take for a result."""
    with opened(files) as rows:
        for _ in files:
            rows.add(Done("", "no sound"))
        rows.finish(False)
    assert [p for p in rows.path.parent.iterdir() if p.is_file()] == []
