"""Decoding of recordings, block by block, never a whole file at once.

libsndfile reads wav, flac, ogg, opus, mp3 and their relatives; PyAV, the optional extra
``media``, reads the sound track of m4a, mp4, webm, mkv and others, and goes on where libsndfile
gives up. The content of a file decides, not its name. PyAV stays an extra, for it takes 104 MB on
the disk where libsndfile takes 4: what can be heard without it is, joined and miscounted files too.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from ser_live.errors import AudioFileError
from ser_live.sources import adts_frames
from ser_live.sources.byte_spans import Span, SpanFile
from ser_live.sources.decoder import Decoder
from ser_live.sources.file_window import FileWindow
from ser_live.sources.joined import FailingDecoder, JoinedDecoder, SecondTryDecoder
from ser_live.sources.joints import joined_parts
from ser_live.sources.media import MediaDecoder
from ser_live.sources.media_tracks import check_track
from ser_live.sources.sound_file import SoundFileDecoder
from ser_live.sources.survey import Survey, survey

_MATROSKA = b"\x1a\x45\xdf\xa3"  # also webm
_MIDI_DUMP = b"\xf0\x7e"  # libsndfile prints on standard output when one is damaged
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"  # wma, wmv

_ADTS = (b"\xff\xf1", b"\xff\xf9", b"\xff\xf0", b"\xff\xf8")  # frames of aac

_SECOND_TRY = ("FLAC", "OGG", "MP3")
"""Formats in which FFmpeg finds its way on behind damage."""


def display_name(path: str | os.PathLike[str]) -> str:
    """File name for people, printable also where its bytes are not valid text."""
    return os.fsencode(Path(path).name or os.fspath(path)).decode(errors="replace")


def open_recording(
    path: str | os.PathLike[str], track: int | None = None, name: str | None = None
) -> Decoder:
    """Open a recording for decoding.

    Parameters
    ----------
    path : str or path
    track : int or None
        Audio track to hear, counted from 1; ``None`` for the default one.
    name : str or None
        For people; ``None`` for that of the file.

    Raises
    ------
    AudioFileError
        Missing, no permission, a folder, empty, not audio, damaged, or without audio track.
    UsageError
        There is no such track.
    """
    if not os.fspath(path):
        raise AudioFileError(
            "Found an empty file name, but that of a recording is needed: check what it comes from."
        )
    name = display_name(path) if name is None else name
    head = _read_head(Path(path), name)
    if head.startswith(_MIDI_DUMP):
        raise AudioFileError(
            f"{name} is a MIDI sample dump, but a recording is needed: convert it to wav."
        )
    if _is_media_container(head):
        if parts := joined_parts(Path(path), head):
            return JoinedDecoder([partial(_media, path, name, it, track) for it in parts], name)
        decoder: Decoder = MediaDecoder(path, name, track)
        if head[:2] in _ADTS:
            with closing(FileWindow(Path(path))) as data:
                failure = adts_frames.failure_of(data, name)
            if failure is not None:
                return FailingDecoder(decoder, failure)
        return decoder
    try:
        decoder = _open_sound_file(Path(path), name, head)
    except AudioFileError as error:
        return _other(path, name, track, error)
    try:
        check_track(name, 1, track)
    except BaseException:
        decoder.close()
        raise
    return decoder


def _open_sound_file(path: Path, name: str, head: bytes) -> Decoder:
    """Open what libsndfile knows, the way that hears all of it."""
    found = survey(path, name, head)
    if found.is_doubtful:
        known = SoundFileDecoder(path, name)
        known.close()
        if known.format != "MP3":
            found = Survey()
    decoder: Decoder | None = None
    if found.is_damaged or found.is_for_ffmpeg:
        with suppress(AudioFileError):  # also where PyAV is missing
            file = path if found.spans is None else SpanFile(path, found.spans[0])
            decoder = MediaDecoder(file, name, holes_are_damage=found.is_damaged)
    try:
        if decoder is None and found.spans is None:
            decoder = _twice(path, name)
        elif decoder is None:
            openers = [partial(_part, path, name, span) for span in found.spans or ()]
            decoder = JoinedDecoder(openers, name, found.lost_s)
    except AudioFileError as error:
        if found.failure is None:
            raise
        decoder = _other(path, name, None, error)
    decoder.notes += found.notes
    return decoder if found.failure is None else FailingDecoder(decoder, found.failure)


def _part(path: Path, name: str, span: Span) -> Decoder:
    """Open one of several recordings in a file, by FFmpeg where libsndfile does not know it."""
    try:
        return _twice(path, name, span)
    except AudioFileError as error:
        if error.__cause__ is None:
            raise
        try:
            return MediaDecoder(SpanFile(path, span), name)
        except AudioFileError:
            raise error from None


def _media(path: str | os.PathLike[str], name: str, part: Span, track: int | None) -> Decoder:
    return MediaDecoder(SpanFile(path, part), name, track)


def _twice(path: Path, name: str, span: Span | None = None) -> Decoder:
    """Open what libsndfile knows so that FFmpeg goes on where it gives up, if it is there."""

    def second() -> Decoder:
        file = path if span is None else SpanFile(path, span)
        return MediaDecoder(file, name, holes_are_damage=True)

    first = SoundFileDecoder(path, name, span)
    if first.format not in _SECOND_TRY:
        return first
    return SecondTryDecoder(first, second, name, is_damage=first.format == "FLAC")


def _other(
    path: str | os.PathLike[str], name: str, track: int | None, failure: AudioFileError
) -> Decoder:
    """Open what libsndfile does not know, where FFmpeg does."""
    if failure.__cause__ is None:
        raise failure  # it is known, and there is nothing in it
    try:
        return MediaDecoder(path, name, track)
    except AudioFileError:
        raise failure from None


def _read_head(path: Path, name: str) -> bytes:
    """First bytes of a regular, readable, non-empty file."""
    head = check_readable(path, name)
    if not head:
        raise AudioFileError(
            f"{name} is empty (0 bytes), but a recording is needed: record or copy it again."
        )
    return head


def check_readable(path: Path, name: str) -> bytes:
    """Give the first bytes of a regular file that can be read.

    Raises
    ------
    AudioFileError
        Missing, no permission, a folder, not a regular file.
    """
    try:
        if path.is_dir():
            raise AudioFileError(
                f"{name} is a folder, but a recording is needed: name the files in it, "
                "or run `ser-live analyze` on the folder."
            )
        if path.exists() and not path.is_file():
            raise AudioFileError(
                f"{name} is not a regular file, but a recording is needed: pipe raw PCM into "
                "`ser-live -` instead."
            )
        with path.open("rb") as file:
            return file.read(64)
    except FileNotFoundError:
        raise AudioFileError(
            f"There is no file {_printable(path)}, but a recording is needed: check the path."
        ) from None
    except PermissionError:
        raise AudioFileError(
            f"Found {name} without permission to read it, but a readable recording is needed: "
            "check the owner and mode of the file and its folders."
        ) from None
    except (OSError, ValueError) as error:
        raise AudioFileError(
            f"{name} cannot be read ({error}), but a recording is needed: check the path and "
            "the disk."
        ) from error


def _printable(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")


def _is_media_container(head: bytes) -> bool:
    """Whether the bytes begin a container that libsndfile does not know."""
    return (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")  # mp4, m4a, mov, 3gp
        or head[:2] in _ADTS
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head.startswith((_MATROSKA, _ASF, b"FLV\x01"))
    )
