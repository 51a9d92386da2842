"""What ser-live hears of a file beside what ffmpeg's own decoding of the same bytes gives.

The rule. *Silent loss* is sound that ffmpeg hears and ser-live does not hear, without a word: an
error of the project, a gap of that length at its place, or a note that tells it. ser-live may hear
more than ffmpeg. What ffmpeg makes up, by decoding junk as noise or by going on past a header that
lies, is no sound: where the sound of a file is known to be a tone, only stretches count that are
one (`Hearing.tonal_s`), and noise or zeros of the right length in the place of it are a loss, too.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import held_sound
import mp3_bits
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Hertz in which both are compared."""

SILENT_LOSS_S = 0.05
"""Sound that may be missing without a word where a codec has no frame longer than this."""

MAX_HEARD_S = 30.0
"""So much of a recording is heard at most, by both; a small file may go on for a hundred hours."""

_MAX_FAILURES = 20
"""Failures of a container after which ffmpeg's libraries are asked no more."""

_LOSS_TOLD = (
    "passed over",
    "were found in it",
    "audio tracks",
    "cut out of",
    "contradicts itself",
    "samples go beyond",
)
"""Words of the notes that tell that something is not heard; other notes excuse nothing."""

_EXACT = ("-fflags", "+bitexact", "-flags:a", "+bitexact")
"""The same bytes each time, without date and version."""

_BLOCK, _STEP = 256, 64
_LOUD = 10.0 ** (-50 / 20)
_TONAL_SHARE = 0.8
_HIGHEST_HZ = 5500.0
"""The tones of tests go up to 700 Hz, and some times as far where a rate lies. Higher ones are made
by codecs out of junk, at the end of the band of their rate, which resamplers cut off or mirror."""


@dataclass(frozen=True)
class Hearing:
    """What a decoder gave."""

    seconds: float
    """Length of all samples."""
    tonal_s: float
    """Length of what sounds like a single tone."""
    lost_s: float = 0.0
    """Length of the gaps that were told."""
    notes: tuple[str, ...] = ()
    error: str = ""
    """Sentence with which it ended before its time, or at the end of something damaged."""

    @property
    def tells_loss(self) -> bool:
        """Whether a sentence says that something was not heard."""
        return bool(self.error) or any(word in note for note in self.notes for word in _LOSS_TOLD)


def beyond_its_file_s(theirs: Hearing, data: bytes, kind: str) -> float:
    """Length of the tone that ffmpeg gave but the file cannot hold; see `held_sound`, `mp3_bits`.

    `kind` is that of the container; what is known of MP3 holds for what LAME made.
    """
    if kind == "mp3":
        return held_sound.padding_between_s(data) + mp3_bits.without_bits_s(data)
    if kind == "flac":
        return max(0.0, theirs.tonal_s - held_sound.most_flac_s(data))
    if kind == "wav":
        return max(0.0, theirs.tonal_s - held_sound.most_wav_s(data))
    return 0.0


def silently_lost_s(ours: Hearing, theirs: Hearing, *, of_tone: bool = False) -> float:
    """Length of what they hear and we do not, and do not say, in seconds."""
    if ours.tells_loss:
        return 0.0
    if of_tone:
        return max(0.0, theirs.tonal_s - ours.tonal_s - ours.lost_s)
    return max(0.0, theirs.seconds - ours.seconds - ours.lost_s)


def heard_by_ser_live(path: Path) -> Hearing:
    """Decode a file as ``analyze`` does; raises what is none of the project's errors."""
    from ser_live.audio import StreamConverter
    from ser_live.errors import SerLiveError
    from ser_live.mixing.mixer import Finding
    from ser_live.process.sound import prepared_for_sound
    from ser_live.sources import FileSource, Lost

    parts: list[NDArray[np.float32]] = []
    found: list[Finding] = []
    n_heard = n_lost = 0
    rate, error = RATE, ""
    source = FileSource(path, speed=0)
    try:
        with prepared_for_sound(), source:
            rate = source.sample_rate
            converter = StreamConverter(rate, source.n_channels)
            try:
                while not source.exhausted and n_heard < MAX_HEARD_S * rate:
                    item = source.read(0)
                    if isinstance(item, Lost):
                        n_lost += item.n_samples
                    elif isinstance(item, np.ndarray):
                        n_heard += len(item)
                        parts.append(converter.push(item))
            except SerLiveError as refused:
                error = str(refused)
            parts.append(converter.flush())
            found = converter.take_findings()
    except SerLiveError as refused:
        error = str(refused)
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    notes = (*source.notes, *(finding.message for finding in found))
    return Hearing(n_heard / rate, tonal_s(samples), n_lost / rate, notes, error)


