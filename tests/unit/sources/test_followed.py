"""Recordings that are still being written are heard as they grow, and their fate is told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_recordings as odd
import pytest
from odd_recordings import LENGTH_S, RATE, sound

from ser_live.errors import AudioFileError, UsageError
from ser_live.sources import FollowedSource

PATIENCE_S = 0.3


def wav_being_written(n_declared: int = 0) -> bytes:
    return odd.wav_declaring(n_declared, "PCM_16")


def take(source: FollowedSource, n: int, within_s: float = 20.0) -> np.ndarray:
    """At least `n` samples, or all that come."""
    blocks = [np.zeros((0, source.n_channels), np.float32)]
    deadline_s = time.monotonic() + within_s
    while not source.exhausted and sum(map(len, blocks)) < n and time.monotonic() < deadline_s:
        if isinstance(item := source.read(0.02), np.ndarray):
            blocks.append(item)
    return np.concatenate(blocks)


def everything(source: FollowedSource) -> np.ndarray:
    return take(source, 10**9)


@pytest.mark.parametrize(
    "kind", ["wav", "wav stale", "flac", "ogg", "mp3", "raw", "raw of two channels"]
)
def test_heard_as_it_grows(kind, tmp_path):
    """Half a recording is heard while the other half is not there; then that, and the end."""
    if kind in ("flac", "ogg", "mp3"):
        pytest.importorskip("av", reason="the optional extra `media` is not installed")
    n_channels = 2 if "two" in kind else 1
    data = {
        "wav": wav_being_written,
        "wav stale": lambda: wav_being_written(8192),
        "flac": odd.flac_of_unknown_length,
        "ogg": lambda: odd.coded("OGG"),
        "mp3": lambda: odd.coded("MP3"),
    }.get(kind, lambda: (sound(RATE, n_channels) * 32767).astype("<i2").tobytes())()
    path = tmp_path / "growing"
    path.write_bytes(b"")
    with FollowedSource(path, RATE, n_channels, PATIENCE_S) as source:
        assert take(source, 1, 0.1).size == 0
        with path.open("ab", buffering=0) as file:
            file.write(data[: len(data) * 8 // 10])
            first = take(source, RATE // 2)
            assert len(first) >= RATE // 2
            file.write(data[len(data) * 8 // 10 :])
        rest = everything(source)
    heard = np.concatenate([first, rest])
    assert len(heard) == pytest.approx(LENGTH_S * RATE, abs=0.05 * RATE)
    n = min(len(heard), round(LENGTH_S * RATE))
    assert np.corrcoef(heard[:n, 0], sound(RATE, n_channels)[:n, 0])[0, 1] > 0.9


def _removed(path: Path) -> None:
    path.unlink()


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def _shortened(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1000)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_removed, "x.wav was removed while it was followed"),
        (_replaced, "x.wav was replaced by another file"),
        (_shortened, "x.wav became shorter while it was followed"),
    ],
)
def test_fate(
    change: Callable[[Path], None],
    sentence: str,
    tmp_path: Path,
) -> None:
    """A file that cannot grow any more is told in one sentence, behind all that was in it."""
    path = tmp_path / "x.wav"
    path.write_bytes(wav_being_written())
    with FollowedSource(path, RATE) as source:
        heard = take(source, round(LENGTH_S * RATE))
        assert len(heard) == LENGTH_S * RATE
        change(path)
        with pytest.raises(AudioFileError, match=sentence):
            take(source, 1)
        assert source.exhausted


def test_what_was_read_is_heard_at_a_signal(tmp_path):
    """Closing early gives what the decoder still holds, without complaint."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = odd.flac_of_unknown_length()
    path = tmp_path / "x.flac"
    path.write_bytes(data)
    with FollowedSource(path, RATE) as source:
        heard = take(source, round(0.9 * LENGTH_S * RATE), 1.0)
        assert not source.exhausted
        source.close()
        rest = everything(source)
        assert source.exhausted
    assert len(heard) < LENGTH_S * RATE
    assert len(heard) + len(rest) == LENGTH_S * RATE


def test_what_has_its_index_at_its_end(tmp_path):
    """An m4a cannot be heard before its end: without one in sight it is refused."""
    path = odd.written(".m4a", lambda: b"\0\0\0\x18ftypM4A " + bytes(12) + b"\0\0\x10\0mdat" * 4)(
        tmp_path / "x"
    )
    with pytest.raises(AudioFileError, match="cannot be heard while it grows"):
        FollowedSource(path).open()


def test_nothing_to_follow(tmp_path):
    """A missing file, one that stays empty, and an impossible wait are each one sentence."""
    with pytest.raises(AudioFileError, match="There is no file"):
        FollowedSource(tmp_path / "none.wav").open()
    with pytest.raises(AudioFileError, match="is a folder"):
        FollowedSource(tmp_path).open()
    path = odd.written(".wav", lambda: b"")(tmp_path / "x")
    with (
        FollowedSource(path, patience_s=0.1) as source,
        pytest.raises(AudioFileError, match=r"stayed empty for 0\.1 s"),
    ):
        take(source, 1)
    for patience_s in (0.0, -1.0, math.nan):
        with pytest.raises(UsageError, match="a positive number is needed"):
            FollowedSource(path, patience_s=patience_s)


def test_the_track_that_was_asked_for(tmp_path):
    """Of a growing file of two tracks the one is heard that was named; a third one is refused."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    sounds = (0.5 * sound(), 0.1 * sound())
    path = odd.media(tmp_path / "x.mkv", "flac", n_tracks=2, sounds=sounds)
    for track, samples in enumerate(sounds, start=1):
        with FollowedSource(path, RATE, 1, PATIENCE_S, track=track) as source:
            heard = everything(source)
        assert len(heard) == len(samples)
        assert np.abs(heard - samples).max() < 1e-3
        assert source.notes == []
    with (
        pytest.raises(UsageError, match="2 audio tracks, but track 3 was asked for"),
        FollowedSource(path, RATE, 1, PATIENCE_S, track=3) as source,
    ):
        everything(source)
