"""Sessions with known answers, and the measurements that surround them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console
from synthetic_examples import fitted_that_adapts, fitted_that_answers, synthetic_corpus

from ser_live.emotions import EMOTIONS, LABELS, Emotion
from ser_live.evaluation import sessions
from ser_live.evaluation.adaptation import (
    adaptation_sections,
    curve_by_past,
    hear,
    hear_all,
    session_scores,
)
from ser_live.evaluation.folds import FoldFit
from ser_live.evaluation.report import Report
from ser_live.evaluation.sessions import Session, Speaker
from ser_live.model.speaker_shift import SpeakerShift

K = len(LABELS)
ANGRY, NEUTRAL = EMOTIONS.index(Emotion.ANGRY), EMOTIONS.index(Emotion.NEUTRAL)


@pytest.fixture
def speaker() -> Speaker:
    """Sixty clips in the numbers of a RAVDESS actor."""
    labels = np.repeat(np.arange(K), [4, *[8] * 7])
    return Speaker(np.arange(100, 160), labels, np.tile([1, 2], 30))


@pytest.mark.parametrize("kind", sessions.MAKERS)
def test_no_scored_clip_was_heard_before(kind: str, speaker: Speaker) -> None:
    """In every kind of session a clip is scored at its only hearing, and never when enrolled."""
    for seed in range(5):
        for session in sessions.MAKERS[kind](speaker, seed, np.random.default_rng(seed)):
            scored = session.clips[session.is_scored]
            assert len(set(scored.tolist())) == len(scored)
            assert not set(scored.tolist()) & set(session.clips[~session.is_scored].tolist())
            assert not set(scored.tolist()) & set(session.enrolled)


def test_a_balanced_session_hears_every_clip_once(speaker: Speaker) -> None:
    """Sixty clips, all scored, in an order that depends on the seed."""
    orders = [
        next(sessions.balanced(speaker, 0, np.random.default_rng(seed))).clips for seed in (0, 1)
    ]
    assert all(sorted(order) == speaker.clips.tolist() for order in orders)
    assert orders[0].tolist() != orders[1].tolist()


def test_mostly_neutral_sessions_are_four_fifths_neutral(speaker: Speaker) -> None:
    """All but one neutral utterance are filler; together every emotional clip is scored once."""
    made = list(sessions.mostly_neutral(speaker, 0, np.random.default_rng(0)))
    label_of = dict(zip(speaker.clips.tolist(), speaker.labels.tolist(), strict=True))
    for session in made[:-1]:
        is_neutral = np.array([label_of[clip] == NEUTRAL for clip in session.clips.tolist()])
        assert is_neutral.mean() == pytest.approx(0.8, abs=0.01)
        assert (is_neutral & session.is_scored).sum() == 1
    scored = np.concatenate([session.clips[session.is_scored] for session in made])
    emotional = [clip for clip in scored.tolist() if label_of[clip] != NEUTRAL]
    assert sorted(emotional) == speaker.clips[speaker.labels != NEUTRAL].tolist()


def test_after_anger_begins_with_twenty_angry_utterances(speaker: Speaker) -> None:
    """Twenty unscored angry ones, then 56 scored clips, four of them angry."""
    (session,) = sessions.after_anger(speaker, 0, np.random.default_rng(0))
    label_of = dict(zip(speaker.clips.tolist(), speaker.labels.tolist(), strict=True))
    heard = [label_of[clip] for clip in session.clips.tolist()]
    assert heard[:20] == [ANGRY] * 20
    assert not session.is_scored[:20].any()
    assert session.is_scored[20:].all()
    assert len(heard) == 20 + 56
    assert heard[20:].count(ANGRY) == 4


def test_enrolling_reads_the_neutral_clips_of_one_statement(speaker: Speaker) -> None:
    """Two clips a statement; the other statement's take their turn in the next order."""
    for seed, statement in ((0, 1), (1, 2)):
        (session,) = sessions.enrolled(speaker, seed, np.random.default_rng(0))
        places = np.searchsorted(speaker.clips, session.enrolled)
        assert set(speaker.labels[places]) == {NEUTRAL}
        assert set(speaker.statements[places]) == {statement}
        assert len(session.clips) == 58


