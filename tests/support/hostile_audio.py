"""Recordings as users have them: broken in every usual way, and merely unusual.

Every builder takes a folder, makes one file in it and gives its path.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser_live.errors import AudioFileError, InvalidAudioError, SerLiveError

Builder = Callable[[Path], Path]


def tone(rate: int, duration_s: float = 1.0, n_channels: int = 1) -> NDArray[np.float32]:
    """A 440 Hz tone, weaker from channel to channel, shape ``(n, n_channels)``."""
    t = np.arange(round(rate * duration_s)) / rate
    gains = 0.5 ** np.arange(1, n_channels + 1)
    return (np.sin(2 * np.pi * 440 * t)[:, np.newaxis] * gains).astype(np.float32)


def _write(path: Path, samples: NDArray[np.float32], rate: int, **options: str) -> Path:
    soundfile.write(path, samples, rate, **options)
    return path


def _cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def _bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def missing(folder: Path) -> Path:
    return folder / "missing.wav"


def empty(folder: Path) -> Path:
    return _bytes(folder / "empty.wav", b"")


def zero_length(folder: Path) -> Path:
    return _write(folder / "zero_length.wav", tone(16000)[:0], 16000)


def header_only(folder: Path) -> Path:
    path = _write(folder / "header_only.wav", tone(16000), 16000)
    return _bytes(path, path.read_bytes()[:44])


def half_a_header(folder: Path) -> Path:
    path = _write(folder / "half_a_header.wav", tone(16000), 16000)
    return _bytes(path, path.read_bytes()[:20])


def not_audio(folder: Path) -> Path:
    return _bytes(folder / "not_audio.wav", b"Dear diary, today I recorded nothing.\n" * 50)


def random_mp3(folder: Path) -> Path:
    return _bytes(folder / "random.mp3", np.random.default_rng(1).bytes(20_000))


def a_folder(folder: Path) -> Path:
    path = folder / "a_folder.wav"
    path.mkdir()
    return path


def truncated_wav(folder: Path) -> Path:
    return _cut(_write(folder / "truncated.wav", tone(16000, 2.0), 16000), 0.5)


def truncated_flac(folder: Path) -> Path:
    rng = np.random.default_rng(2)
    noise = (0.1 * rng.standard_normal((32000, 1))).astype(np.float32)
    return _cut(_write(folder / "truncated.flac", noise, 16000), 0.5)


def nan(folder: Path) -> Path:
    samples = tone(16000)
    samples[8000] = np.nan
    return _write(folder / "nan.wav", samples, 16000, subtype="FLOAT")


def infinite(folder: Path) -> Path:
    samples = tone(16000, n_channels=2)
    samples[4000, 1] = np.inf
    return _write(folder / "infinite.wav", samples, 16000, subtype="FLOAT")


def rate_4_khz(folder: Path) -> Path:
    return _write(folder / "rate_4_khz.wav", tone(4000), 4000)


REFUSED: dict[str, tuple[Builder, type[SerLiveError], str]] = {
    "missing": (missing, AudioFileError, r"There is no file .*missing\.wav"),
    "empty": (empty, AudioFileError, r"empty\.wav is empty \(0 bytes\)"),
    "zero_length": (zero_length, AudioFileError, r"holds no samples"),
    "header_only": (header_only, AudioFileError, r"holds no samples"),
    "half_a_header": (half_a_header, AudioFileError, r"not audio that can be decoded"),
    "not_audio": (not_audio, AudioFileError, r"not audio that can be decoded"),
    "random_mp3": (random_mp3, AudioFileError, r"not audio that can be decoded"),
    "a_folder": (a_folder, AudioFileError, r"is a folder"),
    "rate_4_khz": (rate_4_khz, InvalidAudioError, r"sample rate of 4000 Hz"),
}
"""Nothing of these can be heard: builder, error, what its sentence says."""

BROKEN_OFF: dict[str, tuple[Builder, type[SerLiveError], str, float]] = {
    "truncated_wav": (
        truncated_wav,
        AudioFileError,
        r"ends after 1\.00 s, but its header promises 2\.00 s",
        0.99,
    ),
    "truncated_flac": (truncated_flac, AudioFileError, r"damaged or cut off after \d\.\d\d s", 0.7),
    "nan": (nan, InvalidAudioError, r"nan\.wav holds nan at sample 8000 \(0\.500 s\)", 0.48),
    "infinite": (infinite, InvalidAudioError, r"holds inf at sample 4000 .* channel 2", 0.24),
}
"""The beginning of these can be heard: builder, error, sentence, seconds heard at least."""


def two_samples(folder: Path) -> Path:
    return _write(folder / "two_samples.wav", tone(16000)[:2], 16000)


def rate_8_khz(folder: Path) -> Path:
    return _write(folder / "rate_8_khz.wav", tone(8000), 8000)


def rate_192_khz(folder: Path) -> Path:
    return _write(folder / "rate_192_khz.wav", tone(192_000), 192_000)


def eight_channels(folder: Path) -> Path:
    return _write(folder / "eight_channels.wav", tone(48_000, n_channels=8), 48_000)


def bits_24(folder: Path) -> Path:
    return _write(folder / "bits_24.wav", tone(44_100), 44_100, subtype="PCM_24")


def bits_8(folder: Path) -> Path:
    return _write(folder / "bits_8.wav", tone(16_000), 16_000, subtype="PCM_U8")


def float_64(folder: Path) -> Path:
    return _write(folder / "float_64.wav", tone(16_000), 16_000, subtype="DOUBLE")


def unknown_length(folder: Path) -> Path:
    """As a program writes that streams into a pipe: the length is a placeholder."""
    path = _write(folder / "unknown_length.wav", tone(16_000), 16_000)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    return _bytes(path, bytes(data))


def flac(folder: Path) -> Path:
    return _write(folder / "tone.flac", tone(22_050), 22_050)


def ogg(folder: Path) -> Path:
    return _write(folder / "tone.ogg", tone(44_100), 44_100)


def opus(folder: Path) -> Path:
    return _write(folder / "tone.opus", tone(48_000), 48_000, format="OGG", subtype="OPUS")


def mp3(folder: Path) -> Path:
    return _write(folder / "tone.mp3", tone(44_100, n_channels=2), 44_100)


def wrong_suffix(folder: Path) -> Path:
    path = _write(folder / "tone.flac", tone(16_000), 16_000)
    return path.rename(folder / "wrong_suffix.wav")


def odd_name(folder: Path) -> Path:
    return _write(folder / "запись 録音 été (1).wav", tone(16_000), 16_000)


UNUSUAL: dict[str, tuple[Builder, int, int, int]] = {
    "two_samples": (two_samples, 16_000, 1, 2),
    "rate_8_khz": (rate_8_khz, 8_000, 1, 8_000),
    "rate_192_khz": (rate_192_khz, 192_000, 1, 192_000),
    "eight_channels": (eight_channels, 48_000, 8, 48_000),
    "bits_24": (bits_24, 44_100, 1, 44_100),
    "bits_8": (bits_8, 16_000, 1, 16_000),
    "float_64": (float_64, 16_000, 1, 16_000),
    "unknown_length": (unknown_length, 16_000, 1, 16_000),
    "flac": (flac, 22_050, 1, 22_050),
    "ogg": (ogg, 44_100, 1, 44_100),
    "opus": (opus, 48_000, 1, 48_000),
    "mp3": (mp3, 44_100, 2, 44_100),
    "wrong_suffix": (wrong_suffix, 16_000, 1, 16_000),
    "odd_name": (odd_name, 16_000, 1, 16_000),
}
"""These are fine: builder, native rate in hertz, channels, samples per channel."""


def huge(folder: Path) -> Path:
    """A wav of 3.9 GB, 34 hours of silence after one second of tone, sparse on the disk."""
    n_bytes = 3_900_000_000
    path = _write(folder / "huge.wav", tone(16_000), 16_000)
    with path.open("r+b") as file:
        file.seek(4)
        file.write((n_bytes + 36).to_bytes(4, "little"))
        file.seek(40)
        file.write(n_bytes.to_bytes(4, "little"))
        file.truncate(n_bytes + 44)
    return path


def media(
    path: Path,
    rate: int | None = 44_100,
    video: bool = False,
    duration_s: float = 1.0,
    codec: str | None = None,
) -> Path:
    """A media file with a tone (unless `rate` is None) and a black picture; needs PyAV."""
    import av

    with av.open(str(path), "w") as container:
        if video:
            picture = container.add_stream("mpeg4", rate=25)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        if rate is not None:
            codec = codec or ("libopus" if path.suffix == ".webm" else "aac")
            sound = container.add_stream(codec, rate=rate, layout="stereo")
            samples = np.ascontiguousarray(tone(rate, duration_s, n_channels=2).T)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
            frame.sample_rate = rate
            resampler = av.AudioResampler(sound.format, sound.layout, sound.rate, 960)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
        if video:
            black = np.zeros((64, 64, 3), np.uint8)
            for _ in range(round(25 * duration_s)):
                container.mux(picture.encode(av.VideoFrame.from_ndarray(black, format="rgb24")))
            container.mux(picture.encode(None))
    return path
