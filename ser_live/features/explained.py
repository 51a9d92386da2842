"""The few features that people can hear, and how to say that one stands out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Wording:
    """Words for a feature above or below the speaker's usual value."""

    higher: str
    lower: str
    unit: str = ""
    """Shown after the difference; empty where the number would mean nothing to people."""
    digits: int = 1


EXPLAINED: dict[str, Wording] = {
    "f0_semitones_p50": Wording("pitch", "pitch", "st"),
    "f0_semitones_range": Wording("livelier", "more monotone", "st"),
    "level_dbfs_p80": Wording("louder", "quieter", "dB", 0),
    "level_dbfs_midrange": Wording("more dynamic", "more even", "dB", 0),
    "articulation_rate_per_s": Wording("faster", "slower"),
    "pause_share": Wording("more pauses", "fewer pauses"),
    "alpha_ratio_db_voiced_mean": Wording("brighter", "darker", "dB", 0),
    "jitter_local": Wording("rougher", "smoother"),
    "hnr_db_mean": Wording("clearer", "breathier", "dB", 0),
    "f0_shape_slope_semitones": Wording("rising melody", "falling melody"),
}
"""Features that serve as reasons, with their wording."""


def phrase(feature: str, difference: float) -> str:
    """Words for a difference from the speaker's usual value.

    Parameters
    ----------
    feature : str
        Key of `EXPLAINED`.
    difference : float
        Value minus the speaker's own mean, in the feature's unit.

    Returns
    -------
    str
        ``pitch +3.1 st``, ``louder +4 dB``, ``faster``; empty where `difference` is not
        a number or rounds to nothing.

    Raises
    ------
    KeyError
        For a feature that is not in `EXPLAINED`.
    """
    wording = EXPLAINED[feature]
    if not np.isfinite(difference) or difference == 0:
        return ""
    word = wording.higher if difference > 0 else wording.lower
    if not wording.unit:
        return word
    amount = f"{difference:+.{wording.digits}f}"
    return f"{word} {amount} {wording.unit}" if float(amount) != 0 else ""
