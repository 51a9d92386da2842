"""Audio that is kept because the user asked for it."""

from __future__ import annotations

import shutil
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from simulated_session import MICROPHONE, result

from ser_live.emotions import Emotion
from ser_live.errors import LogError
from ser_live.events import Kind, StreamId
from ser_live.records.recorder import UtteranceRecorder


def spoken(number: int) -> NDArray[np.float32]:
    """Samples of an utterance."""
    return (0.1 * np.random.default_rng(number).standard_normal(4800)).astype(np.float32)


def test_what_is_kept_is_what_was_heard_for_the_owner_alone(tmp_path: Path) -> None:
    """16-bit FLAC at 16 kHz, and neither folder nor file open to others."""
    path = UtteranceRecorder(tmp_path / "audio").write(spoken(1), 1, "microphone")
    assert path == tmp_path / "audio" / "microphone-u00001.flac"
    heard, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    assert np.abs(heard - spoken(1)).max() <= 1 / 32768
    for kept in (path, path.parent):
        assert stat.S_IMODE(kept.stat().st_mode) & 0o077 == 0


def test_what_a_microphone_of_16_bits_gave_is_kept_to_the_bit(tmp_path: Path) -> None:
    """Every level from one end of the scale to the other; what goes beyond stays at its end."""
    levels = np.arange(-32768, 32768, dtype=np.float32) / 32768
    samples = np.append(levels, 1.0).astype(np.float32)
    path = UtteranceRecorder(tmp_path).write(samples, 1, "levels")
    assert path is not None
    heard, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(heard, np.append(levels, levels[-1]))


def test_a_second_session_in_the_same_folder_keeps_both(tmp_path: Path) -> None:
    """Numbers begin anew in every session; nothing is overwritten, and nothing refused."""
    first, second = (UtteranceRecorder(tmp_path).write(spoken(n), n, "talk") for n in (1, 1))
    assert first is not None
    assert second == tmp_path / "talk-u00001-2.flac"
    assert first.read_bytes() == second.read_bytes()


def test_a_vanished_folder_is_made_again(tmp_path: Path) -> None:
    """The next utterance is kept as if nothing had happened."""
    recorder = UtteranceRecorder(tmp_path / "audio")
    shutil.rmtree(tmp_path / "audio")
    assert recorder.write(spoken(1), 1, "talk") is not None
    assert recorder.failure is None


def test_a_place_that_fails_is_counted_and_said(tmp_path: Path) -> None:
    """A file where the folder was: the loss has a sentence, and later audio is kept again."""
    recorder = UtteranceRecorder(tmp_path / "audio")
    (tmp_path / "audio").rmdir()
    (tmp_path / "audio").write_text("in the way")
    assert recorder.write(spoken(1), 1, "talk") is None
    assert recorder.n_failed == 1
    assert recorder.failure is not None
    assert recorder.failure.startswith("the audio of utterance 1 could not be kept in ")
    (tmp_path / "audio").unlink()
    assert recorder.write(spoken(2), 2, "talk") is not None


def test_a_folder_that_cannot_be_made_is_said_before_the_session(tmp_path: Path) -> None:
    """Nothing is heard yet, so the user can name another place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="name another with --save-audio"):
        UtteranceRecorder(tmp_path / "file" / "audio")


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (MICROPHONE, "microphone-u00003.flac"),
        (StreamId(number=2, source="a.wav", file="somewhere/talk.wav"), "talk-u00003.flac"),
        (
            StreamId(number=2, source="a.wav", file="call.wav", channel=1, role="../x"),
            "call-channel2-u00003.flac",
        ),
    ],
)
def test_final_results_are_kept_under_the_name_of_their_stream(
    stream: StreamId, name: str, tmp_path: Path
) -> None:
    """As a sink it takes every event, and keeps final results that carry their audio."""
    recorder = UtteranceRecorder(tmp_path)
    final = result(3, Kind.FINAL, 0.0, 0.3, Emotion.SAD, 0.7, stream=stream)
    partial = result(3, Kind.PARTIAL, 0.0, 0.2, Emotion.SAD, 0.7, stream=stream)
    recorder.open()
    for event in (replace(partial, samples=spoken(3)), final):
        recorder.take(event)
    assert list(tmp_path.iterdir()) == []
    recorder.take(replace(final, samples=spoken(3)))
    recorder.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    heard, _ = soundfile.read(tmp_path / name, dtype="float32")
    assert np.abs(heard - spoken(3)).max() <= 1 / 32768
