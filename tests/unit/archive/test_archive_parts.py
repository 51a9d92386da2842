"""Parts of archives: whole or not there, found again, merged to the same bytes."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ser_live.archive.asked import Asked
from ser_live.archive.merge import merge
from ser_live.archive.parts import ABOUT, Heard, Parts
from ser_live.archive.plan import MOST_FILES_OF_A_PART, WHOLE, Shard, Source, grouped
from ser_live.archive.rows import ArchiveRows, JsonForm
from ser_live.archive.table import METADATA, Form
from ser_live.batch.output_file import Done
from ser_live.errors import OutputError, UsageError

pa = pytest.importorskip("pyarrow", reason="archives need the extra parquet")
import pyarrow.parquet as pq  # noqa: E402

LABELS = ("neutral", "happy")
FORM = Form(LABELS, {"--model": "one", "settings": {"vad": 2}})


def recordings(folder: Path, n_files: int) -> list[Path]:
    """Files of growing size; what is in them is never looked at here."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number:03d}.wav" for number in range(n_files)]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" * (number + 1))
    return paths


def done(path: Path, n_rows: int = 2, error: str | None = None) -> Done:
    """Rows as the work on a recording gives them to an archive."""
    rows: list[dict[str, Any]] = [
        {
            "type": "emotion",
            "id": number + 1,
            "start_s": float(number),
            "end_s": number + 0.5,
            "emotion": "happy",
            "state": "ok",
            "confidence": 0.75,
            "probabilities": {"neutral": 0.25, "happy": 0.75},
            "valence": 0.5,
            "speech_s": 0.4,
            "file": str(path),
            "stream": 1,
        }
        for number in range(n_rows)
    ]
    summary = {"type": "file", "duration_s": 3.0, "speech_s": 0.8, "n_utterances": n_rows}
    return Done(JsonForm().text([*rows, summary]), error)


def run(
    target: Path, paths: Sequence[Path], shard: Shard = WHOLE, n_files: int | None = None
) -> list[int]:
    """Add the rows of a run that ends after so many files; the numbers of the files worked on."""
    own = [path for path in paths if shard.holds(path)]
    worked = []
    with ArchiveRows(target, own, FORM, shard=shard) as rows:
        for number, path in enumerate(own[:n_files]):
            early = rows.early(number)
            if early is None:
                worked.append(number)
            rows.add(early or done(path, n_rows=number % 4))
        if n_files is None:
            rows.finish(has_good=True)
    return worked


def test_one_file_is_the_same_bytes_by_shards_and_after_ends(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 150)
    run(tmp_path / "whole", paths)
    for number in (1, 2, 3):
        shard = Shard(number, 3)
        run(tmp_path / "shards", paths, shard, n_files=5)
        run(tmp_path / "shards", paths, shard)
    # Shards hold other numbers of rows of a file here, so the same numbers are given.
    whole = merge([tmp_path / "whole"], tmp_path / "whole.parquet")
    assert whole.n_files == 150
    assert whole.n_rows == sum(number % 4 for number in range(150))
    again = merge([tmp_path / "whole"], tmp_path / "again.parquet")
    assert whole.path.read_bytes() == again.path.read_bytes()
    shards = merge([tmp_path / "shards"], tmp_path / "shards.parquet")
    assert shards.n_files == 150


def test_rows_hang_on_the_recording_alone_and_so_do_the_bytes(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 90)
    for name, shards in (("one", [WHOLE]), ("three", [Shard(n, 3) for n in (1, 2, 3)])):
        for shard in shards:
            own = [path for path in paths if shard.holds(path)]
            with ArchiveRows(tmp_path / name, own, FORM, shard=shard) as rows:
                for path in own:
                    rows.add(done(path, n_rows=int(path.stem) % 5))
                rows.finish(has_good=True)
        merge([tmp_path / name], tmp_path / f"{name}.parquet")
    for suffix in (".parquet", ".files.parquet"):
        one, three = (tmp_path / f"{name}{suffix}" for name in ("one", "three"))
        assert one.read_bytes() == three.read_bytes()


