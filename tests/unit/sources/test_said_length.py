"""The length that the header of a recording says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from ser_live.sources.said_length import said_length_s


def test_a_recording_says_its_length(tmp_path: Path) -> None:
    """Frames by rate, in every format that soundfile reads."""
    for suffix in ("wav", "flac", "ogg"):
        file = tmp_path / f"x.{suffix}"
        soundfile.write(file, np.zeros(12_000), 8_000)
        assert said_length_s(str(file)) == 1.5


def test_what_says_nothing_has_no_length(tmp_path: Path) -> None:
    """No file, no audio, nothing in it."""
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"RIFF nothing")
    empty = tmp_path / "empty.wav"
    soundfile.write(empty, np.zeros(0), 8_000)
    for file in (junk, empty, tmp_path / "absent.wav", tmp_path, "nul\0.wav"):
        assert said_length_s(str(file)) is None
