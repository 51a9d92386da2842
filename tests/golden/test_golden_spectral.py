"""Spectral contours against openSMILE's frozen numbers (eGeMAPS) on RAVDESS clips."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import soundfile as sf
from places import GOLDEN

from ser_live.features import FeatureVector, extract

GOLDEN: dict[str, Any] = json.loads(
    (GOLDEN / "opensmile_spectral.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def ours(corpus_dir: Path) -> list[FeatureVector]:
    """Our features of the same stretches."""
    features = []
    for clip in GOLDEN["clips"]:
        path = corpus_dir / clip["file"]
        if not path.is_file():
            pytest.skip(f"no recording at {path}: the golden numbers need RAVDESS")
        if hashlib.sha256(path.read_bytes()).hexdigest() != clip["sha256"]:
            pytest.skip(f"{path} is not the recording the golden numbers were made from")
        samples, _ = sf.read(path, dtype="float32")
        stretch = samples[clip["start_sample"] : clip["end_sample"]]
        features.append(extract(stretch))
    return features


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("feature", "column", "frames", "bar"),
    [
        ("alpha_ratio_db_voiced_mean", "alphaRatio", "voiced_mean", 0.95),
        ("hammarberg_index_db_voiced_mean", "hammarbergIndex", "voiced_mean", 0.95),
        # Slopes differ by definition: openSMILE counts bins from 0 Hz and has an absolute
        # floor, which a change of gain would move.
        ("spectral_slope_0_500_db_per_khz_voiced_mean", "slope0-500", "voiced_mean", 0.65),
        ("spectral_slope_500_1500_db_per_khz_voiced_mean", "slope500-1500", "voiced_mean", 0.7),
        # Flux too: openSMILE's grows with the level, ours does not.
        ("spectral_flux_voiced_mean", "spectralFlux", "voiced_mean", 0.8),
        ("mfcc1_mean", "mfcc1", "mean", 0.93),
        ("mfcc2_mean", "mfcc2", "mean", 0.9),
        ("mfcc3_mean", "mfcc3", "mean", 0.85),
        ("mfcc4_mean", "mfcc4", "mean", 0.85),
    ],
)
def test_clips_are_ranked_as_by_opensmile(
    ours: list[FeatureVector], feature: str, column: str, frames: str, bar: float
) -> None:
    """Over 40 clips the means rank like openSMILE's (Spearman)."""
    theirs = [clip[frames][column] for clip in GOLDEN["clips"]]
    found = [values[feature] for values in ours]
    assert np.isfinite(found).all()
    assert scipy.stats.spearmanr(found, theirs).statistic >= bar
