"""Examples made of numbers instead of sound, and models made for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ser_live.datasets.recording import Recording
from ser_live.emotions import EMOTIONS, LABELS
from ser_live.model.classifier import Classifier, LinearHead
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.speaker_shift import ShiftRule
from ser_live.training.augmentation import PLAIN
from ser_live.training.examples import Examples

K = len(LABELS)
SIZE = 4.0
"""Distance of each label's centre from the origin."""


def synthetic_corpus(
    n_speakers: int, *, speaker_spread: float = 0.0, corpus: str = "ravdess", n_each: int = 8
) -> tuple[Examples, list[Recording]]:
    """RAVDESS in numbers: input j is large when label j was acted, plus the speaker's offset."""
    recordings, rows, labels = [], [], []
    for speaker in range(1, n_speakers + 1):
        rng = np.random.default_rng(speaker)
        offset = speaker_spread * rng.standard_normal(K)
        for label, emotion in enumerate(EMOTIONS):
            for number in range(n_each // 2 if label == 0 else n_each):
                strength, statement, take = 1 + number // 4, 1 + number % 2, 1 + number // 2 % 2
                name = f"03-01-{label + 1:02d}-{strength:02d}-{statement:02d}-{take:02d}"
                recordings.append(
                    Recording(
                        corpus=corpus,
                        speaker=f"{corpus}-{speaker:02d}",
                        path=Path(f"{name}-{speaker:02d}.wav"),
                        label=emotion.value,
                        sex="male" if speaker % 2 else "female",
                        language="en-US",
                    )
                )
                rows.append(SIZE * np.eye(K)[label] + offset + 0.3 * rng.standard_normal(K))
                labels.append(label)
    return examples_of(recordings, np.array(rows)), recordings


def examples_of(recordings: list[Recording], X: np.ndarray) -> Examples:
    """One whole utterance a recording."""
    n = len(recordings)
    columns = {
        "X": X,
        "y": np.array([LABELS.index(recording.label) for recording in recordings]),
        "speakers": np.array([recording.speaker for recording in recordings]),
        "clips": np.arange(n),
        "variants": np.array([PLAIN] * n),
        "is_final": np.ones(n, dtype=bool),
        "speech_s": np.ones(n),
        "corpora": np.array([recording.corpus for recording in recordings]),
        "intensity": np.array([recording.intensity for recording in recordings]),
    }
    return Examples(**columns)


def linear(coef: np.ndarray, intercept: np.ndarray) -> Classifier:
    """Scores ``x @ coef + intercept``."""
    n = len(coef)
    return Classifier(
        impute=np.zeros(n),
        mean=np.zeros(n),
        scale=np.ones(n),
        limit=np.array(1e6),
        used=np.arange(n),
        projection=np.eye(n),
        heads=(LinearHead(coef, intercept),),
        head_weights=np.ones(1),
        temperature=np.array(1.0),
    )


def rule() -> ShiftRule:
    """The centres that the synthetic corpus is made with."""
    centres = SIZE * np.eye(K)
    return ShiftRule(
        mean=centres.mean(axis=0),
        label_means=centres,
        correction=np.array(0.5),
        kappa=np.array(1.0),
        half_weight=np.array(1.0),
    )


def fitted_that_answers(label: int, *, adapts: bool = True) -> Fitted:
    """Always the same label."""
    ensemble = Ensemble.of(linear(np.zeros((K, K)), 3.0 * np.eye(K)[label]))
    return Fitted(ensemble, ensemble, rule()) if adapts else Fitted(ensemble)


def fitted_that_adapts() -> Fitted:
    """Right for a voice without offset: the largest input wins."""
    ensemble = Ensemble.of(linear(np.eye(K), np.zeros(K)))
    return Fitted(ensemble, ensemble, rule())


def nearest_centre(examples: Examples, seed: int) -> Fitted:
    """A recipe's fit: one Gaussian of fixed width around the mean of each label in training."""
    means = np.stack(
        [
            examples.X[examples.y == label].mean(axis=0)
            if (examples.y == label).any()
            else np.full(examples.X.shape[1], 1e3)
            for label in range(K)
        ]
    )
    return Fitted(Ensemble.of(linear(means.T, -0.5 * np.sum(means * means, axis=1))))