def heard_by_ffmpeg(path: Path) -> Hearing:
    """Decode a file with the program ffmpeg; nothing where it finds no sound."""
    done = subprocess.run(
        [
            *("ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", str(path)),
            *("-map", "0:a:0", "-t", str(MAX_HEARD_S), "-ac", "1", "-ar", str(RATE)),
            *("-f", "s16le", "-"),
        ],
        capture_output=True,
        check=False,
        timeout=60,
    )
    pcm = np.frombuffer(done.stdout[: len(done.stdout) // 2 * 2], "<i2")
    samples = pcm.astype(np.float32) / 32768
    return Hearing(
        len(samples) / RATE, tonal_s(samples), error=done.stderr.decode(errors="replace")
    )


def heard_by_library(path: Path) -> Hearing:
    """Decode a file with ffmpeg's libraries as its program does; nothing where it finds no sound.

    It takes a tenth of the time, for no process is started. It is the same code that ser-live falls
    back to, so that some inputs have to be heard by the program as well.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        container = av.open(str(path), metadata_errors="replace")
    except _refused() as error:
        return Hearing(0.0, 0.0, error=str(error))
    with container:
        if not container.streams.audio or container.streams.audio[0].codec_context is None:
            return Hearing(0.0, 0.0, error="no track that can be decoded")
        parts = list(_resampled(_decoded(container, container.streams.audio[0])))
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    samples = np.nan_to_num(samples[: round(MAX_HEARD_S * RATE)]).clip(-1, 1).astype(np.float32)
    return Hearing(len(samples) / RATE, tonal_s(samples))


def _refused() -> tuple[type[Exception], ...]:
    """Exceptions by which PyAV says that something cannot be decoded."""
    import av

    return (av.error.FFmpegError, ValueError, IndexError, OverflowError)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """All frames of a track; what cannot be decoded is passed over, as ffmpeg does."""
    for _ in range(_MAX_FAILURES):
        try:
            for packet in container.demux(stream):
                with suppress(*_refused()):
                    yield from packet.decode()
        except _refused():
            continue
        break
    with suppress(*_refused()):
        yield from stream.codec_context.decode(None)


def _resampled(frames: Iterator[Any]) -> Iterator[NDArray[np.float32]]:
    """Frames in the form in which both are compared, until there are enough."""
    import av

    resampler, n_samples = av.AudioResampler("flt", "mono", RATE), 0
    for frame in frames:
        made: list[Any] = []
        frame.pts = None  # all of it is wanted, wherever it says that it belongs
        try:
            made = resampler.resample(frame)
        except _refused():
            resampler = av.AudioResampler("flt", "mono", RATE)
            with suppress(*_refused()):
                made = resampler.resample(frame)
        for part in made:
            n_samples += part.samples
            yield part.to_ndarray().ravel()
        if n_samples >= MAX_HEARD_S * RATE:
            return
    with suppress(*_refused()):
        yield from (part.to_ndarray().ravel() for part in resampler.resample(None))


def encoded(samples: NDArray[np.float32], rate: int, suffix: str, *options: str) -> bytes:
    """A file that ffmpeg makes of ``(n, n_channels)`` samples; `options` stand before its name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{suffix}"
        subprocess.run(
            [
                *("ffmpeg", "-nostdin", "-v", "error", "-f", "f32le", "-ar", str(rate)),
                *("-ac", str(samples.shape[1]), "-i", "-", *_EXACT, *options, str(path)),
            ],
            input=np.ascontiguousarray(samples, "<f4").tobytes(),
            check=True,
            timeout=60,
        )
        return path.read_bytes()


def tonal_s(samples: NDArray[np.float32]) -> float:
    """Length of what has nearly all its power at one frequency, in seconds."""
    if len(samples) < _BLOCK:
        return 0.0
    blocks = np.lib.stride_tricks.sliding_window_view(samples, _BLOCK)[::_STEP].astype(np.float64)
    blocks = blocks - blocks.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(blocks * np.hanning(_BLOCK))) ** 2
    padded = np.pad(power, ((0, 0), (2, 2)))
    around = np.stack([padded[:, k : k + power.shape[1]] for k in range(5)]).sum(axis=0)
    is_loud = np.sqrt((blocks**2).mean(axis=1)) > _LOUD
    around = around[:, : round(_HIGHEST_HZ * _BLOCK / RATE)]
    is_tone = around.max(axis=1, initial=0.0) > _TONAL_SHARE * power.sum(axis=1)
    return float((is_loud & is_tone).sum() * _STEP / RATE)


def sweep(rate: int, length_s: float, n_channels: int = 1) -> NDArray[np.float32]:
    """A tone that rises slowly, so that every stretch is its own; shape ``(n, n_channels)``."""
    t_s = np.arange(round(rate * length_s)) / rate
    tone = np.sin(2 * np.pi * (300 * t_s + 200 * t_s**2))
    gains = 0.5 * 0.7 ** np.arange(n_channels)
    return (tone[:, np.newaxis] * gains).astype(np.float32)
