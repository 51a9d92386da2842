"""The measures of segmentation on masks and sounds whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from voices import train, vowel

from ser_live.evaluation import segmentation as sg
from ser_live.synthesis.disturbances import CLATTER, clatter
from ser_live.synthesis.noises import pink_noise


def mask(text: str) -> np.ndarray:
    return np.array([c == "x" for c in text])


def test_frame_errors_by_hand() -> None:
    """One of four missed, two of six false: F1 = 2 * 3 / (4 + 5)."""
    errors = sg.frame_errors(mask("xxxx......"), mask("xxx.xx...."))
    assert (errors.miss, errors.false_alarm) == pytest.approx((1 / 4, 2 / 6))
    assert errors.f1 == pytest.approx(6 / 9)


def test_frame_errors_without_anything_to_err_on_are_nan() -> None:
    """Without speech there is no miss rate, without silence no false alarm rate."""
    assert math.isnan(sg.frame_errors(mask("..."), mask("...")).miss)
    assert math.isnan(sg.frame_errors(mask("xxx"), mask("xxx")).false_alarm)


def test_spans_and_frames_as_masks() -> None:
    """Spans in samples and decisions per frame become masks per 10 ms."""
    assert np.array_equal(sg.steps_of_spans([(160, 480)], 800), mask(".xx.."))
    assert np.array_equal(sg.steps_of_frames(mask("x.")), mask("xxx..."))


def test_energy_truth_skips_breath_and_bridges_short_pauses() -> None:
    """Soft noise before a sentence is no speech; a pause of 0.1 s inside is."""
    rng = np.random.default_rng(1)
    voice = train(0.008, 60)[:8000]
    breath = 0.003 * rng.standard_normal(4800)
    parts = [breath, np.zeros(8000), voice, np.zeros(1600), voice, np.zeros(8000)]
    truth = sg.speech_by_energy(np.concatenate(parts).astype(np.float32))
    steps = np.flatnonzero(truth)
    assert steps[0] == pytest.approx((4800 + 8000) / 160 + 5, abs=2)
    assert truth[steps[0] : steps[-1]].all()


def test_energy_truth_of_silence_is_empty() -> None:
    """Zeros hold no speech."""
    assert not sg.speech_by_energy(np.zeros(16000, np.float32)).any()


def test_pink_noise_falls_three_db_per_octave() -> None:
    """RMS 1, and equal power in 500-1000 Hz and 1000-2000 Hz."""
    noise = pink_noise(160_000, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert np.mean(noise**2) == pytest.approx(1.0)
    assert power[5000:10000].sum() == pytest.approx(power[10000:20000].sum(), rel=0.05)


@pytest.mark.parametrize("kind", CLATTER)
def test_clatter_gives_at_most_one_utterance_a_minute(kind: str) -> None:
    """Made-up typing, clicks, knocks and doors hardly ever pass for speech."""
    sounds = [clatter(kind, 30.0, np.random.default_rng(seed)) for seed in (21, 22)]
    found = sum(len(sg.segment(s).accepted) for s in sounds)
    assert found <= 1


def test_onset_error_counts_from_the_true_onset() -> None:
    """Audio kept before the speech gives a negative error; nothing found gives NaN."""
    voice = np.concatenate([np.zeros(16000), vowel(140, 1.2), np.zeros(16000)])
    samples = (voice + 1e-4 * np.random.default_rng(2).standard_normal(len(voice))).astype("f4")
    truth = sg.speech_by_energy(samples)
    found = sg.segment(samples)
    assert len(found.accepted) == 1
    assert -0.4 < sg.onset_error_s(truth, found.accepted) < -0.1
    assert math.isnan(sg.onset_error_s(truth, ()))
