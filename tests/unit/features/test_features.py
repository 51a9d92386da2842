"""The feature stream: one code for training and live, names, levels, bad input."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from places import ROOT
from speechlike import speechlike, tone, white

from ser_live.errors import InvalidAudioError
from ser_live.features import (
    FEATURE_NAMES,
    FEATURE_SET_VERSION,
    LEVEL_DEPENDENT,
    FeatureStream,
    describe,
    extract,
)

SPEECH = speechlike(2.0).astype(np.float32)


@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_partial_results_are_those_of_the_stretch_alone(data: st.DataObject) -> None:
    """Pushed in any blocks, the features of the first n samples are extract(samples[:n])."""
    sizes = data.draw(st.lists(st.integers(0, 8000), min_size=1, max_size=6))
    n = data.draw(st.integers(0, len(SPEECH)))
    asked_early = data.draw(st.booleans())
    stream = FeatureStream()
    pushed = 0
    for block in np.split(SPEECH, np.minimum(np.cumsum(sizes), len(SPEECH))):
        stream.push(block)
        pushed += len(block)
        if asked_early:
            stream.features(pushed)
    np.testing.assert_allclose(
        stream.features(n).values, extract(SPEECH[:n]).values, rtol=1e-9, atol=1e-9
    )


def test_asking_twice_gives_the_same() -> None:
    """Asking for features changes nothing."""
    stream = FeatureStream()
    stream.push(SPEECH)
    first = stream.features().values
    stream.features(len(SPEECH) // 2)
    np.testing.assert_array_equal(stream.features().values, first)


def test_speech_has_every_feature() -> None:
    """Two seconds of speech-like sound without pauses define 95 % of the features."""
    values = extract(SPEECH).values
    assert np.isfinite(values).mean() > 0.95
    assert not np.isinf(values).any()


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_gain_moves_level_dependent_features_only(gain: float) -> None:
    """A gain of 6.02 dB leaves every feature outside LEVEL_DEPENDENT within 1e-6 of itself.

    Powers of two scale float32 samples without rounding, so that only the features' own
    dependence shows.
    """
    before = extract(SPEECH)
    after = extract(SPEECH * np.float32(gain))
    for name, was, now in zip(FEATURE_NAMES, before.values, after.values, strict=True):
        if name not in LEVEL_DEPENDENT:
            assert now == pytest.approx(was, rel=1e-6, abs=1e-6, nan_ok=True), name


def test_level_features_follow_the_gain() -> None:
    """Halving moves the level by -6.02 dB and c0 by -6.02 sqrt(32), and all that is named."""
    before = extract(SPEECH)
    after = extract(SPEECH * np.float32(0.5))
    shift_db = 20 * np.log10(0.5)
    assert after["level_dbfs_p80"] - before["level_dbfs_p80"] == pytest.approx(shift_db, abs=1e-6)
    assert after["mfcc0_mean"] - before["mfcc0_mean"] == pytest.approx(shift_db * 32**0.5, abs=1e-6)
    assert all(after[name] != before[name] for name in LEVEL_DEPENDENT)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0), np.zeros(1), np.full(1, 0.5), np.zeros(511), np.zeros(16_000)],
    ids=["empty", "zero", "one sample", "short", "silence"],
)
def test_what_is_no_sound_has_no_features(samples: NDArray[np.float64]) -> None:
    """Nothing, one sample and silence have no defined feature, and there is no warning."""
    assert np.isnan(extract(samples.astype(np.float32)).values).all()


@pytest.mark.parametrize(
    "samples",
    [
        np.full(16_000, 0.7),
        np.sign(tone(150.0)),
        tone(440.0),
        white(1.0),
        1e-6 * white(1.0),
        np.concatenate([np.zeros(8000), white(0.06), np.zeros(8000)]),
        white(0.032),
        np.eye(1, 16_000, 8000)[0],
    ],
    ids=["constant", "clipped", "tone", "noise", "faint", "burst", "one frame", "pulse"],
)
def test_odd_sounds_are_finite_or_undefined(samples: NDArray[np.float64]) -> None:
    """No odd sound gives infinity or a warning."""
    assert not np.isinf(extract(samples.astype(np.float32)).values).any()


def test_nan_in_the_samples_is_refused() -> None:
    """NaN is refused with a sentence instead of spreading through the features."""
    with pytest.raises(InvalidAudioError, match="NaN or infinity"):
        extract(np.array([0.0, np.nan], dtype=np.float32))


def test_two_channels_are_refused() -> None:
    """A two-dimensional block is refused."""
    with pytest.raises(InvalidAudioError, match=r"shape \(100, 2\)"):
        extract(np.zeros((100, 2), dtype=np.float32))


def test_names_are_distinct_and_speak_plainly() -> None:
    """Every feature has its own name in lower case, and a version stands beside them."""
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in FEATURE_NAMES)
    assert FEATURE_SET_VERSION


def test_every_feature_is_described() -> None:
    """describe() has every feature in order, with unit, text and source."""
    table = describe()
    assert tuple(table) == FEATURE_NAMES
    assert all(about.unit and about.text and about.source for about in table.values())
    assert table["spectral_centroid_hz_slope_per_s"].unit == "Hz/s"
    assert table["mfcc3_slope_per_s"].unit == "1/s"


def test_a_vector_can_be_read_by_name() -> None:
    """A name gives the value at its place."""
    vector = extract(SPEECH)
    assert vector["mfcc3_mean"] == vector.values[FEATURE_NAMES.index("mfcc3_mean")]


def test_level_dependent_features_are_features() -> None:
    """LEVEL_DEPENDENT names features only, far fewer than there are."""
    assert set(FEATURE_NAMES) > LEVEL_DEPENDENT
    assert len(LEVEL_DEPENDENT) < 0.05 * len(FEATURE_NAMES)


def test_heavy_libraries_stay_out() -> None:
    """Importing the features loads neither librosa, scikit-learn, scipy.signal nor scipy.stats."""
    code = (
        "import sys, ser_live.features as f, numpy as np; f.extract(np.ones(9000, 'float32'));"
        "print([m for m in ('librosa','sklearn','numba','scipy.signal','scipy.stats')"
        " if m in sys.modules])"
    )
    root = ROOT
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
