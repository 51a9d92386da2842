"""The figures of a report, computed again from the lines of its log by other means.

Nothing of ``ser_live`` is used here: lines are parsed by ``json``, sums are loops, quantiles are
scipy's and numpy's.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats


class Recomputed:
    """What a log of one or several streams, one after the other or side by side, adds up to."""

    def __init__(self, path: Path) -> None:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        self.finals = [r for r in records if r["type"] == "emotion" and r["kind"] == "final"]
        ends = [r for r in records if r["type"] == "stream_ended"]
        self.offsets = _offsets(records)
        self.heard_s = sum(r["duration_s"] for r in ends)
        self.length_s = max(self.offsets[r["stream"]] + r["duration_s"] for r in ends)
        for r in self.finals:
            r["session_s"] = self.offsets[r["stream"]] + r["start_s"]
            r["middle_s"] = self.offsets[r["stream"]] + (r["start_s"] + r["end_s"]) / 2
        self.finals.sort(key=lambda r: (r["session_s"], r["stream"]))
        self.labels = next(r for r in records if r["type"] == "session_started")["labels"]
        self.named = [r for r in self.finals if r["emotion"]]
        self.classified = [r for r in self.finals if r["probabilities"]]
        self.gaps = [r for r in records if r["type"] == "gap"]
        self.drops = [r for r in records if r["type"] == "drop" and r["kind"] == "final"]

    @property
    def speech_s(self) -> float:
        return sum(r["speech_s"] for r in self.finals)

    def time_s(self, label: str) -> float:
        return sum(r["speech_s"] for r in self.named if r["emotion"] == label)

    def state_s(self, state: str) -> float:
        return sum(r["speech_s"] for r in self.finals if r["state"] == state)

    @property
    def missing_s(self) -> float:
        return sum(r["duration_s"] for r in self.gaps)

    @property
    def dropped_s(self) -> float:
        return sum(r["end_s"] - r["start_s"] for r in self.drops)

    def named_share(self, label: str) -> tuple[float, float, float]:
        pairs = [(r, float(r["emotion"] == label)) for r in self.named]
        return self._estimate(pairs, 0.0, 1.0)

    def mean_probability(self, label: str) -> tuple[float, float, float]:
        pairs = [(r, r["probabilities"][label]) for r in self.classified]
        return self._estimate(pairs, 0.0, 1.0)

    def affect(self, name: str) -> tuple[float, float, float]:
        pairs = [(r, r[name]) for r in self.classified if r[name] is not None]
        return self._estimate(pairs, -1.0, 1.0)

    def _estimate(
        self, pairs: list[tuple[dict[str, Any], float]], lowest: float, highest: float
    ) -> tuple[float, float, float]:
        """Weighted mean, and its interval by leaving out one block after the other."""
        if not pairs:
            return np.nan, np.nan, np.nan
        lengths_s = [15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200]
        block_s = next(s for s in lengths_s if self.length_s / s <= 15)
        blocks = sorted({int(r["middle_s"] // block_s) for r, _ in pairs})
        value = _mean(pairs)
        left = [_mean([p for p in pairs if int(p[0]["middle_s"] // block_s) != b]) for b in blocks]
        n = len(blocks)
        if n < 5:
            return value, np.nan, np.nan
        se = np.sqrt((n - 1) * np.var(left))  # ddof 0: (n-1)/n times the sum of squares
        if not se > 0:
            return value, np.nan, np.nan
        reach = stats.t.ppf(0.975, n - 1) * se
        return value, max(value - reach, lowest), min(value + reach, highest)

    def transitions(self) -> Counter[tuple[str, str]]:
        counts: Counter[tuple[str, str]] = Counter()
        for stream in {r["stream"] for r in self.named}:
            own = [r["emotion"] for r in self.named if r["stream"] == stream]
            counts.update(itertools.pairwise(own))
        return counts

    def feature(self, name: str) -> tuple[int, int, float]:
        """Times above, times below, median of the differences."""
        values = [
            reason["difference"]
            for r in self.finals
            for reason in r["reasons"]
            if reason["feature"] == name
        ]
        above, below = sum(v > 0 for v in values), sum(v < 0 for v in values)
        return above, below, float(np.median(values)) if values else np.nan

    def strongest(self) -> list[tuple[int, int]]:
        ranked = sorted(self.named, key=lambda r: (-r["confidence"], r["session_s"]))
        return [(r["stream"], r["id"]) for r in ranked[:5]]

    def least_certain(self) -> list[tuple[int, int]]:
        ranked = sorted(self.classified, key=lambda r: (r["confidence"], r["session_s"]))
        return [(r["stream"], r["id"]) for r in ranked[:5]]

    def quantile(self, name: str, share: float) -> float:
        values = [r[name] for r in self.finals if r[name] is not None]
        return float(np.quantile(values, share))


def _mean(pairs: list[tuple[dict[str, Any], float]]) -> float:
    weights = np.array([r["speech_s"] for r, _ in pairs])
    return float(np.dot(weights, [v for _, v in pairs]) / weights.sum())


def _offsets(records: list[dict[str, Any]]) -> dict[int, float]:
    """Beginning of each stream: side by side while another one is open, else behind all others."""
    offsets: dict[int, float] = {}
    ends: dict[int, float] = {}
    n_open, front_s = 0, 0.0
    for r in records:
        if r["type"] == "stream_started":
            if n_open == 0:
                front_s = max(ends.values(), default=0.0)
            offsets[r["stream"]] = front_s
            n_open += 1
        elif r["type"] == "stream_ended":
            ends[r["stream"]] = offsets[r["stream"]] + r["duration_s"]
            n_open -= 1
    return offsets
