"""Words for people: certainty, refusals, what is unusual about a voice, ages."""

from __future__ import annotations

from collections.abc import Sequence

from ser_live.events import Reason, Verdict
from ser_live.terminal.pen import Pen

VERY_SURE = 0.90
"""Probability called very sure. The evaluation tells how many such answers about strangers are
right, and caution keeps unfamiliar voices below it."""

HINTS = {
    Verdict.TOO_SHORT: "too little speech to judge",
    Verdict.TOO_QUIET: "come closer to the microphone",
    Verdict.CLIPPED: "overdriven: lower the microphone's gain",
    Verdict.TOO_NOISY: "the voice hardly stands out of the background",
    Verdict.NOT_SPEECH: "no words: noise, music, a laugh, a cough",
}
"""Meaning of a refusal, or what to do about it."""

_REASONS = {
    "f0_semitones_p50": ("voice higher", "voice lower"),
    "f0_semitones_range": ("livelier", "more monotone"),
    "level_dbfs_p80": ("louder", "quieter"),
    "level_dbfs_midrange": ("more dynamic", "more even"),
    "articulation_rate_per_s": ("faster", "slower"),
    "pause_share": ("more pauses", "fewer pauses"),
    "alpha_ratio_db_voiced_mean": ("voice brighter", "voice darker"),
    "jitter_local": ("voice rougher", "voice smoother"),
    "hnr_db_mean": ("voice clearer", "voice breathier"),
    "f0_shape_slope_semitones": ("melody rises more", "melody falls more"),
}
"""Words for a feature above and below the usual of the voice."""


def confidence_in_words(probability: float) -> str:
    """Meaning of a calibrated probability of the winning emotion, in words."""
    if probability >= VERY_SURE:
        return "very sure"
    if probability >= 0.65:
        return "sure"
    return "fairly sure" if probability >= 0.50 else "weak lead"


def reason_in_words(reason: Reason) -> str:
    """Something unusual, without units; the reason's own text for a feature without words."""
    words = _REASONS.get(reason.feature)
    if words is None or not reason.difference:
        return reason.text
    return words[0 if reason.difference > 0 else 1]


def whole_reasons(reasons: Sequence[Reason], pen: Pen, width: int, *, with_units: bool) -> str:
    """Unusual things about the voice, the strongest first, as many as fit `width` cells.

    ``voice higher, louder, faster than usual``; with units ``pitch +3.1 st · louder +4 dB``.
    """
    texts = [pen.safe(r.text if with_units else reason_in_words(r)) for r in reasons]
    joint, end = (pen.signs.dot, "") if with_units else (", ", " than usual")
    for n in range(len(texts), 0, -1):
        text = joint.join(texts[:n]) + end
        if pen.fit(text, width) == text:
            return text
    return pen.fit(texts[0], width) if texts else ""


def age_in_words(age_s: float) -> str:
    """Time that has passed: ``12 s ago``."""
    if age_s < 1.0:
        return "just now"
    if age_s < 60:
        return f"{age_s:.0f} s ago"
    return f"{age_s / 60:.0f} min ago" if age_s < 3600 else f"{age_s / 3600:.0f} h ago"
