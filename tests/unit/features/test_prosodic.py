from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_push import StreamWithPitch, assert_blocks_are_one_push
from voices import SAMPLE_RATE, noise, sine, vowel

from ser_live.features.prosodic import CONTOURS, SCALARS, ProsodicStream


def stream() -> StreamWithPitch:
    return StreamWithPitch(ProsodicStream)


def stream_of(samples: np.ndarray) -> StreamWithPitch:
    stream = StreamWithPitch(ProsodicStream)
    stream.push(samples)
    return stream


def summary(samples: np.ndarray) -> dict[str, float]:
    return stream_of(samples).summary(len(samples))


def contours(samples: np.ndarray) -> dict[str, np.ndarray]:
    return stream_of(samples).contours(len(samples))


def syllables(rate_per_s: float, seconds: float, f0_hz: float = 150.0) -> np.ndarray:
    """A vowel whose amplitude swings between 1 and 0.1 (20 dB) so many times a second."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    swing = 10.0 ** (-0.5 - 0.5 * np.cos(2.0 * np.pi * rate_per_s * time))
    return (vowel(f0_hz, seconds) * swing).astype(np.float32)


SENTENCE = np.concatenate(
    [
        noise(0.2, 1e-4),
        syllables(4.0, 0.75),
        noise(0.3, 1e-4),
        vowel(np.linspace(200.0, 120.0, 12000), 0.75),
        noise(0.15, 0.05),
        noise(0.25, 1e-4),
    ]
)


def test_energy_of_a_full_scale_sine() -> None:
    """A full-scale sine has -3.01 dBFS in every frame (0.05 dB)."""
    energy = contours(sine(400.0, 0.5, amplitude=1.0))["energy_dbfs"]
    assert np.abs(energy + 3.01).max() < 0.05


def test_semitones_are_above_27_5_hz() -> None:
    """220 Hz is three octaves above 27.5 Hz: 36 semitones."""
    assert np.nanmedian(contours(sine(220.0, 0.5))["f0_semitones"]) == pytest.approx(36.0, abs=0.02)


def test_loudness_doubles_as_amplitude_grows_by_its_exponent() -> None:
    """Amplitude x g is loudness x g^0.66, so gain adds the same phon everywhere."""
    soft, loud = contours(SENTENCE), contours(SENTENCE * np.float32(0.25))
    ratio = soft["loudness_au"] / loud["loudness_au"]
    assert np.nanmax(np.abs(ratio / 4.0**0.66 - 1.0)) < 1e-5
    step = soft["loudness_phon"] - loud["loudness_phon"]
    assert np.nanmax(np.abs(step - 6.6 * 2.0)) < 1e-4


def test_gain_changes_no_scalar() -> None:
    """Every scalar is the same 12 dB softer."""
    loud, soft = summary(SENTENCE), summary(SENTENCE * np.float32(0.25))
    for name, value in loud.items():
        assert soft[name] == pytest.approx(value, rel=1e-4, abs=1e-6, nan_ok=True), name


def test_zeros_around_change_no_scalar() -> None:
    """Whole frames of digital silence around an utterance change no scalar by more than 2 %."""
    bare = summary(SENTENCE)
    zeros = np.zeros(16_000, np.float32)
    padded = summary(np.concatenate([zeros, SENTENCE, zeros]))
    for name, value in bare.items():
        assert padded[name] == pytest.approx(value, rel=0.02, abs=0.02, nan_ok=True), name


def test_rising_and_falling_melody() -> None:
    """An F0 that rises 12 semitones in a second has that slope, and half of it as P1."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    found = summary(vowel(110.0 * 2.0**time, 1.0))
    assert found["f0_initial_slope_semitones_per_s"] == pytest.approx(12.0, rel=0.05)
    assert found["f0_final_slope_semitones_per_s"] == pytest.approx(12.0, rel=0.05)
    assert found["f0_shape_slope_semitones"] == pytest.approx(5.7, abs=0.3)
    assert abs(found["f0_shape_curve_semitones"]) < 0.1
    assert found["f0_maximum_position"] > 0.95
    assert found["f0_rising_share"] > 0.9
    assert found["f0_falling_share"] == 0.0


def test_valley_is_a_positive_curve() -> None:
    """An F0 that falls and rises again has a positive second coefficient and no slope."""
    time = np.linspace(-1.0, 1.0, SAMPLE_RATE)
    found = summary(vowel(120.0 * 2.0 ** (0.5 * time**2), 1.0))
    assert found["f0_shape_curve_semitones"] == pytest.approx(4.0, abs=0.5)
    assert abs(found["f0_shape_slope_semitones"]) < 0.3


