"""Suite of corruptions that a classifier is tested with, and the marks it must reach.

In the manner of Derington et al. 2023 (https://arxiv.org/abs/2312.06270): the answer to a
recording is compared with the answer to the corrupted recording, and the share of equal
answers must reach the mark of the group. A room is compared with no room and with another room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float32, Float64
from ser_live.datasets.impulse_responses import measure
from ser_live.synthesis import corruptions as c

Apply = Callable[[Float32, str], Float32]
"""Corrupts a recording of a given identity."""

PASS_MARKS: dict[str, float | None] = {
    "small": 0.95,
    "noise 20 dB": 0.90,
    "noise 10 dB": None,
    "noise 0 dB": None,
    "room": 0.80,
    "hall": None,
    "telephone": 0.70,
    "microphone": None,
    "gain": None,
    "clipping": None,
    "edges": None,
}
"""Least share of unchanged answers by group; None where the share is only reported.

The marks are those of the publication, but for the telephone (there .50, on bad lines). ``room``
is a room of daily life; a ``hall``, more than 1.25 s of reverberation, is beyond what a
microphone on a desk meets."""

NOISE_SNR_DB = (20, 10, 0)


@dataclass(frozen=True)
class Corruption:
    """One test of robustness."""

    name: str
    group: str
    """Key of ``PASS_MARKS``."""
    apply: Apply
    reference: Apply | None = None
    """Way of changing the recording it is compared with; None for the recording as it is."""

    @property
    def pass_mark(self) -> float | None:
        """Least share of unchanged answers, or None where none is asked for."""
        return PASS_MARKS[self.group]


def drawn(
    samples: Float32, identity: str, *, corrupt: Callable[..., Float32], argument: str, values: Any
) -> Float32:
    """`corrupt` with one of `values` for `argument`, drawn from the identity.

    So one test covers a range of strengths at the price of one.
    """
    rng = c.chance(identity, f"{corrupt.__name__} {argument}")
    return corrupt(samples, identity, **{argument: values[int(rng.integers(len(values)))]})


def _drawn(corrupt: Callable[..., Float32], **values: Sequence[float]) -> Apply:
    ((argument, choices),) = values.items()
    return partial(drawn, corrupt=corrupt, argument=argument, values=tuple(choices))


_SHORT_S = (100 / 16000, 500 / 16000, 1000 / 16000)

SMALL = (
    Corruption("zeros in front, 6-62 ms", "small", _drawn(c.zeros_in_front, duration_s=_SHORT_S)),
    Corruption("zeros behind, 6-62 ms", "small", _drawn(c.zeros_behind, duration_s=_SHORT_S)),
    Corruption("gain -2 to +2 dB", "small", _drawn(c.gain, gain_db=(-2, -1, 1, 2))),
    Corruption("white noise 35-45 dB", "small", _drawn(c.white_noise, snr_db=(35, 40, 45))),
    Corruption("tone 40-50 dB", "small", _drawn(c.tone, snr_db=(40, 45, 50))),
    Corruption("clipping 0.1-0.3 %", "small", _drawn(c.clipping, share=(0.001, 0.002, 0.003))),
    Corruption("low-pass 6.5-7.5 kHz", "small", _drawn(c.low_pass, cutoff_hz=(6500, 7000, 7500))),
    Corruption("high-pass 50-150 Hz", "small", _drawn(c.high_pass, cutoff_hz=(50, 100, 150))),
)
"""Corruptions that nobody would notice."""

COARSE = (
    Corruption("telephone, mu-law", "telephone", c.telephone),
    Corruption("telephone, GSM", "telephone", c.mobile_telephone),
    Corruption("low-pass 4 kHz", "microphone", partial(c.low_pass, cutoff_hz=4000.0)),
    Corruption("high-pass 300 Hz", "microphone", partial(c.high_pass, cutoff_hz=300.0)),
    Corruption("colour of 6 dB", "microphone", partial(c.microphone_colour, spread_db=6.0)),
    *(
        Corruption(f"gain {gain_db:+d} dB", "gain", partial(c.gain, gain_db=gain_db))
        for gain_db in (-20, -12, -6, 6)
    ),
    *(
        Corruption(f"clipping {share:.0%}", "clipping", partial(c.clipping, share=share))
        for share in (0.01, 0.05, 0.10)
    ),
    *(
        Corruption(
            f"start {'cut' if ms > 0 else 'earlier'} {abs(ms)} ms",
            "edges",
            partial(c.start_shift, shift_s=ms / 1000),
        )
        for ms in (-200, 100, 200)
    ),
    Corruption("end cut 200 ms", "edges", partial(c.end_shift, shift_s=0.2)),
)
"""Corruptions that everybody would notice, while still understanding the speech."""


def noise_tests(noises: Mapping[str, Sequence[Float32]] | None = None) -> list[Corruption]:
    """White, pink and recorded noise at 20, 10 and 0 dB.

    Parameters
    ----------
    noises : mapping of kind to recordings, 16 kHz
        Such as the backgrounds among ``datasets.sounds``.
    """
    kinds: dict[str, Callable[..., Float32]] = {"white": c.white_noise, "pink": c.pink}
    for kind, recordings in (noises or {}).items():
        kinds[kind] = partial(c.recorded_noise, noises=tuple(recordings), kind=kind)
    return [
        Corruption(f"{kind} noise {snr_db} dB", f"noise {snr_db} dB", partial(add, snr_db=snr_db))
        for snr_db in NOISE_SNR_DB
        for kind, add in kinds.items()
    ]


def room_tests(rooms: Mapping[str, NDArray[np.floating[Any]]]) -> list[Corruption]:
    """Each room against no room, and against the next room of its group.

    Parameters
    ----------
    rooms : mapping of name to impulse response, 16 kHz
    """
    groups: dict[str, dict[str, Apply]] = {"room": {}, "hall": {}}
    for name, response in rooms.items():
        group = "room" if measure(response).is_everyday else "hall"
        groups[group][name] = partial(c.room, response=response)
    return [
        test
        for group, heard in groups.items()
        for test in (
            *(Corruption(f"in {name}", group, apply) for name, apply in heard.items()),
            *(
                Corruption(f"in {second}, not {first}", group, heard[second], heard[first])
                for first, second in pairwise(heard)
            ),
        )
    ]


def synthetic_rooms() -> dict[str, Float64]:
    """Two rooms of daily life that need no recording: a study, and a bare classroom."""
    return {
        name: c.synthetic_room(reverberation_s, direct_db, c.chance(name, "room"))
        for name, reverberation_s, direct_db in (("study", 0.3, 5.0), ("classroom", 0.8, -3.0))
    }


def suite(
    noises: Mapping[str, Sequence[Float32]] | None = None,
    rooms: Mapping[str, NDArray[np.floating[Any]]] | None = None,
) -> list[Corruption]:
    """Tests that need no recordings but the speech, and more if noises and rooms are given."""
    return [
        *SMALL,
        *noise_tests(noises),
        *room_tests({**synthetic_rooms(), **(rooms or {})}),
        *COARSE,
    ]


def suite_in(data: Path) -> list[Corruption]:
    """Every test for which `data` holds what it needs: noises in ``noise/``, rooms in ``rir/``."""
    from ser_live.datasets.impulse_responses import find_rooms
    from ser_live.datasets.sounds import read_backgrounds

    noises, rooms = data / "noise", data / "rir"
    return suite(
        read_backgrounds(noises) if noises.is_dir() else None,
        find_rooms(rooms) if rooms.is_dir() else None,
    )
