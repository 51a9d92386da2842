"""The download script against a server on loopback that misbehaves."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from places import SCRIPTS

from ser_live.errors import DatasetError

CONTENT = bytes(range(256)) * 2000
MD5 = hashlib.md5(CONTENT).hexdigest()  # noqa: S324 - the published checksums are MD5


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = SCRIPTS / "fetch_ravdess.py"
    spec = importlib.util.spec_from_file_location("fetch_ravdess", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; cuts each answer after `cut` bytes; may ignore Range."""

    cut: int | None = None
    knows_range = True
    requests: list[str | None]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/record":
            body = json.dumps({"files": [{"key": "song.zip", "checksum": f"md5:{MD5}"}]})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())
            return
        if self.path != "/file":
            self.send_error(404)
            return
        wanted = self.headers.get("Range")
        self.server.requests.append(wanted)
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if wanted and self.server.knows_range and begin >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        if wanted and self.server.knows_range:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        else:
            self.send_response(200)
            begin = 0
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        end = len(CONTENT) if self.server.cut is None else begin + self.server.cut
        self.wfile.write(CONTENT[begin:end])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def url(server: Server, path: str = "/file") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_a_whole_file_arrives_and_is_not_fetched_twice(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    """One request brings the file; a second call sees it complete and asks nothing."""
    path = tmp_path / "archive.zip"
    script.download(url(server), path, MD5)
    script.download(url(server), path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.requests == [None]


def test_a_cut_connection_is_continued_where_it_stopped(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    """Cut after every 200 kB, the file still arrives, each byte asked for once."""
    server.cut = 200_000
    path = tmp_path / "archive.zip"
    script.download(url(server), path, MD5, wait_s=0.0)
    assert path.read_bytes() == CONTENT
    assert server.requests == [None, "bytes=200000-", "bytes=400000-"]


def test_a_new_run_continues_an_old_one(script: ModuleType, server: Server, tmp_path: Path) -> None:
    """What an earlier process left in .part is kept, complete or not."""
    path = tmp_path / "archive.zip"
    part = tmp_path / "archive.zip.part"
    part.write_bytes(CONTENT[:1000])
    script.download(url(server), path, MD5)
    assert server.requests == ["bytes=1000-"]
    assert path.read_bytes() == CONTENT
    path.rename(part)
    script.download(url(server), path, MD5)
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_is_read_from_the_start(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    """An answer 200 to a range request replaces what was there instead of doubling it."""
    server.knows_range = False
    path = tmp_path / "archive.zip"
    (tmp_path / "archive.zip.part").write_bytes(CONTENT[:1000])
    script.download(url(server), path, MD5)
    assert path.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    """A leftover of another file does not block the download for ever."""
    path = tmp_path / "archive.zip"
    (tmp_path / "archive.zip.part").write_bytes(CONTENT + b"more")
    script.download(url(server), path, MD5, wait_s=0.0)
    assert path.read_bytes() == CONTENT


def test_another_hash_is_refused_and_removed(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    """A complete file with the wrong checksum never gets its final name."""
    path = tmp_path / "archive.zip"
    with pytest.raises(DatasetError, match="was published"):
        script.download(url(server), path, "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_a_dead_server_ends_in_one_sentence(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    """Nothing arrives: the attempts end, and the message says how to go on."""
    server.cut = 0
    with pytest.raises(DatasetError, match="could not be fetched after 0 bytes"):
        script.download(url(server), tmp_path / "a", MD5, n_attempts=2, wait_s=0.0)
    with pytest.raises(DatasetError, match="answered 404"):
        script.download(url(server, "/gone"), tmp_path / "a", MD5)


def test_the_published_checksum_is_read_from_the_record(script: ModuleType, server: Server) -> None:
    """The record's entry for the archive gives its MD5; an unknown archive is an error."""
    assert script.published_md5("song.zip", url(server, "/record")) == MD5
    with pytest.raises(DatasetError, match="could not be read"):
        script.published_md5("other.zip", url(server, "/record"))


def test_archives_are_unpacked_by_file_name_only(script: ModuleType, tmp_path: Path) -> None:
    """Folders inside the archive, even climbing ones, do not decide where a clip goes."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("../../evil/03-01-03-01-01-01-02.wav", b"two")
        content.writestr("Actor_01/03-01-03-01-01-01-01.wav", b"one")
        content.writestr("__MACOSX/Actor_01/._03-01-03-01-01-01-01.wav", b"junk")
        content.writestr("README.txt", b"text")
    target = tmp_path / "corpus"
    assert script.unpack(archive, target) == 2
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file() and path != archive)
    assert files == [
        target / "Actor_01" / "03-01-03-01-01-01-01.wav",
        target / "Actor_02" / "03-01-03-01-01-01-02.wav",
    ]


def test_illegal_and_huge_members_are_refused(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misnamed clip and one that unpacks beyond any clip's size stop the unpacking."""
    monkeypatch.setattr(script, "MAX_MEMBER_BYTES", 100)
    for name, content, reason in (
        ("song.wav", b"", "not a RAVDESS name"),
        ("03-01-03-01-01-01-01.wav", bytes(101), "no clip of the corpus is that large"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(name, content)
        archive = tmp_path / "a.zip"
        archive.write_bytes(buffer.getvalue())
        with pytest.raises(DatasetError, match=reason):
            script.unpack(archive, tmp_path / "out")
