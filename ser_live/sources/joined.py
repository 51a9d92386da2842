"""Recordings put together from several decoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_format
from ser_live.errors import AudioFileError, InvalidAudioError
from ser_live.events.kinds import Cause
from ser_live.sources.decoder import Decoder
from ser_live.sources.format_adapter import FormatAdapter
from ser_live.sources.ring_buffer import Lost

Opener = Callable[[], Decoder]


class JoinedDecoder:
    """Recordings that follow each other in one file, in the format of the first.

    Parameters
    ----------
    openers : sequence of callable
        Each opens one of them.
    name : str
        For people.
    lost_s : sequence of float
        Time that is missing before each of them, in seconds; empty for none.

    Raises
    ------
    AudioFileError
        None of them can be opened.
    """

    def __init__(self, openers: Sequence[Opener], name: str, lost_s: Sequence[float] = ()) -> None:
        self._name = name
        self._lost_s = lost_s
        self._openers = openers
        self._failures: list[AudioFileError] = []
        self._n_opened = 0
        self.notes: list[str] = []
        self._decoder = self._next()
        if self._decoder is None:
            raise self._failures[0]
        self.sample_rate = self._decoder.sample_rate
        self.n_channels = self._decoder.n_channels

    def _next(self) -> Decoder | None:
        while self._n_opened < len(self._openers):
            self._n_opened += 1
            try:
                decoder = self._openers[self._n_opened - 1]()
            except AudioFileError as error:
                self._failures.append(error)
                continue
            if self._n_opened > 1 and not self._is_possible(decoder):
                decoder.close()
                continue
            return decoder
        return None

    def _is_possible(self, decoder: Decoder) -> bool:
        """Whether a later one can be brought to the format of the first, as far as heads tell."""
        try:
            check_format(decoder.sample_rate, decoder.n_channels, self._name)
        except InvalidAudioError as error:
            self._failures.append(AudioFileError(str(error)))
            return False
        return True

    def chunks(self) -> Iterator[NDArray[np.float32] | Lost]:
        """Give the samples of all; see `Decoder.chunks`."""
        while self._decoder is not None:
            lost_s = self._lost_s[self._n_opened - 1] if self._lost_s else 0.0
            if lost_s:
                yield Lost(round(lost_s * self.sample_rate), Cause.DAMAGED)
            try:
                yield from self._converted(self._decoder)
            except AudioFileError as error:
                self._failures.append(error)
            self.notes += self._decoder.notes
            self._decoder.close()
            self._decoder = self._next()
        if len(self._openers) == 1 and self._failures:
            raise self._failures[0]
        if self._failures:
            raise AudioFileError(
                f"{self._name} holds {len(self._openers)} recordings one behind the other, and "
                f"{len(self._failures)} of them could not be heard whole, but whole audio is "
                "needed: copy or record it again."
            )

    def _converted(self, decoder: Decoder) -> Iterator[NDArray[np.float32] | Lost]:
        if (decoder.sample_rate, decoder.n_channels) == (self.sample_rate, self.n_channels):
            yield from decoder.chunks()
            return
        adapter = FormatAdapter(
            decoder.sample_rate,
            decoder.n_channels,
            to_rate=self.sample_rate,
            to_channels=self.n_channels,
        )
        failure = None
        try:
            for item in decoder.chunks():
                yield from adapter.push(item)
        except AudioFileError as error:
            failure = error
        yield from adapter.flush()
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Let go of the file."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None


class SecondTryDecoder:
    """A decoder, and another one that goes on where the first gave up.

    Parameters
    ----------
    first : Decoder
    second : callable
        Opens the other one.
    name : str
        For people.
    is_damage : bool
        Whether the first one gives up at damage alone. The other one may decode noise there
        and say nothing.
    """

    def __init__(self, first: Decoder, second: Opener, name: str, *, is_damage: bool) -> None:
        self._name = name
        self._is_damage = is_damage
        self._first = first
        self._second = second
        self._open: list[Decoder] = [first]
        self.sample_rate = first.sample_rate
        self.n_channels = first.n_channels
        self.notes: list[str] = []

    def chunks(self) -> Iterator[NDArray[np.float32] | Lost]:
        """Give the samples; see `Decoder.chunks`."""
        n_heard = 0
        try:
            for item in self._first.chunks():
                n_heard += item.n_samples if isinstance(item, Lost) else len(item)
                yield item
        except AudioFileError as error:
            yield from self._go_on(n_heard, error)
        self.notes += self._first.notes

    def _go_on(self, n_heard: int, failure: AudioFileError) -> Iterator[NDArray[np.float32] | Lost]:
        """Give what the second decoder hears behind the place where the first one failed."""
        try:
            second = self._second()
        except AudioFileError:
            raise failure from None
        self._open.append(second)
        if (second.sample_rate, second.n_channels) != (self.sample_rate, self.n_channels):
            raise failure
        n_more = 0
        try:
            for item in _behind(second.chunks(), n_heard):
                n_more += 0 if isinstance(item, Lost) else len(item)
                yield item
        except AudioFileError as error:
            raise (error if n_more else failure) from None
        self.notes += second.notes
        if self._is_damage:
            raise AudioFileError(
                f"{self._name} is damaged after {n_heard / self.sample_rate:.2f} s: what follows "
                "was heard, but whole audio is needed: copy or record it again."
            )

    def close(self) -> None:
        """Let go of the file."""
        for decoder in self._open:
            decoder.close()


class FailingDecoder:
    """A decoder of a recording of which it is known that some cannot be heard.

    Parameters
    ----------
    decoder : Decoder
    failure : AudioFileError
        Raised at the end, also where the decoder itself complains of less.
    """

    def __init__(self, decoder: Decoder, failure: AudioFileError) -> None:
        self._decoder = decoder
        self._failure = failure
        self.sample_rate = decoder.sample_rate
        self.n_channels = decoder.n_channels
        self.notes = decoder.notes

    def chunks(self) -> Iterator[NDArray[np.float32] | Lost]:
        """Give the samples; see `Decoder.chunks`."""
        with suppress(AudioFileError):
            yield from self._decoder.chunks()
        raise self._failure

    def close(self) -> None:
        """Let go of the file."""
        self._decoder.close()


def _behind(
    items: Iterator[NDArray[np.float32] | Lost], n_skipped: int
) -> Iterator[NDArray[np.float32] | Lost]:
    """Items without their first samples."""
    for item in items:
        n = item.n_samples if isinstance(item, Lost) else len(item)
        n_skip = min(n, n_skipped)
        n_skipped -= n_skip
        if n_skip == n:
            continue
        if isinstance(item, Lost):
            yield Lost(n - n_skip, item.cause)
        else:
            yield item[n_skip:]
