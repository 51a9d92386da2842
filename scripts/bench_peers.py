# /// script
# requires-python = ">=3.10"
# dependencies = ["librosa==0.11.0", "opensmile==2.6.0", "praat-parselmouth==0.4.7"]
# ///
"""Time the peers on the clip that bench.py uses; prints milliseconds per run as JSON.

The peers are measured, never depended on: Praat is GPL-3, openSMILE's licence
allows research only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import librosa
import opensmile
import parselmouth

RATE_HZ = 16_000


def repeat_ms(work: Callable[[], object], n: int = 10) -> list[float]:
    """Wall milliseconds of `n` runs after two warm-ups."""
    for _ in range(2):
        work()
    times = []
    for _ in range(n):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1e3)
    return times


samples, _ = librosa.load(sys.argv[1], sr=RATE_HZ, offset=1.0, duration=3.0)
smile = opensmile.Smile(
    feature_set=opensmile.FeatureSet.eGeMAPSv02,
    feature_level=opensmile.FeatureLevel.Functionals,
    num_workers=1,
)


def librosa_pyin_mfcc() -> None:
    """Pitch and 13 MFCC with librosa."""
    librosa.pyin(samples, fmin=60, fmax=600, sr=RATE_HZ, frame_length=1024, hop_length=160)
    librosa.feature.mfcc(y=samples, sr=RATE_HZ, n_mfcc=13, n_fft=400, hop_length=160)


def praat() -> None:
    """Pitch, harmonicity, jitter and shimmer with Praat."""
    sound = parselmouth.Sound(samples.astype(float), sampling_frequency=RATE_HZ)
    sound.to_pitch_ac(pitch_floor=60, pitch_ceiling=600)
    sound.to_harmonicity_cc()
    points = parselmouth.praat.call(sound, "To PointProcess (periodic, cc)", 60, 600)
    parselmouth.praat.call(points, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3)
    parselmouth.praat.call([sound, points], "Get shimmer (local)", 0, 0, 0.0001, 0.02, 1.3, 1.6)


print(
    json.dumps(
        {
            "openSMILE eGeMAPS": repeat_ms(lambda: smile.process_signal(samples, RATE_HZ)),
            "librosa pyin + mfcc": repeat_ms(librosa_pyin_mfcc),
            "Praat pitch, HNR, jitter, shimmer": repeat_ms(praat),
        }
    )
)
