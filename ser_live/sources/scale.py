"""Recordings whose numbers were stored in another scale than that of their format."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import FAR_ABOVE_FULL_SCALE
from ser_live.sources.protocol import without_channels

_HEADS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"caff")
"""Beginnings of the containers of plain samples that are wide enough to hold a wrong scale."""

_SUBTYPES = frozenset(["FLOAT", "DOUBLE", "PCM_32", "PCM_24"])

LOWEST_USUAL_PEAK = 2.0**-8
"""Peak from which on integers are not narrower ones in a wide format, -48 dBFS."""

_N_AT_ONCE = 1 << 16

_LEAST_SHARE = 0.01
"""Share of samples beyond full scale, of all but zeros, from which on they are not damaged ones."""


def stored_scale(path: str | os.PathLike[str], unheard: Sequence[int] = ()) -> tuple[float, str]:
    """Factor that brings a recording to its full scale, and a sentence that says so.

    The factor is a power of two, so that no sample is rounded; it is 1, and the sentence empty,
    for everything but floating point far beyond full scale (16-bit numbers stored as they are)
    and 24 or 32 bits or floating point of which the upper bits are never used. The whole
    recording is looked at before the first sample is heard, so that it has one scale; of its
    channels those that are `unheard` are not.
    """
    peak, share, subtype = _peak(path, unheard)
    kind = "floating point" if subtype in ("FLOAT", "DOUBLE") else f"{subtype[-2:]}-bit samples"
    if peak > FAR_ABOVE_FULL_SCALE:
        n_bits = next((n for n in (15, 23, 31) if peak <= 2.0**n), 0)
        if not n_bits or share < _LEAST_SHARE:
            # No integer goes as far, or few do: some samples are damaged, the rest is sound.
            return 1.0, ""
        return 2.0**-n_bits, (
            f"its samples go to {peak:.0f} times full scale, as {n_bits + 1}-bit numbers stored as "
            f"{kind} do: they are divided by 2^{n_bits}."
        )
    if 0.0 < peak < LOWEST_USUAL_PEAK:
        n_bits = 16 if peak <= 2.0**-16 and subtype != "PCM_24" else 8
        return 2.0**n_bits, (
            f"its loudest sample is at {20.0 * math.log10(peak):.0f} dBFS, as of narrower numbers "
            f"stored as {kind}: all are multiplied by 2^{n_bits}."
        )
    return 1.0, ""


def _peak(path: str | os.PathLike[str], unheard: Sequence[int]) -> tuple[float, float, str]:
    """Largest absolute sample of a recording of wide plain samples, and what it is stored as.

    Between them stands the share of its samples, zeros aside, that are beyond full scale. The peak
    is 0 for any other, and for one that cannot be read: its decoder will say why.
    """
    try:
        with Path(path).open("rb") as file:
            if file.read(4) not in _HEADS:
                return 0.0, 0.0, ""
        import soundfile

        with soundfile.SoundFile(os.fspath(path)) as recording:
            if recording.subtype not in _SUBTYPES:
                return 0.0, 0.0, ""
            may_stop = recording.subtype.startswith("PCM")

            def read() -> NDArray[np.float32]:
                block = recording.read(_N_AT_ONCE, "float32", always_2d=True)
                return without_channels(block, unheard)

            return *_largest(read, may_stop), str(recording.subtype)
    except (OSError, RuntimeError, ValueError):
        return 0.0, 0.0, ""


def _largest(read: Callable[[], object], may_stop: bool) -> tuple[float, float]:
    """Largest absolute sample of all that can be read, and the share beyond full scale.

    Both are 0 where one is not finite.
    """
    peak, n_beyond, n_sounding = 0.0, 0, 0
    while len(block := np.abs(np.asarray(read(), np.float32))):
        if not np.isfinite(block).all():
            return 0.0, 0.0
        largest = float(block.max())
        peak = max(peak, largest)
        if may_stop and peak >= LOWEST_USUAL_PEAK:
            break
        n_sounding += int(np.count_nonzero(block))
        n_beyond += int(np.count_nonzero(block >= 1.0)) if largest >= 1.0 else 0
    return peak, n_beyond / max(1, n_sounding)
