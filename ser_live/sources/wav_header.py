"""Headers of wav files that say less than lies behind them.

A recorder that crashed leaves the size of its last update, or none; 32 bits wrap above
4 GiB; who writes to a pipe cannot come back to put the size in.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from ser_live.errors import AudioFileError
from ser_live.sources import wav_form
from ser_live.sources.byte_spans import Span

KINDS = {b"RIFF": "<", b"RF64": "<", b"BW64": "<", b"RIFX": ">"}

_UNKNOWN = 0xFFFF_FFFF
"""Size that stands for one that was not known, or stands elsewhere."""

_WRAP = 1 << 32

_MAX_HEAD_BYTES = 1 << 20
"""Most that is looked through for the chunks before the samples, without their contents."""

_MAX_DATA_CHUNKS = 1000

_CHUNKS = frozenset(
    name.ljust(4).encode()
    for name in re.findall(
        r"\S+",
        "LIST INFO JUNK junk FLLR PAD bext cue fact id3 ID3 iXML axml chna smpl inst plst PEAK "
        "acid afsp DISP _PMX cart umid minf elm1 regn levl link mext qlty strc labl note ltxt",
    )
)
"""Chunks that stand behind the samples."""

RECORDING = re.compile(
    rb"(RIFF|RIFX|RF64|BW64).{4}WAVE(?=fmt |JUNK|junk|LIST|bext|ds64|FLLR|fact|iXML)", re.DOTALL
)
"""Beginning of a wav in the middle of sound of unknown length."""

_MAX_RECORDINGS = 1000
_WINDOW_BYTES, _LONGEST_BEGIN = 1 << 20, 16

_TAGS = (b"TAG", b"ID3", b"APETAGEX")


@dataclass(frozen=True, slots=True)
class WavHeader:
    """Where the samples of a wav file lie, by its header and by its length."""

    kind: bytes
    """``RIFF``, ``RF64``, ``BW64`` or ``RIFX``."""
    form: bytes
    """Contents of the ``fmt`` chunk."""
    format_tag: int
    n_channels: int
    sample_rate: int
    bytes_per_second: int
    unit_bytes: int
    """Bytes of one sample of all channels, or of one block of a codec."""
    start: int
    """Place of the first sample."""
    n_declared: int | None
    """Bytes of sound by the header; ``None`` where it does not know."""
    contradiction: str = ""
    """Sentence about a form that contradicts itself, behind *the header of*; empty for none."""
    is_put_right: bool = False
    """Whether `form` is another one than that in the file."""


def read_header(file: BinaryIO) -> WavHeader | None:
    """Read a header up to the samples; ``None`` where none is found."""
    head = file.read(12)
    order = KINDS.get(head[:4])
    if order is None or head[8:12] != b"WAVE":
        return None
    form, long_size, earlier = b"", None, b""
    n_chunks = 0
    while len(chunk := file.read(8)) == 8 and n_chunks < 1000:
        n_chunks += 1
        size = struct.unpack(order + "I", chunk[4:])[0]
        if chunk[:4] == b"data":
            if len(form) < 16:
                return None
            declared = size
            if size == _UNKNOWN and long_size is not None:
                declared = long_size
            tag, n_channels, rate, bytes_per_second = struct.unpack(order + "HHII", form[:12])
            its = wav_form.understood(form, order)
            is_known = declared not in (_UNKNOWN, 2**64 - 1) and declared > 0
            return WavHeader(
                kind=head[:4],
                form=its.form,
                format_tag=tag,
                n_channels=n_channels,
                sample_rate=rate,
                bytes_per_second=bytes_per_second,
                unit_bytes=its.unit_bytes,
                start=file.tell(),
                n_declared=declared if is_known else None,
                contradiction=wav_form.contradicting(earlier, form, order) or its.contradiction,
                is_put_right=its.is_put_right or bool(earlier),
            )
        place = file.tell()
        if chunk[:4] in (b"fmt ", b"ds64") and size <= _MAX_HEAD_BYTES:
            content = file.read(size)
            if chunk[:4] == b"fmt ":
                earlier, form = form, content
            elif len(content) >= 16:
                long_size = struct.unpack("<Q", content[8:16])[0]
        file.seek(place + size + size % 2)
    return None


@dataclass(frozen=True, slots=True)
class Recording:
    """One of the wavs that follow each other in a file."""

    header: WavHeader
    start: int
    end: int
    """Bytes of the file, ``[start, end)``."""


def recordings(file: BinaryIO, n_file: int) -> list[Recording]:
    """Find the wavs in a file of so many bytes; empty where it begins with none."""
    found: list[Recording] = []
    start: int | None = 0
    while start is not None and len(found) < _MAX_RECORDINGS:
        file.seek(start)
        header = read_header(file)
        if header is None:
            break
        following = _next_recording(file, header, n_file)
        found.append(Recording(header, start, n_file if following is None else following))
        start = following
    return found


def _next_recording(file: BinaryIO, header: WavHeader, n_file: int) -> int | None:
    """Place where the next wav begins; ``None`` where none does."""
    declared_end = header.start + (header.n_declared or 0)
    if declared_end >= n_file:
        return None
    end = _true_end(file, header, n_file)
    if end >= n_file:  # nothing tells where the sound ends
        return _searched(file, declared_end)
    _, end = _more_data(file, header, end, n_file)
    file.seek(end)
    begin = file.read(12)
    return end if begin[:4] in KINDS and begin[8:] == b"WAVE" else None


def _searched(file: BinaryIO, place: int) -> int | None:
    """Look for the beginning of another wav behind a place."""
    file.seek(place)
    window = b""
    while more := file.read(_WINDOW_BYTES):
        window = window[-_LONGEST_BEGIN:] + more
        if found := RECORDING.search(window):
            return file.tell() - len(window) + found.start()
    return None


def put_right(file: BinaryIO, header: WavHeader, n_file: int) -> Span | None:
    """Span with a header that counts all samples; ``None`` where the file's own is right.

    Parameters
    ----------
    file : binary file
    header : WavHeader
        Read from it.
    n_file : int
        Its length in bytes.
    """
    if n_file <= header.start:
        return None
    end = _true_end(file, header, n_file)
    others, _ = _more_data(file, header, end, n_file)
    n_there = end - header.start
    n_there -= n_there % header.unit_bytes
    if n_there <= 0 and not others:
        return None
    is_told = end <= header.start + (header.n_declared or 0) and not others
    if is_told and not header.is_put_right:
        return None
    if (
        header.n_declared is None
        and not header.is_put_right
        and n_there < _UNKNOWN
        and _declares_most(file, header)
    ):
        return None  # as programs write that stream into a pipe: libsndfile takes all there is
    n_all = n_there + sum(end - start for start, end in others)
    own = [(header.start, header.start + n_there)] if n_there > 0 else []
    return Span((*own, *others), _made(header, n_all))


def _more_data(
    file: BinaryIO, header: WavHeader, end: int, n_file: int
) -> tuple[tuple[tuple[int, int], ...], int]:
    """Sound in further chunks of the same name, with others that are known between them.

    The form may be told again between them; what stands behind another one is no such sound.
    The place behind all of them is given, too.
    """
    found: list[tuple[int, int]] = []
    for _ in range(_MAX_DATA_CHUNKS):
        begin = _begin(file, end)
        if begin[:4] not in _CHUNKS and begin[:4] != b"data":
            end += end % 2
            begin = _begin(file, end)
        size = struct.unpack(KINDS[header.kind] + "I", begin[4:])[0]
        is_same_form = begin[:4] == b"fmt " and file.read(len(header.form)) == header.form
        is_foreign = begin[:4] not in (*KINDS, b"data", b"fmt ") and _is_chunk(file, end, n_file)
        if is_foreign or is_same_form:
            end += 8 + size
            continue
        if begin[:4] != b"data" or end >= n_file:
            break
        start = end + 8
        # Who ended before the size was known left 0 there, or too little.
        end = start + size
        end = end if end < n_file and _is_end(file, end, n_file) else n_file
        n_bytes = (end - start) // header.unit_bytes * header.unit_bytes
        if n_bytes > 0:
            found.append((start, start + n_bytes))
    return tuple(found), end


def changes_form(file: BinaryIO, recording: Recording) -> bool:
    """Whether samples of another form stand behind those of a wav, in the same one."""
    header = recording.header
    end = _true_end(file, header, recording.end)
    _, end = _more_data(file, header, end, recording.end)
    return end + 8 < recording.end and _begin(file, end)[:4] == b"fmt "


def _begin(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.read(8).ljust(8, b"\0")


def _declares_most(file: BinaryIO, header: WavHeader) -> bool:
    file.seek(header.start - 4)
    return header.kind in (b"RIFF", b"RIFX") and file.read(4) == b"\xff" * 4


def _true_end(file: BinaryIO, header: WavHeader, n_file: int) -> int:
    """Place where the sound ends, as far as what stands there tells."""
    end = header.start + (header.n_declared or 0)
    while end < n_file:
        if _is_end(file, end, n_file):
            return end
        end += _WRAP  # the size of a long recording lost its upper bits
    return n_file


def _is_end(file: BinaryIO, place: int, n_file: int) -> bool:
    """Whether the sound ends here: with the file, or before a chunk or a tag."""
    return n_file - place < 8 or any(
        _is_chunk(file, at, n_file) for at in (place, place + place % 2)
    )


def is_known(name: bytes) -> bool:
    """Whether chunks of this name stand behind samples."""
    return name in _CHUNKS


def goes_on_with(name: bytes) -> bool:
    """Whether samples, what they are, a known chunk or another recording begin with this name."""
    return name in _CHUNKS or name in KINDS or name in (b"data", b"fmt ")


def begins_tag(begin: bytes) -> bool:
    """Whether a tag of other formats begins with these bytes."""
    return begin.startswith(_TAGS)


def other_form(name: str) -> AudioFileError:
    """Make the error for a wav whose samples change their form on the way."""
    return AudioFileError(
        f"{name} holds samples of another form behind its first ones, which were heard alone, but "
        "one form is needed: record or convert it again."
    )


def _is_chunk(file: BinaryIO, place: int, n_file: int) -> bool:
    file.seek(place)
    begin = file.read(8)
    if is_known(begin[:4]) or begins_tag(begin) or begin[:4] in (b"data", b"fmt "):
        return True
    if begin[:4] in KINDS and file.read(4) == b"WAVE":
        return True
    # Others that reach exactly to the end, or to a known one.
    if len(begin) < 8 or not all(0x20 <= byte < 0x7F for byte in begin[:4]):
        return False
    size = int.from_bytes(begin[4:], "little")
    after = place + 8 + size + size % 2
    if after - n_file in (0, 1):
        return True
    if after + 8 > n_file:
        return False
    file.seek(after)
    return goes_on_with(file.read(4))


def _made(header: WavHeader, n_bytes: int) -> bytes:
    """A header for so many bytes of sound."""
    order = KINDS[header.kind]
    form = header.form + bytes(len(header.form) % 2)
    pieces = b"fmt " + struct.pack(order + "I", len(header.form)) + form
    if n_bytes + len(pieces) + 28 < _UNKNOWN or order == ">":
        size = struct.pack(order + "I", min(n_bytes + len(pieces) + 12, _UNKNOWN))
        data = struct.pack(order + "I", min(n_bytes, _UNKNOWN))
        kind = b"RIFX" if order == ">" else b"RIFF"
        return kind + size + b"WAVE" + pieces + b"data" + data
    long = struct.pack("<QQQI", n_bytes + len(pieces) + 48, n_bytes, 0, 0)
    return (
        b"RF64" + b"\xff" * 4 + b"WAVE" + b"ds64" + struct.pack("<I", len(long)) + long
        + pieces + b"data" + b"\xff" * 4
    )  # fmt: skip
