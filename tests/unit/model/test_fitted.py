"""Ensembles, the speaker's shift, and what they answer together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ser_live.emotions import EMOTIONS, LABELS, Emotion
from ser_live.errors import ModelError
from ser_live.model.classifier import Classifier, LinearHead, fold, softmax
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import InputLayout
from ser_live.model.speaker_shift import ShiftRule, SpeakerShift
from ser_live.model.strangers import Strangers

K = len(LABELS)
N = 10
LAYOUT = InputLayout(N)
ANGRY, SAD = EMOTIONS.index(Emotion.ANGRY), EMOTIONS.index(Emotion.SAD)


def linear(coef: np.ndarray) -> Classifier:
    """Scores are `coef` times the inputs."""
    n = len(coef)
    return Classifier(
        impute=np.zeros(n),
        mean=np.zeros(n),
        scale=np.ones(n),
        limit=np.array(100.0),
        used=np.arange(n),
        projection=None,
        heads=(LinearHead(coef, np.zeros(coef.shape[1])),),
        head_weights=np.ones(1),
        temperature=np.array(1.0),
    )


def some_rule(correction: float = 1.0) -> ShiftRule:
    """Emotion k shows in input k; inputs 8 and 9 are voice alone."""
    return ShiftRule(
        mean=np.concatenate([np.full(K, 1 / K), np.zeros(2)]),
        label_means=np.eye(K, N),
        correction=np.array(correction),
        kappa=np.array(2.0),
        half_weight=np.array(1.0),
    )


def some_fitted() -> Fitted:
    rng = np.random.default_rng(0)
    cold = Ensemble(
        (linear(rng.standard_normal((N, K))), linear(rng.standard_normal((N, 2 * K)))),
        np.array([0.25, 0.75]),
        np.array(1.5),
    )
    return Fitted(cold, Ensemble.of(linear(rng.standard_normal((N, K)))), some_rule())


# -- ensemble ------------------------------------------------------------------------------


def test_groups_of_outputs_are_added_up() -> None:
    """Output j means label j mod 8: weak and strong anger are both anger."""
    probabilities = np.zeros((1, 2 * K))
    probabilities[0, ANGRY], probabilities[0, K + ANGRY], probabilities[0, SAD] = 0.3, 0.5, 0.2
    assert fold(probabilities, K)[0, ANGRY] == pytest.approx(0.8)
    assert fold(probabilities, K).sum() == pytest.approx(1.0)


def test_the_mean_is_of_logarithms() -> None:
    """Two members with equal say: the geometric mean, normalised."""
    members = [linear(np.eye(N, K) * scale) for scale in (1.0, 3.0)]
    X = np.arange(N, dtype=float)[None, :] / N
    found = Ensemble(tuple(members), np.array([0.5, 0.5]), np.array(1.0)).predict_proba(X)
    assert found == pytest.approx(softmax(X[:, :K] * 2.0), abs=2e-3)


def test_one_member_is_hardly_changed() -> None:
    """Only the floor under its probabilities is added."""
    member = linear(np.eye(N, K))
    X = np.random.default_rng(1).standard_normal((5, N))
    assert Ensemble.of(member).predict_proba(X) == pytest.approx(member.predict_proba(X), abs=2e-3)


# -- the speaker ---------------------------------------------------------------------------


def test_the_shift_finds_the_voice_whatever_the_emotions() -> None:
    """A voice 3 higher in input 8: found from angry utterances alone, and no anger with it."""
    voice = np.concatenate([np.zeros(K), [3.0, 0.0]])
    speaker = SpeakerShift(some_rule())
    for _ in range(200):
        speaker.update(np.eye(K, N)[ANGRY] + voice, np.eye(K)[ANGRY])
    assert speaker.offset == pytest.approx(voice * 200 / 202)


def test_without_correction_a_long_angry_session_becomes_the_normal() -> None:
    """The plain mean takes the anger with it, which is what the correction is for."""
    speaker = SpeakerShift(some_rule(correction=0.0))
    for _ in range(200):
        speaker.update(np.eye(K, N)[ANGRY], np.eye(K)[ANGRY])
    assert speaker.offset[ANGRY] == pytest.approx((1 - 1 / K) * 200 / 202)


def test_nothing_known_is_no_shift() -> None:
    """At first, and after undefined inputs alone, the offset is 0."""
    speaker = SpeakerShift(some_rule())
    assert not speaker.offset.any()
    assert speaker.share == 0.0
    speaker.update(np.full(N, np.nan), np.eye(K)[0])
    assert not speaker.offset.any()
    assert speaker.share == 0.5


def test_one_can_go_on_from_a_saved_state() -> None:
    """Total and weight are all there is to remember."""
    first = SpeakerShift(some_rule())
    rng = np.random.default_rng(2)
    for _ in range(5):
        first.update(rng.standard_normal(N), np.full(K, 1 / K))
    second = SpeakerShift(first.rule, first.total, first.weight)
    for speaker in (first, second):
        speaker.update(np.ones(N), np.eye(K)[3])
    assert np.array_equal(first.offset, second.offset)


# -- together ------------------------------------------------------------------------------


def test_a_stranger_is_judged_cold_and_a_known_voice_warm() -> None:
    """Without past: the cold ensemble to the bit; with much: the warm one on what is left."""
    fitted = some_fitted()
    assert fitted.warm is not None
    assert fitted.shift is not None
    X = np.random.default_rng(3).standard_normal((4, N))
    speaker = SpeakerShift(fitted.shift)
    cold = fitted.cold.predict_proba(X)
    assert np.array_equal(fitted.predict_proba(X), cold)
    assert np.array_equal(fitted.predict_proba(X, speaker), cold)
    speaker.total, speaker.weight = np.full(N, 1e6), 1e6
    expected = fitted.warm.predict_proba(X - speaker.offset)
    assert fitted.predict_proba(X, speaker) == pytest.approx(expected, abs=1e-3)


def test_arrays_there_and_back() -> None:
    """Written and read, the same answers to the bit."""
    fitted = some_fitted()
    assert fitted.shift is not None
    back = Fitted.from_arrays(fitted.arrays(), LAYOUT, K)
    assert back.shift is not None
    X = np.random.default_rng(4).standard_normal((3, N))
    speakers = [SpeakerShift(rule, np.ones(N), 3.0) for rule in (fitted.shift, back.shift)]
    found = [f.predict_proba(X, s) for f, s in zip((fitted, back), speakers, strict=True)]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_parts_that_do_not_fit_are_refused() -> None:
    """A missing half, a surplus array, a negative constant: one sentence each."""
    fitted = some_fitted()
    assert fitted.shift is not None
    good = fitted.arrays()
    no_shift = {name: a for name, a in good.items() if not name.startswith("shift.")}
    with pytest.raises(ModelError, match="lacks its counterpart"):
        Fitted.from_arrays(no_shift, LAYOUT, K)
    with pytest.raises(ModelError, match=r"'tepid\.x'"):
        Fitted.from_arrays({**good, "tepid.x": np.zeros(1)}, LAYOUT, K)
    with pytest.raises(ModelError, match="ensemble whose parts do not fit"):
        Fitted.from_arrays({**good, "cold.temperature": np.array(0.0)}, LAYOUT, K)
    bad = replace(fitted.shift, kappa=np.array(-1.0))
    with pytest.raises(ModelError, match="speaker rule whose parts do not fit"):
        ShiftRule.from_arrays(bad.arrays(), N, K)
    with pytest.raises(ModelError, match="head with 12 outputs"):
        Fitted.from_arrays(Fitted(Ensemble.of(linear(np.ones((N, 12))))).arrays(), LAYOUT, K)


# -- strangers -----------------------------------------------------------------------------


def test_a_stranger_is_judged_as_every_voice_in_turn() -> None:
    """The answer is the mean over the voices, the same for one utterance and for many."""
    rng = np.random.default_rng(3)
    ensemble = Ensemble.of(linear(rng.standard_normal((N, K))))
    voices = rng.standard_normal((4, N))
    X = rng.standard_normal((5, N))
    found = Strangers(ensemble, voices, np.array(1.0)).predict_proba(X)
    assert found == pytest.approx(
        np.mean([ensemble.predict_proba(X - voice) for voice in voices], axis=0)
    )
    one_by_one = [Strangers(ensemble, voices, np.array(1.0)).predict_proba(x[None])[0] for x in X]
    assert found == pytest.approx(np.array(one_by_one))


def test_what_hangs_on_the_voice_is_less_sure() -> None:
    """Input 9 is voice alone and counts for anger: without knowing it the answer is open."""
    coef = np.zeros((N, K))
    coef[9, ANGRY], coef[0, SAD] = 4.0, 4.0
    ensemble = Ensemble.of(linear(coef))
    voices = np.zeros((2, N))
    voices[:, 9] = -1.0, 1.0
    strangers = Strangers(ensemble, voices, np.array(1.0))
    by_voice, by_emotion = np.zeros((1, N)), np.zeros((1, N))
    by_voice[0, 9], by_emotion[0, 0] = 1.0, 1.0
    assert strangers.predict_proba(by_voice)[0, ANGRY] < ensemble.predict_proba(by_voice)[0, ANGRY]
    lost = ensemble.predict_proba(by_emotion) - strangers.predict_proba(by_emotion)
    assert lost[0, SAD] < 0.5


def test_strangers_survive_their_file_and_share_the_ensemble() -> None:
    """The members are stored once; parts that do not fit are refused."""
    known = some_fitted()
    assert known.warm is not None
    rng = np.random.default_rng(4)
    voices = rng.standard_normal((3, N)).astype(np.float32)
    fitted = replace(known, cold=Strangers(known.warm, voices, np.array(1.2)))
    arrays = fitted.arrays()
    assert not any(name.startswith("cold.0") for name in arrays)
    loaded = Fitted.from_arrays(arrays, LAYOUT, K)
    X = rng.standard_normal((3, N))
    assert loaded.predict_proba(X) == pytest.approx(fitted.predict_proba(X), abs=1e-6)
    for name, value in (
        ("cold.voices", voices[:, 1:]),
        ("cold.voices", voices[:0]),
        ("cold.temperature", np.array(0.0)),
        ("cold.more", np.ones(1)),
    ):
        with pytest.raises(ModelError, match="fetch or train"):
            Fitted.from_arrays({**arrays, name: value}, LAYOUT, K)
