"""A whole stream in one object: audio in, events out, in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.errors import InvalidAudioError, UsageError
from ser_live.events import Hearing, StreamEvent, StreamId
from ser_live.events.forms import is_rating
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import DeviceNotice, Lost
from ser_live.speaker.profile import SpeakerProfile, load_profile
from ser_live.speech.detector import VadDecision
from ser_live.speech.segmenter import no_clock
from ser_live.stream.analysis import AnalysisStage
from ser_live.stream.segmented import Segmented
from ser_live.stream.segmenting import SegmentingStage, as_decided

Block: TypeAlias = "bytes | bytearray | memoryview | NDArray[np.int16] | NDArray[np.float32]"

_BYTES_PER_SAMPLE = 2


class Analyzer:
    """One stream from audio blocks to emotions; no thread, no clock, no file.

    The same samples give the same events however they are cut into blocks, and the same as
    `analyze`, a replay and a live session give. Use one analyzer per stream and one thread at
    a time; several analyzers share nothing but the model, which does not change.

    Parameters
    ----------
    sample_rate : int
        Rate of the blocks, hertz.
    n_channels : int
        Channels of the blocks.
    channel : int or None
        Channel to hear, counted from 0; ``None`` averages all.
    model : EmotionModel, str, Path or None
        A loaded model, the name of a bundled one, or a model's folder; ``None`` for the
        default one.
    settings : Settings or None
        ``None`` for the defaults.
    speaker : SpeakerProfile, str or None
        Enrolled speaker to begin with, or their name; ``None`` for a stranger.
    source : str
        Name of the stream for people.
    role : str or None
        Part of the one who speaks, in your words, such as ``agent``.
    stream : StreamId or None
        The whole name of the stream, instead of `source`, `channel` and `role`.
    started_at : str or None
        Wall time of the first sample, ISO 8601 with offset.
    with_partials : bool
        Whether to judge utterances while they go on, too.
    with_levels : bool
        Whether to report the level, about eleven times per second of audio.
    keeps_audio : bool
        Whether final results carry their audio.
    clock : callable
        Read for the latency of results, in seconds, such as ``time.monotonic``; without it
        the latency is NaN.
    first_id : int
        Number of the first utterance.
    no_signal_message : str
        Sentence for the user where only zeros arrive.
    level : Hearing
        ``ACTIVITY`` to learn nothing but who speaks when.
    with_activity : bool
        Whether to learn that of an analyzed stream too.
    revise : callable
        As for `SegmentingStage`.

    Raises
    ------
    ModelError, ProfileError
        The model or the profile cannot be used.

    Examples
    --------
    >>> analyzer = Analyzer(sample_rate=44_100, n_channels=2)     # doctest: +SKIP
    >>> for block in blocks:                                      # doctest: +SKIP
    ...     for event in analyzer.push(block):
    ...         print(event)
    >>> rest = analyzer.close()                                   # doctest: +SKIP
    """

    def __init__(
        self,
        sample_rate: int = SAMPLE_RATE_HZ,
        n_channels: int = 1,
        *,
        channel: int | None = None,
        model: EmotionModel | str | Path | None = None,
        settings: Settings | None = None,
        speaker: SpeakerProfile | str | None = None,
        source: str = "stream",
        role: str | None = None,
        stream: StreamId | None = None,
        started_at: str | None = None,
        with_partials: bool = True,
        with_levels: bool = False,
        keeps_audio: bool = False,
        clock: Callable[[], float] = no_clock,
        first_id: int = 1,
        no_signal_message: str = "only zeros arrive: the stream is silent here.",
        level: Hearing = Hearing.ANALYZE,
        with_activity: bool = False,
        revise: Callable[[int, VadDecision], VadDecision] = as_decided,
    ) -> None:
        self.stream = stream or StreamId(number=1, source=source, channel=channel, role=role)
        self.n_channels = n_channels
        settings = settings or Settings()
        self._rest = b""
        self._is_started = False
        self._is_closed = False
        self._segmenting = SegmentingStage(
            settings,
            stream=self.stream,
            sample_rate=sample_rate,
            n_channels=n_channels,
            started_at=started_at,
            first_id=first_id,
            no_signal_message=no_signal_message,
            clock=clock,
            with_partials=with_partials,
            with_levels=with_levels,
            level=level,
            with_activity=with_activity,
            revise=revise,
        )
        self._analysis = AnalysisStage(
            loaded(model),
            settings,
            stream=self.stream,
            profile=known_speaker(speaker),
            clock=clock,
            keeps_audio=keeps_audio,
        )

    @property
    def position(self) -> int:
        """Samples at 16 kHz since the start of the stream, gaps included."""
        return self._segmenting.position

    def start(self) -> list[StreamEvent]:
        """Begin the stream; the first `push` does it by itself."""
        if self._is_started:
            return []
        self._is_started = True
        return self._analyze(self._segmenting.start())

    def push(self, block: Block | Lost | DeviceNotice) -> list[StreamEvent]:
        """Take the next block and give what became known with it.

        Parameters
        ----------
        block : bytes, or array of int16 or float
            Audio of any length. Bytes are 16-bit little-endian samples, channels interleaved;
            they may be cut anywhere. Arrays have the shape ``(n, n_channels)``, or ``(n,)``
            with the channels interleaved; floats have the nominal range [-1, 1].
        block : Lost or DeviceNotice
            A note of audio that never arrived, or news of the device, at its place.

        Raises
        ------
        InvalidAudioError
            NaN, infinity, or a wrong shape or type; the stream stays as it was.
        UsageError
            The stream was closed.
        """
        if self._is_closed:
            raise UsageError("a block was pushed to a closed analyzer: make a new one.")
        item = block if isinstance(block, Lost | DeviceNotice) else self._samples(block)
        return [*self.start(), *self._analyze(self._segmenting.push(item))]

    def mark(self, label: str) -> list[StreamEvent]:
        """Mark the present moment with a text; the mark is in the list that comes back."""
        return [*self.start(), *self._analyze(self._segmenting.mark(label))]

    def note(self, text: str, rating: int | None = None) -> list[StreamEvent]:
        """Note something about the present moment; the note is in the list that comes back.

        Parameters
        ----------
        text : str
        rating : int or None
            A rating of one's own, 1 (bad) to 5 (good).

        Raises
        ------
        UsageError
            The rating is none.
        """
        check_rating(rating)
        return [*self.start(), *self._analyze(self._segmenting.note(text, rating))]

    def pause(self) -> list[StreamEvent]:
        """End the open utterance and pass over what is pushed from here on.

        The clock runs on; the time until `resume` becomes a gap of the cause ``paused``.
        Harmless when repeated.
        """
        return [*self.start(), *self._analyze(self._segmenting.pause())]

    def resume(self) -> list[StreamEvent]:
        """Go on after a pause, the gap first; harmless without one."""
        return [*self.start(), *self._analyze(self._segmenting.resume())]

    def flush(self) -> list[StreamEvent]:
        """End the open utterance now; the stream and its clock go on."""
        return self._analyze(self._segmenting.flush())

    def reset(self) -> None:
        """Forget the voice heard so far, not the clock; an enrolled one is begun with again."""
        self._analysis.forget()

    def close(self) -> list[StreamEvent]:
        """End the stream: what was still open, then `StreamEnded`; harmless when repeated."""
        if self._is_closed:
            return []
        self._is_closed = True
        return [*self.start(), *self._analyze(self._segmenting.close())]

    def _analyze(self, items: Iterable[Segmented]) -> list[StreamEvent]:
        return [self._analysis.take(item) for item in items]

    def _samples(self, block: Block) -> NDArray[np.float32]:
        """`block` as float32 of shape (n, n_channels)."""
        if isinstance(block, bytes | bytearray | memoryview):
            data = self._rest + bytes(block)
            n_whole = len(data) - len(data) % (_BYTES_PER_SAMPLE * self.n_channels)
            self._rest = data[n_whole:]
            array = np.frombuffer(data[:n_whole], "<i2")
        else:
            array = np.asarray(block)
        if array.dtype == np.int16:
            array = array.astype(np.float32) / np.float32(32768)
        elif np.issubdtype(array.dtype, np.floating):
            array = array.astype(np.float32, copy=False)
        else:
            raise InvalidAudioError(
                f"a block of {array.dtype} was pushed, but bytes, int16 or float samples are "
                "needed: convert it first."
            )
        if array.ndim == 1 and len(array) % self.n_channels == 0:
            return array.reshape(-1, self.n_channels)
        return array


def check_rating(rating: int | None) -> None:
    """Refuse a rating that is none with a `UsageError`."""
    if rating is not None and not is_rating(rating):
        raise UsageError(f"a rating of {rating} was given, but 1 to 5 is needed: choose one.")


def loaded(model: EmotionModel | str | Path | None) -> EmotionModel:
    """The model itself, whether it was loaded before or is named; the default for ``None``."""
    if isinstance(model, EmotionModel):
        return model
    return EmotionModel.load() if model is None else EmotionModel.load(model)


def known_speaker(speaker: SpeakerProfile | str | None) -> SpeakerProfile | None:
    """The profile itself, whether it was read before or is named."""
    return load_profile(speaker) if isinstance(speaker, str) else speaker