def test_nothing_is_worked_on_twice(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 100)
    assert run(tmp_path / "parts", paths, n_files=70) == list(range(70))
    assert run(tmp_path / "parts", paths) == list(range(70, 100))
    assert run(tmp_path / "parts", paths) == []


def test_a_recording_that_changed_is_worked_on_again_and_its_new_rows_count(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 4)
    run(tmp_path / "parts", paths)
    paths[2].write_bytes(b"longer than before")
    with ArchiveRows(tmp_path / "parts", paths, FORM) as rows:
        for number, path in enumerate(paths):
            rows.add(rows.early(number) or done(path, n_rows=7))
        rows.finish(has_good=True)
    merged = merge([tmp_path / "parts"], tmp_path / "rows.parquet")
    assert pq.read_table(merged.path)["file"].to_pylist().count(str(paths[2])) == 7
    assert merged.n_files == 4


def test_a_part_that_no_manifest_tells_of_is_found_again(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 3)
    run(tmp_path / "parts", paths)
    manifest = tmp_path / "parts" / "manifest-1-of-1.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:20])  # killed before its line was whole
    (tmp_path / "parts" / "abc-1-of-1.writing").write_bytes(b"half")
    assert run(tmp_path / "parts", paths) == []
    assert not list((tmp_path / "parts").glob("*.writing"))


def test_one_file_takes_the_place_of_its_parts_and_is_not_overwritten(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 3)
    target = tmp_path / "rows.parquet"
    run(target, paths)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in",
        "rows.files.parquet",
        "rows.parquet",
    ]
    with pytest.raises(UsageError, match="add --overwrite"):
        ArchiveRows(target, paths, FORM)
    before = target.read_bytes()
    with ArchiveRows(target, paths, FORM, overwrites=True) as rows:
        for path in paths:
            rows.add(done(path, n_rows=1))
        rows.finish(has_good=True)
    assert target.read_bytes() != before


def test_what_an_archive_says_of_itself_and_of_recordings(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 2)
    with ArchiveRows(tmp_path / "rows.csv", paths, FORM) as rows:
        rows.add(done(paths[0]))
        rows.add(done(paths[1], 0, "01.wav breaks off."))
        rows.finish(has_good=True)
    csv = (tmp_path / "rows.csv").read_text().splitlines()
    assert csv[0].startswith("id,start_s,end_s,emotion,state,confidence,probability_neutral")
    assert len(csv) == 3
    files = (tmp_path / "rows.files.csv").read_text().splitlines()
    assert files[2].endswith("01.wav breaks off.")
    run(tmp_path / "parts", paths)
    part = next((tmp_path / "parts").glob("part-*.parquet"))
    told = json.loads(pq.read_schema(part).metadata[METADATA])
    assert told["--model"] == "one"
    assert "not for judging workers" in told["limits"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / ABOUT).unlink(), "holds other things"),
        (lambda f: (f / ABOUT).write_text('{"format": 2}'), "reads format 1"),
        (lambda f: (f / ABOUT).write_text("nonsense"), "holds no archive"),
        (lambda f: (f / "manifest-1-of-1.jsonl").write_text('{"part": 3}\n'), "is damaged"),
    ],
)
def test_a_folder_that_is_none_is_refused(tmp_path: Path, spoil: Any, said: str) -> None:
    paths = recordings(tmp_path / "in", 2)
    run(tmp_path / "parts", paths)
    spoil(tmp_path / "parts")
    with pytest.raises(UsageError, match=said):
        ArchiveRows(tmp_path / "parts", paths, FORM)


def test_other_settings_and_a_second_run_are_refused(tmp_path: Path) -> None:
    paths = recordings(tmp_path / "in", 2)
    run(tmp_path / "parts", paths)
    other = replace(FORM, hangs_on={**FORM.hangs_on, "settings": {"vad": 3}})
    with pytest.raises(UsageError, match="begun with vad 2 and not 3"):
        ArchiveRows(tmp_path / "parts", paths, other)
    with (
        ArchiveRows(tmp_path / "parts", paths, FORM),
        pytest.raises(UsageError, match="Another run writes"),
    ):
        ArchiveRows(tmp_path / "parts", paths, FORM)


