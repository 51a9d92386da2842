"""Base rates: how often each label is expected, before an utterance is heard.

A model learns from corpora in which every label is about as frequent as any other, so its own
answers hold where that is so (``balanced``). Where people just talk it is not: most of what they
say is neutral or calm, and an answer that leaves this out names emotions that are not there. Bayes'
rule turns the one into the other::

    p(label | utterance) ~ p_balanced(label | utterance) * share(label) / balanced share(label)

``everyday`` gives half of all utterances to the plain labels, unless the model's card knows
better; what else is expected is spread evenly. Anybody can state shares of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser_live.arrays import Bool, Float64
from ser_live.config import BALANCED, EVERYDAY, read_shares
from ser_live.emotions import Emotion
from ser_live.errors import UsageError

PLAIN_LABELS: tuple[str, ...] = (Emotion.NEUTRAL.value, Emotion.CALM.value)
"""Labels of a voice that expresses nothing in particular."""

EVERYDAY_PLAIN_SHARE = 0.8
"""Share of the plain labels in ``everyday`` for a model whose card does not say.

With it, of what today's models name in plain talk of strangers, four fifths are plain."""


def is_plain(labels: Sequence[str]) -> Bool:
    """Mask of the plain ones among a model's labels, shape (n_labels,)."""
    return np.isin(np.array(labels, dtype=np.str_), PLAIN_LABELS)


def shares_of(
    prior: str, labels: Sequence[str], plain_share: float = EVERYDAY_PLAIN_SHARE
) -> Float64 | None:
    """Expected share of each label.

    Parameters
    ----------
    prior : str
        ``everyday``, ``balanced``, or shares of some labels, ``neutral=0.6,happy=0.1``; the
        others get what is left in equal parts.
    labels : sequence of str
        Those of the model.
    plain_share : float
        What ``everyday`` gives to the plain labels together, in (0, 1).

    Returns
    -------
    float64 array, shape (n_labels,), or None
        Positive, sum 1. None where all are the same: the answer stays as it is. So it is for
        ``everyday`` where the model has no plain label, or no other.

    Raises
    ------
    UsageError
        Neither of the names, nor shares that can be.
    """
    if prior == BALANCED:
        return None
    if prior == EVERYDAY:
        plain = is_plain(labels)
        n_plain = int(plain.sum())
        if n_plain in (0, len(labels)):
            return None
        return np.where(plain, plain_share / n_plain, (1.0 - plain_share) / (len(labels) - n_plain))
    given = read_shares(prior)
    unknown = [label for label in given if label not in labels]
    if unknown:
        raise UsageError(
            f"the prior names {unknown[0]!r}, but the model tells apart {', '.join(labels)}: name "
            "some of these."
        )
    rest = 1.0 - sum(given.values())
    n_rest = len(labels) - len(given)
    if rest < -1e-6 or (n_rest and rest <= 1e-6) or (not n_rest and rest > 1e-6):
        needed = "less than 1, for the labels not named" if n_rest else "1"
        raise UsageError(
            f"the shares of the prior add up to {1.0 - rest:g}, but {needed} is needed: change "
            "them."
        )
    return np.array([given.get(label, rest / max(n_rest, 1)) for label in labels])


def under(probabilities: Float64, shares: Float64) -> Float64:
    """Answers under these base rates, from those under equal ones, shape (n, n_labels)."""
    weighed = probabilities * (shares * len(shares))
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True))
