"""A session gets to know its speaker: through the pipeline, with a model whose rule is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from stream_parts import STREAM, analysis, analyze_source

from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.emotions import EMOTIONS, LABELS, Emotion
from ser_live.errors import ProfileError
from ser_live.events import EmotionResult, Kind, SessionStarted, Utterance, Verdict
from ser_live.features import FEATURE_NAMES
from ser_live.model.card import ModelCard
from ser_live.model.classifier import Classifier, LinearHead
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.speaker_shift import ShiftRule
from ser_live.session.live import LiveSession
from ser_live.sources import ArraySource
from ser_live.speaker.baseline import MIN_PAST_UTTERANCES, SpeakerBaseline
from ser_live.speaker.memory import SpeakerMemory
from ser_live.speaker.profile import ProfileCard, SpeakerProfile
from ser_live.stream.analysis import AnalysisStage

N = len(FEATURE_NAMES)
PITCH = FEATURE_NAMES.index("f0_semitones_p50")
NEUTRAL, ANGRY = EMOTIONS.index(Emotion.NEUTRAL), EMOTIONS.index(Emotion.ANGRY)
ANGER_ST = 6.0
"""Anger raises the pitch by this much in the model's world."""
BALANCED = Settings(prior="balanced")
"""In that world people are angry as often as not."""


