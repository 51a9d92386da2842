"""Containers decoded while their bytes come, by PyAV, in a thread of its own."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_finite, check_format
from ser_live.errors import AudioFileError, SerLiveError
from ser_live.sources.byte_feed import ByteFeed, FeedFile
from ser_live.sources.flow_cutters import cutter_of
from ser_live.sources.format_adapter import FormatAdapter
from ser_live.sources.media import MediaDecoder
from ser_live.sources.mpeg_watch import Mp3Watch
from ser_live.sources.ogg_pages import OggCutter, damage_of
from ser_live.sources.protocol import ChannelsLeftOut, heard_alone
from ser_live.sources.ring_buffer import Lost

FORMATS = {
    "flac": "flac",
    "ogg": "ogg",
    "mp3": "mp3",
    "aac": "aac",
    "webm": "matroska",
    "flv": "flv",
    "wma": "asf",
    "ts": "mpegts",
    "au": "au",
    "m4a": "mov",
    "amr": "amr",
    "ac3": "ac3",
    "eac3": "eac3",
    "dts": "dts",
    "latm": "loas",
    "mpeg": "mpeg",
    "tta": "tta",
    "wavpack": "wv",
    "gsm": "gsm",
    "sbc": "sbc",
    "adx": "adx",
    "spdif": "spdif",
    "truehd": "truehd",
    "mlp": "mlp",
}
"""Containers that can be decoded while they come, and FFmpeg's name of each."""

_MAX_WAITING = 64
"""Decoded blocks that may wait, so that a loud pipe of silence does not fill the memory."""

_WAIT_S = 0.1
"""Time after which a decoder that has to wait looks whether it is still wanted."""

_UNCUT = frozenset(["aac", "ts"])
"""Containers whose decoders read to the end of the bytes."""

_UNHEARD_BYTES = 1 << 16
"""So much behind the end of a container is more than padding or a tag."""

Item = NDArray[np.float32] | Lost


@dataclass(frozen=True, slots=True)
class _End:
    """End of all that was decoded, and what went wrong."""

    failure: BaseException | None = None


class FlowingDecoder:
    """Samples out of a container that comes in pieces, while it comes.

    Recordings that follow each other, as the titles of a web radio do, are heard one after the
    other.

    Parameters
    ----------
    kind : str
        One of `FORMATS`.
    name : str
        For people.
    sample_rate, n_channels : int
        Format of what is given.
    roles : Roles, optional
        Tells which channels nobody is to hear.
    track : int or None
        Audio track to hear, counted from 1; ``None`` for the default one.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        sample_rate: int,
        n_channels: int,
        roles: ChannelsLeftOut | None = None,
        track: int | None = None,
    ) -> None:
        self._kind = kind
        self._roles = roles
        self._track = track
        self._name = name
        self._rate = sample_rate
        self._n_channels = n_channels
        self.notes: list[str] = []
        cut = cutter_of(kind)
        self._ogg = cut if isinstance(cut, OggCutter) else None
        self._mp3 = cut if isinstance(cut, Mp3Watch) else None
        self._feed = ByteFeed(cut)
        self._items: Queue[Item | _End] = Queue(_MAX_WAITING)
        self._is_unwanted = Event()
        self._is_over = False
        self._thread = Thread(target=self._work, name="ser-live decoder", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether it is to be asked for samples before it gets more bytes."""
        return self._feed.is_full

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self._is_over

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._feed.feed(data)

    def end(self) -> None:
        """Tell that there are no more bytes."""
        self._feed.end()

    def take(self, timeout_s: float) -> Item | None:
        """Wait for what is decoded, at most `timeout_s`.

        Raises
        ------
        AudioFileError, InvalidAudioError
            It cannot be decoded, or not all of it; all that could be was given.
        """
        if self._is_over:
            return None
        try:
            item = self._items.get(timeout=timeout_s) if timeout_s > 0 else self._items.get_nowait()
        except Empty:
            return None
        if not isinstance(item, _End):
            return item
        self._is_over = True
        if item.failure is not None:
            raise item.failure
        return None

    def close(self) -> None:
        """End the thread."""
        self._is_over = True
        self._is_unwanted.set()
        self._feed.abandon()
        self._thread.join(timeout=2.0)

    def _work(self) -> None:
        """Decode one recording after the other, until the bytes end or nobody wants them."""
        failure: BaseException | None = None
        try:
            n_heard = 0
            while True:
                try:
                    self._decode(n_heard)
                except SerLiveError as error:
                    failure = failure or error
                n_heard += 1
                if self._is_unwanted.is_set() or not self._is_another():
                    break
            if self._ogg is not None and (self._ogg.link.n_bad or self._ogg.link.is_cut):
                failure = failure or damage_of(self._name, self._ogg.link.n_bad)
            if self._mp3 is not None and (failure is None or isinstance(failure, AudioFileError)):
                failure = self._mp3.failure(self._name) or failure  # which knows how much
        except BaseException as error:  # noqa: BLE001 - a defect belongs to whoever reads
            failure = error
        self._give(_End(failure))

    def _is_another(self) -> bool:
        """Whether another recording follows; what nobody read of the last one is passed over."""
        n_unread = 0
        while data := self._feed.read(1 << 14):
            n_unread += len(data)
            # What is cut is looked through anyway; pictures behind the last sound are none.
            if self._kind in _UNCUT and n_unread > _UNHEARD_BYTES:
                raise AudioFileError(
                    f"{self._name} goes on behind the end of its {self._kind}, but one recording "
                    "is needed: pipe them one by one."
                )
        return self._feed.next_recording()

    def _decode(self, n_before: int) -> None:
        file = FeedFile(self._feed)
        try:
            decoder = MediaDecoder(
                file,
                self._name,
                self._track,
                holes_are_damage=self._kind == "flac",
                flowing=FORMATS[self._kind],
            )
        except AudioFileError as error:
            if n_before:
                raise
            raise AudioFileError(
                f"{self._name} begins like {self._kind} but cannot be decoded as such, and a whole "
                "recording or raw 16-bit PCM is needed: check the program that writes it "
                f"({error})"
            ) from error
        with closing(decoder):
            check_format(decoder.sample_rate, decoder.n_channels, self._name)
            adapter = self._adapter(decoder)
            position = 0
            try:
                for item in decoder.chunks():
                    if isinstance(item, Lost):
                        position += item.n_samples
                    else:
                        item = heard_alone(item, self._roles)
                        check_finite(item, position, decoder.sample_rate, self._name)
                        position += len(item)
                    for given in [item] if adapter is None else adapter.push(item):
                        self._give(given)
            finally:
                for given in [] if adapter is None else adapter.flush():
                    self._give(given)
                self.notes += [note for note in decoder.notes if note not in self.notes]

    def _adapter(self, decoder: MediaDecoder) -> FormatAdapter | None:
        format_ = decoder.sample_rate, decoder.n_channels
        if format_ == (self._rate, self._n_channels):
            return None
        return FormatAdapter(*format_, to_rate=self._rate, to_channels=self._n_channels)

    def _give(self, item: Item | _End) -> None:
        while not self._is_unwanted.is_set():
            try:
                self._items.put(item, timeout=_WAIT_S)
            except Full:
                continue
            return
