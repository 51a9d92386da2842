"""Make ser_live/demo.ogg: synthesised speech with varied pitch, tempo and loudness.

One voice says everyday sentences in different manners over a faint room noise.
The manners are settings of a speech synthesiser, not emotions of a person: the
recording shows the program at work, it does not show that the labels are right. The doctor,
the bench and tests hear it; `ser-live demo` plays acted speech (make_acted_recording.py).
Needs espeak-ng (`scripts/install_debian.sh --test` brings it).
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile

OUTPUT = Path(__file__).parents[1] / "ser_live" / "demo.ogg"
SEED = 20

# Sentence, pitch 0-99, words per minute, amplitude 0-200, pause after it in seconds.
SENTENCES = [
    ("The kettle is on the stove, and the cups are on the table.", 45, 150, 70, 1.1),
    ("I walked along the river this morning. It was very quiet.", 35, 125, 55, 1.2),
    ("You will never guess who just called me! Come and sit down!", 75, 190, 110, 1.0),
    ("No. I have told you three times, and you did not listen.", 30, 185, 160, 1.1),
    ("They left the house empty, and nobody came back.", 25, 105, 45, 1.3),
    ("Really? You found it under the sofa all this time?", 85, 175, 100, 0.9),
    ("Did you hear that? There is somebody at the back door.", 70, 215, 60, 1.0),
    ("This milk smells awful. Please pour it away.", 40, 140, 100, 1.1),
    ("All is well. We have the whole evening, so take your time.", 38, 120, 55, 1.2),
    ("What a wonderful day it was, let us do it again!", 72, 180, 115, 1.5),
]


def speak(text: str, pitch: int, words_per_minute: int, amplitude: int) -> tuple[np.ndarray, int]:
    """Synthesise one sentence; float64 samples and their rate in hertz."""
    command = ["espeak-ng", "-v", "en-gb", "--stdout"]
    command += ["-p", str(pitch), "-s", str(words_per_minute), "-a", str(amplitude), text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate = soundfile.read(io.BytesIO(wav))
    return samples, rate


def main() -> None:
    """Write the recording."""
    rng = np.random.default_rng(SEED)
    parts = [np.zeros(22_050)]
    for text, pitch, words_per_minute, amplitude, pause_s in SENTENCES:
        samples, rate = speak(text, pitch, words_per_minute, amplitude)
        parts += [samples * 0.5, np.zeros(int(pause_s * rate))]
    speech = np.concatenate(parts)
    # Brown-tinted noise near -66 dBFS: a quiet room rather than digital silence.
    noise = np.convolve(rng.standard_normal(len(speech)), np.ones(8) / 8, mode="same")
    recording = speech + 10 ** (-66 / 20) * noise / noise.std()
    with soundfile.SoundFile(OUTPUT, "w", rate, 1, format="OGG", subtype="VORBIS") as file:
        # In blocks: libsndfile's Vorbis encoder overflows its stack on long ones.
        for start in range(0, len(recording), rate):
            file.write(recording[start : start + rate])
    print(f"{OUTPUT.name}: {len(recording) / rate:.1f} s, peak {np.abs(recording).max():.2f}")


if __name__ == "__main__":
    main()
