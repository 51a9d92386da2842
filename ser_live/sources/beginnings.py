"""First bytes of recordings, and of what is none, that come through a pipe instead of raw PCM."""

from __future__ import annotations

from codecs import getincrementaldecoder
from pathlib import Path

from ser_live.errors import AudioFileError
from ser_live.sources.headless import headless_kind, may_be_headless
from ser_live.sources.mpeg_frames import are_frames, hold_frames, tag_bytes

HEAD_BYTES = 4096
"""So much is enough to tell what a pipe carries, where its first bytes leave a doubt."""

_MAX_ZEROS = 1 << 16
"""Zeros behind which frames of MP3 are looked for, where they are there already."""

_TS_BEGIN = 0x47
_TS_PACKETS = ((188, 0), (192, 4))
"""Bytes of a packet of an MPEG transport stream, and its first place: plain, or with a time."""

_BEGINS = {
    b"RIFF": "wav",
    b"RF64": "wav",
    b"BW64": "wav",
    b"RIFX": "wav",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b".snd": "au",
    b"FORM": "aiff",
    b"caff": "caf",
    b"riff": "w64",
    b"Creative Voice File": "voc",
    b"NIST_1A": "sphere",
    b"\x1a\x45\xdf\xa3": "webm",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "wma",
    b"FLV\x01": "flv",
    b"#!AMR": "amr",
    b"\0\0\1\xba": "mpeg",
    b"\x7f\xfe\x80\x01": "dts",
    b"TTA1": "tta",
    b"wvpk": "wavpack",
    b"MAC ": "ape",
    b"tBaK": "tak",
    b"DSD ": "dsf",
    b".RMF": "realmedia",
    b"nut/multimedia container": "nut",
    b"\xb7\xd8\x00\x20\x37\x49\xda\x11\xa6\x4e\x00\x07\xe9\x5e\xad\x8d": "wtv",
    b".SoX": "sox",
    b"XoS.": "sox",
    b" paf": "paf",
    b"fap ": "paf",
    b"PVF1\n": "pvf",
    b"2BIT": "avr",
    b"ALawSoundFile": "wve",
    b"\x64\xa3\x01\x00": "ircam",
    b"\x64\xa3\x02\x00": "ircam",
    b"\x64\xa3\x03\x00": "ircam",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01": "mxf",
    b"\x72\xf8\x1f\x4e": "spdif",
    b"Extended Instrument: ": "xi",
    b"\xc0\xde\xc2": "codec2",
    b"ajkg": "shorten",
    b"MPCK": "musepack",
    b"FRM8": "dff",
    b"ea3\x03\0": "oma",
    b"#!SILK": "silk",
    b"\x02#!SILK": "silk",
    b"#!iLBC": "ilbc",
}

_NOT_SOUND = {
    b"\x1f\x8b\x08": "gzip",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"%PDF-": "PDF",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"MThd\0\0\0\6": "MIDI",
    b"\xf0\x7e\0\1": "a MIDI sample dump",
}
"""Beginnings of what people pipe by mistake."""

_BY_LIBSNDFILE = (
    *("wav", "flac", "ogg", "mp3", "au", "aiff", "caf", "w64"),
    *("voc", "sphere", "paf", "pvf", "avr", "wve", "ircam", "xi", "htk", "mat"),
)

_TEXT_LETTERS = 12
"""As many letters and nothing else are no samples."""

_AC3_WORDS = (
    *(64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1152),
    1280,
)
"""Half of the bytes of a frame at 48 kHz, by its bit rate."""


def container_of(head: bytes) -> str | None:
    """Name the container that bytes begin; ``None`` for raw PCM."""
    for begin, kind in _BEGINS.items():
        if head.startswith(begin):
            return kind
    if head.startswith(b"ID3"):
        return _behind_tag(head)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return "m4a"
    for n_bytes, first in _TS_PACKETS:
        marks = head[first : first + 4 * n_bytes : n_bytes]
        if len(marks) == 4 and set(marks) == {_TS_BEGIN}:
            return "ts"
    if _are_adts(head):
        return "aac"
    if _are_latm(head):
        return "latm"
    if are_frames(head):
        return "mp3"
    return _of_ac3(head) or headless_kind(head) or ("mp3" if hold_frames(head) else None)


