"""Pages of Ogg files: where joined recordings begin, and what is damaged."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from ser_live.errors import AudioFileError
from ser_live.sources.file_window import FileWindow
from ser_live.sources.ogg_times import PageTimes

_MAGIC = b"OggS"
_HEADER_BYTES = 27
_BEGINS, _ENDS = 2, 4
"""Flags of the first and of the last page of a stream."""

_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")

_MAX_REST_BYTES = 1 << 16

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(slots=True)
class Link:
    """One of the recordings that follow each other in a file."""

    start: int
    end: int = 0
    """Bytes of the file, ``[start, end)``."""
    numbers: dict[int, int] = field(default_factory=dict)
    """Next page number expected of each stream, once its sound has begun."""
    granules: dict[int, int] = field(default_factory=dict)
    """Place in time of the last page of each stream."""
    times: dict[int, PageTimes] = field(default_factory=dict)
    """Sound of each stream beside the times of its pages."""
    n_bad: int = 0
    """Pages that are missing, damaged, or earlier in time than those before them, or than the
    sound in them allows."""
    is_cut: bool = False
    """Whether the file ends in the middle of a page."""
    has_ended: bool = False
    """Whether the last page so far is the last one of its stream."""

    def note_rest(self, rest: bytes) -> None:
        """Note what stands behind the last page: no harm where that is the end of its stream."""
        rest = rest.strip(b"\0")
        self.n_bad += bool(rest) and not self.has_ended and not rest.startswith(_TAGS)


def find_links(data: FileWindow) -> list[Link]:
    """Look through all pages of a file.

    A page that begins a stream begins a new link where other pages came before: streams that
    sound together all begin together.
    """
    links: list[Link] = []
    is_beginning = False
    place = data.find(_MAGIC)
    while place >= 0:
        page = _page_bytes(data, place)
        if page is None:
            if links and place + _HEADER_BYTES < len(data):
                links[-1].is_cut = True
            break
        if not _is_whole(data[place : place + page]):
            following = data.find(_MAGIC, place + 4)
            if links:
                links[-1].n_bad += 1
                is_beginning = False
            place = following
            continue
        begins = bool(data[place + 5] & _BEGINS)
        if begins and not is_beginning:
            if links:
                links[-1].end = place
            links.append(Link(place))
        if links:
            _count(links[-1], data, place, page)
        is_beginning = begins
        place = _following(data, place + page, links)
    if links:
        links[-1].end = len(data)
    return links


def _page_bytes(data: FileWindow | bytes, place: int) -> int | None:
    """Length of a page; ``None`` where the file ends before it does."""
    if place + _HEADER_BYTES > len(data):
        return None
    n_segments = data[place + 26]
    table = data[place + _HEADER_BYTES : place + _HEADER_BYTES + n_segments]
    n_bytes = _HEADER_BYTES + n_segments + sum(table)
    return n_bytes if place + n_bytes <= len(data) else None


def _is_whole(page: bytes) -> bool:
    """Whether the checksum is right."""
    stored = int.from_bytes(page[22:26], "little")
    # That of Ogg is that of zlib with every byte and the result mirrored, begun with 0.
    mirrored = (page[:22] + bytes(4) + page[26:]).translate(_MIRRORED)
    crc = zlib.crc32(mirrored, 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_MIRRORED), "big") == stored


def _count(link: Link, data: FileWindow | bytes, place: int, n_bytes: int) -> None:
    """Note a page, and those missing before it."""
    link.has_ended = bool(data[place + 5] & _ENDS)
    granule = int.from_bytes(data[place + 6 : place + 14], "little", signed=True)
    serial = int.from_bytes(data[place + 14 : place + 18], "little")
    number = int.from_bytes(data[place + 18 : place + 22], "little")
    # What is recorded from the middle of a broadcast goes on with its numbers behind the headers.
    is_next = number == link.numbers.get(serial, number)
    times = link.times.setdefault(serial, PageTimes())
    is_timely = times.fits(data[place : place + n_bytes], granule)
    if not is_next or not is_timely or 0 < granule < link.granules.get(serial, 0):
        # libsndfile ends at the last place that it finds, whatever lies before or behind it.
        link.n_bad += 1
    link.granules[serial] = granule if granule > 0 else link.granules.get(serial, 0)
    if granule > 0 or serial in link.numbers:
        link.numbers[serial] = number + 1


def _following(data: FileWindow, place: int, links: list[Link]) -> int:
    """Place of the next page; what is between is passed over."""
    following = data.find(_MAGIC, place)
    if links and following < 0:
        links[-1].note_rest(data[place : place + _MAX_REST_BYTES])
    if links and following > place and data[following + 5 : following + 6] != bytes([_BEGINS]):
        # Behind the last page, or between two recordings, it is no sound.
        links[-1].n_bad += bool(data[place:following].strip(b"\0"))
    return following


class OggCutter:
    """Finds, in pages as they come, where a chained recording ends; see `byte_feed.Cutter`."""

    def __init__(self) -> None:
        self.link = Link(0)
        """Pages of all recordings so far, and what is wrong with them."""
        self._has_begun = False
        self._is_beginning = False

    def __call__(self, data: bytes, is_last: bool) -> tuple[bytes, bytes, bool]:
        place = 0
        while place < len(data):
            following = data.find(_MAGIC, place)
            if following < 0:
                if is_last:
                    self.link.note_rest(data[place:])
                place = len(data) - (0 if is_last else len(_MAGIC) - 1)
                break
            self.link.n_bad += bool(data[place:following].strip(b"\0"))
            place = following
            page = _page_bytes(data, place)
            if page is None:
                self.link.is_cut = is_last
                place = len(data) if is_last else place
                break
            if not _is_whole(data[place : place + page]):
                self.link.n_bad += 1
                place += len(_MAGIC)
                continue
            begins = bool(data[place + 5] & _BEGINS)
            if begins and self._has_begun and not self._is_beginning:
                self._has_begun = False
                self.link.numbers.clear()
                self.link.granules.clear()
                self.link.times.clear()
                return data[:place], data[place:], True
            _count(self.link, data, place, page)
            self._has_begun, self._is_beginning = True, begins
            place += page
        place = max(0, place)
        return data[:place], data[place:], False


def damage_of(name: str, n_bad: int) -> AudioFileError:
    """Make the error for pages that are missing or damaged, or for a file that ends in one."""
    what = "is cut off in the middle of a page"
    if n_bad:
        what = f"has {n_bad} {'place' if n_bad == 1 else 'places'} with damaged or missing pages"
    return AudioFileError(f"{name} {what}, but whole audio is needed: copy or record it again.")
