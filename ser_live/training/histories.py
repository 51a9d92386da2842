"""Shifts from random pasts: the state of a model that has met a training speaker before.

A model that meets a speaker after one utterance or after fifty, balanced or angry all
along, has to be trained on such pasts. Each training row gets its own: a number of the
speaker's other utterances, half of the time mainly of a few emotions, and the shift that
the rule of ``model.speaker_shift`` derives from them with probabilities by a model that did not
hear the speaker in training.
"""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Bool, Float32, Float64, Int64, Str
from ser_live.emotions import LABELS
from ser_live.model.speaker_shift import ShiftRule

MAX_PAST = 60
"""Most utterances of a past; their number is drawn evenly in its logarithm."""
NO_PAST_SHARE = 0.1
"""Share of the rows without any past."""
BIASED_SHARE = 0.5
"""Share of the pasts in which a few emotions prevail."""
CONCENTRATION = 0.3
"""Concentration of the Dirichlet distribution of emotions in those."""


def residuals(X: Float32, probabilities: Float64, rule: ShiftRule) -> Float32:
    """Contribution of each utterance to the shift, shape as `X`; 0 where undefined."""
    c = float(rule.correction)
    expected = (1.0 - c) * rule.mean + c * (probabilities @ rule.label_means)
    return np.nan_to_num(X - expected).astype(np.float32)


def offsets(
    rows: tuple[Int64, Str],
    past: tuple[Int64, Str],
    past_labels: Int64,
    past_residuals: Float32,
    kappa: float,
    rng: np.random.Generator,
) -> Float32:
    """One random shift for each row, from utterances of the same speaker.

    Parameters
    ----------
    rows : (int array, str array), shape (n,) each
        Recording and speaker of each training row.
    past : (int array, str array), shape (m,) each
        Recording and speaker of the utterances that pasts are made of.
    past_labels : int array, shape (m,)
    past_residuals : float32 array, shape (m, n_inputs)
        As ``residuals`` gives them.
    kappa : float
        As in ``ShiftRule``.
    rng : Generator

    Returns
    -------
    float32 array, shape (n, n_inputs)
        Zero for speakers with nothing else to hear.
    """
    clips, speakers = rows
    past_clips, past_speakers = past
    result = np.zeros((len(clips), past_residuals.shape[1]), dtype=np.float32)
    for speaker in np.unique(speakers):
        own_rows = np.flatnonzero(speakers == speaker)
        own = np.flatnonzero(past_speakers == speaker)
        counts = np.zeros((len(own_rows), len(own)), dtype=np.float32)
        for index, row in enumerate(own_rows):
            chosen = _draw(past_clips[own] != clips[row], past_labels[own], rng)
            np.add.at(counts[index], chosen, 1.0)
        weight = counts.sum(axis=1, keepdims=True) + np.float32(kappa)
        result[own_rows] = (counts @ past_residuals[own]) / weight
    return result


def _draw(is_other: Bool, labels: Int64, rng: np.random.Generator) -> Int64:
    """Positions of the past; only a past longer than what there is hears something twice."""
    if rng.random() < NO_PAST_SHARE or not is_other.any():
        return np.zeros(0, dtype=np.int64)
    n_past = round(float(np.exp(rng.uniform(0.0, np.log(MAX_PAST)))))
    chance = is_other.astype(np.float64)
    if rng.random() < BIASED_SHARE:
        emotions = rng.dirichlet(np.full(len(LABELS), CONCENTRATION))
        # Rare emotions stay possible, so that a past is never empty.
        chance *= emotions[labels] + 1e-3
    again = n_past > int(np.count_nonzero(is_other))
    drawn = rng.choice(len(labels), n_past, replace=again, p=chance / chance.sum())
    return np.asarray(drawn, dtype=np.int64)