def _behind_tag(head: bytes) -> str:
    """Name what stands behind a tag; MP3 where its end is not there yet."""
    n_bytes = tag_bytes(head, 0)
    if not n_bytes or n_bytes >= len(head):
        return "mp3"
    return container_of(head[n_bytes:]) or "mp3"


def needs_media(path: Path) -> bool:
    """Whether what a file begins with is nothing that libsndfile reads."""
    try:
        with path.open("rb") as file:
            kind = container_of(file.read(HEAD_BYTES))
    except OSError:
        return False  # its reader says why
    return kind not in _BY_LIBSNDFILE


def is_doubtful(head: bytes) -> bool:
    """Whether more bytes are needed to tell what they begin."""
    if len(head) >= HEAD_BYTES:
        return False
    return (
        len(head) < 16
        or any(begin.startswith(head) for begin in _BEGINS)
        or (head[0] == 0xFF and head[1] >= 0xE0)
        or head[:2] == b"\x0b\x77"
        or (head[0] == 0x56 and head[1] >= 0xE0)
        or (head[0] == _TS_BEGIN and len(head) <= 3 * _TS_PACKETS[0][0])
        or (head[4] == _TS_BEGIN and len(head) <= 4 + 3 * _TS_PACKETS[1][0])
        or may_be_headless(head)
    )


def n_to_look_at(head: bytes) -> int:
    """Bytes by which it is sure what a pipe carries; zeros alone may stand before anything."""
    return HEAD_BYTES if any(head) else _MAX_ZEROS


def check_sound(head: bytes, name: str) -> None:
    """Refuse what is neither a recording nor samples.

    Raises
    ------
    AudioFileError
        It is text, an archive, a picture.
    """
    kind = next((kind for begin, kind in _NOT_SOUND.items() if head.startswith(begin)), None)
    if kind is None and (text := _as_text(head)):
        kind = f"text ({' '.join(text[:40].split())} ...)"
    if kind is not None:
        raise AudioFileError(
            f"{name} carries {kind}, but a recording or raw 16-bit PCM is needed: check the "
            "program that writes it."
        )


def _as_text(head: bytes) -> str:
    """Letters that bytes are; empty where they are none."""
    try:
        text = getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ""
    is_text = len(text) >= _TEXT_LETTERS and all(it.isprintable() or it in "\t\r\n" for it in text)
    return text if is_text else ""


def _of_ac3(head: bytes) -> str | None:
    """Name the kind of AC-3 of which two frames follow each other."""
    if len(head) < 6 or head[:2] != b"\x0b\x77":
        return None
    kind = "eac3" if head[5] >> 3 > 10 else "ac3"
    if kind == "eac3":
        n_bytes = 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    else:
        n_rate, n_size = head[4] >> 6, head[4] & 63
        if n_rate == 3 or n_size >> 1 >= len(_AC3_WORDS):
            return None
        words = _AC3_WORDS[n_size >> 1]
        n_bytes = 2 * (words, words * 480 // 441 + (n_size & 1), words * 3 // 2)[n_rate]
    return kind if head[n_bytes : n_bytes + 2] == head[:2] else None


def _are_latm(head: bytes) -> bool:
    """Whether three frames of AAC in LOAS follow each other."""
    place = 0
    for _ in range(3):
        frame = head[place : place + 3]
        if len(frame) < 3 or frame[0] != 0x56 or frame[1] & 0xE0 != 0xE0:
            return False
        place += 3 + ((frame[1] & 0x1F) << 8 | frame[2])
    return True


def _are_adts(head: bytes) -> bool:
    """Whether three frames of AAC follow each other."""
    place = 0
    for _ in range(3):
        frame = head[place : place + 7]
        if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
            return False
        size = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
        if size < 8:
            return False
        place += size
    return True


def has_index_first(head: bytes) -> bool | None:
    """Whether an MP4 tells where its sound lies before the sound; ``None`` for not yet known."""
    place = 0
    while place + 16 <= len(head):
        size, kind = int.from_bytes(head[place : place + 4], "big"), head[place + 4 : place + 8]
        if kind in (b"moov", b"mdat"):
            return kind == b"moov"
        if size == 1:
            size = int.from_bytes(head[place + 8 : place + 16], "big")
        if size < 8:
            return False
        place += size
    return None
