"""Work on files in other processes: order, crashes, limits."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import crashing_work
import pytest

from ser_live.batch import workers
from ser_live.batch.workers import Batch, Job


def results(names: list[str], n_jobs: int, folder: Path = Path()) -> list[str]:
    paths = [folder / name for name in names]
    with Batch(
        Job(work=crashing_work.work, paths=paths, on_crash=lambda path, how: f"{path.name}!{how}"),
        n_jobs,
    ) as batch:
        return list(batch)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_results_come_in_the_order_of_the_files(n_jobs: int) -> None:
    """A file that takes long holds back the others, and none is lost or given twice."""
    names = ["late-1", *map(str, range(100)), "late-2"]
    assert results(names, n_jobs) == names


@pytest.mark.skipif(os.name == "nt", reason="ends of processes as POSIX has them")
def test_a_crash_costs_one_file() -> None:
    """Each kind of end is told of its file alone, in its place."""
    names = ["a", "killed-1", "b", "aborted-1", "left-1", "c", "raised-1", "d"]
    assert results(names, 2) == [
        *("a", "killed-1!ended by SIGKILL", "b", "aborted-1!ended by SIGABRT"),
        *("left-1!ended with exit code 7", "c", "raised-1!ZeroDivisionError: a defect", "d"),
    ]


@pytest.mark.skipif(os.name == "nt", reason="ends of processes as POSIX has them")
def test_a_file_whose_process_was_killed_is_tried_again(tmp_path: Path) -> None:
    """A process that ends for another reason than its file costs nothing."""
    names = ["a", "once-1", "b", "once-2"]
    assert results(names, 2, tmp_path) == names


def test_an_exception_costs_one_file_in_this_process_too() -> None:
    """With one job a defect is told of its file, and the next ones are worked on."""
    assert results(["a", "raised-1", "b"], 1) == ["a", "raised-1!ZeroDivisionError: a defect", "b"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_missing_library_ends_the_batch(n_jobs: int) -> None:
    """What no file can help is not told of each of them."""
    with pytest.raises(ImportError, match="a library"):
        results(["a", "lacking-1", "b"], n_jobs)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is one of Linux")
def test_the_second_try_has_little_memory(tmp_path: Path) -> None:
    """A file that ate the machine's memory gets a limit, and is given up there."""
    assert results(["a", "hungry-1", "b"], 2, tmp_path) == ["a", "hungry-1!MemoryError: ", "b"]


@pytest.mark.skipif(os.name == "nt", reason="ends of processes as POSIX has them")
def test_the_second_try_has_little_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that hangs when it is tried again is given up, and the others are there."""
    monkeypatch.setattr(workers, "RETRY_S", 3.0)
    assert results(["a", "hung-1", "b"], 2, tmp_path) == [
        *("a", "hung-1!it took too long when tried again", "b")
    ]


def test_what_is_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files wait behind a slow one, few results are held."""
    monkeypatch.setattr(workers, "MOST_AHEAD", 5)
    paths = [Path(name) for name in ["late-1", *map(str, range(50))]]
    with Batch(
        Job(work=crashing_work.work, paths=paths, on_crash=lambda path, how: how), 2
    ) as batch:
        held = [len(batch.finished()) for _ in batch]
    assert 1 < max(held) < 5


def test_what_was_done_out_of_turn_is_known() -> None:
    """Where an iteration is broken off, the results behind an unfinished file are there."""
    paths = [Path(name) for name in ["a", "late-1", *map(str, range(8))]]
    with Batch(
        Job(work=crashing_work.work, paths=paths, on_crash=lambda path, how: how), 2
    ) as batch:
        assert next(iter(batch)) == "a"
        while len(batch.finished()) < 1:  # the slow one may be there as well
            batch._wait()
        assert all(paths[n].name == name for n, name in batch.finished().items())