def test_a_part_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Parts(tmp_path / "parts", FORM, WHOLE)
    heard = Heard.of(Source("a.wav", 1, 1), [], None, {})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with parts, pytest.raises(OutputError, match="no space left on device"):
        parts.add([heard], [])
    assert [path.name for path in parts.folder.glob("*.*") if "part" in path.name] == []
    assert not (parts.folder / "manifest-1-of-1.jsonl").read_bytes()


def test_groups_are_neighbours_and_bounded() -> None:
    small = [Source(f"{n}.wav", 32_000, 0) for n in range(200)]
    groups = list(grouped(small))
    assert [number for group in groups for number in group] == list(range(200))
    assert max(map(len, groups)) == MOST_FILES_OF_A_PART
    long = [Source(f"{n}.wav", 32_000 * 3600, 0) for n in range(3)]
    assert [len(group) for group in grouped(long)] == [1, 1, 1]


def test_shards_share_everything_once() -> None:
    paths = [Path(f"folder/{n}.wav") for n in range(1000)]
    held = [sum(Shard(number, 7).holds(path) for path in paths) for number in range(1, 8)]
    assert sum(held) == 1000
    assert min(held) > 90
    for text, said in (("3", "is needed"), ("0/3", "numbered"), ("4/3", "numbered"), ("a/b", "is")):
        with pytest.raises(UsageError, match=said):
            Shard.parse(text)


def test_what_was_asked_for_is_found_again_by_number_and_by_name(tmp_path: Path) -> None:
    """A name that is no text, one that was given twice, and what changed or failed meanwhile."""
    files = [Path("a.wav"), Path("b\udce9.wav"), Path("a.wav"), Path("c.wav"), Path("d.wav")]
    sources = [Source(str(path), 32_000, number and 7) for number, path in enumerate(files)]
    sources[2] = sources[0]
    asked = Asked(sources)
    assert [asked.source(number) for number in range(5)] == sources
    assert "b\udce9.wav" in asked
    assert "e.wav" not in asked
    for source, error in (
        (sources[0], None),
        (sources[1], "It breaks off: \udce9."),
        (sources[3], "Old."),
        (replace(sources[3], changed_ns=8), None),  # later, and of another file
        (Source("e.wav", 1, 1), None),
    ):
        asked.note(Heard.of(source, [], error, {}))
    assert [asked.is_done(number) for number in range(5)] == [True, True, True, False, False]
    assert asked.n_done == 3
    assert list(asked.errors()) == [("b\udce9.wav", "It breaks off: \udce9.")]
    assert list(asked.ends()) == [4]
    asked.close()


def test_plan_and_going_on_take_the_same_memory_for_ten_times_the_recordings(
    tmp_path: Path,
) -> None:
    """What Python holds; the pages of SQLite are bounded by their own setting."""
    held = []
    for n_files in (1_000, 8_000):
        sources = (Source(f"/calls/{n:06d}.wav", 960_000, n) for n in range(n_files))
        tracemalloc.start()
        asked = Asked(sources)
        ends = sum(1 for _ in asked.ends())
        for n in range(n_files):
            asked.note(Heard.of(Source(f"/calls/{n:06d}.wav", 960_000, n), [], None, {}))
        held.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert asked.n_done == n_files
        assert ends == -(-n_files // 20)
        asked.close()
    assert held[1] < held[0] + 200_000


def test_shards_that_are_read_at_the_same_time_are_let_go_of_when_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for a single part, too, the bytes are the same."""
    paths = recordings(tmp_path / "in", 120)
    for number in (1, 2, 3, 4, 5):
        run(tmp_path / "parts", paths, Shard(number, 5))
    merge([tmp_path / "parts"], tmp_path / "wide.parquet")
    monkeypatch.setattr("ser_live.archive.merge._MOST_BYTES", 1)
    monkeypatch.setattr("ser_live.archive.merge._MOST_PIECES", 2)
    merge([tmp_path / "parts"], tmp_path / "narrow.parquet")
    wide, narrow = (tmp_path / f"{name}.parquet" for name in ("wide", "narrow"))
    assert wide.read_bytes() == narrow.read_bytes()
