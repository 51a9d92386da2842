"""How often intervals of summaries hold the truth: simulated studies of people who differ.

    python scripts/simulate_intervals.py

Prints the table of docs/archives.md: share of 95 % intervals that cover the true mean.
"""

from __future__ import annotations

import numpy as np

from ser_live.archive.summary.statistics import mean_interval
from ser_live.arrays import Float64

N_STUDIES = 2_000
N_UTTERANCES = 5
N_DRAWS = 400


def _covers(values: Float64) -> bool:
    interval = mean_interval(values)
    return interval.low <= 0 <= interval.high


def _bootstrap_covers(people: Float64, rng: np.random.Generator) -> bool:
    drawn = people[rng.integers(0, len(people), (N_DRAWS, len(people)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return bool(low <= 0 <= high)


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print("| people | utterances as if independent | percentile bootstrap | t over people |")
    print("| --- | --- | --- | --- |")
    for n_people in (8, 12, 20, 30):
        cells = []
        for between in (0.3, 0.5):
            hits = np.zeros(3)
            for _ in range(N_STUDIES):
                people = rng.normal(0, between**0.5, n_people)
                noise = rng.normal(0, (1 - between) ** 0.5, (n_people, N_UTTERANCES))
                utterances = people[:, None] + noise
                means = utterances.mean(axis=1)
                hits += (
                    _covers(utterances.ravel()),
                    _bootstrap_covers(means, rng),
                    _covers(means),
                )
            cells.append(hits / N_STUDIES)
        row = " | ".join(f"{a:.2f} / {b:.2f}" for a, b in zip(*cells, strict=True))
        print(f"| {n_people} | {row} |")


if __name__ == "__main__":
    main()
