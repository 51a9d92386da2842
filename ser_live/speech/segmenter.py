"""The segmenter, from speech decisions to utterances: a pure state machine on the sample clock.

It is given for every 30 ms frame whether the frame is speech and whether it is voiced
(periodic), and gives events back. It reads no clock, starts no thread, knows no audio
library; what it says depends on the frames alone, never on when they arrive.

An utterance opens when enough of the sliding window is speech and enough of it is
voiced: typing, rain and doors give speech frames but hardly any periodic ones. It
reaches back to the first frame that could be speech and `pre_roll_s` before it. It ends
when nothing solid was heard for `hangover_s`. A speech frame is solid when the window
around it holds more than `close_share` of speech and something voiced was heard in the
last `max_unvoiced_s`; so single false speech frames, and rain after the last word, keep
nothing open. (One speech frame resetting the silence counter once turned 341 of 380 s
of typing into one turn.)
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE_HZ, SegmenterSettings
from ser_live.errors import InvalidAudioError
from ser_live.events import (
    Kind,
    SpeechStarted,
    StateChanged,
    StreamId,
    StreamState,
    Utterance,
    Verdict,
)
from ser_live.speech.frames import Frame, OpenUtterance, is_enough, level_dbfs, whole

SegmenterEvent = SpeechStarted | Utterance | StateChanged


def no_clock() -> float:
    """Stand in for a clock where latency is not measured."""
    return math.nan


class Segmenter:
    """Joins frames into utterances.

    Memory is bounded by `max_utterance_s`. Samples in events are copies, read-only, so
    another thread may keep them. Utterances never overlap and come in the order of the
    stream; a partial has the `id` and the start of the final that follows it.

    Parameters
    ----------
    settings : SegmenterSettings
    stream : StreamId
        Stream of the frames; it stands on every event.
    first_id : int
        Id of the first utterance; ids count up from there (`next_id` tells how far).
    no_signal_message : str
        Sentence of the ``NO_SIGNAL`` state.
    clock : callable
        Read when an utterance becomes known, in seconds; latency is measured with it.
    with_partials : bool
        Whether to give utterances while they go on, too.
    """

    def __init__(
        self,
        settings: SegmenterSettings | None = None,
        *,
        stream: StreamId,
        first_id: int = 1,
        no_signal_message: str = "",
        clock: Callable[[], float] = no_clock,
        with_partials: bool = True,
    ) -> None:
        s = settings or SegmenterSettings()
        self.settings = s
        self.next_id = first_id
        """Id the next utterance will get."""
        self.n_ignored = 0
        """Bursts of speech frames that never became an utterance, e.g. typing."""
        self._stream = stream
        self._no_signal_message = no_signal_message
        self._read_clock = clock
        self._with_partials = with_partials
        self._n_window = max(1, round(s.window_s / FRAME_S))
        self._n_open = max(1, whole(s.open_share * self._n_window))
        self._n_open_voiced = whole(s.open_voiced_share * self._n_window)
        self._n_close = int(s.close_share * self._n_window + 1e-9)
        self._n_pre_roll = whole(s.pre_roll_s / FRAME_S)
        self._n_lead = self._n_window + whole(s.lead_s / FRAME_S)
        self._n_lead_pause = round(s.lead_pause_s / FRAME_S)
        self._post_roll = round(s.post_roll_s * SAMPLE_RATE_HZ)
        self._hangover = round(s.hangover_s * SAMPLE_RATE_HZ)
        self._max_unvoiced = round(s.max_unvoiced_s * SAMPLE_RATE_HZ)
        self._n_max = max(self._n_lead + self._n_pre_roll + 1, int(s.max_utterance_s / FRAME_S))
        self._n_split_search = min(whole(s.split_search_s / FRAME_S), self._n_max // 2)
        self._no_signal = round(s.no_signal_s * SAMPLE_RATE_HZ)

        self._clock = 0
        self._state = StreamState.NO_SPEECH
        self._n_zeros = 0
        self._history: list[Frame] = []
        self._window: deque[Frame] = deque()
        self._clear_window()
        self._is_burst = False
        self._open: OpenUtterance | None = None

    @property
    def clock(self) -> int:
        """Samples since the start of the stream, gaps included."""
        return self._clock

    @property
    def soonest_final(self) -> int:
        """Position before which no utterance can become final, whatever sound comes."""
        if self._open is None:
            n_least = self._n_max - self._n_lead - self._n_pre_roll
            return self._clock + min(self._hangover, n_least * FRAME_SAMPLES)
        longest = self._history[0].start_sample + self._n_max * FRAME_SAMPLES
        return min(self._open.solid_end_sample + self._hangover, longest)

    def push(
        self,
        frame: NDArray[np.float32],
        is_speech: bool,
        noise_dbfs: float = float("nan"),
        level_dbfs: float = float("nan"),
        is_voiced: bool | None = None,
        is_suspected: bool | None = None,
    ) -> list[SegmenterEvent]:
        """Take the next frame, return what became known with it.

        Parameters
        ----------
        frame : ndarray of float32, shape (480,)
        is_speech : bool
            The detector's decision.
        noise_dbfs : float
            Noise floor at this frame, dBFS; NaN when unknown.
        level_dbfs : float
            Level of the frame, dBFS; where it is NaN it is computed when needed.
        is_voiced : bool, optional
            Whether the frame is surely a voice; without it, speech counts as voiced.
        is_suspected : bool, optional
            Whether the frame may be speech; an utterance that opens later begins with the
            suspected frames before it. Without it, speech frames are the suspected ones.

        Raises
        ------
        InvalidAudioError
            The frame has not 480 samples.
        """
        if frame.shape != (FRAME_SAMPLES,):
            raise InvalidAudioError(
                f"a frame of shape {frame.shape} was pushed; the segmenter takes frames of "
                f"({FRAME_SAMPLES},) samples: cut the stream with FrameCutter."
            )
        voiced = is_speech if is_voiced is None else is_speech and is_voiced
        suspected = is_speech or bool(is_suspected)
        samples = np.array(frame, dtype=np.float32)
        start, self._clock = self._clock, self._clock + FRAME_SAMPLES
        taken = Frame(
            start, self._clock, samples, is_speech, voiced, suspected, level_dbfs, noise_dbfs
        )
        # A look at one sample mostly spares one at all of them.
        is_sound = samples[-1] != 0.0 or samples.any()
        self._n_zeros = 0 if is_sound else self._n_zeros + FRAME_SAMPLES

        events = self._step(taken)
        if self._with_partials and (partial := self._take_partial()) is not None:
            events.append(partial)
        self._note_state(events)
        return events

    def gap(
        self, n_samples: int, leftover: NDArray[np.float32] | None = None
    ) -> list[SegmenterEvent]:
        """Audio is missing: close an open utterance and let the clock run over the gap.

        `leftover`, fewer than 480 samples, is what came before the gap and did not fill
        a frame.
        """
        if n_samples < 0:
            raise InvalidAudioError(f"a gap of {n_samples} samples was reported; it needs >= 0.")
        events = self.flush(leftover)
        self._clock += n_samples
        return events

    def flush(self, leftover: NDArray[np.float32] | None = None) -> list[SegmenterEvent]:
        """End of the stream: give an open utterance as final.

        `leftover`, fewer than 480 samples, is the rest that did not fill a frame; it
        counts as not speech.
        """
        if leftover is not None and len(leftover) > 0:
            if leftover.ndim != 1 or len(leftover) >= FRAME_SAMPLES:
                raise InvalidAudioError(
                    f"a leftover of shape {leftover.shape} was given; less than a frame of "
                    f"{FRAME_SAMPLES} samples is needed: push whole frames first."
                )
            samples = np.array(leftover, dtype=np.float32)
            start, self._clock = self._clock, self._clock + len(samples)
            nan = float("nan")
            self._history.append(Frame(start, self._clock, samples, False, False, False, nan, nan))
        events: list[SegmenterEvent] = []
        if self._open is not None:
            events.append(self._close(self._open))
        self._end_burst()
        self._history.clear()
        self._clear_window()
        self._n_zeros = 0
        self._note_state(events)
        return events

    # -- the state machine -------------------------------------------------------------

    def _step(self, frame: Frame) -> list[SegmenterEvent]:
        """Feed one frame to the state machine; states of the stream and partials apart."""
        self._history.append(frame)
        self._slide_window(frame)
        if frame.is_voiced:
            self._voiced_sample = frame.end_sample
        if self._open is None:
            return self._try_to_open()
        return self._grow(self._open, frame)

    def _try_to_open(self) -> list[SegmenterEvent]:
        if self._n_window_speech >= self._n_open:
            if self._n_window_voiced >= self._n_open_voiced:
                return [self._start()]
            self._is_burst = True
        elif self._n_window_speech <= self._n_close:
            self._end_burst()
        n_keep = self._n_lead + self._n_pre_roll
        if len(self._history) >= 2 * n_keep:
            del self._history[:-n_keep]
        return []

    def _start(self) -> SpeechStarted:
        """Open an utterance at the first suspected frame of this run, less the pre-roll."""
        history = self._history
        first = first_speech = len(history) - 1
        n_pause = 0
        for index in range(len(history) - 1, max(-1, len(history) - 1 - self._n_lead), -1):
            if history[index].is_speech:
                first_speech = index
            if history[index].is_suspected:
                first, n_pause = index, 0
            else:
                n_pause += 1
                if n_pause > self._n_lead_pause:
                    break
        noise_dbfs = history[first].noise_dbfs
        last_speech = max(i for i, frame in enumerate(history) if frame.is_speech)
        self._open = OpenUtterance(
            id=self.next_id,
            first_speech_sample=history[first_speech].start_sample,
            solid_end_sample=history[last_speech].end_sample,
            noise_dbfs=noise_dbfs,
            n_speech=sum(frame.is_speech for frame in history[first:]),
        )
        self.next_id += 1
        self._is_burst = False
        del history[: max(0, first - self._n_pre_roll)]
        return SpeechStarted(
            stream=self._stream, id=self._open.id, start_sample=history[0].start_sample
        )

    def _grow(self, open_: OpenUtterance, frame: Frame) -> list[SegmenterEvent]:
        if frame.is_speech:
            open_.n_speech += 1
            is_backed = frame.end_sample - self._voiced_sample <= self._max_unvoiced
            if self._n_window_speech > self._n_close and is_backed:
                open_.solid_end_sample = frame.end_sample
        if frame.end_sample - open_.solid_end_sample >= self._hangover:
            return [self._close(open_)]
        if len(self._history) >= self._n_max:
            return self._split(open_)
        return []

    def _close(self, open_: OpenUtterance) -> Utterance:
        """End the open utterance after its last solid speech frame and the post-roll."""
        latest = self._history[-1].end_sample
        end = min(latest, open_.solid_end_sample + self._post_roll)
        n_frames = sum(frame.start_sample < end for frame in self._history)
        utterance = self._utterance(open_, self._history[:n_frames], Kind.FINAL, end_sample=end)
        # A frame the end cuts in two belongs to this utterance; the next may not reuse it.
        del self._history[:n_frames]
        self._clear_window()
        self._open = None
        return utterance

    def _split(self, open_: OpenUtterance) -> list[SegmenterEvent]:
        """Cut at the quietest point of the last part and start over with the rest."""
        levels = np.array([level_dbfs(frame) for frame in self._history[-self._n_split_search :]])
        smooth = np.convolve(levels, np.full(3, 1 / 3), mode="valid")
        # smooth[k] is centred on frame k + 1 of the part; the cut comes after that frame.
        n_first = len(self._history) - len(levels) + int(np.argmin(smooth)) + 2
        utterance = self._utterance(open_, self._history[:n_first], Kind.FINAL, is_split=True)
        rest = self._history[n_first:]
        self._history = []
        self._clear_window()
        self._open = None
        events: list[SegmenterEvent] = [utterance]
        for frame in rest:
            events += self._step(frame)
        return events

    def _take_partial(self) -> Utterance | None:
        """Partial result, where enough new speech was heard."""
        open_ = self._open
        if open_ is None or open_.n_speech < self._speech_for_partial(open_.n_partials):
            return None
        while open_.n_speech >= self._speech_for_partial(open_.n_partials):
            open_.n_partials += 1
        partial = self._utterance(open_, self._history, Kind.PARTIAL)
        return partial if partial.state is Verdict.OK else None

    def _speech_for_partial(self, index: int) -> int:
        """Speech frames at which partial number `index`, counted from 0, is due."""
        settings = self.settings
        due_s = settings.partial_first_s
        for _ in range(index):
            due_s += max(FRAME_S, settings.partial_every_s, settings.partial_growth * due_s)
        return whole(due_s / FRAME_S)

    def _utterance(
        self,
        open_: OpenUtterance,
        frames: list[Frame],
        kind: Kind,
        end_sample: int | None = None,
        is_split: bool = False,
    ) -> Utterance:
        start = frames[0].start_sample
        end = frames[-1].end_sample if end_sample is None else end_sample
        samples = np.concatenate([frame.samples for frame in frames])[: end - start]
        speech = np.array([frame.is_speech for frame in frames], dtype=np.bool_)
        samples.flags.writeable = False
        speech.flags.writeable = False
        noise_dbfs = open_.noise_dbfs
        if np.isnan(noise_dbfs):
            # The stream began with speech: the floor became known only during it.
            known = (f.noise_dbfs for f in reversed(frames) if not np.isnan(f.noise_dbfs))
            noise_dbfs = next(known, float("nan"))
        return Utterance(
            stream=self._stream,
            id=open_.id,
            kind=kind,
            start_sample=start,
            end_sample=end,
            samples=samples,
            speech=speech,
            noise_dbfs=noise_dbfs,
            state=Verdict.OK if is_enough(open_, frames, self.settings) else Verdict.TOO_SHORT,
            is_split=is_split,
            known_at_s=self._read_clock(),
        )

    # -- bookkeeping -------------------------------------------------------------------

    def _slide_window(self, frame: Frame) -> None:
        self._window.append(frame)
        self._n_window_speech += frame.is_speech
        self._n_window_voiced += frame.is_voiced
        if len(self._window) > self._n_window:
            oldest = self._window.popleft()
            self._n_window_speech -= oldest.is_speech
            self._n_window_voiced -= oldest.is_voiced

    def _clear_window(self) -> None:
        self._window.clear()
        self._n_window_speech = 0
        self._n_window_voiced = 0
        self._voiced_sample = -self._max_unvoiced

    def _end_burst(self) -> None:
        self.n_ignored += self._is_burst
        self._is_burst = False

    def _note_state(self, events: list[SegmenterEvent]) -> None:
        """Add a `StateChanged` where the state of the stream changed."""
        message = ""
        if self._open is not None:
            state = StreamState.LISTENING
        elif self._n_zeros >= self._no_signal:
            state, message = StreamState.NO_SIGNAL, self._no_signal_message
        else:
            state = StreamState.NO_SPEECH
        if state is not self._state:
            self._state = state
            events.append(
                StateChanged(stream=self._stream, sample=self._clock, state=state, message=message)
            )
