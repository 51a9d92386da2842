"""Confidence with strangers: whether what is said surely of a corpus left out is right.

All labels and every utterance count here; where a corpus lacks a label, naming it is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ser_live.arrays import Float64, Int64
from ser_live.emotions import LABELS, Emotion
from ser_live.evaluation.calibration import (
    accuracy_at_coverage,
    chosen_threshold,
    confidence_and_hits,
    reliability_bins,
)
from ser_live.evaluation.everyday import everyday_shares
from ser_live.evaluation.folds import FoldFit
from ser_live.evaluation.judge import rounded
from ser_live.evaluation.metrics import expected_calibration_error
from ser_live.model.card import UNCERTAIN_BELOW
from ser_live.training.examples import Examples

SURE_ANSWER = 0.90
"""Probability from which an answer counts as sure."""
N_BINS = 5
"""Bins of the reliability diagram of a corpus, which has fewer clips than all of RAVDESS."""
COVERAGES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of answers, the surest first, whose error is told."""
MAX_ERROR = 0.3
"""Error that a threshold chosen on other corpora aims at. The 20 % that are aimed at for voices
like those of the training would leave hardly an answer about strangers."""

_NEUTRAL, _CALM = LABELS.index(Emotion.NEUTRAL), LABELS.index(Emotion.CALM)


def calm_as_neutral(answers: Float64) -> Float64:
    """Probabilities with that of calm added to neutral, shape (n, n_labels)."""
    merged = answers.copy()
    merged[:, _NEUTRAL] += merged[:, _CALM]
    merged[:, _CALM] = 0.0
    return merged


def corpus_confidence(fit: FoldFit, examples: Examples) -> dict[str, Any]:
    """Calibration and sure answers of one corpus, with equal base rates and under ``everyday``.

    Under ``everyday`` calm is as right as neutral.
    """
    tested = fit.tested(examples)
    X = tested.X.astype(np.float64)
    under = calm_as_neutral(fit.fitted.predict_proba(X, None, everyday_shares(fit.fitted)))
    merged = np.where(tested.y == _CALM, _NEUTRAL, tested.y)
    return {**_confidence(tested.y, fit.fitted.predict_proba(X)), "everyday": _sure(merged, under)}


def _confidence(y: Int64, answers: Float64) -> dict[str, Any]:
    return {
        "ece": rounded(expected_calibration_error(y, answers)),
        "reliability": reliability_bins(y, answers, N_BINS),
        **_sure(y, answers),
    }


def _sure(y: Int64, answers: Float64) -> dict[str, Any]:
    confidence, is_right = confidence_and_hits(y, answers)
    sure = confidence >= SURE_ANSWER
    return {
        "sure_share": rounded(float(sure.mean())),
        "n_sure": int(sure.sum()),
        "sure_right": rounded(float(is_right[sure].mean())) if sure.any() else None,
    }


def selective_answers(fits: Sequence[FoldFit], examples: Examples) -> dict[str, Any]:
    """Error of the surer answers to corpora left out, all utterances together.

    Parameters
    ----------
    fits : sequence of FoldFit
        Each tests one corpus that it never heard.
    examples : Examples

    Returns
    -------
    dict
        ``coverage``: error of the surest share of the answers; ``named``: what is named at all
        (from ``below`` up), its ``share`` and ``error``; ``threshold``: a threshold for
        ``MAX_ERROR`` chosen on the other corpora, with the error and coverage it reached.
    """
    tested = [fit.tested(examples) for fit in fits]
    y = np.concatenate([rows.y for rows in tested])
    answers = np.concatenate(
        [
            fit.fitted.predict_proba(rows.X.astype(np.float64))
            for fit, rows in zip(fits, tested, strict=True)
        ]
    )
    corpus = np.repeat(np.arange(len(fits)), [len(rows) for rows in tested])
    confidence, is_right = confidence_and_hits(y, answers)
    named = confidence >= UNCERTAIN_BELOW
    return {
        "n": len(y),
        "coverage": [
            {"coverage": share, "error": rounded(1.0 - accuracy_at_coverage(y, answers, share))}
            for share in COVERAGES
        ],
        "named": {
            "below": UNCERTAIN_BELOW,
            "share": rounded(float(named.mean())),
            "error": rounded(float(np.mean(~is_right[named]))) if named.any() else None,
        },
        "threshold": {
            **chosen_threshold(y, answers, corpus, MAX_ERROR),
            "chosen_on": "answers to the other corpora, each left out",
        },
    }