def test_a_constant_answer_scores_chance_along_a_flat_curve() -> None:
    """A model that always answers the same has UAR 1/8 in all sessions and at every past."""
    examples, recordings = synthetic_corpus(n_speakers=4)
    fits = [FoldFit("all", np.ones(len(recordings), dtype=bool), fitted_that_answers(3))]
    found = adaptation_sections(fits, examples, recordings, n_seeds=2)
    adapted = found["adapted"]
    for score in (adapted, adapted["mostly_neutral"], adapted["after_anger"]):
        assert score["uar"] == pytest.approx(1 / K, abs=1e-4)
        assert score["unadapted"]["uar"] == pytest.approx(1 / K, abs=1e-4)
    assert found["enrolled"]["uar"] == pytest.approx(1 / K, abs=1e-4)
    report = Report(
        "emobox", "same", examples.y, np.eye(K)[examples.y], *[examples.speakers] * 2, 0, 0
    )
    report.sections = found
    screen = Console(file=io.StringIO(), width=120)
    screen.print(report.as_table())
    assert "after 20 angry utterances: UAR 0.125" in screen.file.getvalue()  # type: ignore[attr-defined]
    # The first points have too few clips for every label to occur.
    late = [point for point in adapted["by_past"] if point["n"] >= 100]
    assert late
    assert all(point["uar"] == pytest.approx(1 / K, abs=1e-4) for point in late)


def test_adaptation_takes_off_the_speakers_own_offset() -> None:
    """Voices shifted across the borders of the labels: hopeless alone, solved with a past."""
    examples, recordings = synthetic_corpus(n_speakers=6, speaker_spread=6.0)
    fits = [FoldFit("all", np.ones(len(recordings), dtype=bool), fitted_that_adapts())]
    heard = hear_all(fits, examples, recordings, sessions.balanced, n_seeds=3)
    score = session_scores(heard, recordings)
    assert score is not None
    curve = curve_by_past(heard, recordings)
    assert score["unadapted"]["uar"] < 0.5
    assert curve[-1]["uar"] > 0.9
    assert curve[-1]["uar"] > curve[0]["uar"] + 0.3
    first = heard.n_past == 0
    assert np.array_equal(heard.probabilities[first], heard.unadapted[first])


def test_sessions_in_step_answer_as_the_live_path_does() -> None:
    """One utterance after the other through ``Fitted.predict_proba`` gives the same answers."""
    examples, recordings = synthetic_corpus(n_speakers=2, speaker_spread=2.0)
    fitted = fitted_that_adapts()
    assert fitted.shift is not None
    rng = np.random.default_rng(0)
    speakers = np.array([recording.speaker for recording in recordings])
    made: list[Session] = []
    for name in np.unique(speakers):
        speaker = Speaker.of(np.flatnonzero(speakers == name), recordings)
        made += [*sessions.balanced(speaker, 0, rng), *sessions.after_anger(speaker, 0, rng)]
    heard = hear(fitted, examples, made)
    expected = []
    for session in made:
        shift = SpeakerShift(fitted.shift)
        for clip, is_scored in zip(session.clips, session.is_scored, strict=True):
            x = examples.X[examples.clips == clip]
            answer = fitted.predict_proba(x, shift)[0]
            shift.update(x[0], answer)
            if is_scored:
                expected.append(answer)
    assert np.allclose(heard.probabilities, np.array(expected), atol=1e-12)


def test_the_future_never_counts() -> None:
    """Changing the last clips of a session changes no answer before them."""
    examples, recordings = synthetic_corpus(n_speakers=1, speaker_spread=2.0)
    order = np.random.default_rng(1).permutation(len(recordings))
    session = Session(0, order, np.ones(len(order), dtype=bool))
    before = hear(fitted_that_adapts(), examples, [session]).probabilities
    late = np.isin(examples.clips, order[40:])
    examples.X[late] += 100.0
    after = hear(fitted_that_adapts(), examples, [session]).probabilities
    assert np.array_equal(before[:40], after[:40])
    assert not np.array_equal(before[41:], after[41:])


def test_a_model_that_does_not_adapt_has_no_sessions() -> None:
    """Both keys are there, empty."""
    examples, recordings = synthetic_corpus(n_speakers=1)
    fitted = fitted_that_answers(0, adapts=False)
    fits = [FoldFit("all", np.ones(len(recordings), dtype=bool), fitted)]
    assert adaptation_sections(fits, examples, recordings) == {"adapted": None, "enrolled": None}
