"""Operations on samples: levels, checks, conversion to the one signal inside, framing.

The one signal inside is mono float32, C-contiguous, shape ``(n_samples,)``, 16 kHz,
finite, nominal range [-1, 1]. `StreamConverter` makes it from whatever a source gives.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import InvalidAudioError, UsageError
from ser_live.mixing import Finding, Mixer

if TYPE_CHECKING:
    import soxr

MIN_SAMPLE_RATE_HZ = 8_000
"""Lowest native sample rate accepted, in hertz: below it speech lacks its formants."""

MAX_SAMPLE_RATE_HZ = 192_000
"""Highest native sample rate accepted, in hertz."""

CLIPPED_LEVEL = 0.985
"""Absolute sample value from which a sample counts as clipped."""

FAR_ABOVE_FULL_SCALE = 128.0
"""Absolute sample value above which samples are numbers of another scale than [-1, 1]."""

MAX_CHANNELS = 64
"""Most channels accepted: a thousand, as a header may claim, would fill the memory."""


def level_dbfs(samples: NDArray[Any]) -> float:
    """RMS level in dB relative to full scale.

    ``20 log10 sqrt(mean(x^2))``: a full-scale sine gives -3.01, a full-scale square
    wave 0, zeros -inf, no samples at all NaN.

    Parameters
    ----------
    samples : ndarray, any shape
        Samples, nominal range [-1, 1].
    """
    if samples.size == 0:
        return math.nan
    values = samples.astype(np.float64, copy=False)
    power = float(np.mean(np.square(values)))
    return 10.0 * math.log10(power) if power > 0.0 else -math.inf


def peak_dbfs(samples: NDArray[Any]) -> float:
    """Largest absolute sample in dB relative to full scale.

    Zeros give -inf, no samples at all NaN.

    Parameters
    ----------
    samples : ndarray, any shape
        Samples, nominal range [-1, 1].
    """
    if samples.size == 0:
        return math.nan
    peak = float(np.max(np.abs(samples)))
    return 20.0 * math.log10(peak) if peak > 0.0 else -math.inf


def check_samples(samples: NDArray[Any]) -> None:
    """Refuse what is not the one signal inside: 1-D, floating point, finite.

    Parameters
    ----------
    samples : ndarray, shape (n_samples,)
        Mono samples at 16 kHz.

    Raises
    ------
    InvalidAudioError
        Wrong number of dimensions, integer samples, NaN or infinity.
    """
    if samples.ndim != 1:
        raise InvalidAudioError(
            f"Found samples of shape {samples.shape}, but one mono channel of shape (n,) is "
            "needed: choose a channel or average them."
        )
    if not np.issubdtype(samples.dtype, np.floating):
        raise InvalidAudioError(
            f"Found samples of type {samples.dtype}, but floating point in [-1, 1] is needed: "
            "divide integer samples by their full scale."
        )
    check_finite(samples[:, np.newaxis], 0, SAMPLE_RATE_HZ, "The signal")


def check_finite(block: NDArray[Any], position: int, sample_rate: int, name: str) -> None:
    """Refuse NaN and infinity, naming the first place where one stands.

    They are never replaced: a replaced value would be an invented one, and NaN would
    stay in the resampler's memory for good.

    Parameters
    ----------
    block : ndarray, shape (n, n_channels)
        Part of a stream.
    position : int
        Index of the block's first sample in the stream.
    sample_rate : int
        Rate of the stream in hertz.
    name : str
        What carries the samples, as the beginning of the sentence.

    Raises
    ------
    InvalidAudioError
        At least one value is not finite.
    """
    is_finite = np.isfinite(block)
    if is_finite.all():
        return
    row, channel = (int(index) for index in np.argwhere(~is_finite)[0])
    sample = position + row
    raise InvalidAudioError(
        f"{name} holds {float(block[row, channel])} at sample {sample} "
        f"({sample / sample_rate:.3f} s), channel {channel + 1} of {block.shape[1]}, but only "
        "finite numbers can be analyzed: export the recording again."
    )


def check_format(sample_rate: int, n_channels: int, name: str) -> None:
    """Refuse a sample rate outside 8-192 kHz, and fewer than 1 or more than 64 channels.

    Raises
    ------
    InvalidAudioError
        The rate or the channel count is impossible.
    """
    if not MIN_SAMPLE_RATE_HZ <= sample_rate <= MAX_SAMPLE_RATE_HZ:
        raise InvalidAudioError(
            f"{name} has a sample rate of {sample_rate} Hz, but {MIN_SAMPLE_RATE_HZ} to "
            f"{MAX_SAMPLE_RATE_HZ} Hz are needed: convert it to {SAMPLE_RATE_HZ} Hz."
        )
    if n_channels < 1:
        raise InvalidAudioError(
            f"{name} has {n_channels} channels, but at least 1 is needed: check the "
            "channel option or the recording."
        )
    if n_channels > MAX_CHANNELS:
        raise InvalidAudioError(
            f"{name} has {n_channels} channels, but at most {MAX_CHANNELS} are read: export those "
            "that hold speech."
        )


class StreamConverter:
    """Turn a stream of native blocks into the one signal inside.

    One channel is taken, or the mean of all as `Mixer` makes it; then a stateful resampler (soxr,
    quality ``HQ``, linear phase, its delay compensated) brings it to 16 kHz. The output does
    not depend on how the stream was cut into blocks, bit for bit. After `flush`, the whole
    stream has given ``n * 16000 / sample_rate`` samples, within 1. At 16 kHz there is no
    filter and no delay; otherwise output trails input by 20-95 ms beyond the block in hand.
    While a decision about the channels is near, it trails by a second more at most.

    Parameters
    ----------
    sample_rate : int
        Native rate in hertz, 8000 to 192000.
    n_channels : int
        Channels in every block.
    channel : int, optional
        Channel to take, 0 the first; without it the mean of all channels, as `Mixer` makes it.

    Raises
    ------
    UsageError
        `channel` does not exist.
    InvalidAudioError
        `sample_rate` or `n_channels` is out of range.
    """

    def __init__(self, sample_rate: int, n_channels: int, channel: int | None = None) -> None:
        check_format(sample_rate, n_channels, "The stream")
        if channel is not None and not 0 <= channel < n_channels:
            exist = "only 1 channel" if n_channels == 1 else f"only {n_channels} channels"
            raise UsageError(
                f"Channel {channel + 1} (counted from 1) was asked for, but the stream has "
                f"{exist}: choose one of them, or leave the option out to mix all channels."
            )
        self.sample_rate = sample_rate
        self.n_channels = n_channels
        self.channel = channel
        self.peak = 0.0
        """Largest absolute sample so far, of the channels that may be heard."""
        self._n_pushed = 0
        self._flushed = False
        self._findings: list[Finding] = []
        self._mixer = Mixer(sample_rate, n_channels) if channel is None and n_channels > 1 else None
        self._resampler: soxr.ResampleStream | None = None
        if sample_rate != SAMPLE_RATE_HZ:
            import soxr

            self._resampler = soxr.ResampleStream(
                sample_rate, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ"
            )

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next block, give the part of the 16 kHz signal that is complete.

        Parameters
        ----------
        block : float32 ndarray, shape (n, n_channels)
            Next native samples, nominal range [-1, 1]; ``n`` may be 0.

        Returns
        -------
        float32 ndarray, shape (m,)
            Mono samples at 16 kHz, owned by the caller.

        Raises
        ------
        InvalidAudioError
            NaN, infinity, or a wrong shape.
        """
        if self._flushed:
            raise RuntimeError("push() after flush(): a new stream needs a new StreamConverter")
        if block.ndim != 2 or block.shape[1] != self.n_channels:
            raise InvalidAudioError(
                f"Found a block of shape {block.shape}, but (n, {self.n_channels}) is needed: "
                "the channel count may not change within a stream."
            )
        check_finite(block, self._n_pushed, self.sample_rate, "The stream")
        heard = block if self.channel is None else block[:, [self.channel]]
        self._note_peak(heard)
        self._n_pushed += len(block)
        mono = self._mixer.push(heard) if self._mixer else heard[:, 0].astype(np.float32)
        if self._resampler is None or len(mono) == 0:
            return mono
        resampled: NDArray[np.float32] = self._resampler.resample_chunk(mono)
        return resampled

    def flush(self) -> NDArray[np.float32]:
        """End the stream and give the rest that the filter still held, shape ``(m,)``."""
        rest = np.zeros(0, np.float32)
        if self._flushed:
            return rest
        self._flushed = True
        if self._mixer is not None:
            rest = self._mixer.flush()
        if self._resampler is not None:
            rest = self._resampler.resample_chunk(rest, last=True)
        return rest

    def renewed(self) -> StreamConverter:
        """Give a converter for what follows the end of this one, such as a gap.

        It knows what was found out about the channels.
        """
        after = StreamConverter(self.sample_rate, self.n_channels, self.channel)
        after.peak, after._n_pushed = self.peak, self._n_pushed
        after._mixer, after._findings = self._mixer, self._findings
        return after

    def take_findings(self) -> list[Finding]:
        """Give what was found about the signal since the last call.

        Positions count native samples, those of the converters that it follows included.
        """
        found = [*self._findings, *(self._mixer.take_findings() if self._mixer else [])]
        self._findings = []
        return sorted(found, key=lambda finding: finding.position)

    def _note_peak(self, heard: NDArray[np.float32]) -> None:
        if len(heard) == 0:
            return
        peak = max(float(heard.max()), -float(heard.min()))
        if peak > FAR_ABOVE_FULL_SCALE >= self.peak:
            is_far = (np.abs(heard) > FAR_ABOVE_FULL_SCALE).any(axis=1)
            self._findings.append(
                Finding(
                    self._n_pushed + int(is_far.argmax()) + 1,
                    f"samples go beyond {FAR_ABOVE_FULL_SCALE:.0f} times full scale, so they are "
                    "called clipped: divide 16-bit numbers by 32768 before they are stored as "
                    "floating point.",
                )
            )
        self.peak = max(self.peak, peak)


class FrameCutter:
    """Cut a stream of any block sizes into frames of one size.

    Parameters
    ----------
    n_samples : int
        Length of a frame in samples.
    """

    def __init__(self, n_samples: int) -> None:
        if n_samples < 1:
            raise ValueError(f"a frame needs at least 1 sample, not {n_samples}")
        self.n_samples = n_samples
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take samples of shape ``(n,)``, give the m complete frames, ``(m, n_samples)``."""
        signal = np.concatenate([self._rest, samples])
        n_frames = len(signal) // self.n_samples
        end = n_frames * self.n_samples
        # The rest is copied, else it would keep the whole block alive.
        self._rest = signal[end:].copy()
        return signal[:end].reshape(n_frames, self.n_samples)

    def flush(self) -> NDArray[np.float32]:
        """Give the samples that did not fill a frame, shape ``(m,)``, ``m < n_samples``."""
        rest = self._rest
        self._rest = np.zeros(0, np.float32)
        return rest
