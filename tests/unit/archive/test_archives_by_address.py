"""Archives by address: objects that are there whole or not at all, and the same bytes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from test_archive_parts import FORM, done, recordings, run

from ser_live.archive.manifest import _LINES_OF_AN_OBJECT
from ser_live.archive.merge import merge
from ser_live.archive.parts import Heard, Parts, told_parts
from ser_live.archive.plan import WHOLE, Source
from ser_live.archive.rows import ArchiveRows
from ser_live.archive.sources import find_recordings
from ser_live.errors import UsageError
from ser_live.remote import RemoteError, RemotePath, Status, location

pytest.importorskip("pyarrow", reason="archives need the extra parquet")
pytest.importorskip("fsspec", reason="addresses need the extra cloud")


@pytest.fixture
def bucket() -> RemotePath:
    """A place in memory that fsspec reaches by address."""
    return RemotePath(f"memory://{uuid.uuid4().hex}")


def test_an_address_is_told_from_a_path() -> None:
    assert location("calls/a.wav") == Path("calls/a.wav")
    assert location("C:\\calls") == Path("C:\\calls")
    assert location("file:///calls/a%20b.wav") == Path("/calls/a b.wav")
    assert location("s3://calls/in") == RemotePath("s3://calls/in")
    for text, said in (("zip://a::s3://b", "chained"), ("https://me:secret@host/a", "credentials")):
        with pytest.raises(UsageError, match=said) as caught:
            location(text)
        assert "secret" not in str(caught.value)


def test_parts_of_an_address() -> None:
    web = RemotePath("https://host/folder/a%20call.wav?signed=x/y.mp3")
    assert (web.name, web.stem, web.suffix) == ("a call.wav", "a call", ".wav")
    rows = RemotePath("s3://bucket/folder/rows.parquet")
    assert rows.with_name("b.csv").url == "s3://bucket/folder/b.csv"
    assert (RemotePath("s3://bucket/") / "a").url == "s3://bucket/a"
    assert not web.is_dir()


def test_recordings_below_an_address_are_those_of_a_folder(bucket: RemotePath) -> None:
    for name in ("b.wav", "sub/a.flac", "texts/read.txt", ".hidden.wav", "__MACOSX/c.wav"):
        (bucket / name).write_bytes(b"x" * len(name))
    found = find_recordings([bucket])
    assert [str(path) for path in found.files] == [f"{bucket}/b.wav", f"{bucket}/sub/a.flac"]
    assert len(found.left_out) == 3
    first = found.files[0]
    assert isinstance(first, RemotePath)
    assert isinstance(first.known, Status)
    assert Source.of(first).n_bytes == 5
    assert Source.of(first).changed_ns > 0
    with pytest.raises(UsageError, match="no audio file below"):
        find_recordings([bucket / "texts"])


def test_the_same_bytes_as_on_a_disk(tmp_path: Path, bucket: RemotePath) -> None:
    paths = recordings(tmp_path / "in", 150)
    run(tmp_path / "parts", paths)
    whole = merge([tmp_path / "parts"], tmp_path / "rows.parquet")
    for target, n_files in ((bucket / "parts", 70), (bucket / "parts", None)):
        with ArchiveRows(target, paths, FORM) as rows:
            for number, path in enumerate(paths[:n_files]):
                rows.add(rows.early(number) or done(path, n_rows=number % 4))
            if n_files is None:
                assert rows.n_before == 70
                rows.finish(has_good=True)
    far = merge([bucket / "parts"], bucket / "rows.parquet")
    for near, there in ((whole.path, far.path), (whole.files_path, far.files_path)):
        assert Path(near).read_bytes() == RemotePath(str(there)).read_bytes()


def test_one_file_by_address_takes_the_place_of_its_parts(
    tmp_path: Path, bucket: RemotePath
) -> None:
    paths = recordings(tmp_path / "in", 3)
    target = bucket / "rows.csv"
    for is_again in (False, True):
        with ArchiveRows(target, paths, FORM, overwrites=is_again) as rows:
            for path in paths:
                rows.add(done(path))
            rows.finish(has_good=True)
    assert sorted(path.name for path in bucket.find()) == ["rows.csv", "rows.files.csv"]
    with pytest.raises(UsageError, match="add --overwrite"):
        ArchiveRows(target, paths, FORM)


def filled(target: RemotePath, paths: Sequence[Path]) -> None:
    with ArchiveRows(target, paths, FORM) as rows:
        for path in paths:
            rows.add(done(path))


def test_a_write_that_fails_leaves_nothing_half_and_the_next_run_goes_on(
    tmp_path: Path, bucket: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = recordings(tmp_path / "in", 200)
    write = RemotePath.write_bytes
    n_written = 0

    def breaking(self: RemotePath, data: bytes) -> None:
        nonlocal n_written
        n_written += 1
        if n_written == 5:  # of the second part, whose object is whole: its manifest
            raise RemoteError(5, "its server cannot be reached", str(self))
        write(self, data)

    with monkeypatch.context() as patched:
        patched.setattr(RemotePath, "write_bytes", breaking)
        with pytest.raises(UsageError, match="cannot be reached"):
            filled(bucket, paths)
    assert len(list(told_parts(bucket))) == 1
    with ArchiveRows(bucket, paths, FORM) as rows:
        assert rows.n_before == 128  # the part that no manifest told of was found
    assert len(list(told_parts(bucket))) == 2


def test_a_manifest_by_address_is_made_of_small_objects(bucket: RemotePath) -> None:
    n_parts = _LINES_OF_AN_OBJECT + 3
    for _ in range(2):
        with Parts(bucket, FORM, WHOLE) as parts:
            for number in range(n_parts):
                parts.add([Heard.of(Source(f"{number}.wav", 1, 1), [], None, {})], [])
    names = [path.name for path in bucket.glob("manifest-*")]
    assert names == [f"manifest-1-of-1.{number:06d}.jsonl" for number in (1, 2, 3)]
    assert len({part.path.name for part in told_parts(bucket)}) == n_parts


def test_a_web_server_is_only_read_from() -> None:
    with pytest.raises(UsageError, match="can only be read from"):
        ArchiveRows(RemotePath("https://host/rows.parquet"), [], FORM)
