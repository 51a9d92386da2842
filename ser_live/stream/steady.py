"""The label shown while an utterance goes on, changed only on evidence that lasts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser_live.arrays import Float64

EVIDENCE_TO_CHANGE = 1.0
"""Evidence at which another label takes over: nats of log-probability times seconds of new
speech. A label twice as probable as the shown one (0.7 nats) needs 1.4 s of further speech, one
seven times as probable half a second."""

_LEAST_PROBABILITY = 1e-3
"""Probabilities below this count as this much, so that no single partial weighs too much."""


def sure_label(probabilities: Float64 | Sequence[float], min_confidence: float) -> int | None:
    """Place of the most probable label; None where it is less probable than `min_confidence`."""
    best = int(np.argmax(probabilities))
    return best if probabilities[best] >= min_confidence else None


class SteadyLabel:
    """The label to show for the partial results of one stream.

    The first partial result of an utterance shows its most probable label. Afterwards every
    label gathers evidence against the shown one: its lead in log-probability times the seconds
    of speech that are new, never below none. One that gathers `EVIDENCE_TO_CHANGE` takes over,
    and all begin anew. "No label" takes part with the least confidence as its probability: so
    an answer that stays weak gives way to it, and it gives way to one that stays strong.

    What is answered depends on the utterance's own partial results in their order alone, not on
    when they come. Utterances of a stream do not overlap, so one is remembered at a time; the
    final result asks nothing here.

    Parameters
    ----------
    min_confidence : float
        Probability from which on a label is named.
    """

    def __init__(self, min_confidence: float) -> None:
        self._min_confidence = min_confidence
        self._id: int | None = None
        self._shown = 0
        self._speech_s = 0.0
        self._evidence = np.zeros(0)

    def label(
        self, utterance: int, speech_s: float, probabilities: Float64 | Sequence[float]
    ) -> int | None:
        """Place of the label to show among the probabilities; None while unsure.

        Parameters
        ----------
        utterance : int
            Its number in the stream; another one begins anew.
        speech_s : float
            Speech of the utterance heard so far, in seconds.
        probabilities : float array, shape (n_labels,)
            Calibrated, of the utterance so far.
        """
        candidates = np.append(np.asarray(probabilities, dtype=np.float64), self._min_confidence)
        n_labels = len(candidates) - 1
        log_p = np.log(np.maximum(candidates, _LEAST_PROBABILITY))
        if utterance != self._id:
            self._id = utterance
            self._shown = int(np.argmax(candidates))
            self._evidence = np.zeros(len(candidates))
        else:
            new_s = max(0.0, speech_s - self._speech_s)
            lead = log_p - log_p[self._shown]
            self._evidence = np.maximum(0.0, self._evidence + new_s * lead)
            leader = int(np.argmax(self._evidence))
            if self._evidence[leader] >= EVIDENCE_TO_CHANGE:
                self._shown = leader
                self._evidence[:] = 0.0
        self._speech_s = speech_s
        return None if self._shown == n_labels else self._shown
