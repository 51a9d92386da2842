"""Several channels in, the one signal that is heard out, and findings about the channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_live.mixing.decision import Decision, Since
from ser_live.mixing.measures import Measures

FADE_S = 0.01
"""Length of the crossfade from one choice of channels to the next; shorter than a window."""

MAX_HELD_S = 1.0
"""Longest wait of samples for a decision that is near, in seconds."""

_N_AT_ONCE = 64
"""Windows measured at once: a block of any length takes bounded memory."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a signal that people should know."""

    position: int
    """Samples of the stream before it was known."""
    message: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class _Change:
    position: int
    before: tuple[int, ...]
    after: tuple[int, ...]


class Mixer:
    """Mean of the channels of a stream, of those among them that carry sound, or the loudest.

    Channels that cancel (opposite polarity) are not averaged: the louder one is heard.
    Channels that carry nothing while others speak do not count in the mean. Everything else
    is the mean of all, bit for bit and without delay.

    Decisions fall at the ends of windows of 20 ms, counted in samples, so they do not depend on
    how the stream was cut into blocks. While one is near, at most for `MAX_HELD_S`, samples wait
    for it: so not even the first word is lost. The change is a crossfade.

    Parameters
    ----------
    sample_rate : int
        Hertz.
    n_channels : int
        At least 2.
    """

    def __init__(self, sample_rate: int, n_channels: int) -> None:
        self._measures = Measures(sample_rate, n_channels)
        self._decision = Decision(n_channels)
        self._n_fade = round(FADE_S * sample_rate)
        self._n_max_held = round(MAX_HELD_S * sample_rate)
        self._held: NDArray[np.float32] = np.zeros((0, n_channels), np.float32)
        self._n_given = 0
        self._windows_end = 0
        self._doubt_start: int | None = None
        everything = self._decision.everything
        self._changes = [_Change(-self._n_fade, everything, everything)]
        self._findings: list[Finding] = []
        self._is_cancelling_told = False
        self._are_talkers_told = False

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take samples, shape ``(n, n_channels)``, give those that are decided, ``(m,)``."""
        size = _N_AT_ONCE * self._measures.n_samples
        parts = [self._push(block[at : at + size]) for at in range(0, max(1, len(block)), size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def flush(self) -> NDArray[np.float32]:
        """Give what waited, shape ``(m,)``; what follows comes after a gap, or never."""
        rest = self._rendered(self._held)
        self._held = self._held[:0]
        self._measures.begin()
        self._windows_end = self._n_given
        if self._doubt_start is not None:
            self._doubt_start = self._n_given
        return rest

    def take_findings(self) -> list[Finding]:
        """Give what was found since the last call."""
        found, self._findings = self._findings, []
        return found

    def _push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        for window in self._measures.push(block):
            self._windows_end += self._measures.n_samples
            since = self._decision.take(window)
            if since is not None:
                self._change(since)
            self._note_doubt()
            self._tell()
        rows = np.concatenate([self._held, block]) if len(self._held) else block
        n_ready = min(len(rows), max(0, self._limit(self._n_given + len(rows)) - self._n_given))
        self._held = rows[n_ready:].copy()
        return self._rendered(rows[:n_ready])

    def _change(self, since: Since) -> None:
        """Note from where on another choice is heard; never before what was given."""
        position = self._windows_end
        if since is Since.WINDOW:
            position -= self._measures.n_samples
        elif since is Since.DOUBT and self._doubt_start is not None:
            position = max(self._doubt_start, self._windows_end - self._n_max_held)
        last = self._changes[-1]
        position = max(position, last.position)
        if position == last.position:
            self._changes.pop()
            before = last.before
        else:
            before = last.after
        self._changes.append(_Change(position, before, self._decision.heard))

    def _note_doubt(self) -> None:
        if not self._decision.is_doubtful:
            self._doubt_start = None
        elif self._doubt_start is None:
            self._doubt_start = self._windows_end

    def _limit(self, end: int) -> int:
        """Position up to which the choice of channels stands, of the `end` that was pushed."""
        if self._doubt_start is not None:
            return max(self._doubt_start, self._windows_end - self._n_max_held)
        if self._decision.heard == self._decision.everything:
            return end
        # A channel that comes in again is heard from the beginning of the window on.
        return self._windows_end

    def _rendered(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mix of the next samples."""
        parts: list[NDArray[np.float32]] = []
        at, end = self._n_given, self._n_given + len(rows)
        while True:
            while len(self._changes) > 1 and self._changes[1].position <= at:
                self._changes.pop(0)
            stop = min(end, self._changes[1].position) if len(self._changes) > 1 else end
            part = rows[at - self._n_given : stop - self._n_given]
            parts.append(self._faded(part, at, self._changes[0]))
            at = stop
            if at >= end:
                break
        self._n_given = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _faded(self, rows: NDArray[np.float32], at: int, change: _Change) -> NDArray[np.float32]:
        n_left = min(len(rows), change.position + self._n_fade - at)
        after = mean_of(rows, change.after)
        if n_left > 0 and change.before != change.after:
            weights = (at - change.position + 1 + np.arange(n_left)) / (self._n_fade + 1)
            before = mean_of(rows[:n_left], change.before)
            after[:n_left] = (1.0 - weights) * before + weights * after[:n_left]
        return after.astype(np.float32)

    def _tell(self) -> None:
        decision = self._decision
        if decision.cancels and not self._is_cancelling_told:
            self._is_cancelling_told = True
            self._found(
                "the channels cancel each other, as with opposite polarity, and little would be "
                f"left of their mean: channel {decision.loudest + 1}, the louder one, is heard "
                "alone; choose another one with --channel N."
            )
        if decision.talkers and not self._are_talkers_told:
            self._are_talkers_told = True
            first, second = decision.talkers[0] + 1, decision.talkers[1] + 1
            self._found(
                f"channels {first} and {second} carry different talkers, and their mean is heard "
                f"as one: name one with --channel {first} or --channel {second} to hear each alone."
            )

    def _found(self, message: str) -> None:
        self._findings.append(Finding(self._windows_end, message))


def mean_of(rows: NDArray[np.float32], channels: tuple[int, ...]) -> NDArray[np.float64]:
    """Mean of some channels, shape ``(n,)``."""
    # Channel by channel: the order of additions, and with it every bit, must not
    # depend on the block size, which numpy's own reduction does not promise.
    total = rows[:, channels[0]].astype(np.float64)
    for channel in channels[1:]:
        total += rows[:, channel]
    mean: NDArray[np.float64] = total / len(channels)
    return mean
