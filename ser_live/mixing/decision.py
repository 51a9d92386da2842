"""The decision which channels are heard, from the powers of one window after the other."""

from __future__ import annotations

from enum import Enum

from ser_live.mixing.measures import WINDOW_S, Window
from ser_live.mixing.voices import Voices

MAX_SUM_SHARE = 0.2
"""Channels cancel where the power of their sum is below this share of the sum of their powers.

It is 1 for channels that have nothing in common. For two, the power of the mean is then 10 dB
below the mean of their powers."""

_MIN_SUM_SHARE_BACK = 0.4
"""Share from which on channels no longer cancel."""

_NULL_SHARE = 1e-4
"""Below this share, sound that does not vary counts too: nothing would be left of it."""

_MIN_NULL_POWER = 1e-6
"""Least power of such sound, -60 dBFS."""


def _n_windows(duration_s: float) -> int:
    return round(duration_s / WINDOW_S)


class Since(Enum):
    """Moment from which on a new choice of channels is heard."""

    END = "end of the window"
    WINDOW = "beginning of the window"
    DOUBT = "beginning of the doubt"


class Decision:
    """Channels that are heard, in hysteresis; the mean of those is taken.

    Parameters
    ----------
    n_channels : int
    """

    N_CANCEL = _n_windows(0.4)
    """Windows of speech that cancel, less twice those that do not, before it is believed."""
    N_BACK = _n_windows(3.0)
    """The same for the way back."""
    N_ABSENT = _n_windows(0.2)
    """Windows of speech elsewhere after which a channel that never spoke is left out."""
    N_ABSENT_LATER = _n_windows(20.0)
    """The same for a channel that spoke before."""
    N_TALK = _n_windows(1.0)
    """Windows that a channel must have to itself before it has a talker of its own."""
    LEAK = 0.5 ** (1.0 / _n_windows(1.0))
    """By how much what was heard counts less with every window of speech."""
    LOUDER = 4.0
    """Power, as a multiple, by which another channel must be louder before it is chosen."""
    DOMINANCE = 10.0
    """Power, as a multiple of every other's, with which a channel has a window to itself."""

    def __init__(self, n_channels: int) -> None:
        self.n_channels = n_channels
        self.everything = tuple(range(n_channels))
        self.heard = self.everything
        """Channels whose mean is heard."""
        self.is_doubtful = False
        """Another choice may be near: samples not given out yet had better wait."""
        self.talkers: tuple[int, ...] = ()
        """Channels with a talker of their own, at least two of them."""
        self.cancels = False
        """Channels cancel; `loudest` is heard."""
        self.loudest = 0
        self._voices = Voices(n_channels)
        self._n_unheard = [0] * n_channels
        self._has_spoken = [False] * n_channels
        self._is_out = [False] * n_channels
        self._energies = [0.0] * n_channels
        self._sum_energy = 0.0
        self._n_for = 0
        self._n_against = 0
        self._n_alone = [0] * n_channels

    def take(self, window: Window) -> Since | None:
        """Take the next window; tell since when `heard` is another, if it is."""
        self._voices.take(window)
        is_loud = any(self._voices.speaks)
        entered, left, left_later, may_leave = self._note_absent(is_loud)
        since = Since.END if left_later else None
        since = Since.WINDOW if entered else since
        total = sum(window.band)
        is_null = total > _MIN_NULL_POWER and window.sum_band < _NULL_SHARE * total
        if is_loud or is_null:
            if self._note_cancelling(window, total):
                since = Since.DOUBT if self.cancels else Since.END
            self._note_talkers(window)
        if left:
            since = Since.DOUBT
        before = self.heard
        self.heard = self._choice()
        self.is_doubtful = may_leave or (not self.cancels and self._n_for > 0)
        if self.heard == before:
            return None
        return since or Since.END

    def _note_absent(self, is_loud: bool) -> tuple[bool, bool, bool, bool]:
        """Whether a channel came in, left at once, left after long; whether one may leave soon."""
        entered = left = left_later = may_leave = False
        voices = self._voices
        for channel, speaks in enumerate(voices.speaks):
            if speaks:
                self._n_unheard[channel] = 0
                self._has_spoken[channel] = True
            elif is_loud or voices.only_hums(channel):
                self._n_unheard[channel] += 1
            if self._is_out[channel]:
                if speaks or not voices.is_better_unheard(channel, is_out=True):
                    self._is_out[channel] = False
                    self._n_unheard[channel] = 0
                    entered = True
                continue
            if not self._n_unheard[channel] or not voices.is_better_unheard(channel, is_out=False):
                continue
            needed = self.N_ABSENT_LATER if self._has_spoken[channel] else self.N_ABSENT
            if self._n_unheard[channel] >= needed:
                self._is_out[channel] = True
                left = left or not self._has_spoken[channel]
                left_later = left_later or self._has_spoken[channel]
            elif not self._has_spoken[channel]:
                may_leave = True
        return entered, left, left_later, may_leave

    def _note_cancelling(self, window: Window, total: float) -> bool:
        """Whether it changed that channels cancel, or which of them is the louder one."""
        is_against = window.sum_band < MAX_SUM_SHARE * total
        if is_against and not self.cancels and not self._n_for:
            # What was heard before says nothing about a cable that broke just now.
            self._sum_energy, self._energies = 0.0, [0.0] * self.n_channels
        self._sum_energy = self.LEAK * self._sum_energy + window.sum_band
        self._energies = [
            self.LEAK * old + new for old, new in zip(self._energies, window.band, strict=True)
        ]
        if not self.cancels:
            self._n_for = self._n_for + 1 if is_against else max(0, self._n_for - 2)
            is_lasting = self._sum_energy < MAX_SUM_SHARE * sum(self._energies)
            if self._n_for < self.N_CANCEL or not is_lasting:
                self._n_for = min(self._n_for, self.N_CANCEL)
                return False
            self.cancels, self._n_for, self._n_against = True, 0, 0
            # The first of those that are as good as equally loud.
            most = max(self._energies)
            self.loudest = next(c for c, e in enumerate(self._energies) if e >= 0.95 * most)
            return True
        if is_against:
            self._n_against = max(0, self._n_against - 2)
        elif window.sum_band >= _MIN_SUM_SHARE_BACK * total:
            self._n_against += 1
        if self._n_against >= self.N_BACK:
            self.cancels = False
            return True
        loudest = self._energies.index(max(self._energies))
        if self._energies[loudest] > self.LOUDER * self._energies[self.loudest]:
            self.loudest = loudest
            return True
        return False

    def _note_talkers(self, window: Window) -> None:
        if self.talkers:
            return
        first, second = sorted(window.band, reverse=True)[:2]
        if first < self.DOMINANCE * second:
            return
        channel = window.band.index(first)
        if self._voices.speaks[channel]:
            self._n_alone[channel] += 1
            found = tuple(c for c, n in enumerate(self._n_alone) if n >= self.N_TALK)
            self.talkers = found if len(found) > 1 else ()

    def _choice(self) -> tuple[int, ...]:
        if self.cancels:
            return (self.loudest,)
        if not any(self._is_out):
            return self.everything
        return tuple(c for c in self.everything if not self._is_out[c]) or self.everything
