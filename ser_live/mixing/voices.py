"""Which channels somebody may be speaking on, window by window."""

from __future__ import annotations

from ser_live.mixing.measures import WINDOW_S, Window


class Voices:
    """Follows floor and peaks of channels, and tells where the sound rises like speech.

    A channel speaks in a window that stands above its own floor and is not far below the
    loudest sound of late; noise and hum that only go on do not.

    Parameters
    ----------
    n_channels : int
    """

    RISE = 10.0
    """Power above the channel's own floor, as a multiple, from which on it may be speech."""
    MIN_POWER = 3e-8
    """Power below which nothing is speech, -75 dBFS."""
    FAINT = 1e-3
    """Power below this share of the loudest of late is not speech, 30 dB."""
    DEAD = 3e-9
    """Power up to which a channel is silent, -85 dBFS: nothing, or dither."""
    LOW = 0.01
    """Share of the loudest that a channel with hum alone has where voices are, 20 dB below."""
    HUMMING = 0.03
    """Share of the loudest that a channel must have as a whole for its hum to do harm."""

    ALL_HUM = 1e-3
    """Share of its power that a channel with nothing but hum has where voices are, 30 dB below."""
    MIN_HUM = 1e-6
    """Least power of such hum, -60 dBFS."""

    _N_BUCKET = round(1.5 / WINDOW_S)
    _PEAK_LEAK = 0.5 ** (WINDOW_S / 10.0)
    _MEAN_WEIGHT = WINDOW_S / 0.5

    def __init__(self, n_channels: int) -> None:
        self.speaks = [False] * n_channels
        """By channel, for the latest window."""
        self.floors = [0.0] * n_channels
        """Noise floors by channel, mean squares."""
        self._n_channels = n_channels
        self._peak = 0.0
        self._n_taken = 0
        self._before = [0.0] * n_channels
        self._long_before = [0.0] * n_channels
        self._lowest = [float("inf")] * n_channels
        self._lowest_before = [float("inf")] * n_channels
        self._mean_band = [0.0] * n_channels
        self._mean_broad = [0.0] * n_channels
        self._broad = [0.0] * n_channels

    def take(self, window: Window) -> None:
        """Take the next window."""
        band = window.band
        self._peak = max(self._PEAK_LEAK * self._peak, *band)
        if self._n_taken and self._n_taken % self._N_BUCKET == 0:
            self._lowest_before = self._lowest
            self._lowest = [float("inf")] * self._n_channels
        self._n_taken += 1
        least = max(self.MIN_POWER, self.FAINT * self._peak)
        weight = max(self._MEAN_WEIGHT, 1.0 / self._n_taken)
        before, long_before = self._before, self._long_before
        self._before, self._long_before = band, before
        n_smooth = min(3, self._n_taken)
        self._broad = broad = window.broad
        lowest, mean_band, mean_broad = self._lowest, self._mean_band, self._mean_broad
        for channel, power in enumerate(band):
            smooth = (power + before[channel] + long_before[channel]) / n_smooth
            if smooth < lowest[channel]:
                lowest[channel] = smooth
            self.floors[channel] = floor = min(lowest[channel], self._lowest_before[channel])
            self.speaks[channel] = power >= least and power >= self.RISE * floor
            mean_band[channel] += weight * (power - mean_band[channel])
            mean_broad[channel] += weight * (broad[channel] - mean_broad[channel])

    def is_better_unheard(self, channel: int, *, is_out: bool) -> bool:
        """Whether a channel that does not speak had better not be heard.

        Of more than two, every one: they would make the voice faint. Of two, one that is
        silent, or whose hum is louder than its voice could be; else it is ordinary stereo.
        `is_out` says that it is not heard already, which more is needed to change.
        """
        if self._n_channels > 2:
            return True
        if max(self._broad[channel], self._mean_broad[channel]) <= self.DEAD:
            return True
        margin = 4.0 if is_out else 1.0
        if self.only_hums(channel, margin):
            return True
        is_humming = self._mean_broad[channel] >= self.HUMMING * self._peak
        return is_humming and self._mean_band[channel] <= margin * self.LOW * self._peak

    def only_hums(self, channel: int, margin: float = 1.0) -> bool:
        """Whether one channel of two has nothing but hum, and the other one has not."""
        if self._n_channels > 2:
            return False
        other = 1 - channel
        return self._hums(channel, margin) and not self._hums(other, 1.0 / margin)

    def _hums(self, channel: int, margin: float) -> bool:
        broad = self._mean_broad[channel]
        return broad >= self.MIN_HUM and self._mean_band[channel] <= margin * self.ALL_HUM * broad
