"""Download RAVDESS (24 actors, CC BY-NC-SA 4.0) as published, check it, unpack it.

    python scripts/fetch_ravdess.py DIR [--song]

An interrupted download goes on where it stopped. Only recordings with legal names
are unpacked, to ``DIR/Actor_01 ...``. Needs nothing beyond the project itself.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from ser_live.datasets.ravdess import LICENCE, parse_name
from ser_live.errors import DatasetError

RECORD_URL = "https://zenodo.org/api/records/1188976"
FILE_URL = "https://zenodo.org/records/1188976/files/{name}?download=1"
SPEECH_ARCHIVE = "Audio_Speech_Actors_01-24.zip"
SONG_ARCHIVE = "Audio_Song_Actors_01-24.zip"
MD5 = {SPEECH_ARCHIVE: "bc696df654c87fed845eb13823edef8a"}
"""Checksums known beforehand; any other is taken from the record's own description."""

MAX_MEMBER_BYTES = 16 << 20
"""No clip of the corpus unpacks to more."""

_BLOCK_BYTES = 1 << 18
_TIMEOUT_S = 60.0


def published_md5(name: str, record_url: str = RECORD_URL) -> str:
    """Checksum of an archive as the publisher's record states it, lower-case hexadecimal."""
    try:
        with _open(urllib.request.Request(record_url)) as answer:  # noqa: S310 - fixed https URL
            record = json.load(answer)
        checksums = {entry["key"]: entry["checksum"] for entry in record["files"]}
        kind, _, md5 = str(checksums[name]).partition(":")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"the published checksum of {name} could not be read from {record_url} "
            f"({type(error).__name__}: {error}): try again later."
        ) from error
    if kind != "md5" or not re.fullmatch(r"[0-9a-f]{32}", md5):
        raise DatasetError(
            f"{record_url} gives {checksums[name]!r} as the checksum of {name}, but an MD5 is "
            "needed: look at the record by hand."
        )
    return md5


def download(url: str, path: Path, md5: str, *, n_attempts: int = 8, wait_s: float = 2.0) -> None:
    """Fetch `url` to `path`; what an earlier, broken attempt left is continued.

    Parameters
    ----------
    url, path, md5
        From where, to where, and what the complete file hashes to.
    n_attempts : int
        Consecutive attempts that may bring nothing before giving up; an attempt that
        brought new bytes does not count.
    wait_s : float
        Pause after the first fruitless attempt, doubled after each further one.

    Raises
    ------
    DatasetError
        Unreachable, refused, or complete with another hash (the download is removed).
    """
    if path.is_file() and _md5(path) == md5:
        return
    part = path.with_name(path.name + ".part")
    n_fruitless = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            complete = _continue_download(url, part, before)
            problem = "connection closed early"
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500:
                raise DatasetError(
                    f"{url} answered {error.code} {error.reason}: check the address."
                ) from error
            complete, problem = False, f"{type(error).__name__}: {error}"
        if complete:
            break
        after = part.stat().st_size if part.is_file() else 0
        n_fruitless = 0 if after > before else n_fruitless + 1
        if n_fruitless >= n_attempts:
            raise DatasetError(
                f"{url} could not be fetched after {after} bytes ({problem}): run the command "
                "again, it continues there."
            )
        time.sleep(wait_s * 2 ** max(0, n_fruitless - 1))
    found = _md5(part)
    if found != md5:
        part.unlink()
        raise DatasetError(
            f"{url} has MD5 {found}, but {md5} was published: the download was removed, "
            "run the command again."
        )
    part.replace(path)


def unpack(archive: Path, folder: Path) -> int:
    """Unpack every recording to ``folder/Actor_NN/name.wav``; return how many.

    Paths inside the archive are not trusted: only the file name is used, and only if
    it is a legal RAVDESS name.
    """
    n_files = 0
    with zipfile.ZipFile(archive) as content:
        for member in content.infolist():
            inner = Path(member.filename)
            if inner.suffix.lower() != ".wav" or inner.name.startswith("."):
                continue
            name = parse_name(inner.name)
            if member.file_size > MAX_MEMBER_BYTES:
                raise DatasetError(
                    f"{archive} holds {inner.name} with {member.file_size} bytes, but no clip of "
                    "the corpus is that large: fetch the archive again."
                )
            target = folder / f"Actor_{name.actor:02d}" / f"{name}.wav"
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".part")
            with content.open(member) as source, partial.open("wb") as file:
                shutil.copyfileobj(source, file)
            partial.replace(target)
            n_files += 1
    return n_files


def _continue_download(url: str, part: Path, begin: int) -> bool:
    """Append what is missing after `begin` bytes; return whether the file is complete."""
    request = urllib.request.Request(url)  # noqa: S310 - https, or a loopback server in tests
    if begin:
        request.add_header("Range", f"bytes={begin}-")
    try:
        answer = _open(request)
    except urllib.error.HTTPError as error:
        size = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
        if error.code == 416 and size is not None:
            if int(size.group(1)) == begin:
                return True
            part.unlink()  # longer than the file on the server: another file, start again
            return False
        raise
    with answer:
        continues = answer.status == 206
        if continues:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
            if span is None or int(span.group(1)) != begin:
                raise http.client.HTTPException("the server sent another range than asked for")
            total: int | None = int(span.group(2))
        else:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
        written = begin if continues else 0
        with part.open("ab" if continues else "wb") as file:
            while block := answer.read(_BLOCK_BYTES):
                file.write(block)
                written += len(block)
                _show(part, written, total)
    return total is None or written >= total


def _open(request: urllib.request.Request) -> http.client.HTTPResponse:
    answer: http.client.HTTPResponse = urllib.request.urlopen(  # noqa: S310 - see the callers
        request, timeout=_TIMEOUT_S
    )
    return answer


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _show(part: Path, written: int, total: int | None) -> None:
    if sys.stderr.isatty():
        share = f" of {total / 1e6:.0f}" if total else ""
        print(f"\r{part.stem}: {written / 1e6:.0f}{share} MB", end="", file=sys.stderr)


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to put Actor_01 ... and the archives")
    parser.add_argument("--song", action="store_true", help="fetch the sung recordings as well")
    options = parser.parse_args()
    folder: Path = options.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (SPEECH_ARCHIVE, *((SONG_ARCHIVE,) if options.song else ())):
            md5 = MD5.get(name) or published_md5(name)
            download(FILE_URL.format(name=name), folder / name, md5)
            print(f"\n{unpack(folder / name, folder)} recordings of {name} ({LICENCE})")
    except DatasetError as error:
        print(f"fetch_ravdess: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
