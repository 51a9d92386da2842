"""Sound from a pipe: raw PCM, or a recording of any container."""

from __future__ import annotations

import io
import select
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_format
from ser_live.errors import AudioFileError, SerLiveError
from ser_live.sources.beginnings import (
    HEAD_BYTES,
    check_sound,
    container_of,
    is_doubtful,
    n_to_look_at,
)
from ser_live.sources.leading_tags import LeadingTags
from ser_live.sources.media_tracks import check_track
from ser_live.sources.pcm_bytes import PcmBytes
from ser_live.sources.piped import PipedContainer
from ser_live.sources.protocol import AudioSource, ChannelsLeftOut, Lost

_FIRST_S = 0.5
"""Time for which the first bytes of a pipe are waited for before listening begins, in seconds."""

_CONTAINER_BYTES = 1 << 13
"""Most that is read of a container at a time."""


class PcmSource(AudioSource):
    """Sound from a pipe: raw PCM, 16-bit little endian, channels interleaved, or a recording.

    A recording is recognized by its first bytes and brought to `sample_rate` and `n_channels`.
    The pipe itself holds a writer back when analysis falls behind, so nothing is dropped.

    Parameters
    ----------
    stream : binary file
        For example ``sys.stdin.buffer``. It is not closed.
    sample_rate : int
        Hertz.
    n_channels : int
        Interleaved channels.
    name : str
        For people.
    roles : Roles, optional
        Tells which channels nobody is to hear: their samples become zeros at once.
    track : int, optional
        Audio track to hear, counted from 1; without it the default one.
    """

    is_live = False
    file: str | None = None

    def __init__(
        self,
        stream: BinaryIO,
        sample_rate: int = 16_000,
        n_channels: int = 1,
        name: str = "standard input",
        roles: ChannelsLeftOut | None = None,
        track: int | None = None,
    ) -> None:
        self.name = name
        self._subject = name.capitalize()
        self._may_gather = True
        self._idle_s = 0.01
        self.sample_rate = sample_rate
        self.n_channels = n_channels
        self._roles = roles
        self._track = track
        self._stream: BinaryIO | io.RawIOBase = stream
        self.notes: Sequence[str] = ()
        self._pcm = PcmBytes(n_channels)
        self._head: bytes | None = b""
        """First bytes, as long as they do not tell what they are."""
        self._tags = LeadingTags()
        self._container: PipedContainer | None = None
        self._items: deque[NDArray[np.float32] | Lost] = deque()
        self._rest: Iterator[NDArray[np.float32] | Lost] | None = None
        self._n_bytes = 0
        self._is_heard = False
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        return self._exhausted and not self._items

    def open(self) -> None:
        """Look at what the pipe carries, where that comes soon.

        Raises
        ------
        AudioFileError, UsageError
            As `read`: what cannot be heard is refused before anything has begun.
        """
        try:
            check_format(self.sample_rate, self.n_channels, self._subject)
            first = None if sys.platform == "win32" else self._first()
        except BaseException:
            self.close()
            raise
        if first is not None:
            self._items.appendleft(first)

    def _first(self) -> NDArray[np.float32] | Lost | None:
        """Wait a moment for the first bytes, and where they came for sound or its end too."""
        until_s = time.monotonic() + _FIRST_S
        item = self.read(_FIRST_S)
        while item is None and self._n_bytes and not self._exhausted:
            if (left_s := until_s - time.monotonic()) <= 0:
                break
            item = self.read(left_s)
        return item

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        """Wait for audio; see `AudioSource.read`.

        The time limit holds for pipes and terminals of POSIX systems; elsewhere the call
        waits for the writer.

        Raises
        ------
        AudioFileError
            The pipe broke, carried nothing, or carries a recording that cannot be decoded.
        UsageError
            There is no such track.
        """
        item = self._read(timeout_s)
        self._is_heard |= item is not None
        return item

    def _read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        if self._items:
            return self._items.popleft()
        if self._rest is not None:
            return self._next_of_rest(self._rest)
        if self._exhausted:
            return None
        if self._container is not None:
            item = self._take_decoded(self._container, timeout_s)
            if item is not None or self._exhausted or self._container.is_full:
                return item
        if not self._is_readable(timeout_s):
            return None
        n_bytes = max(2, 2 * self.n_channels * self.sample_rate // 50)
        if self._container is not None:
            n_bytes = max(n_bytes, _CONTAINER_BYTES)
        try:
            # read1 gives what is there; read would wait until n_bytes have come.
            data = getattr(self._stream, "read1", self._stream.read)(n_bytes)
        except (OSError, ValueError) as error:
            self._exhausted = True
            raise AudioFileError(
                f"{self._subject} broke off ({error}), but raw PCM is needed: "
                "check the program that writes into the pipe."
            ) from error
        if data is None:  # a non-blocking stream without data
            time.sleep(min(timeout_s, self._idle_s))
            return None
        if not data:
            return self._end()
        self._n_bytes += len(data)
        self._take(data + self._more_of_head(data))
        return self._items.popleft() if self._items else None

    def _more_of_head(self, data: bytes) -> bytes:
        """Bytes that are there already and may tell a recording behind something else."""
        more = b""
        read1 = getattr(self._stream, "read1", None)
        if self._head is None or read1 is None or sys.platform == "win32":
            return more
        head = self._head + data
        while (
            len(head) < n_to_look_at(head)
            and container_of(head) is None
            and self._is_readable(0)
            and (piece := read1(HEAD_BYTES))
        ):
            more += piece
            head += piece
        self._n_bytes += len(more)
        return more

    def _take_decoded(
        self, container: PipedContainer, timeout_s: float
    ) -> NDArray[np.float32] | Lost | None:
        """Samples that a container gives besides what its bytes complete at once."""
        try:
            item = container.take(timeout_s if container.is_full else 0.0)
        except BaseException:
            self.close()
            raise
        self.notes = container.notes
        if container.is_over:
            self.close()
        return item

    def _take(self, data: bytes) -> None:
        """Take bytes; the first ones tell what they are."""
        if self._head is not None:
            self._head = self._tags.behind(self._head + data)
            if is_doubtful(self._head):
                return
            data = self._decide(self._head)
        if self._container is not None:
            self._items.extend(self._container.push(data))
        elif len(samples := self._pcm.samples(data)):
            self._items.append(samples)

    def _decide(self, head: bytes) -> bytes:
        self._head = None
        head = self._tags.sound(head)
        kind = container_of(head) or ("mp3" if self._tags.is_tagged else None)
        if kind is not None:
            self._container = PipedContainer(
                kind,
                self._subject,
                self.sample_rate,
                self.n_channels,
                may_gather=self._may_gather,
                roles=self._roles,
                track=self._track,
            )
        else:
            check_sound(head, self._subject)
            check_track(self._subject, 1, self._track)
        return head

    def _next_of_rest(
        self, rest: Iterator[NDArray[np.float32] | Lost]
    ) -> NDArray[np.float32] | Lost | None:
        """Next of what is decoded once the pipe has ended."""
        try:
            item = next(rest, None)
        except BaseException:
            self.close()
            raise
        if self._container is not None:
            self.notes = self._container.notes
        if item is None:
            self.close()
            if not self._is_heard:
                raise self._no_sound_came()
        return item

    def _is_readable(self, timeout_s: float) -> bool:
        if sys.platform == "win32":  # select knows only sockets there
            return True
        try:
            return bool(select.select([self._stream], [], [], max(0.0, timeout_s))[0])
        except (OSError, ValueError):  # no descriptor behind it, as with BytesIO
            return True

    def _end(self) -> NDArray[np.float32] | Lost | None:
        if self._n_bytes == 0:
            self._exhausted = True
            raise self._nothing_came()
        if self._head is not None:
            if not self._tags.sound(self._head):
                self._exhausted = True
                raise AudioFileError(
                    f"{self._subject} ended within or behind a tag, before any sound, but a whole "
                    "recording is needed: check the program that writes it."
                )
            head, self._head = self._decide(self._head), None
            self._take(head)
        self._rest = iter(()) if self._container is None else self._container.finish()
        return self._read(0)

    def _no_sound_came(self) -> AudioFileError:
        return AudioFileError(
            f"{self._subject} ended without a single sample, but raw 16-bit PCM or a recording "
            "with sound is needed: check the program that writes into the pipe."
        )

    def _nothing_came(self) -> AudioFileError:
        return AudioFileError(
            f"{self._subject} ended without a single byte, but raw 16-bit PCM or a "
            "recording is needed: check the program that writes into the pipe."
        )

    def close(self) -> None:
        """End the stream; what was read before is still given."""
        if self._container is not None and self._rest is None and not self._exhausted:
            with suppress(SerLiveError):  # it is ended early, so its end may well be missing
                self._items.extend(self._container.at_hand())
        self._exhausted = True
        self._rest = None
        if self._container is not None:
            self._container.close()
            self._container = None
