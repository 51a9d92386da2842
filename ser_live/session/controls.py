"""Orders to a session while it runs: marks, notes, pauses, another beginning or microphone.

Anybody may ask, from any thread, and goes on at once. The thread that segments does it between
two blocks, as only that one may touch the streams; the position is that of the asking.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from ser_live.events import Mark, Note, NotedBy, Notice
from ser_live.sources import AudioSource, ReconnectingMicrophone
from ser_live.sources.device_change import known_devices
from ser_live.sources.devices import InputDevice, choose_device
from ser_live.stream.analyzer import check_rating
from ser_live.stream.segmented import ForgetVoice, Segmented
from ser_live.stream.segmenting import SegmentingStage


class Orders:
    """Orders that were not done yet; for any thread, apart from `due` and `late`."""

    def __init__(self) -> None:
        self.stages: Sequence[SegmentingStage] = ()
        """The stages of the streams that are not over; set by the thread that segments."""
        self.source: AudioSource | None = None
        """Source that is heard at present; set by the thread that segments."""
        self.is_paused = False
        """Whether it was asked to pass audio over."""
        self._waiting: deque[Mark | Note | ForgetVoice] = deque()

    def ask(self, order: Mark | Note | ForgetVoice) -> None:
        """Ask for something at a place in a stream."""
        self._waiting.append(order)

    def due(self) -> list[Segmented]:
        """Do all that waits, in the streams that are not over."""
        items: list[Segmented] = []
        if self.stages and self.stages[0].is_paused != self.is_paused:
            for stage in self.stages:
                items += stage.pause() if self.is_paused else stage.resume()
        numbers = {stage.stream.number for stage in self.stages}
        for _ in range(len(self._waiting)):
            order = self._waiting.popleft()
            if order.stream.number in numbers:
                items.append(order)
            else:
                self._waiting.append(order)
        return items

    def late(self) -> Iterable[Notice]:
        """Sentences about what came after the end of its stream, and is not done."""
        while self._waiting:
            order = self._waiting.popleft()
            if not isinstance(order, ForgetVoice):  # a voice is forgotten with its stream
                what = (
                    f"mark {order.label!r}" if isinstance(order, Mark) else f"note {order.text!r}"
                )
                yield Notice(
                    sink="session", message=f"the {what} came after the end and is not kept."
                )


class Controlled:
    """Methods for a session that runs; for any thread, and none of them waits."""

    _orders: Orders

    @property
    def is_paused(self) -> bool:
        """Whether audio is passed over at present."""
        return self._orders.is_paused

    def mark(self, label: str, source: NotedBy = NotedBy.API) -> bool:
        """Mark the present moment, for the log and for all outputs.

        Parameters
        ----------
        label : str
        source : NotedBy

        Returns
        -------
        bool
            Whether a stream runs; without one there is nothing to mark.
        """
        stage = self._stage()
        if stage is None:
            return False
        for made in stage.mark(label, source):
            self._ask(made)
        return True

    def note(self, text: str, rating: int | None = None) -> bool:
        """Note something about the present moment.

        Parameters
        ----------
        text : str
        rating : int or None
            A rating of one's own, 1 (bad) to 5 (good).

        Returns
        -------
        bool
            Whether a stream runs; without one there is nothing to note it at.

        Raises
        ------
        UsageError
            The rating is none.
        """
        check_rating(rating)
        stage = self._stage()
        if stage is None:
            return False
        for made in stage.note(text, rating):
            self._ask(made)
        return True

    def pause(self) -> None:
        """End open utterances and pass over what comes, in later sources too.

        The clock runs on; the time until `resume` becomes a gap of the cause ``paused``.
        """
        self._orders.is_paused = True

    def resume(self) -> None:
        """Go on after a pause."""
        self._orders.is_paused = False

    def reset(self) -> bool:
        """Forget the voices heard so far, not the clock; an enrolled one is begun with again.

        Returns
        -------
        bool
            Whether a stream runs; a new one knows no voice anyway.
        """
        stages = tuple(self._orders.stages)
        for stage in stages:
            self._orders.ask(ForgetVoice(stream=stage.stream, sample=stage.position))
        return bool(stages)

    @property
    def microphone(self) -> InputDevice | None:
        """The microphone that is heard, where it is one that can be changed."""
        source = self._orders.source
        return source.device if isinstance(source, ReconnectingMicrophone) else None

    def microphones(self) -> list[InputDevice]:
        """Microphones to change to, as PortAudio read them when it started or one was lost.

        Raises
        ------
        DeviceError
            They cannot be listed.
        """
        return known_devices()

    def change_microphone(self, device: InputDevice | int | str) -> bool:
        """Hear another microphone from soon on, in the same stream.

        It is opened beside the present one. Once it gives audio, the open utterance ends, a gap
        of the cause ``changed`` (less than 0.1 s) and ``device_found`` follow, and the voice is
        forgotten: another microphone is another level and another spectrum. One that does not
        open leaves the present one as it is, and a ``stream_notice`` says why.

        Parameters
        ----------
        device : InputDevice, int or str
            One of `microphones`, its index, or a part of its name.

        Returns
        -------
        bool
            Whether a microphone is heard that can be changed; a recording or a pipe is none.

        Raises
        ------
        DeviceError
            No such device, or several.
        """
        source = self._orders.source
        if not isinstance(source, ReconnectingMicrophone):
            return False
        if not isinstance(device, InputDevice):
            device = choose_device(known_devices(), device)
        source.change_to(device)
        return True

    def _stage(self) -> SegmentingStage | None:
        """The stream that marks and notes belong to: the first of those that run."""
        stages = self._orders.stages
        return stages[0] if stages else None

    def _ask(self, made: Segmented) -> None:
        assert isinstance(made, Mark | Note)  # noqa: S101  as the stage makes them
        self._orders.ask(made)
