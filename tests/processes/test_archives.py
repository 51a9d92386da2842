"""Archives through the program: killed at any time, shared out, merged to the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch_trial import command, folder_of, undisturbed, with_killed_workers

import ser_live

pytest.importorskip("pyarrow", reason="archives need the extra parquet")

N_FILES = 8
on_posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings, one of them none; work for longer than a test waits to end it."""
    demo = Path(ser_live.__file__).parent / "demo.ogg"
    folder = folder_of(demo, tmp_path_factory.mktemp("archive") / "calls", N_FILES)
    (folder / "03.txt.wav").write_bytes(b"no recording")
    return folder


@pytest.fixture(scope="module")
def whole(calls: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Rows and recordings of an undisturbed run in one process."""
    target = tmp_path_factory.mktemp("whole") / "rows.parquet"
    ended = undisturbed(command(calls, "--out", target))
    assert ended.code == 1
    assert f"1 of {N_FILES + 1} files could not be analyzed" in ended.stderr
    return bytes_of(target)


def bytes_of(target: Path) -> tuple[bytes, bytes]:
    """Both files that an archive becomes."""
    return target.read_bytes(), target.with_name("rows.files.parquet").read_bytes()


def merged(parts: Path, target: Path) -> tuple[bytes, bytes]:
    """What `ser-live merge` makes of parts."""
    subprocess.run(
        [sys.executable, "-m", "ser_live", "merge", str(parts), "-o", str(target)],
        capture_output=True,
        check=False,
    )
    return bytes_of(target)


@on_posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_archive_goes_on_after_any_end(
    calls: Path, whole: tuple[bytes, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    target = tmp_path / "rows.parquet"
    arguments = command(calls, "--out", target)
    manifest = tmp_path / "rows.parquet.parts" / "manifest-1-of-1.jsonl"
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not manifest.exists():
            time.sleep(0.01)
        time.sleep(random.Random(number).uniform(0.0, 0.6))
        process.send_signal(number)
        process.communicate()
    assert not target.exists()
    assert undisturbed(arguments).code == 1
    assert bytes_of(target) == whole


@on_linux
def test_killed_workers_cost_nothing(
    calls: Path, whole: tuple[bytes, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "rows.parquet"
    with_killed_workers(command(calls, "--out", target, "-j", 2), 2, random.Random(5))
    assert bytes_of(target) == whole


def test_shards_of_several_machines_merge_to_the_same_bytes(
    calls: Path, whole: tuple[bytes, bytes], tmp_path: Path
) -> None:
    for number in (1, 2, 3):
        ended = undisturbed(command(calls, "--out", tmp_path / "parts", "--shard", f"{number}/3"))
        assert ended.code in (0, 1), ended.stderr
    assert merged(tmp_path / "parts", tmp_path / "rows.parquet") == whole


def test_options_that_do_not_go_together_are_one_sentence(calls: Path, tmp_path: Path) -> None:
    for options, said in (
        (("--shard", "1/2"), "it needs an archive: add --out"),
        (("--out", tmp_path / "a.xlsx"), "rows go into a .parquet or .csv file"),
        (("--out", tmp_path / "a.parquet", "--shard", "1/2"), "each shard writes parts"),
        (("--out", tmp_path / "a", "-f", "csv"), "an archive has its own form"),
    ):
        ended = undisturbed(command(calls, *options))
        assert ended.code == 2
        assert said in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
