"""Make ser_live/acted/speech.ogg: one sentence that an actor says in eight ways.

The clips are of RAVDESS (Livingstone and Russo 2018, CC BY-NC-SA 4.0). Beside the recording it
writes speech.json, which says for each utterance what the actor was asked for.
``python scripts/make_acted_recording.py --data DIR`` needs RAVDESS's speech in DIR/ravdess.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[1] / "ser_live" / "acted"
RATE_HZ = 16_000
SENTENCE = "Kids are talking by the door."

ACTOR = 2
"""A woman. Models that never heard her name 55 of her 60 clips rightly: an easy voice."""
ASKED = ("neutral", "happy", "sad", "angry", "calm", "fearful", "disgust", "surprised")
"""Emotions in the order in which they are heard."""
_CODES = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_STATEMENT, _REPETITION = 1, 2
PAUSE_S = 1.1
LEAD_S = 0.12
"""Sound kept before the voice begins."""
TAIL_S = 0.2
EDGE_S = 0.02
"""Time over which a clip is faded in and out."""


def clip_of(asked: str) -> str:
    """RAVDESS's name of a clip: strongly acted, but for neutral, which has one strength."""
    emotion, intensity = _CODES.index(asked) + 1, 1 if asked == "neutral" else 2
    return f"03-01-{emotion:02d}-{intensity:02d}-{_STATEMENT:02d}-{_REPETITION:02d}-{ACTOR:02d}"


def voiced(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A clip without the silence around its voice, its ends faded."""
    step = RATE_HZ // 50
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    loudness = np.sqrt((frames**2).mean(axis=1))
    heard = np.flatnonzero(loudness > 0.02 * loudness.max())
    start = max(0, heard[0] * step - int(LEAD_S * RATE_HZ))
    end = min(len(samples), (heard[-1] + 1) * step + int(TAIL_S * RATE_HZ))
    cut = samples[start:end].copy()
    n_edge = int(EDGE_S * RATE_HZ)
    ramp = np.linspace(0, 1, n_edge, dtype=np.float32)
    cut[:n_edge] *= ramp
    cut[-n_edge:] *= ramp[::-1]
    return cut


def main() -> None:
    """Write the recording and what is asked for in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with ravdess/")
    options = parser.parse_args()
    parts = [np.zeros(int(0.8 * RATE_HZ), dtype=np.float32)]
    utterances = []
    n_before = len(parts[0])
    for asked in ASKED:
        name = clip_of(asked)
        path = options.data / "ravdess" / f"Actor_{ACTOR:02d}" / f"{name}.flac"
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE_HZ, path
        clip = voiced(samples)
        utterances.append(
            {
                "start_s": round(n_before / RATE_HZ, 2),
                "end_s": round((n_before + len(clip)) / RATE_HZ, 2),
                "asked": asked,
                "clip": name,
            }
        )
        parts += [clip, np.zeros(int(PAUSE_S * RATE_HZ), dtype=np.float32)]
        n_before += len(parts[-2]) + len(parts[-1])
    recording = np.concatenate(parts)
    # Noise near -75 dBFS: the pauses of a room rather than digital silence.
    recording += 10 ** (-75 / 20) * np.random.default_rng(20).standard_normal(
        len(recording), dtype=np.float32
    )
    target = FOLDER / "speech.ogg"
    with soundfile.SoundFile(target, "w", RATE_HZ, 1, format="OGG", subtype="VORBIS") as file:
        # In blocks: libsndfile's Vorbis encoder overflows its stack on long ones.
        for start in range(0, len(recording), RATE_HZ):
            file.write(recording[start : start + RATE_HZ])
    script = {"sentence": SENTENCE, "utterances": utterances}
    text = json.dumps(script, indent=1) + "\n"
    (FOLDER / "speech.json").write_text(text, encoding="utf-8")
    print(f"{target.name}: {len(recording) / RATE_HZ:.1f} s, {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
