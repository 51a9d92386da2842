"""Valence and arousal follow their formula, and their measures follow theirs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ser_live.emotions import COORDINATES, EMOTIONS, Emotion
from ser_live.evaluation.affect_agreement import Judged, judge_examples, measure
from ser_live.features import FEATURE_NAMES
from ser_live.model.speaker_shift import ShiftRule, SpeakerShift
from ser_live.speaker.affect import (
    ACOUSTIC,
    NEEDS_SPEAKER,
    Affect,
    AffectScale,
    neutral_of,
)

N = len(FEATURE_NAMES)
SCALE = AffectScale(np.zeros(N), np.ones(N))


def certain(emotion: Emotion) -> NDArray[np.float64]:
    return np.eye(len(EMOTIONS))[EMOTIONS.index(emotion)]


def features(**values: float) -> NDArray[np.float64]:
    x = np.zeros(N)
    for name, value in values.items():
        x[FEATURE_NAMES.index(name)] = value
    return x


def rule(label_means: NDArray[np.float64]) -> ShiftRule:
    one = np.array(1.0)
    return ShiftRule(label_means.mean(axis=0), label_means, one, one, one)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_certain_emotion_in_a_usual_voice_stands_at_its_place(emotion: Emotion) -> None:
    """Valence is the emotion's; arousal is halved, as the voice says 0."""
    valence, arousal = COORDINATES[emotion]
    assert SCALE.judge(certain(emotion), features(), np.zeros(N)) == Affect(
        pytest.approx(valence), pytest.approx(arousal / 2)
    )


def test_places_are_those_of_the_circumplex() -> None:
    """Every emotion has one; pleasant and excited ones are on their side."""
    assert set(COORDINATES) == set(EMOTIONS)
    assert COORDINATES[Emotion.NEUTRAL] == (0.0, 0.0)
    assert all(-1 <= value <= 1 for place in COORDINATES.values() for value in place)
    assert all(COORDINATES[e][0] < 0 for e in (Emotion.SAD, Emotion.ANGRY, Emotion.FEARFUL))


@pytest.mark.parametrize("name", ACOUSTIC)
def test_each_feature_raises_arousal_as_the_formula_says(name: str) -> None:
    """One spread above the speaker's usual in one of five: tanh(1/5)."""
    found = SCALE.acoustic_arousal(features(**{name: 1.0}), np.zeros(N))
    assert found == pytest.approx(np.tanh(1 / 5))


def test_level_and_pitch_say_nothing_about_a_stranger() -> None:
    """They would measure gain and sex; the other three weigh a third each."""
    loud = features(level_dbfs_p80=9.0, f0_semitones_p50=9.0, articulation_rate_per_s=1.0)
    assert SCALE.acoustic_arousal(loud, None) == pytest.approx(np.tanh(1 / 3))
    assert set(ACOUSTIC) >= NEEDS_SPEAKER


def test_what_is_undefined_is_left_out() -> None:
    """NaN features, NaN usual values, and in the end the emotions alone."""
    nan = np.full(N, np.nan)
    assert np.isnan(SCALE.acoustic_arousal(nan, np.zeros(N)))
    assert SCALE.judge(certain(Emotion.ANGRY), nan, None).arousal == pytest.approx(0.6)
    x = features(articulation_rate_per_s=1.0)
    assert SCALE.acoustic_arousal(x, nan) == SCALE.acoustic_arousal(x, None)


@given(st.lists(st.floats(-1e9, 1e9), min_size=5, max_size=5), st.integers(0, 7))
@settings(max_examples=50, deadline=None)
def test_both_stay_between_minus_one_and_one(values: list[float], label: int) -> None:
    """Whatever the voice does."""
    x = features(**dict(zip(ACOUSTIC, values, strict=True)))
    affect = SCALE.judge(certain(EMOTIONS[label]), x, np.zeros(N))
    assert -1 <= affect.valence <= 1
    assert -1 <= affect.arousal <= 1


