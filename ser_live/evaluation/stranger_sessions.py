"""Learning a stranger's voice while listening: whether it helps, and what it does to plain talk.

Speakers of a corpus, or of a source of everyday speech, that the model never heard talk for a
while. From the fifth utterance on, what the model says with their past is compared with what the
same model says of the same utterances alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ser_live.arrays import Bool, Float64, Int64, Str
from ser_live.datasets.everyday import CORPUS_PREFIX
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.evaluation import metrics
from ser_live.evaluation.adaptation import SessionAnswers, hear_all
from ser_live.evaluation.everyday import everyday_shares, plain_of_named, surely_else
from ser_live.evaluation.folds import FoldFit
from ser_live.evaluation.judge import rounded, rounded_pair
from ser_live.evaluation.sessions import balanced, mostly_neutral
from ser_live.training.examples import Examples

N_PAST = 4
"""Utterances of the speaker that came before the first that counts."""
N_ORDERS = 5
"""Random orders of every session."""
KINDS = {"balanced": balanced, "mostly_neutral": mostly_neutral}

Measure = Callable[[Float64, Int64], float]
"""A score of answers, shape (n, n_labels), to utterances of labels, shape (n,)."""


def corpus_sessions(
    fit: FoldFit,
    examples: Examples,
    recordings: Sequence[Recording],
    labels: Sequence[str],
    seed: int = 0,
) -> dict[str, Any] | None:
    """UAR over `labels` with a past and alone, by kind of session; None where there is none.

    None altogether for a model that does not adapt.

    Parameters
    ----------
    fit : FoldFit
        Its test recordings are the corpus.
    examples, recordings
        As in ``folds.fit_folds``.
    labels : sequence of str
    seed : int
        Of the orders.
    """
    if fit.fitted.shift is None:
        return None
    places = np.array([LABELS.index(label) for label in labels])

    def uar(answers: Float64, y: Int64) -> float:
        own = np.isin(y, places)
        of_place = np.searchsorted(places, y[own])
        predicted = answers[own][:, places].argmax(axis=1)
        return metrics.uar(metrics.confusion_matrix(of_place, predicted, len(places)))

    found = {}
    for kind, make in KINDS.items():
        heard = hear_all([fit], examples, recordings, make, seed=seed, n_seeds=N_ORDERS)
        found[kind] = _compared(heard, recordings, {"uar": uar})
    return found


def everyday_sessions(
    fit: FoldFit, examples: Examples, recordings: Sequence[Recording], seed: int = 0
) -> dict[str, dict[str, Any] | None]:
    """Plain talk under the prior ``everyday``, with a past and alone, by source.

    Sources nobody of which says more than a few utterances give None.
    """
    corpora = np.array([recording.corpus for recording in recordings])
    found = {}
    for name in np.unique(corpora[fit.is_test]):
        if fit.fitted.shift is None or not name.startswith(CORPUS_PREFIX):
            continue
        own = FoldFit(fit.name, fit.is_test & (corpora == name), fit.fitted)
        heard = hear_all(
            [own],
            examples,
            recordings,
            balanced,
            seed=seed,
            n_seeds=N_ORDERS,
            shares=everyday_shares,
        )
        measures: dict[str, Measure] = {
            "plain_of_named": lambda answers, _: plain_of_named(answers),
            "surely_else": lambda answers, _: float(np.mean(surely_else(answers))),
        }
        found[str(name).removeprefix(CORPUS_PREFIX)] = _compared(heard, recordings, measures)
    return found


def _compared(
    heard: SessionAnswers, recordings: Sequence[Recording], measures: Mapping[str, Measure]
) -> dict[str, Any] | None:
    """Each measure with a past, alone, and their difference with its interval over speakers."""
    counts: Bool = heard.n_past >= N_PAST
    if not counts.any():
        return None
    clips = heard.clips[counts]
    y = np.array([LABELS.index(recordings[clip].label) for clip in clips])
    speakers: Str = np.array([recordings[clip].speaker for clip in clips])
    past, alone = heard.probabilities[counts], heard.unadapted[counts]
    result: dict[str, Any] = {"n": len(np.unique(clips)), "n_speakers": len(np.unique(speakers))}
    for name, measure in measures.items():

        def gain(rows: Int64, measure: Measure = measure) -> float:
            return measure(past[rows], y[rows]) - measure(alone[rows], y[rows])

        everything = np.arange(len(y))
        result[name] = {
            "with_past": rounded(measure(past, y)),
            "alone": rounded(measure(alone, y)),
            "gain": rounded(gain(everything)),
            "interval": rounded_pair(metrics.bootstrap_rows_interval(gain, speakers)),
        }
    return result
