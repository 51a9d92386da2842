"""Reasons in words."""

from __future__ import annotations

import pytest

from ser_live.features import FEATURE_NAMES
from ser_live.features.explained import EXPLAINED, phrase


@pytest.mark.parametrize(
    ("feature", "difference", "text"),
    [
        ("f0_semitones_p50", 3.14, "pitch +3.1 st"),
        ("f0_semitones_p50", -2.0, "pitch -2.0 st"),
        ("level_dbfs_p80", 4.2, "louder +4 dB"),
        ("level_dbfs_p80", -6.0, "quieter -6 dB"),
        ("articulation_rate_per_s", 0.8, "faster"),
        ("articulation_rate_per_s", -0.8, "slower"),
        ("alpha_ratio_db_voiced_mean", 5.0, "brighter +5 dB"),
        ("jitter_local", 0.01, "rougher"),
        ("hnr_db_mean", -4.0, "breathier -4 dB"),
        ("f0_semitones_range", 6.0, "livelier +6.0 st"),
    ],
)
def test_a_difference_is_said_in_words(feature: str, difference: float, text: str) -> None:
    """Higher and lower have their own words, with a number where it means something."""
    assert phrase(feature, difference) == text


@pytest.mark.parametrize("difference", [0.0, 0.04, -0.04, float("nan"), float("inf")])
def test_no_difference_has_no_words(difference: float) -> None:
    """Nothing, next to nothing and undefined are not said."""
    assert phrase("f0_semitones_p50", difference) == ""


def test_every_reason_is_a_feature_with_two_wordings() -> None:
    """Reasons are features, and only pitch says up and down with the same word."""
    assert set(EXPLAINED) <= set(FEATURE_NAMES)
    same = {name for name, wording in EXPLAINED.items() if wording.higher == wording.lower}
    assert same == {"f0_semitones_p50"}