def voice(pitch_st: float, seconds: float = 1.5, seed: int = 0) -> NDArray[np.float32]:
    """Harmonics of a fundamental this many semitones above 120 Hz, in four syllables a second."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    f0_hz = 120.0 * 2 ** ((pitch_st + 0.3 * np.sin(3 * time_s)) / 12)
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    sound = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)
    noise = 1e-3 * rng.standard_normal(len(time_s))
    return np.asarray(0.08 * sound * syllables + noise, dtype=np.float32)


def utterance(number: int, pitch_st: float, kind: str = "final") -> Utterance:
    samples = voice(pitch_st, seed=number)
    return Utterance(
        stream=STREAM,
        id=number,
        kind=Kind(kind),
        start_sample=number * 40_000,
        end_sample=number * 40_000 + len(samples),
        samples=samples,
        speech=np.ones(-(-len(samples) // 480), bool),
        noise_dbfs=-70.0,
    )


def synthetic(
    correction: float = 1.0, *, adapts: bool = True, sha256: str = "0" * 64
) -> EmotionModel:
    """Hears pitch alone: angry from half of `ANGER_ST` above 120 Hz on, else neutral."""
    coef = np.zeros((N, len(LABELS)))
    coef[PITCH, ANGRY] = 1.5
    neutral_st = zero_st()
    intercept = np.full(len(LABELS), -20.0)
    intercept[NEUTRAL], intercept[ANGRY] = 0.0, -1.5 * (neutral_st + ANGER_ST / 2)
    ensemble = Ensemble.of(
        Classifier(
            impute=np.zeros(N),
            mean=np.zeros(N),
            scale=np.ones(N),
            limit=np.array(1e6),
            used=np.arange(N),
            projection=None,
            heads=(LinearHead(coef, intercept),),
            head_weights=np.ones(1),
            temperature=np.array(1.0),
        )
    )
    usual = np.zeros(N)
    usual[PITCH] = neutral_st
    label_means = np.tile(usual, (len(LABELS), 1))
    label_means[ANGRY, PITCH] += ANGER_ST
    one = np.array(1.0)
    rule = ShiftRule(label_means.mean(axis=0), label_means, np.array(correction), one, one)
    fitted = Fitted(ensemble, ensemble, rule) if adapts else Fitted(ensemble)
    card = ModelCard("synthetic", "test", "1", FEATURE_NAMES, LABELS, "none", sha256, None, {})
    return EmotionModel(card, fitted)


def zero_st() -> float:
    """What the pitch feature says of 120 Hz."""
    from ser_live.features import extract

    return float(extract(voice(0.0)).values[PITCH])


def hear(stage: AnalysisStage, pitches_st: list[float], first: int = 1) -> list[EmotionResult]:
    return [stage.judge(utterance(first + k, p)) for k, p in enumerate(pitches_st)]


def test_a_long_angry_session_does_not_become_the_new_normal() -> None:
    """After thirty angry utterances anger is still anger, and calm speech neutral."""
    stage = analysis(synthetic(), BALANCED)
    angry = hear(stage, [ANGER_ST] * 30)
    assert {r.emotion for r in angry} == {Emotion.ANGRY}
    assert angry[-1].probabilities is not None
    after = hear(stage, [0.0, ANGER_ST], first=40)
    assert [r.emotion for r in after] == [Emotion.NEUTRAL, Emotion.ANGRY]
    assert after[1].arousal is not None
    assert after[1].arousal - (after[0].arousal or 0.0) > 0.3


def test_without_the_guard_it_would() -> None:
    """The same session with a plain mean: what was angry is then no longer named so."""
    stage = analysis(synthetic(correction=0.0), BALANCED)
    heard = hear(stage, [ANGER_ST] * 30)
    assert heard[0].emotion == Emotion.ANGRY
    assert heard[-1].emotion != Emotion.ANGRY


def test_a_higher_voice_is_got_to_know() -> None:
    """Two semitones above the training voices: neutral becomes surer with every utterance."""
    stage = analysis(synthetic(), BALANCED)
    heard = hear(stage, [2.0] * 8)
    sure = [r.probabilities[NEUTRAL] for r in heard if r.probabilities]
    assert sure[0] < 0.9 < sure[-1]
    fixed = hear(analysis(synthetic(), replace(BALANCED, adapt=False)), [2.0] * 8)
    assert fixed[-1].probabilities is not None
    assert fixed[-1].probabilities[NEUTRAL] == pytest.approx(sure[0], abs=0.05)


def test_past_utterances_are_counted_and_forgotten() -> None:
    """Partials and rejected utterances do not count; a new stream begins at zero."""
    stage = analysis(synthetic(), Settings())
    assert [r.n_past for r in hear(stage, [0.0, 0.0, 0.0])] == [0, 1, 2]
    assert stage.judge(utterance(9, 0.0, kind="partial")).n_past == 3
    assert stage.judge(utterance(9, 0.0)).n_past == 3
    quiet = utterance(10, 0.0)
    rejected = stage.judge(replace(quiet, samples=quiet.samples * 1e-4))
    assert rejected.state is Verdict.TOO_QUIET
    assert (rejected.valence, rejected.arousal, rejected.n_past) == (None, None, 0)
    assert stage.judge(utterance(11, 0.0)).n_past == 4
    first = hear(analysis(synthetic(), Settings()), [2.0])[0]
    stage.forget()
    again = hear(stage, [2.0])[0]
    assert again.n_past == 0
    assert again.probabilities == pytest.approx(first.probabilities)
    assert again.reasons == ()


def test_without_adapting_every_utterance_stands_alone() -> None:
    """Labels and arousal do not depend on what came before."""
    stage = analysis(synthetic(), Settings(adapt=False))
    hear(stage, [8.0] * 5)
    late, fresh = (
        hear(s, [2.0], first=20)[0] for s in (stage, analysis(synthetic(), Settings(adapt=False)))
    )
    assert late.n_past == 0
    assert late.probabilities == fresh.probabilities
    assert late.arousal == fresh.arousal


# -- enrolled


def enrolled(pitches_st: list[float], model: EmotionModel | None = None) -> SpeakerProfile:
    model = model or synthetic()
    stage = analysis(model, Settings())
    hear(stage, pitches_st)
    card = ProfileCard("anna", "", model.card.id, model.card.weights_sha256, "1", 8, 9.0, -20.0, 40)
    arrays = {name: np.array(a) for name, a in stage.speaker.to_arrays().items()}
    return SpeakerProfile(card, arrays)


@pytest.mark.parametrize("adapt", [True, False])
def test_an_enrolled_voice_is_known_from_the_first_utterance(adapt: bool) -> None:
    """The session goes on where the enrolment ended; without adapting it stays there."""
    unbroken = hear(analysis(synthetic(), Settings()), [2.0] * 9)[-1]
    stage = analysis(synthetic(), Settings(adapt=adapt), enrolled([2.0] * 8))
    for _ in range(2):  # every stream begins with the profile
        stage.forget()
        first, second = hear(stage, [2.0, 2.0], first=9)
        assert first.probabilities == pytest.approx(unbroken.probabilities)
        assert first.arousal == pytest.approx(unbroken.arousal)
        assert [first.n_past, second.n_past] == ([8, 9] if adapt else [8, 8])


def test_a_model_that_does_not_adapt_still_compares_with_the_past() -> None:
    """Arousal and reasons go by the plain mean of the past; labels do not change."""
    model = synthetic(adapts=False)
    heard = hear(analysis(model, Settings()), [0.0, 0.0, 0.0, 4.0])
    assert heard[-1].n_past == 3
    assert heard[-1].arousal > heard[-2].arousal  # type: ignore[operator]
    assert any("pitch" in reason.text for reason in heard[-1].reasons)
    profile = enrolled([0.0, 0.0], model)
    assert hear(analysis(model, Settings(adapt=False), profile), [0.0])[0].n_past == 2


def test_a_profile_of_another_model_is_refused() -> None:
    """Before anything is heard, with what to do."""
    profile = enrolled([0.0])
    other = synthetic(sha256="1" * 64)
    with pytest.raises(ProfileError, match="ser-live enroll anna --replace"):
        SpeakerMemory(other, profile=profile)
    with pytest.raises(ProfileError, match="ser-live enroll anna --replace"):
        LiveSession([], other, Settings(), profile=profile)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("baseline.sum", np.zeros(3)),
        ("baseline.sum", None),
        ("baseline.n", -np.ones(10)),
        ("baseline.n", np.full(10, 1e6)),
        ("baseline.n_utterances", np.array(-1)),
        ("baseline.n_utterances", np.array(10**12)),
        ("baseline.surplus", np.zeros(3)),
        ("shift.total", np.zeros(3)),
        ("shift.total", np.full(N, 1e300)),
        ("shift.total", np.full(N, np.nan)),
        ("shift.total", None),
        ("shift.weight", np.array(-1.0)),
        ("shift.weight", np.array(np.nan)),
        ("shift.weight", np.ones(2)),
    ],
)
def test_arrays_that_no_enrolment_makes_are_refused(name: str, value: Any) -> None:
    """Wrong shapes, impossible counts, absurd values, too few or too many arrays."""
    profile = enrolled([0.0, 0.0])
    arrays = {k: v for k, v in profile.arrays.items() if k != name}
    if value is not None:
        arrays[name] = value
    with pytest.raises(ProfileError, match="enrol again"):
        SpeakerMemory(synthetic(), profile=SpeakerProfile(profile.card, arrays))


def test_a_session_says_who_it_began_with() -> None:
    """The log's first event names the speaker, settings say whether it adapts."""
    samples = np.concatenate([np.zeros(8000, np.float32), voice(0.0), np.zeros(16_000, np.float32)])
    profile = enrolled([0.0, 0.0])
    session = LiveSession(
        [ArraySource(samples, 16_000)] * 1, synthetic(), Settings(adapt=False), profile=profile
    )
    events: list[Any] = []
    with session:
        while not session.finished:
            events.extend(session.poll(0.05))
    started = next(e for e in events if isinstance(e, SessionStarted))
    assert started.as_record()["speaker"] == "anna"
    assert started.as_record()["settings"]["adapt"] is False
    results = [e for e in events if isinstance(e, EmotionResult) and e.kind == "final"]
    batch = [
        e
        for e in analyze_source(
            ArraySource(samples, 16_000), synthetic(), Settings(adapt=False), profile=profile
        )
        if isinstance(e, EmotionResult)
    ]
    assert results
    assert [r.n_past for r in results] == [r.n_past for r in batch] == [2] * len(results)
    assert results[0].arousal == pytest.approx(batch[0].arousal)


def test_a_baseline_survives_its_arrays() -> None:
    """Usual values and reasons are the same afterwards."""
    baseline = SpeakerBaseline(np.ones(N))
    assert baseline.usual() is None
    x = np.arange(N, dtype=float)
    x[PITCH] = np.nan
    for _ in range(MIN_PAST_UTTERANCES):
        baseline.update(x)
    again = SpeakerBaseline.from_arrays(baseline.to_arrays(), np.ones(N))
    usual = again.usual()
    assert usual is not None
    assert np.isnan(usual[PITCH])
    level = FEATURE_NAMES.index("level_dbfs_p80")
    assert usual[level] == x[level]
    assert again.reasons(x + 2) == baseline.reasons(x + 2)
