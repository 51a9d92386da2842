# /// script
# requires-python = ">=3.10"
# dependencies = ["praat-parselmouth==0.4.7", "opensmile==2.6.0", "soundfile", "numpy"]
# ///
"""Write what Praat and openSMILE measure on known sounds to tests/golden/praat.json.

    uv run scripts/make_golden.py --data FOLDER    (the folder that holds ravdess/)

Praat (GPL-3) and openSMILE (research licence) are used here only, by hand; neither
the program nor its tests import them. The sounds are those of ``tests/support/voices.py`` and
40 clips of RAVDESS, of which numbers and a hash are stored, no audio.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import opensmile  # type: ignore[import-not-found, unused-ignore]
import parselmouth  # type: ignore[import-not-found, unused-ignore]
import soundfile
from parselmouth.praat import call  # type: ignore[import-not-found, unused-ignore]

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from voices import GOLDEN_SIGNALS  # type: ignore[import-not-found] # noqa: E402

SAMPLE_RATE = 16_000
HOP = 160
WINDOW = 740
ACTORS = (1, 4, 7, 10, 13, 16, 21, 24)
EMOTIONS = (1, 3, 5, 6, 8)

PARAMETERS = {
    "pitch": "To Pitch (ac): 0.01 s, 65 Hz, 15 candidates, not very accurate, silence 0.03, "
    "voicing 0.45, octave 0.01, octave jump 0.35, voiced/unvoiced 0.14, 650 Hz; the sound is cut "
    "to 740 + 160 m samples so that frames are centred at 370 + 160 k",
    "points": "To PointProcess (cc) from that pitch",
    "jitter": "0.0001 s, 0.02 s, 1.3",
    "shimmer": "0.0001 s, 0.02 s, 1.3, 1.6",
    "hnr_db": "To Harmonicity (cc): 0.01 s, 75 Hz, 0.1, 1.0; mean",
    "formants": "To Formant (burg): 0.01 s, 5, 5500 Hz, 0.025 s, 50 Hz; mean over voiced frames",
    "opensmile": "eGeMAPSv02 functionals of the whole sound",
}


def praat(samples: np.ndarray) -> dict[str, Any]:
    """F0 contour and scalars of Praat; ``f0_hz`` is 0 where unvoiced."""
    n_frames = (len(samples) - WINDOW) // HOP + 1
    samples = samples[: WINDOW + HOP * (n_frames - 1)].astype(np.float64)
    sound = parselmouth.Sound(samples, SAMPLE_RATE)
    pitch = call(sound, "To Pitch (ac)", 0.01, 65, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 650)
    points = call([sound, pitch], "To PointProcess (cc)")
    harmonicity = call(sound, "To Harmonicity (cc)", 0.01, 75, 0.1, 1.0)
    formants = call(sound, "To Formant (burg)", 0.01, 5, 5500, 0.025, 50)
    f0_hz = pitch.selected_array["frequency"]
    centres_s = (np.arange(n_frames) * HOP + WINDOW // 2) / SAMPLE_RATE
    if len(f0_hz) != n_frames or abs(pitch.xs()[0] - centres_s[0]) > 1e-9:
        raise SystemExit("Praat placed its frames elsewhere: the cut must be adapted")
    found: dict[str, Any] = {"f0_hz": [round(float(hz), 1) for hz in f0_hz]}
    for praats, ours in (("local", "local"), ("rap", "rap"), ("ppq5", "ppq5")):
        value = call(points, f"Get jitter ({praats})", 0, 0, 0.0001, 0.02, 1.3)
        found[f"jitter_{ours}"] = value
    for praats, ours in (
        ("local", "local"),
        ("apq3", "apq3"),
        ("apq5", "apq5"),
        ("local_dB", "db"),
    ):
        value = call([sound, points], f"Get shimmer ({praats})", 0, 0, 0.0001, 0.02, 1.3, 1.6)
        found[f"shimmer_{ours}"] = value
    found["hnr_db"] = call(harmonicity, "Get mean", 0, 0)
    for number in (1, 2, 3):
        hz = [formants.get_value_at_time(number, time) for time in centres_s[f0_hz > 0]]
        found[f"f{number}_hz"] = float(np.nanmean(hz)) if hz else float("nan")
    return found


def smile(extractor: Any, samples: np.ndarray) -> dict[str, float]:
    """The functionals of eGeMAPS that have a counterpart here."""
    row = extractor.process_signal(samples, SAMPLE_RATE).iloc[0]
    return {
        "f0_semitones_mean": float(row["F0semitoneFrom27.5Hz_sma3nz_amean"]),
        "loudness_mean": float(row["loudness_sma3_amean"]),
        "loudness_p80_p20": float(row["loudness_sma3_pctlrange0-2"]),
        "jitter_local": float(row["jitterLocal_sma3nz_amean"]),
        "shimmer_db": float(row["shimmerLocaldB_sma3nz_amean"]),
        "hnr_db": float(row["HNRdBACF_sma3nz_amean"]),
        "h1_h2_db": float(row["logRelF0-H1-H2_sma3nz_amean"]),
        "h1_a3_db": float(row["logRelF0-H1-A3_sma3nz_amean"]),
    }


def rounded(value: Any) -> Any:
    """Five significant digits; None for what is undefined."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value


def clips() -> list[str]:
    """Paths below ravdess/: five emotions of eight actors, statements and repetitions mixed."""
    names = []
    for actor in ACTORS:
        for emotion in EMOTIONS:
            intensity = 1 if emotion == 1 else 1 + (actor + emotion) % 2
            statement, repetition = 1 + (actor // 3 + emotion) % 2, 1 + (actor // 2 + emotion) % 2
            numbers = (3, 1, emotion, intensity, statement, repetition, actor)
            stem = "-".join(f"{number:02d}" for number in numbers)
            names.append(f"Actor_{actor:02d}/{stem}.flac")
    return names


def main() -> None:
    """Measure every sound and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ravdess/")
    data = parser.parse_args().data
    extractor = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    golden: dict[str, Any] = {
        "versions": {
            "praat": parselmouth.PRAAT_VERSION,
            "praat-parselmouth": parselmouth.__version__,
            "opensmile": opensmile.__version__,
        },
        "parameters": PARAMETERS,
        "signals": {name: praat(make()) for name, make in GOLDEN_SIGNALS.items()},
        "clips": {},
    }
    for name in clips():
        samples, sample_rate = soundfile.read(data / "ravdess" / name, dtype="int16")
        if sample_rate != SAMPLE_RATE:
            raise SystemExit(f"{name} has {sample_rate} Hz, 16000 Hz is needed")
        waveform = (samples / 32768.0).astype(np.float32)
        golden["clips"][name] = {
            "sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
            "praat": praat(waveform),
            "opensmile": smile(extractor, waveform),
        }
        print(name)
    target = ROOT / "tests" / "golden" / "praat.json"
    target.parent.mkdir(exist_ok=True)
    entries = json.dumps(rounded(golden), separators=(",", ":")).replace('},"', '},\n"')
    target.write_text(entries + "\n", encoding="utf-8")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
