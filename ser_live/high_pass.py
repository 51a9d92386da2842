"""The high-pass that everything is heard through: offset and hum are not sound of anybody."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64
from ser_live.config import SAMPLE_RATE_HZ

HIGH_PASS_HZ = 80.0
"""Corner of the high-pass: below it lie offset, mains hum and handling noise, hardly any voice."""


class HighPass:
    """Butterworth high-pass of fourth order at ``HIGH_PASS_HZ``, as a stream.

    Levels, the noise floor, the speech detector and the model's inputs are made from what it
    lets through: an offset of the sound card or hum of the mains is not sound of anybody. It
    starts as if the first sample had always been there, so that an offset is gone at once.

    The recursion is carried out in blocks, as products with small matrices; SciPy's filters
    would take a second to import. The output does not depend on how a stream was cut, up to
    rounding in double precision; where every cut lies between two blocks, not by a bit.
    """

    def __init__(self) -> None:
        self._state = np.zeros(_HighPassBlocks.ORDER)
        self._offset: float | None = None

    def process(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Filter the next samples, shape ``(n,)``, 16 kHz, finite."""
        if len(samples) == 0:
            return samples
        if self._offset is None:
            self._offset = float(samples[0])
        filtered, self._state = _high_pass_blocks().run(
            samples - np.float64(self._offset), self._state
        )
        return filtered.astype(np.float32)


def high_passed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter a whole signal, shape ``(n,)``, 16 kHz, by a new `HighPass`."""
    return HighPass().process(samples)


class _HighPassBlocks:
    """The filter as matrices that bring it forward by a block.

    With the state s before a block x: ``y = x @ through + s @ ringing`` and afterwards
    ``s = s @ forward + x @ entering``.
    """

    ORDER = 4
    BLOCK = 160
    ROWS = 4
    """Rows of a product come in groups of so many: a row of a whole group is rounded alike
    wherever it stands and whatever stands beside it, so a signal's beginning is filtered to the
    same bits whatever follows it."""

    def __init__(self) -> None:
        one_step = self._one_step()
        through, ringing = np.zeros((self.BLOCK, self.BLOCK)), np.zeros((self.ORDER, self.BLOCK))
        entering = np.zeros((self.BLOCK, self.ORDER))
        self.powers = np.zeros((self.BLOCK + 1, self.ORDER, self.ORDER))
        self.powers[0] = np.eye(self.ORDER)
        impulse = np.zeros(self.BLOCK)
        after_impulse, state = one_step(1.0, np.zeros(self.ORDER))
        impulse[0] = after_impulse
        entering[-1] = state
        for n in range(1, self.BLOCK):
            impulse[n], state = one_step(0.0, state)
            entering[-1 - n] = state
        for index in range(self.ORDER):
            state = np.eye(self.ORDER)[index]
            for n in range(self.BLOCK):
                ringing[index, n], state = one_step(0.0, state)
                self.powers[n + 1, index] = state
        for n in range(self.BLOCK):
            through[n, n:] = impulse[: self.BLOCK - n]
        # Nothing of a block reaches its past: its first half is made of itself alone.
        half = self.BLOCK // 2
        self.through = (through[:half, :half].copy(), through[:, half:].copy())
        self.ringing, self.entering = ringing, entering

    def _one_step(self) -> Callable[[float, Float64], tuple[float, Float64]]:
        """Two second-order sections in direct form II transposed, one sample."""
        # Bilinear transform of Butterworth's poles, after the usual prewarping.
        warped = 2.0 * math.tan(math.pi * HIGH_PASS_HZ / SAMPLE_RATE_HZ)
        sections = []
        for pair in range(self.ORDER // 2):
            damping = 2.0 * math.sin(math.pi * (2 * pair + 1) / (2 * self.ORDER))
            scale = 4.0 + 2.0 * damping * warped + warped * warped
            a1 = (2.0 * warped * warped - 8.0) / scale
            a2 = (4.0 - 2.0 * damping * warped + warped * warped) / scale
            sections.append((4.0 / scale, a1, a2))

        def step(x: float, state: Float64) -> tuple[float, Float64]:
            after = np.zeros(self.ORDER)
            for index, (b, a1, a2) in enumerate(sections):
                y = b * x + state[2 * index]
                after[2 * index] = -2.0 * b * x - a1 * y + state[2 * index + 1]
                after[2 * index + 1] = b * x - a2 * y
                x = y
            return x, after

        return step

    def run(self, samples: Float64, state: Float64) -> tuple[Float64, Float64]:
        """Filter samples, shape ``(n,)``, from a state; both as they are afterwards."""
        n = len(samples)
        n_rows = -(-n // (self.BLOCK * self.ROWS)) * self.ROWS
        rows = np.zeros((n_rows, self.BLOCK))
        rows.reshape(-1)[:n] = samples
        n_blocks, n_rest = divmod(n, self.BLOCK)
        entered = rows @ self.entering
        forward = self.powers[self.BLOCK]
        states = np.empty((n_rows + 1, self.ORDER))
        states[0] = state
        for before, enters, after in zip(states, entered[:n_blocks], states[1:], strict=False):
            before.dot(forward, after)
            after += enters
        state = states[n_blocks].copy()
        states[n_blocks + 1 :] = state
        filtered = np.empty(rows.shape)
        half = self.BLOCK // 2
        np.matmul(rows[:, :half], self.through[0], out=filtered[:, :half])
        np.matmul(rows, self.through[1], out=filtered[:, half:])
        filtered += states[:-1] @ self.ringing
        if n_rest:
            rest = samples[n - n_rest :]
            state = state @ self.powers[n_rest] + rest @ self.entering[self.BLOCK - n_rest :]
        return filtered.reshape(-1)[:n], state


@lru_cache(maxsize=1)
def _high_pass_blocks() -> _HighPassBlocks:
    return _HighPassBlocks()