@pytest.mark.parametrize("rate_per_s", [3.0, 5.0, 7.0])
def test_syllables_are_counted(rate_per_s: float) -> None:
    """Swings of 20 dB are counted as syllables, evenly spaced, and are the modulation peak."""
    found = summary(syllables(rate_per_s, 3.0))
    assert found["syllable_rate_per_s"] == pytest.approx(rate_per_s, rel=0.1)
    assert found["nucleus_interval_variation"] < 0.1
    assert found["nucleus_interval_npvi"] < 0.1
    assert found["modulation_peak_hz"] == pytest.approx(rate_per_s, abs=0.3)


def test_pauses_are_counted_and_measured() -> None:
    """Two silences of 0.4 and 0.2 s between three vowels are two pauses of mean 0.3 s."""
    parts = [vowel(150.0, 0.6), noise(0.4, 1e-5), vowel(150.0, 0.6), noise(0.2, 1e-5)]
    found = summary(np.concatenate([*parts, vowel(150.0, 0.6)]))
    assert found["n_pauses"] == 2
    assert found["pause_mean_s"] == pytest.approx(0.3, abs=0.05)
    assert found["speech_extent_s"] == pytest.approx(2.4, abs=0.06)
    assert found["pause_share"] == pytest.approx(0.25, abs=0.04)
    assert found["pauses_per_s"] == pytest.approx(2 / 2.4, rel=0.05)
    assert found["voiced_segments_per_s"] == pytest.approx(3 / 2.4, rel=0.05)
    assert found["voiced_segment_mean_s"] == pytest.approx(0.6, abs=0.06)
    assert found["articulation_rate_per_s"] > found["syllable_rate_per_s"]


def test_pauses_are_found_in_noise() -> None:
    """The same pauses are counted with noise 20 dB below the voice."""
    parts = [vowel(150.0, 0.6), noise(0.4, 0.0), vowel(150.0, 0.6), noise(0.3, 0.0)]
    clean = np.concatenate([*parts, vowel(150.0, 0.6)])
    assert summary(clean + noise(2.5, 0.1 * float(clean.std())))["n_pauses"] == 2


def test_slope_over_an_unvoiced_gap_is_undefined() -> None:
    """No slope is taken across a change between voiced and unvoiced."""
    found = contours(SENTENCE)
    slope, semitones = found["f0_slope_semitones_per_s"], found["f0_semitones"]
    for frame in np.flatnonzero(~np.isnan(slope)):
        assert not np.isnan(semitones[frame - 2 : frame + 3]).any()


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0, np.float32), np.zeros(1, np.float32), np.zeros(16000, np.float32)],
    ids=["empty", "one sample", "zeros"],
)
def test_nothing_heard_is_undefined(samples: np.ndarray) -> None:
    """Without a sounding frame every scalar is NaN and every contour value too."""
    assert all(np.isnan(value) for value in summary(samples).values())
    assert all(np.isnan(contour).all() for contour in contours(samples).values())


@pytest.mark.parametrize(
    "samples",
    [
        np.full(16000, 0.5, np.float32),
        noise(0.5),
        np.clip(20.0 * vowel(200.0, 0.5), -1.0, 1.0),
        vowel(200.0, 0.06),
        np.eye(1, 16000, 8000, dtype=np.float32)[0],
    ],
    ids=["constant", "noise", "clipped", "60 ms", "click"],
)
def test_odd_sounds_give_defined_names_without_warnings(samples: np.ndarray) -> None:
    """Whatever is heard, the same names come, finite or NaN, and nothing warns."""
    found = summary(samples)
    assert found.keys() == SCALARS.keys()
    assert not np.isinf(list(found.values())).any()
    assert not any(np.isinf(contour).any() for contour in contours(samples).values())


def test_every_value_is_described() -> None:
    """Contours and scalars are exactly those that are described, in the same order."""
    stream = stream_of(SENTENCE)
    assert list(stream.contours(len(SENTENCE))) == list(CONTOURS)
    assert list(stream.summary(len(SENTENCE))) == list(SCALARS)


def test_sentence_defines_every_scalar() -> None:
    """A sentence of two words leaves only scalars undefined that need more of them."""
    undefined = {name for name, value in summary(SENTENCE).items() if np.isnan(value)}
    assert undefined <= {
        "nucleus_interval_npvi",
        "nucleus_interval_variation",
        "unvoiced_segment_deviation_s",
    }


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9000), max_size=12), st.integers(0, len(SENTENCE)))
def test_blocks_of_any_size_are_one_push(sizes: list[int], n_samples: int) -> None:
    """The first n samples give what one push of samples[:n] gives, asked at any time."""
    assert_blocks_are_one_push(stream, SENTENCE, sizes, n_samples, contour_tolerance=1e-9)
