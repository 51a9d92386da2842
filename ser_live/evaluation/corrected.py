"""Measuring a model that was adapted to a person's corrections, on sessions it never saw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64, Int64
from ser_live.evaluation.paired import Difference, agreement_of, kappa_of, paired_difference
from ser_live.training.correcting import chosen_rule, folds_of_sessions, mean_loss


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of the model before and after, each on sessions left out."""

    before: float
    after: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether corrections made a model better for the person who gave them."""

    n_corrections: int
    n_sessions: int
    agreement: Measured
    """Share of labels that are the most probable answer."""
    kappa: Measured
    """Agreement beyond chance; by it is decided."""
    loss: Measured
    """Mean negative log-probability of the labels, the less the better."""
    kappa_after: Difference
    """Agreement beyond chance after, with its own interval."""

    @property
    def is_better(self) -> bool:
        """Whether the person and the model agree more than before, beyond doubt.

        Beyond chance, so that always giving the label that comes most often is no gain: what came
        from below chance must end above it. And labels may not have become less probable on the
        whole, or right less often.
        """
        return (
            self.kappa.difference.low > 0.0
            and self.kappa_after.low > 0.0
            and self.loss.after <= self.loss.before
            and self.agreement.after >= self.agreement.before
        )


def measure_corrections(
    probabilities: Float64,
    y: Int64,
    sessions: Int64,
    *,
    on_fold: Callable[[], None] = lambda: None,
) -> Verdict:
    """Adapt to all sessions but some, and judge these; every choice is made without them.

    Parameters
    ----------
    probabilities : float64 array, shape (n, n_labels)
        Answers of the model as it is.
    y : int array, shape (n,)
        Labels that the person gave.
    sessions : int array, shape (n,)
        At least three.
    on_fold : callable
        Called after each fold.
    """
    folds = folds_of_sessions(sessions)
    adapted = np.array(probabilities)
    for fold in np.unique(folds):
        out = folds == fold
        rule, _ = chosen_rule(probabilities[~out], y[~out], sessions[~out])
        if rule is not None:
            adapted[out] = rule.applied(probabilities[out])
        on_fold()

    def measured(figure: Callable[[Int64, Float64], float]) -> Measured:
        def gain(rows: Int64) -> float:
            return figure(y[rows], adapted[rows]) - figure(y[rows], probabilities[rows])

        return Measured(
            figure(y, probabilities), figure(y, adapted), paired_difference(gain, sessions)
        )

    return Verdict(
        n_corrections=len(y),
        n_sessions=len(np.unique(sessions)),
        agreement=measured(agreement_of),
        kappa=measured(kappa_of),
        kappa_after=paired_difference(lambda rows: kappa_of(y[rows], adapted[rows]), sessions),
        loss=measured(
            lambda labels, answers: mean_loss(answers, labels) if len(labels) else math.nan
        ),
    )
