"""What a session's final results add up to: shares, counts, latency.

One tally serves the running dashboard and the summary of a log read later.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from ser_live.emotions import EMOTIONS, Emotion, State

_N_LATENCIES = 1000


class Tally:
    """Running counts over final results, gaps and drops. Takes records as logged."""

    def __init__(self) -> None:
        self.speech_s: Counter[Emotion] = Counter()
        """Speech time per emotion named, in seconds."""
        self.emotions: Counter[Emotion] = Counter()
        """Final results per emotion named."""
        self.states: Counter[State] = Counter()
        """Final results per state."""
        self.affect_speech_s = 0.0
        """Speech time with a valence and an arousal, in seconds."""
        self._affect_sums = (0.0, 0.0)
        self.n_gaps = 0
        self.gap_s = 0.0
        """Audio that never arrived, in seconds."""
        self.n_dropped = 0
        """Results not computed because analysis fell behind."""
        self.n_device_losses = 0
        """How often the microphone was gone."""
        self._latencies_ms: deque[float] = deque(maxlen=_N_LATENCIES)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record; types and kinds that do not count are passed over."""
        kind = record["type"]
        if kind == "gap":
            self.n_gaps += 1
            self.gap_s += record["duration_s"]
        elif kind == "drop":
            self.n_dropped += 1
        elif kind == "device_lost":
            self.n_device_losses += 1
        elif kind == "emotion" and record["kind"] == "final":
            self._add_final(record)

    def _add_final(self, record: Mapping[str, Any]) -> None:
        self.states[State(record["state"])] += 1
        if record["emotion"] is not None:
            emotion = Emotion(record["emotion"])
            self.emotions[emotion] += 1
            self.speech_s[emotion] += record["speech_s"]
        valence, arousal = record.get("valence"), record.get("arousal")  # not in older logs
        if valence is not None and arousal is not None:
            speech_s = record["speech_s"]
            self.affect_speech_s += speech_s
            sums = self._affect_sums
            self._affect_sums = (sums[0] + speech_s * valence, sums[1] + speech_s * arousal)
        latency_ms = record["latency_ms"]
        if latency_ms is not None and math.isfinite(latency_ms):
            self._latencies_ms.append(latency_ms)

    @property
    def n_finals(self) -> int:
        return sum(self.states.values())

    @property
    def n_named(self) -> int:
        """Final results that name an emotion."""
        return sum(self.emotions.values())

    def shares(self) -> dict[Emotion, float]:
        """Share of each emotion in the speech time that was named; all 0 before any was."""
        total_s = sum(self.speech_s.values())
        return {e: self.speech_s[e] / total_s if total_s else 0.0 for e in EMOTIONS}

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
