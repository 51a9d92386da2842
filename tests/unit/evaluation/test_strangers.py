"""Measures of strangers: sure answers, answers that are held back, and learning their voices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_examples import fitted_that_adapts, linear, synthetic_corpus

from ser_live.emotions import LABELS
from ser_live.evaluation.folds import FoldFit
from ser_live.evaluation.remembering import remembering
from ser_live.evaluation.reporting.figures import strangers
from ser_live.evaluation.reporting.stranger_sections import (
    confidence_of_strangers,
    refused,
    sessions_of_strangers,
)
from ser_live.evaluation.stranger_confidence import (
    calm_as_neutral,
    corpus_confidence,
    selective_answers,
)
from ser_live.evaluation.stranger_sessions import corpus_sessions, everyday_sessions
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.strangers import Strangers

K = len(LABELS)


def whole(fitted: object, n: int) -> FoldFit:
    return FoldFit("all", np.ones(n, dtype=bool), fitted)  # type: ignore[arg-type]


def test_calm_counts_as_neutral() -> None:
    merged = calm_as_neutral(np.array([[0.1, 0.3, *[0.1] * 6]]))
    assert merged[0].tolist() == pytest.approx([0.4, 0.0, *[0.1] * 6])


def test_a_model_that_is_sure_of_one_label_is_right_as_often_as_it_occurs() -> None:
    """Angry is said of everything, at almost 1: right for 8 of 60 clips."""
    examples, recordings = synthetic_corpus(n_speakers=3)
    angry = Ensemble.of(linear(np.zeros((K, K)), 9.0 * np.eye(K)[LABELS.index("angry")]))
    fit = whole(Fitted(angry), len(recordings))
    found = corpus_confidence(fit, examples)
    assert found["sure_share"] == 1.0
    assert found["sure_right"] == pytest.approx(8 / 60, abs=1e-4)
    assert found["ece"] == pytest.approx(1 - 8 / 60, abs=0.02)
    selective = selective_answers([fit, fit], examples)
    assert selective["n"] == 2 * len(examples)
    assert selective["coverage"][-1] == {"coverage": 1.0, "error": pytest.approx(52 / 60, abs=1e-4)}
    assert selective["named"]["share"] == 1.0
    assert selective["threshold"]["error"] is None
    corpora = {"nemo": {**found, "uar": 0.25, "everyday_prior_uar": None}}
    text = "".join(confidence_of_strangers({"corpora": corpora, "selective": selective}))
    assert "No threshold chosen on the other corpora" in text
    assert "| wrong | 87% | 87% | 87% | 87% | 87% |" in text


def test_learning_the_voice_helps_where_voices_differ() -> None:
    """The offsets of the speakers mislead a model that has not heard them before."""
    examples, recordings = synthetic_corpus(n_speakers=4, speaker_spread=4.0)
    found = corpus_sessions(
        whole(fitted_that_adapts(), len(recordings)), examples, recordings, ("happy", "angry")
    )
    assert found is not None
    balanced = found["balanced"]["uar"]
    assert balanced["gain"] == pytest.approx(balanced["with_past"] - balanced["alone"], abs=1e-4)
    assert balanced["gain"] > 0.0
    text = "".join(sessions_of_strangers({"corpora": {"nemo": {"sessions": found}}}))
    assert f"| **{balanced['with_past']:.3f}** |" in text


def test_plain_talk_is_told_by_source() -> None:
    """Speakers with four utterances have no fifth; what is no everyday speech is not asked."""
    examples, recordings = synthetic_corpus(n_speakers=3, corpus="everyday/talk")
    fit = whole(fitted_that_adapts(), len(recordings))
    found = everyday_sessions(fit, examples, recordings)
    assert list(found) == ["talk"]
    assert found["talk"] is not None
    assert found["talk"]["n_speakers"] == 3
    few = np.flatnonzero(np.arange(len(recordings)) % 15 == 0)
    few_examples = replace(
        examples.where(np.isin(examples.clips, few)), clips=np.arange(len(few), dtype=np.int64)
    )
    found = everyday_sessions(
        whole(fit.fitted, len(few)), few_examples, [recordings[clip] for clip in few]
    )
    assert found == {"talk": None}


def test_a_model_that_does_not_adapt_has_no_sessions() -> None:
    examples, recordings = synthetic_corpus(n_speakers=2)
    fitted = replace(fitted_that_adapts(), warm=None, shift=None)
    assert corpus_sessions(whole(fitted, len(recordings)), examples, recordings, LABELS) is None
    assert sessions_of_strangers({"corpora": {"nemo": {"sessions": None}}}) == []


def test_refused_talk_has_a_row_a_recording() -> None:
    one = {"speech_s": 10.0, "shares": {"answered": 0.75, "not speech": 0.25}}
    text = "".join(refused({**one, "conversations": {"meeting": one}}))
    assert "| recording | answered | not speech |" in text
    assert "| all | 0.750 | 0.250 |" in text
    assert refused(None) == []


def test_what_is_remembered_is_what_was_answered() -> None:
    """The same values, asked once: what a caller does to them changes nothing."""
    warm = fitted_that_adapts().warm
    assert warm is not None
    fitted = replace(fitted_that_adapts(), cold=Strangers(warm, np.eye(K)[:3], np.array(1.5)))
    remembers = remembering(fitted)
    X = np.random.default_rng(0).standard_normal((5, K))
    for _ in range(2):
        given = remembers.predict_proba(X)
        assert np.array_equal(given, fitted.predict_proba(X))
        given[:] = 0.0
    assert len(remembers.cold.given) == 1  # type: ignore[union-attr]
    assert remembering(fitted_that_adapts()).cold is not None


def test_the_figure_of_strangers_draws_every_corpus_with_enough_answers(tmp_path: Path) -> None:
    parts = [
        {"confidence": 0.5, "accuracy": 0.4, "n": 30},
        {"confidence": 0.9, "accuracy": 0, "n": 2},
    ]
    corpora = {name: {"reliability": parts} for name in ("nemo", "ased")}
    strangers(tmp_path / "strangers.svg", {"mean_ece": 0.1, "corpora": corpora})
    text = (tmp_path / "strangers.svg").read_text()
    assert "calibration error 0.100" in text
    assert text.count(">nemo<") == text.count(">ased<") == 1
