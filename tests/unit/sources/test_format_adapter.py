"""A device that comes back with another format is heard in the format of its stream."""

from __future__ import annotations

import numpy as np
import pytest

from ser_live.events.kinds import Cause
from ser_live.sources import Lost
from ser_live.sources.format_adapter import FormatAdapter


def sine(rate: int, seconds: float, n_channels: int = 1) -> np.ndarray:
    t = np.arange(round(rate * seconds)) / rate
    mono = 0.5 * np.sin(2 * np.pi * 440 * t).astype(np.float32)
    return np.tile(mono[:, np.newaxis], n_channels)


def blocks(samples: np.ndarray, size: int = 777) -> list[np.ndarray]:
    return [samples[k : k + size] for k in range(0, len(samples), size)]


@pytest.mark.parametrize(
    ("from_rate", "to_rate"),
    [(48_000, 16_000), (44_100, 16_000), (44_100, 48_000), (8_000, 48_000)],
)
def test_another_rate_is_the_same_sound(from_rate: int, to_rate: int) -> None:
    """A sine comes out as the sine of the other rate, and as long."""
    adapter = FormatAdapter(from_rate, 1, to_rate=to_rate, to_channels=1)
    parts = [part for block in blocks(sine(from_rate, 2.0)) for part in adapter.push(block)]
    heard = np.concatenate([*parts, *adapter.flush()])
    wanted = sine(to_rate, 2.0)
    assert abs(len(heard) - len(wanted)) <= 1
    middle = slice(to_rate // 10, -to_rate // 10)
    n = min(len(heard), len(wanted))
    assert np.abs(heard[:n][middle] - wanted[:n][middle]).max() < 1e-3


def test_another_channel_count_is_the_mean() -> None:
    """Where the counts differ, every channel carries the mean of those that came."""
    left, right = sine(16_000, 0.5), -0.5 * sine(16_000, 0.5)
    adapter = FormatAdapter(16_000, 2, to_rate=16_000, to_channels=3)
    parts = adapter.push(np.hstack([left, right]))
    heard = np.concatenate([*parts, *adapter.flush()])
    assert heard.shape == (8_000, 3)
    assert np.allclose(heard, np.tile((left + right) / 2, 3), atol=1e-6)


def test_the_same_channel_count_is_kept_apart() -> None:
    """Where the counts agree, each channel stays itself."""
    adapter = FormatAdapter(48_000, 2, to_rate=16_000, to_channels=2)
    block = np.hstack([sine(48_000, 0.5), np.zeros((24_000, 1), np.float32)])
    heard = np.concatenate([*adapter.push(block), *adapter.flush()])
    assert np.abs(heard[:, 0]).max() > 0.4
    assert np.abs(heard[:, 1]).max() < 1e-6


def test_losses_are_counted_to_the_sample() -> None:
    """Over a thousand odd blocks and losses the roundings never add up."""
    adapter = FormatAdapter(44_100, 1, to_rate=16_000, to_channels=1)
    rng = np.random.default_rng(3)
    n_taken = n_given = 0
    for k in range(1000):
        n = int(rng.integers(1, 2000))
        n_taken += n
        item = Lost(n, Cause.STALLED) if k % 7 == 0 else np.zeros((n, 1), np.float32)
        for part in adapter.push(item):
            n_given += part.n_samples if isinstance(part, Lost) else len(part)
    n_given += sum(len(part) for part in adapter.flush())
    assert abs(n_given - n_taken * 16_000 / 44_100) <= 1


def test_a_loss_stands_behind_all_audio_before_it() -> None:
    """What the filter still held comes before the loss, which keeps its cause."""
    adapter = FormatAdapter(48_000, 1, to_rate=16_000, to_channels=1)
    n_before = sum(len(part) for part in adapter.push(sine(48_000, 0.1)))
    *rest, lost = adapter.push(Lost(48_000, Cause.DEVICE))
    assert n_before + sum(len(part) for part in rest) == pytest.approx(1600, abs=1)
    assert isinstance(lost, Lost)
    assert lost.cause == "device"
    assert lost.n_samples == pytest.approx(16_000, abs=1)
