"""Stretches of speech, from decisions alone: who speaks when, and nothing of how.

No sample is kept and no level is looked at, so that a voice of which only the activity may be
known leaves nothing else behind.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ
from ser_live.events import Activity, StreamId

BRIDGED_S: Final = 0.3
"""Pauses shorter than this do not end a stretch, in seconds."""

SHORTEST_S: Final = 0.12
"""Stretches shorter than this are no speech, in seconds."""

_MIN_VOICED: Final = 3
"""Frames of a stretch that must be surely a voice: typing has fewer."""


class ActivityTracker:
    """Joins speech frames into stretches; takes the place of a `Segmenter`.

    Parameters
    ----------
    stream : StreamId
        Stream of the frames; it stands on every event.
    first_id : int
        Number that a `Segmenter` would give next; it is handed on as it is.
    """

    def __init__(self, stream: StreamId, first_id: int = 1) -> None:
        self.next_id = first_id
        """Id the next utterance would get: no stretch takes one."""
        self.n_ignored = 0
        """Bursts of speech frames that are no speech, e.g. typing."""
        self._stream = stream
        self._clock = 0
        self._start: int | None = None
        self._end = 0
        self._n_voiced = 0
        self._bridged = round(BRIDGED_S * SAMPLE_RATE_HZ)
        self._shortest = round(SHORTEST_S * SAMPLE_RATE_HZ)

    @property
    def clock(self) -> int:
        """Samples since the start of the stream, gaps included."""
        return self._clock

    @property
    def soonest_final(self) -> int:
        """Position from which on something may be told: any, for turns are told as they come."""
        return 0

    def push(
        self,
        frame: NDArray[np.float32],
        is_speech: bool,
        noise_dbfs: float = float("nan"),
        level_dbfs: float = float("nan"),
        is_voiced: bool | None = None,
        is_suspected: bool | None = None,
    ) -> list[Activity]:
        """Take the decision about the next frame; its samples and levels are passed over."""
        start, self._clock = self._clock, self._clock + FRAME_SAMPLES
        events: list[Activity] = []
        if is_speech:
            if self._start is None:
                self._start, self._n_voiced = start, 0
            self._end = self._clock
            self._n_voiced += is_voiced is not False
        elif self._start is not None and self._clock - self._end >= self._bridged:
            events = self._close()
        return events

    def gap(self, n_samples: int, leftover: NDArray[np.float32] | None = None) -> list[Activity]:
        """End the stretch where audio is missing; the clock runs on over it."""
        events = self.flush(leftover)
        self._clock += n_samples
        return events

    def flush(self, leftover: NDArray[np.float32] | None = None) -> list[Activity]:
        """End the stretch now."""
        self._clock += 0 if leftover is None else len(leftover)
        return self._close()

    def _close(self) -> list[Activity]:
        start, self._start = self._start, None
        if start is None:
            return []
        if self._end - start < self._shortest or self._n_voiced < _MIN_VOICED:
            self.n_ignored += 1
            return []
        return [Activity(stream=self._stream, start_sample=start, end_sample=self._end)]