def test_an_angry_past_does_not_become_the_usual_voice() -> None:
    """Emotion is taken out of the past: the neutral voice is found from anger alone."""
    label_means = np.zeros((len(EMOTIONS), N))
    label_means[EMOTIONS.index(Emotion.ANGRY)] = 4.0
    heard = SpeakerShift(rule(label_means))
    for _ in range(20):
        heard.update(np.full(N, 4.0 + 1.5), certain(Emotion.ANGRY))
    assert neutral_of(heard) == pytest.approx(np.full(N, 1.5))


# -- measures


def judged(arousal: list[float], y: list[Emotion], speakers: str, strong: str = "") -> Judged:
    n = len(y)
    return Judged(
        np.array([EMOTIONS.index(e) for e in y]),
        np.array(list(speakers)),
        np.array(["strong" if k in strong else "normal" for k in map(str, range(n))]),
        np.array(arousal),
        np.array(arousal),
        np.array(arousal),
    )


def test_measures_count_ordered_pairs() -> None:
    """Two speakers, one angry and one sad utterance each; one of four pairs is wrong."""
    found = measure(
        judged(
            [0.9, 0.5, 0.6, 0.1], [Emotion.ANGRY, Emotion.ANGRY, Emotion.SAD, Emotion.SAD], "abab"
        )
    )
    assert found["arousal_rank"]["value"] == pytest.approx(3 / 4)
    assert found["arousal_rank_within"]["value"] == 1.0
    assert found["valence_rank"]["value"] != found["valence_rank"]["value"]  # nobody is happy


def test_intensity_compares_within_speaker_and_emotion_only() -> None:
    """Strong above normal for a, below for b, a tie for c: one and a half of three."""
    values = [0.2, 0.1, 0.8, 0.9, 0.5, 0.5]
    found = measure(judged(values, [Emotion.SAD] * 6, "aabbcc", strong="024"))
    assert found["intensity"]["value"] == pytest.approx(0.5)
    low, high = found["intensity"]["interval"]
    assert low == 0.0
    assert high == 1.0


def made_up_speakers() -> tuple[NDArray[np.float64], ...]:
    """Six voices that differ in pitch by far more than anger does; nothing else is defined."""
    rng = np.random.default_rng(1)
    y = np.tile([0, 0, 0, 4, 4, 4], 6)
    speakers = np.repeat([f"s{k}" for k in range(6)], 6)
    X = np.full((36, N), np.nan)
    pitch_st = np.repeat(np.arange(6) * 4.0, 6) + np.where(y == 4, 3.0, 0.0)
    X[:, FEATURE_NAMES.index("f0_semitones_p50")] = pitch_st + rng.normal(0, 0.1, 36)
    return X, y, speakers


def acoustic_rank(knowledge: str) -> tuple[float, float]:
    """Across and within speakers, with probabilities that are nearly right."""
    X, y, speakers = made_up_speakers()
    probabilities = 0.9 * np.eye(8)[y] + 0.1 / 8
    said = judge_examples(
        X, y, speakers, np.full(len(y), "normal"), probabilities, knowledge=knowledge
    )
    found = measure(said, n_draws=50)
    return (
        found["acoustic_arousal_rank"]["value"],
        found["acoustic_arousal_rank_within"]["value"],
    )


def test_pitch_tells_nothing_of_strangers() -> None:
    """It is left out, and nothing else is there."""
    assert np.isnan(acoustic_rank("stranger")).all()


@pytest.mark.parametrize("knowledge", ["running", "enrolled"])
def test_knowing_the_speaker_lets_pitch_tell(knowledge: str) -> None:
    """Anger stands above neutral across voices that differ by 20 semitones."""
    across, within = acoustic_rank(knowledge)
    assert across > 0.95
    assert within > 0.95


def test_knowledge_has_three_names() -> None:
    """Another one is a mistake of the caller."""
    with pytest.raises(ValueError, match="stranger"):
        judge_examples(
            np.zeros((1, N)), np.zeros(1, int), np.array(["a"]), np.array([""]),
            np.ones((1, 8)) / 8, knowledge="all",
        )  # fmt: skip
