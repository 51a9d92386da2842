"""Sums of a session's final results: shares, counts, latency.

One tally serves the running dashboard and the summary of a log read later.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque

from ser_live.emotions import LABELS
from ser_live.events import (
    DeviceLost,
    Drop,
    EmotionResult,
    Kind,
    Recorded,
    SessionStarted,
    StreamGap,
    Verdict,
)

_N_LATENCIES = 1000


class Tally:
    """Running counts over final results, gaps, drops and losses of the device."""

    def __init__(self) -> None:
        self.labels: tuple[str, ...] = LABELS
        """The model's labels in its order, the eight before any is known."""
        self.speech_s: defaultdict[str, float] = defaultdict(float)
        """Speech time per emotion named, in seconds."""
        self.emotions: Counter[str] = Counter()
        """Final results per emotion named."""
        self.states: Counter[Verdict] = Counter()
        """Final results per outcome."""
        self.affect_speech_s = 0.0
        """Speech time with a valence and an arousal, in seconds."""
        self._affect_sums = (0.0, 0.0)
        self.n_gaps = 0
        self.gap_s = 0.0
        """Audio that never arrived, in seconds."""
        self.n_dropped = 0
        """Results not computed because analysis fell behind."""
        self.n_device_losses = 0
        """Number of times the microphone was gone."""
        self._latencies_ms: deque[float] = deque(maxlen=_N_LATENCIES)

    def add(self, event: Recorded) -> None:
        """Count one event; those that do not count are passed over."""
        if isinstance(event, StreamGap):
            self.n_gaps += 1
            self.gap_s += event.duration_s
        elif isinstance(event, Drop):
            self.n_dropped += 1
        elif isinstance(event, DeviceLost):
            self.n_device_losses += 1
        elif isinstance(event, SessionStarted):
            self.labels = event.labels
        elif isinstance(event, EmotionResult):
            if event.probabilities is not None:
                self.labels = event.labels
            if event.kind is Kind.FINAL:
                self._add_final(event)

    def _add_final(self, result: EmotionResult) -> None:
        self.states[result.state] += 1
        if result.emotion is not None:
            self.emotions[result.emotion] += 1
            self.speech_s[result.emotion] += result.speech_s
        if result.valence is not None and result.arousal is not None:
            self.affect_speech_s += result.speech_s
            sums = self._affect_sums
            self._affect_sums = (
                sums[0] + result.speech_s * result.valence,
                sums[1] + result.speech_s * result.arousal,
            )
        if math.isfinite(result.latency_ms):
            self._latencies_ms.append(result.latency_ms)

    @property
    def n_finals(self) -> int:
        return sum(self.states.values())

    @property
    def n_named(self) -> int:
        """Final results that name an emotion."""
        return sum(self.emotions.values())

    def shares(self) -> dict[str, float]:
        """Share of each label in the speech time that was named; all 0 before any was."""
        total_s = sum(self.speech_s.values())
        labels = dict.fromkeys((*self.labels, *self.speech_s))
        return {label: self.speech_s[label] / total_s if total_s else 0.0 for label in labels}

    def affect(self) -> tuple[float, float] | None:
        """Mean valence and arousal over speech time; ``None`` before any was given."""
        if not self.affect_speech_s:
            return None
        valence, arousal = self._affect_sums
        return valence / self.affect_speech_s, arousal / self.affect_speech_s

    def latency_ms(self, percent: float) -> float:
        """Percentile of the latest latencies, interpolated, in ms; NaN before the first."""
        if not self._latencies_ms:
            return float("nan")
        ordered = sorted(self._latencies_ms)
        position = percent / 100 * (len(ordered) - 1)
        low = ordered[math.floor(position)]
        return low + (position % 1) * (ordered[math.ceil(position)] - low)
