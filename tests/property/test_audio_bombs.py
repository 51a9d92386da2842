"""Recordings that promise or hold a hundred hours are heard block by block, or refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import audio_bombs
import hostile_audio
import pytest
import soundfile
from measured_process import Measured, hear, ser_live

from ser_live.errors import InvalidAudioError
from ser_live.sources import FileSource

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no measure of a peak there")

MORE_BYTES = 24 << 20
"""So much more memory than for one second may differ from run to run."""


@pytest.fixture(scope="module")
def one_second(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """What hearing one second takes."""
    path = tmp_path_factory.mktemp("second") / "second.flac"
    soundfile.write(path, hostile_audio.tone(16_000), 16_000)
    heard = hear(path)
    assert heard.stdout.split() == ["16000"]
    return heard


def test_a_hundred_hours_are_promised_and_one_second_is_there(
    tmp_path: Path, one_second: Measured
) -> None:
    """Nothing is made ready for what a header says: memory as for a second, and that second."""
    for build in audio_bombs.PROMISES:
        heard = hear(build(tmp_path))
        assert heard.peak_bytes < one_second.peak_bytes + MORE_BYTES, build.__name__
        if heard.returncode == 0:
            assert 16_000 <= int(heard.stdout) < 17_000, build.__name__
        else:
            assert "is damaged or cut off after 1.00 s" in heard.stderr, build.__name__


def test_the_promises_are_believed_by_others(tmp_path: Path) -> None:
    """The builders do what they say: FLAC and MP3 tell a hundred hours to who asks them."""
    for build in (audio_bombs.flac_promise, audio_bombs.mp3_promise):
        found = soundfile.info(build(tmp_path))
        assert found.frames / found.samplerate / 3600 == pytest.approx(100, rel=1e-3)


def test_long_silence_in_a_small_file_is_streamed(tmp_path: Path, one_second: Measured) -> None:
    """Half an hour out of 8 kB is heard to the last sample in the memory of one second.

    In one piece its samples would take 115 MB. `make reliability` hears a hundred hours.
    """
    path = audio_bombs.silent_flac(tmp_path, hours=0.5)
    assert path.stat().st_size < 8_000
    heard = hear(path)
    assert int(heard.stdout) == soundfile.info(path).frames
    assert heard.peak_bytes < one_second.peak_bytes + MORE_BYTES


def test_a_hundred_hours_for_one_row_are_refused_in_time(tmp_path: Path) -> None:
    """What needs a file in one piece stops after ten minutes, with a sentence."""
    refused = ser_live("features", "--unit", "file", audio_bombs.silent_flac(tmp_path))
    assert refused.returncode == 1
    assert "longer than 10 minutes" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.peak_bytes < 400 << 20


def test_a_thousand_channels_are_refused(tmp_path: Path) -> None:
    """A header of 1024 channels at 192 kHz takes no memory; 64 channels are heard."""
    with pytest.raises(InvalidAudioError, match="has 1024 channels, but at most 64 are read"):
        FileSource(audio_bombs.wide_wav(tmp_path)).open()
    path = tmp_path / "64.wav"
    soundfile.write(path, hostile_audio.tone(16_000, 0.1, 64), 16_000)
    assert hear(path).stdout.split() == ["1600"]


@pytest.mark.parametrize("build", [audio_bombs.silent_flac, hostile_audio.huge])
def test_a_hundred_hours_begin_at_once(tmp_path: Path, build: Callable[[Path], Path]) -> None:
    """The first block comes without the rest being looked at; closing then ends it."""
    with FileSource(build(tmp_path), speed=0) as source:
        block = source.read(0)
        assert block is not None
        assert len(block) == 4000
