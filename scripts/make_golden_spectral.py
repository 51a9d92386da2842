# /// script
# requires-python = ">=3.10"
# dependencies = ["opensmile==2.6.0", "soundfile", "numpy"]
# ///
"""Freeze openSMILE's spectral descriptors of 40 RAVDESS clips for the golden test.

openSMILE's licence allows research only, so it is not a dependency of the project:
run this with ``uv run scripts/make_golden_spectral.py DATA`` (DATA holds ``ravdess/``) or in
an environment of its own. It rewrites ``tests/golden/opensmile_spectral.json``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import opensmile
import soundfile as sf

TARGET = Path(__file__).parents[1] / "tests" / "golden" / "opensmile_spectral.json"
COLUMNS = {
    "alphaRatio": "alphaRatio_sma3",
    "hammarbergIndex": "hammarbergIndex_sma3",
    "slope0-500": "slope0-500_sma3",
    "slope500-1500": "slope500-1500_sma3",
    "spectralFlux": "spectralFlux_sma3",
    "mfcc1": "mfcc1_sma3",
    "mfcc2": "mfcc2_sma3",
    "mfcc3": "mfcc3_sma3",
    "mfcc4": "mfcc4_sma3",
}
VOICED = "F0semitoneFrom27.5Hz_sma3nz"
BELOW_PEAK_DB = 30.0
FRAME = 480


def stretch(samples: np.ndarray) -> tuple[int, int]:
    """First and last sample of the 30 ms frames at most 30 dB below the loudest."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    level = 10.0 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    loud = np.flatnonzero(level > level.max() - BELOW_PEAK_DB)
    return int(loud[0]) * FRAME, (int(loud[-1]) + 1) * FRAME


def clips(folder: Path) -> list[Path]:
    """Five clips of each emotion, each from another actor."""
    found = []
    for number in range(40):
        actor = 1 + number * 7 % 24
        emotion = 1 + number % 8
        intensity = 1 if emotion == 1 else 1 + number // 8 % 2
        name = f"03-01-{emotion:02d}-{intensity:02d}-{1 + number // 2 % 2:02d}-01-{actor:02d}.flac"
        found.append(folder / f"Actor_{actor:02d}" / name)
    return found


def main(data: Path) -> None:
    """Measure and write."""
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
    )
    entries: list[dict[str, Any]] = []
    for path in clips(data / "ravdess"):
        samples, rate = sf.read(path, dtype="float32")
        start, end = stretch(samples)
        table = smile.process_signal(samples[start:end], rate)
        voiced = table[table[VOICED] > 0]
        entries.append(
            {
                "file": str(path.relative_to(data)),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "start_sample": start,
                "end_sample": end,
                "mean": {name: float(table[column].mean()) for name, column in COLUMNS.items()},
                "voiced_mean": {
                    name: float(voiced[column].mean()) for name, column in COLUMNS.items()
                },
            }
        )
    content = {
        "made_by": "scripts/make_golden_spectral.py",
        "opensmile": opensmile.__version__,
        "feature_set": "eGeMAPSv02 low-level descriptors, mean over frames",
        "clips": entries,
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{len(entries)} clips written to {TARGET}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
