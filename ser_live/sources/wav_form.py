"""Formats of wav files that contradict themselves: which part of them is believed."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE
_BLOCKS = frozenset([0x0002, 0x0011, 0x0031])
"""Codecs that come in blocks of one size, of which only whole ones are decoded: ADPCM, GSM."""

_USUAL_BITS = (8, 16, 24, 32)
_WIDTHS = range(1, 5)
"""Bytes that a sample of plain PCM may have."""

_COOL_EDIT = (24, 4)
"""Bits and bytes of a form that is known to mean floats, and read so."""


@dataclass(frozen=True, slots=True)
class WavForm:
    """Format of the samples of a wav file."""

    form: bytes
    """Contents of the ``fmt`` chunk, put right."""
    unit_bytes: int
    """Bytes that only make sound together: a sample of all channels, or a block of a codec."""
    contradiction: str = ""
    """Sentence for people about a form that contradicts itself, behind the name of the file."""
    is_put_right: bool = False
    """Whether `form` is another one than that of the file."""


def understood(form: bytes, order: str) -> WavForm:
    """Look at the contents of a ``fmt`` chunk, whose byte order is `order` of `struct`."""
    tag, n_channels, rate, bytes_per_second, block, bits = struct.unpack(
        order + "HHIIHH", form[:16]
    )
    if tag in _BLOCKS:
        return WavForm(form, max(1, block))
    valid_bits, codec = 0, tag
    if tag == _EXTENSIBLE and len(form) >= 26:
        valid_bits = struct.unpack(order + "H", form[18:20])[0]
        codec = struct.unpack(order + "H", form[24:26])[0]
    if codec not in (_PCM, _FLOAT, _A_LAW, _MU_LAW) or not n_channels or not rate:
        return WavForm(form, 1)
    width = (bits + 7) // 8
    unit = max(1, width) * n_channels
    if codec != _PCM or block == unit or (bits, block / n_channels) == _COOL_EDIT:
        return WavForm(form, unit)
    found = (
        f"contradicts itself: it says {_told(n_channels, bits)}, which makes blocks of {unit} "
        f"bytes, and blocks of {block}"
    )
    witnesses = [block / n_channels, bytes_per_second / rate / n_channels, (valid_bits + 7) // 8]
    others = [w for w in _WIDTHS if w != width and witnesses.count(w) >= 2]
    # Without the third witness, wrong sizes beside a usual width are but carelessly written.
    if others and (bits not in _USUAL_BITS or (valid_bits and witnesses[2] == others[0])):
        bits = 8 * others[0]
        form = form[:12] + struct.pack(order + "HH", bits // 8 * n_channels, bits) + form[16:]
        return WavForm(
            form,
            bits // 8 * n_channels,
            f"{found}; all else says {bits} bits, and these were heard.",
            is_put_right=True,
        )
    return WavForm(form, unit, f"{found}; it was heard as {_told(n_channels, bits)}.")


def contradicting(earlier: bytes, form: bytes, order: str) -> str:
    """Tell of an earlier ``fmt`` chunk that says another form; empty where it says the same."""
    if min(len(earlier), len(form)) < 16 or earlier[:16] == form[:16]:
        return ""
    said = []
    for its in (earlier, form):
        _, n_channels, rate, _, _, bits = struct.unpack(order + "HHIIHH", its[:16])
        said.append(f"{_told(n_channels, bits)} at {rate} Hz")
    return f"contradicts itself: it says {said[0]}, and then {said[1]}; the last was believed."


def _told(n_channels: int, bits: int) -> str:
    channels = "1 channel" if n_channels == 1 else f"{n_channels} channels"
    return f"{channels} of {bits} bits"
