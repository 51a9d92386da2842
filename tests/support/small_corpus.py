"""A corpus in miniature: synthetic speech under RAVDESS names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from speechlike import SAMPLE_RATE, speechlike


def write_small_corpus(folder: Path, actors: tuple[int, ...] = (1, 2)) -> Path:
    """One clip per actor and emotion, silence around 1.2 s of syllables."""
    for actor in actors:
        for emotion in range(1, 9):
            rng = np.random.default_rng(100 * actor + emotion)
            speech = speechlike(1.2, seed=100 * actor + emotion) * (0.5 + 0.1 * emotion)
            silence = 1e-4 * rng.standard_normal(SAMPLE_RATE // 2)
            path = folder / f"Actor_{actor:02d}" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.concatenate([silence, speech, silence]), SAMPLE_RATE)
    return folder
