"""Headers of aiff and caf that say less sound than lies behind them: their recorders crashed."""

from __future__ import annotations

from ser_live.sources.byte_spans import Span
from ser_live.sources.file_window import FileWindow

_MAX_CHUNKS = 1000
_MOST_HEAD_BYTES = 1 << 20
_MOST_AIFF = 0xFFFF_FFFF
_TAGS = (b"TAG", b"ID3", b"APETAGEX")
_CHUNK_BYTES, _LONG_CHUNK_BYTES = 8, 12
"""Name and size of a chunk, of 32 and of 64 bits."""


def more_than_said(data: FileWindow, head: bytes) -> tuple[Span, int, int] | None:
    """Find sound behind the length that a header says.

    Returns
    -------
    span : Span
        The whole of it, behind a header that counts it.
    n_declared, n_there : int
        Bytes of sound by the header, and in the file.
    None
        Instead, where there is no more.
    """
    is_caf = head.startswith(b"caff")
    n_head = _LONG_CHUNK_BYTES if is_caf else _CHUNK_BYTES
    name, place = (b"data", 8) if is_caf else (b"SSND", 12)
    for _ in range(_MAX_CHUNKS):
        begin = data[place : place + n_head]
        size = int.from_bytes(begin[4:], "big", signed=is_caf)
        if len(begin) < n_head or size < 0:
            return None
        if begin[:4] == name:
            break
        place += n_head + size + (size % 2 if not is_caf else 0)
    else:
        return None
    start = place + n_head
    if start > _MOST_HEAD_BYTES:
        return None
    n_there = len(data) - start
    if not size or size >= n_there or _is_end(data, start + size, n_head):
        return None
    told = (
        (-1).to_bytes(8, "big", signed=True)
        if is_caf
        else min(n_there, _MOST_AIFF).to_bytes(4, "big")
    )
    return Span(((start, len(data)),), data[0 : place + 4] + told), size, n_there


def _is_end(data: FileWindow, end: int, n_head: int) -> bool:
    """Whether the sound ends here: with the file, or before a chunk or a tag."""
    for place in (end, end + end % 2):
        begin = data[place : place + n_head]
        n_left = len(data) - place - n_head
        is_named = all(0x20 <= byte < 0x7F for byte in begin[:4])
        if n_left <= 0 or begin.startswith(_TAGS):
            return True
        if is_named and int.from_bytes(begin[4:], "big") <= n_left + 1:
            return True
    return False
