"""The list of features: which functionals of which contours over which frames.

A name is read from left to right: contour with its unit, region of frames where it
is not the usual one of its family, functional. ``spectral_centroid_hz_voiced_p80`` is
the 80th percentile of the spectral centroid over voiced frames, in hertz.
"""

from __future__ import annotations

from dataclasses import dataclass

from ser_live.features import long_term, prosodic, spectral, trajectory, voice_quality
from ser_live.features.description import Description
from ser_live.features.functionals import FUNCTIONALS

FEATURE_SET_VERSION = "1"
"""Changes whenever a name, a definition or the order of features changes."""

REGIONS: dict[str, str] = {
    "all": "all frames",
    "speech": "frames at most 30 dB below the 95th percentile of the frame levels",
    "voiced": "frames with an F0",
    "unvoiced": "speech frames without F0",
}
"""The regions of frames over which functionals are taken."""

FULL: tuple[str, ...] = tuple(FUNCTIONALS)
"""Everything that can be said about a contour."""
_BAND = ("mean", "std", "p05", "p50", "p95", "skewness", "slope_per_s", "change_per_s")
_DELTA = ("std", "p05", "p95", "skewness", "kurtosis")
_VOICED = ("mean", "std", "p05", "p20", "p50", "p80", "p95")
_UNVOICED = ("mean", "std")


@dataclass(frozen=True)
class Block:
    """Contours that share their functionals and their region."""

    contours: tuple[str, ...]
    region: str
    functionals: tuple[str, ...]
    infix: str = ""
    """Put between contour and functional where the region is not the usual one."""

    def names(self) -> list[str]:
        """Feature names, contour by contour."""
        return [
            f"{contour}{self.infix}_{functional}"
            for contour in self.contours
            for functional in self.functionals
        ]


_MFCC = tuple(f"mfcc{i}" for i in range(spectral.N_MFCC))
_MEL = tuple(name for name in spectral.CONTOURS if name.startswith("mel"))
_SHAPES = tuple(name for name in spectral.CONTOURS if name not in {*_MFCC, *_MEL})

DERIVED: dict[str, Description] = {
    **{
        name.replace("_db", "_relative_db"): Description(
            "dB",
            spectral.CONTOURS[name].text + ", relative to the mean of all bands over the "
            "utterance's speech frames",
            spectral.CONTOURS[name].source,
        )
        for name in _MEL
    },
    **{
        f"{name}_delta{order if order > 1 else ''}": Description(
            "1",
            f"Regression delta over 9 frames, order {order}, of {spectral.CONTOURS[name].text}",
            "librosa",
        )
        for order in (1, 2)
        for name in _MFCC
    },
}
"""Contours made from others before the functionals, with their descriptions."""

CONTOURS: dict[str, Description] = {
    **spectral.CONTOURS,
    **DERIVED,
    **prosodic.CONTOURS,
    **voice_quality.CONTOURS,
}
"""All contours that functionals may be taken of."""

PITCH_FRAMES: frozenset[str] = frozenset(
    {name for name in prosodic.CONTOURS if name.startswith("f0")} | set(voice_quality.CONTOURS)
)
"""Contours over the 46 ms frames of the F0 analysis."""

BLOCKS: tuple[Block, ...] = (
    Block((*_MFCC, *_SHAPES), "speech", FULL),
    Block(tuple(name for name in DERIVED if name.startswith("mel")), "speech", _BAND),
    Block(tuple(name for name in DERIVED if "delta" in name), "speech", _DELTA),
    Block((*_MFCC, *_SHAPES), "voiced", _VOICED, "_voiced"),
    Block((*_MFCC, *_SHAPES), "unvoiced", _UNVOICED, "_unvoiced"),
    Block((*prosodic.CONTOURS, *voice_quality.CONTOURS), "all", FULL),
)

SCALARS: dict[str, Description] = {
    **prosodic.SCALARS,
    **voice_quality.SCALARS,
    **long_term.ltas_names("speech"),
    **long_term.ltas_names("voiced"),
    **long_term.COVARIANCE,
    **long_term.MODULATION,
    **trajectory.TRAJECTORY,
}
"""Features that are not a functional of one contour."""

FEATURE_NAMES: tuple[str, ...] = (
    *(name for block in BLOCKS for name in block.names()),
    *SCALARS,
)
"""Every feature, in the order of every feature vector."""

_ADDITIVE = spectral.LEVEL_ADDITIVE | prosodic.LEVEL_ADDITIVE
_SCALED = prosodic.LEVEL_SCALED


def _is_level_dependent(contour: str, functional: str) -> bool:
    family = FUNCTIONALS[functional].family
    if contour in _ADDITIVE:
        return family == "location"
    return contour in _SCALED and family != "shape"


LEVEL_DEPENDENT: frozenset[str] = frozenset(
    f"{contour}{block.infix}_{functional}"
    for block in BLOCKS
    for contour in block.contours
    for functional in block.functionals
    if _is_level_dependent(contour, functional)
)
"""Features that move when only the recording's gain changes; no other feature does."""


def describe() -> dict[str, Description]:
    """Unit, definition and source of every feature, in the order of `FEATURE_NAMES`."""
    table: dict[str, Description] = {}
    for block in BLOCKS:
        for contour in block.contours:
            about = CONTOURS[contour]
            for name in block.functionals:
                functional = FUNCTIONALS[name]
                table[f"{contour}{block.infix}_{name}"] = Description(
                    functional.unit.format(about.unit),
                    f"{functional.text.format(f'[{about.text}]')}; over {REGIONS[block.region]}",
                    about.source,
                )
    return {**table, **SCALARS}
