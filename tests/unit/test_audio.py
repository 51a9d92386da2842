"""Levels, checks, conversion to 16 kHz mono, framing."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ser_live.audio import FrameCutter, StreamConverter, check_samples, level_dbfs, peak_dbfs
from ser_live.errors import InvalidAudioError, UsageError

block_sizes = st.lists(st.integers(1, 5000), min_size=1, max_size=8)


def in_blocks(signal: NDArray[np.float32], sizes: list[int]) -> list[NDArray[np.float32]]:
    blocks, start = [], 0
    for size in itertools.cycle(sizes):
        if start >= len(signal):
            return blocks
        blocks.append(signal[start : start + size])
        start += size
    return blocks


def convert(signal: NDArray[np.float32], rate: int, sizes: list[int], channel: int | None = None):
    converter = StreamConverter(rate, signal.shape[1], channel)
    parts = [converter.push(block) for block in in_blocks(signal, sizes)]
    return np.concatenate([*parts, converter.flush()])


def noise(n: int, n_channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((n, n_channels))).astype(np.float32)


def sine(frequency_hz: float, rate: int, duration_s: float) -> NDArray[np.float32]:
    t = np.arange(round(rate * duration_s)) / rate
    return np.sin(2 * np.pi * frequency_hz * t).astype(np.float32)


class TestLevels:
    def test_full_scale_sine(self):
        """A full-scale sine has -3.01 dBFS RMS and 0 dBFS peak."""
        signal = sine(1000, 16000, 1.0)
        assert level_dbfs(signal) == pytest.approx(-3.0103, abs=1e-3)
        assert peak_dbfs(signal) == pytest.approx(0.0, abs=1e-3)

    def test_gain(self):
        """Halving the amplitude lowers level and peak by 6.02 dB."""
        signal = noise(4000)
        assert level_dbfs(signal) - level_dbfs(signal / 2) == pytest.approx(6.0206, abs=1e-3)
        assert peak_dbfs(signal) - peak_dbfs(signal / 2) == pytest.approx(6.0206, abs=1e-3)

    def test_silence_and_nothing(self):
        """Zeros are -inf, no samples are undefined."""
        assert level_dbfs(np.zeros(10, np.float32)) == -math.inf
        assert peak_dbfs(np.zeros(10, np.float32)) == -math.inf
        assert math.isnan(level_dbfs(np.zeros(0, np.float32)))
        assert math.isnan(peak_dbfs(np.zeros(0, np.float32)))


class TestCheckSamples:
    def test_good(self):
        """Mono floating point passes, also when empty."""
        check_samples(np.zeros(3, np.float32))
        check_samples(np.zeros(0))

    def test_shape(self):
        """Two dimensions are refused."""
        with pytest.raises(InvalidAudioError, match=r"shape \(3, 2\).*one mono channel"):
            check_samples(np.zeros((3, 2), np.float32))

    def test_integers(self):
        """Integer samples are refused, for their scale is unknown."""
        with pytest.raises(InvalidAudioError, match="type int16"):
            check_samples(np.zeros(3, np.int16))

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_not_finite(self, value):
        """NaN and infinity are refused with their place."""
        samples = np.zeros(32000, np.float32)
        samples[16000] = value
        with pytest.raises(InvalidAudioError, match=rf"{value} at sample 16000 \(1.000 s\)"):
            check_samples(samples)


class TestStreamConverter:
    @settings(deadline=None, max_examples=60)
    @given(
        rate=st.one_of(
            st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000]),
            st.integers(8000, 192000),
        ),
        n=st.integers(0, 20000),
        n_channels=st.integers(1, 9),
        sizes=block_sizes,
    )
    def test_independent_of_blocks(self, rate, n, n_channels, sizes):
        """Any block sizes give the same bits, and n*16000/rate samples within 1."""
        signal = noise(n, n_channels)
        whole = convert(signal, rate, [max(n, 1)])
        cut = convert(signal, rate, sizes)
        assert abs(len(whole) - n * 16000 / rate) <= 1
        assert np.array_equal(whole, cut)
        assert whole.dtype == np.float32
        assert whole.flags.c_contiguous

    def test_single_samples(self):
        """Blocks of one sample give the same bits as one block."""
        signal = noise(6000)
        assert np.array_equal(convert(signal, 44100, [1]), convert(signal, 44100, [6000]))

    def test_16_khz_is_untouched(self):
        """At 16 kHz mono every sample comes out as it went in, at once."""
        signal = noise(1000)
        converter = StreamConverter(16000, 1)
        assert np.array_equal(converter.push(signal), signal[:, 0])
        assert len(converter.flush()) == 0

    @pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000, 192000])
    def test_sine_stays_in_place(self, rate):
        """A 1 kHz sine comes out with its frequency, amplitude and phase: error < -80 dB."""
        out = convert(sine(1000, rate, 0.5)[:, np.newaxis], rate, [441])
        inner = slice(1600, 6400)  # away from the ends, where the filter meets silence
        error = out[inner] - sine(1000, 16000, 0.5)[inner]
        assert level_dbfs(error) - level_dbfs(out[inner]) < -80.0

    def test_no_aliasing(self):
        """A 12 kHz tone at 48 kHz vanishes instead of folding to 4 kHz."""
        out = convert(0.5 * sine(12000, 48000, 0.5)[:, np.newaxis], 48000, [480])
        assert level_dbfs(out[800:7200]) < -90.0

    def test_channel(self):
        """One channel is taken alone, 0 the first; without one the channels are averaged."""
        signal = noise(500, 3)
        assert np.array_equal(convert(signal, 16000, [100], channel=2), signal[:, 2])
        mean = convert(signal, 16000, [100])
        assert mean == pytest.approx(signal.mean(axis=1), abs=1e-7)

    def test_channel_out_of_range(self):
        """A channel that does not exist is refused, and the existing ones named."""
        with pytest.raises(UsageError, match=r"Channel 3 \(counted from 1\) .* only 2 channels"):
            StreamConverter(16000, 2, channel=2)
        with pytest.raises(UsageError, match=r"Channel 0 .* only 1 channel"):
            StreamConverter(16000, 1, channel=-1)

    @pytest.mark.parametrize("rate", [0, 4000, 384000])
    def test_impossible_rate(self, rate):
        """A rate outside 8-192 kHz is refused."""
        with pytest.raises(InvalidAudioError, match=f"sample rate of {rate} Hz"):
            StreamConverter(rate, 1)

    def test_no_channels(self):
        """A stream without channels is refused."""
        with pytest.raises(InvalidAudioError, match="0 channels"):
            StreamConverter(16000, 0)

    def test_changed_channel_count(self):
        """A block with another channel count is refused."""
        converter = StreamConverter(16000, 2)
        with pytest.raises(InvalidAudioError, match=r"shape \(5, 1\), but \(n, 2\)"):
            converter.push(np.zeros((5, 1), np.float32))

    def test_nan_names_its_place_in_the_stream(self):
        """NaN is refused with its position from the beginning of the stream."""
        converter = StreamConverter(8000, 2)
        converter.push(noise(8000, 2))
        block = noise(100, 2)
        block[50, 1] = math.nan
        with pytest.raises(
            InvalidAudioError, match=r"nan at sample 8050 \(1.006 s\), channel 2 of 2"
        ):
            converter.push(block)

    def test_ends_once(self):
        """A second flush gives nothing, and a push after it is a mistake of the program."""
        converter = StreamConverter(8000, 1)
        converter.push(noise(100))
        assert len(converter.flush()) == 200
        assert len(converter.flush()) == 0
        with pytest.raises(RuntimeError, match="new StreamConverter"):
            converter.push(noise(100))

    def test_output_is_the_callers(self):
        """Changing the block afterwards does not change what was given out."""
        block = noise(100)
        out = StreamConverter(16000, 1, channel=0).push(block)
        before = out.copy()
        block[:] = 0
        assert np.array_equal(out, before)

    def test_import_is_cheap(self):
        """Importing the module loads neither soxr nor scipy."""
        code = "import ser_live.audio, sys; print({'soxr', 'scipy'} & set(sys.modules))"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert run.stdout.strip() == "set()"


class TestFrameCutter:
    @given(n=st.integers(0, 3000), n_samples=st.integers(1, 700), sizes=block_sizes)
    def test_cuts_without_loss(self, n, n_samples, sizes):
        """Frames and leftover put together are the stream, whatever the blocks."""
        signal = noise(n)[:, 0]
        cutter = FrameCutter(n_samples)
        frames = [frame for block in in_blocks(signal, sizes) for frame in cutter.push(block)]
        rest = cutter.flush()
        assert [len(frame) for frame in frames] == [n_samples] * (n // n_samples)
        assert len(rest) == n % n_samples
        assert np.array_equal(np.concatenate([*frames, rest]), signal)
        assert len(cutter.flush()) == 0

    def test_frame_size(self):
        """A frame of no samples is a mistake of the program."""
        with pytest.raises(ValueError, match="at least 1 sample"):
            FrameCutter(0)
