"""Length of the sound in the pages of Ogg files, to hold it against the times that they tell.

A decoder ends where the last page says, however much sound stands before it. Layouts from the
Vorbis I specification, section 4, and RFC 6716, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator

_HEADER_BYTES = 27
_CONTINUES, _ENDS = 1, 4
"""Flags of a page: that its first packet began before it, that it is the last one."""

_MAX_SETUP_BYTES = 1 << 20
_SLACK_S = 0.05
"""So much less than there is a page may tell besides one packet: coders pad their last ones."""

_MAX_LATE_S = 86_400.0
"""Longest pause between two pages that is believed."""

_OPUS_HZ = 48_000
_OPUS_FRAMES = (
    *((480, 960, 1920, 2880) * 3),
    *((480, 960) * 2),
    *((120, 240, 480, 960) * 4),
)
"""Samples of a frame by the first five bits of a packet."""


class PageTimes:
    """Counts the samples in the pages of one stream, and compares them with its times.

    Other codecs than Vorbis and Opus are not compared.
    """

    def __init__(self) -> None:
        self._codec = b""
        self._n_headers = 0
        self._packet = b""
        """Beginning of a packet that goes on in the next page."""
        self._rate = _OPUS_HZ
        self._blocks = (0, 0)
        """Samples of a short and of a long block."""
        self._are_long: list[bool] = []
        """By mode, whether its block is long."""
        self._n_previous = 0
        self._longest = 0
        self._n_samples = 0
        self._origin: int | None = None

    def fits(self, page: bytes, granule: int) -> bool:
        """Take a page; tell whether its time can be that of the sound up to it."""
        n_headers, n_packets = self._n_headers, 0
        n_before = self._n_samples
        for packet in self._complete(page):
            n_packets += 1
            self._count(packet)
        if not n_packets or self._n_headers > n_headers:
            return True
        if granule < 0:
            return False  # none is told only where no packet ends
        if self._codec not in _KNOWN or self._n_samples == n_before:
            return True
        if self._origin is None:
            # What was recorded from the middle of a broadcast begins late, and the first samples
            # may be there for the decoder alone.
            self._origin = granule - self._n_samples
            if page[5] & _ENDS:
                self._origin = max(0, self._origin)
        n_slack = max(self._longest, round(_SLACK_S * self._rate))
        n_late = granule - self._origin - self._n_samples
        if -n_slack <= n_late <= _MAX_LATE_S * self._rate:
            return True
        self._origin = granule - self._n_samples
        return False

    def _complete(self, page: bytes) -> Iterator[bytes]:
        """Packets that end in a page: the whole of headers, the beginning of others."""
        n_segments = page[26]
        place, n_bytes = _HEADER_BYTES + n_segments, 0
        packet = self._packet if page[5] & _CONTINUES else b""
        is_headless = bool(page[5] & _CONTINUES) and not packet
        for size in page[_HEADER_BYTES : _HEADER_BYTES + n_segments]:
            n_bytes += size
            if size < 255:
                # Of one that began in a page that is not there, only that it ends here is known.
                yield b"" if is_headless else packet + page[place : place + n_bytes]
                is_headless = False
                place, n_bytes, packet = place + n_bytes, 0, b""
        rest = page[place : place + n_bytes]
        self._packet = (packet + rest)[:_MAX_SETUP_BYTES] if n_bytes or packet else b""

    def _count(self, packet: bytes) -> None:
        if self._n_headers < _KNOWN.get(self._codec, 1):
            self._take_header(packet)
            return
        n = self._n_opus(packet) if self._codec == b"OpusHead" else self._n_vorbis(packet)
        self._longest = max(self._longest, n)
        self._n_samples += n

    def _take_header(self, packet: bytes) -> None:
        self._n_headers += 1
        if self._n_headers == 1:
            self._codec = next((codec for codec in _KNOWN if packet.startswith(codec)), b"")
            if self._codec == _VORBIS and len(packet) > 28:
                self._rate = max(1, int.from_bytes(packet[12:16], "little"))
                self._blocks = (1 << (packet[28] & 15), 1 << (packet[28] >> 4))
        elif self._codec == _VORBIS and packet.startswith(b"\x05vorbis"):
            self._are_long = long_modes(packet)

    @staticmethod
    def _n_opus(packet: bytes) -> int:
        if not packet:
            return 0
        n_frames = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[packet[0] & 3]
        return n_frames * _OPUS_FRAMES[packet[0] >> 3]

    def _n_vorbis(self, packet: bytes) -> int:
        if not packet or packet[0] & 1 or not self._are_long:
            return 0
        n_bits = (len(self._are_long) - 1).bit_length()
        mode = packet[0] >> 1 & (1 << n_bits) - 1
        if mode >= len(self._are_long):
            return 0
        n_block = self._blocks[self._are_long[mode]]
        n_previous, self._n_previous = self._n_previous, n_block
        return (n_previous + n_block) // 4 if n_previous else 0


_VORBIS = b"\x01vorbis"
_KNOWN = {_VORBIS: 3, b"OpusHead": 2}
"""Packets before the sound by what the first one begins with."""

_MODE_BITS = 41


def long_modes(setup: bytes) -> list[bool]:
    """Which modes of a Vorbis stream have long blocks; empty where they are not found.

    They are the last in the packet, so it is read from its end, without what is before.
    """
    bits = int.from_bytes(setup, "little")
    end = bits.bit_length() - 1  # the last bit that is set is the last of all
    found: list[bool] = []
    are_long: list[bool] = []
    while end >= _MODE_BITS + 6 and len(are_long) < 64:
        mode = bits >> end - _MODE_BITS & (1 << _MODE_BITS) - 1
        # A mode is a bit, two zeros of 16 bits, and the number of a mapping.
        if mode >> 33 > 63 or mode >> 1 & 0xFFFF_FFFF:
            break
        are_long.insert(0, bool(mode & 1))
        end -= _MODE_BITS
        if (bits >> end - 6 & 63) + 1 == len(are_long):
            found = list(are_long)
    return found
