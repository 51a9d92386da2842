"""The microphone."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import DeviceError
from ser_live.events.kinds import Cause
from ser_live.sources.capture_clock import CaptureClock
from ser_live.sources.devices import (
    InputDevice,
    choose_format,
    end_without_portaudio,
    find_device,
    portaudio,
    portaudio_lock,
)
from ser_live.sources.microphone_hint import microphone_hint
from ser_live.sources.protocol import AudioSource
from ser_live.sources.ring_buffer import Lost, RingBuffer
from ser_live.sources.steady_clock import slept_s, steady_s

_POLL_S = 0.015
"""Pause between two looks of `read` into the ring buffer, in seconds. The callback may not
wake anybody: that would take a lock."""

_FIRST_CALLBACK_S = 5.0
"""Time a device may take to its first block; sound servers were seen to take 1.8 s."""

_DEAD_AFTER_S = 2.0
"""Silence of the callback after which the device counts as dead. Some devices end without
telling anybody."""

_CLOSE_LIMIT_S = 2.0
"""Time that closing may take; PortAudio can wait for ever on a stalled device."""

_unclosed: set[Any] = set()
"""Streams that are open, or would not close. PortAudio may still call into them: they
must live. It may not be started again before they are gone."""


def all_closed() -> bool:
    """Whether no microphone of this process is open, or still closing."""
    return not _unclosed


class MicrophoneSource(AudioSource):
    """A live input device, opened at 16 kHz mono or else at what it accepts.

    PortAudio's thread copies every block into a ring buffer; `read` takes it out. Blocks
    that come while the buffer is full, and losses that the device itself reports, turn up
    as `Lost` at their place in the stream. After `close`, `read` gives what was captured
    before, until `exhausted`.

    What PortAudio and ALSA print on standard error is the program's to capture, and so is the
    environment: see ``process.sound``.

    Parameters
    ----------
    device : int, str, InputDevice or None
        Index, any part of the name, or ``None`` for the default (see ``find_device``); or
        a device that was found already.
    sample_rate, n_channels : int, optional
        Open with just this rate (hertz) or channel count.
    block_s : float
        Length of a captured block, in seconds. Waking up is most of the cost of listening:
        blocks of 20 ms took nearly twice the processor time of 30 ms.
    buffer_s : float
        Audio that may wait for the reader, in seconds.

    Attributes
    ----------
    device : InputDevice or None
        What was opened.
    end_cause : Cause or None
        Why the device ended by itself: ``DISCONNECTED`` or ``STALLED``.
    origin_s : float
        When its first sample was spoken, on ``steady_s``; see `CaptureClock`.
    """

    is_live = True
    file: str | None = None
    no_signal_hint = microphone_hint(sys.platform)

    def __init__(
        self,
        device: int | str | InputDevice | None = None,
        sample_rate: int | None = None,
        n_channels: int | None = None,
        block_s: float = 0.06,
        buffer_s: float = 10.0,
    ) -> None:
        self.device = device if isinstance(device, InputDevice) else None
        self.name = "microphone" if device is None else str(device)
        self.sample_rate = 0
        self.n_channels = 0
        self.end_cause: Cause | None = None
        self._wanted = (device, sample_rate, n_channels)
        self._block_s = block_s
        self._buffer_s = buffer_s
        self._stream: Any = None
        self._closing: threading.Thread | None = None
        self._was_waited_for = False
        self._ring: RingBuffer | None = None
        self._losses: deque[Lost] = deque()
        self._is_ended = False
        # Written by PortAudio's thread, read by the reader; single values need no lock.
        self._n_callbacks = 0
        self._is_finished = False
        self._clock = CaptureClock(0)
        self._held: list[NDArray[np.float32]] = []
        # The reader's view of the callback's pulse.
        self._seen_callbacks = 0
        self._silent_s = 0.0
        self._last_poll_s = 0.0

    @property
    def origin_s(self) -> float:
        return self._clock.origin_s

    @property
    def exhausted(self) -> bool:
        is_drained = self._ring is None or self._ring.is_empty
        return self._is_ended and is_drained and not self._losses

    def open(self) -> None:
        """Find the device and start capturing; the first block comes up to seconds later.

        Raises
        ------
        DeviceError
            No PortAudio, no such device, or it refuses to open.
        """
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        self._last_poll_s = time.monotonic()

    def _start(self) -> None:
        sd = portaudio()
        wanted, sample_rate, n_channels = self._wanted
        device = wanted if isinstance(wanted, InputDevice) else find_device(wanted)
        self.device = device
        self.name = device.name
        self.sample_rate, self.n_channels = choose_format(device, sample_rate, n_channels)
        block = max(1, round(self._block_s * self.sample_rate))
        capacity = max(block, round(self._buffer_s * self.sample_rate))
        self._ring = RingBuffer(capacity, self.n_channels)
        self._clock = CaptureClock(self.sample_rate)
        try:
            with portaudio_lock:
                self._stream = sd.InputStream(
                    device=device.index,
                    samplerate=self.sample_rate,
                    channels=self.n_channels,
                    dtype="float32",
                    blocksize=block,  # left to PortAudio, blocks of 1 sample were seen
                    callback=self._callback,
                    finished_callback=self._finished,
                )
                _unclosed.add(self._stream)
            self._stream.start()
        except sd.PortAudioError as error:
            raise DeviceError(
                f"{device.name} cannot be opened ({error}), but a microphone is needed: close "
                "programs that use it, or choose another one from `ser-live --list-devices`."
            ) from error

    def _callback(
        self, block: NDArray[np.float32], n_samples: int, times: Any, status: Any
    ) -> None:
        """Copy, count, return. PortAudio's thread: no lock, no output, no exception."""
        ring = self._ring
        if self._is_ended or ring is None:
            return
        self._n_callbacks += 1
        has_overflowed = bool(status.input_overflow)
        lost = self._clock.take(n_samples, steady_s(), slept_s(), has_overflowed=has_overflowed)
        if lost is None:
            self._held.append(block.copy())
            return
        for loss in lost:
            ring.note_loss(loss)
        for held in self._held:
            ring.write(held)
        self._held = []
        ring.write(block)

    def _finished(self) -> None:
        """PortAudio ended the stream: by `close`, or because the device is gone."""
        self._is_finished = True

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        """Wait for audio; see `AudioSource.read`.

        Raises
        ------
        DeviceError
            The device is gone, or has delivered nothing for 2 s (5 s at the beginning).
        """
        deadline_s = time.monotonic() + timeout_s
        while self._ring is not None:
            # Looked at before the ring: a block written before the end must not be missed.
            is_finished = self._is_finished
            item = self._take(self._ring)
            if item is not None:
                self._silent_s = 0.0
                return item
            if self._is_ended:
                return None
            self._check_pulse(is_finished)
            remaining_s = deadline_s - time.monotonic()
            if remaining_s <= 0:
                return None
            time.sleep(min(_POLL_S, remaining_s))
        return None

    def _take(self, ring: RingBuffer) -> NDArray[np.float32] | Lost | None:
        if not self._losses:
            block = ring.read()
            if len(block):
                return block
            self._losses.extend(ring.take_losses())
        return self._losses.popleft() if self._losses else None

    def _check_pulse(self, is_finished: bool) -> None:
        now_s = time.monotonic()
        # Long pauses between polls count little: then this process slept, not the device.
        self._silent_s += min(now_s - self._last_poll_s, 5 * _POLL_S)
        self._last_poll_s = now_s
        if self._n_callbacks != self._seen_callbacks:
            self._seen_callbacks = self._n_callbacks
            self._silent_s = 0.0
        limit_s = _DEAD_AFTER_S if self._n_callbacks else _FIRST_CALLBACK_S
        if not is_finished and self._silent_s < limit_s:
            return
        n_callbacks = self._n_callbacks
        self.end_cause = Cause.DISCONNECTED if is_finished else Cause.STALLED
        # Not waited for: the loss is to be known now, and a stalled device closes late.
        self._begin_to_close()
        if n_callbacks == 0:
            raise DeviceError(
                f"{self.name} opened but delivered no audio, but a working microphone is "
                "needed: check the sound settings, or choose another one from "
                "`ser-live --list-devices`."
            )
        raise DeviceError(
            f"{self.name} stopped delivering audio after {n_callbacks * self._block_s:.1f} s, but "
            "a working microphone is needed: check its plug and the sound server, then start "
            "again."
        )

    def close(self) -> None:
        """Stop capturing, within 2 s; what was captured stays readable."""
        self._begin_to_close()
        if self._closing is not None and not self._was_waited_for:
            self._was_waited_for = True
            self._closing.join(_CLOSE_LIMIT_S)
            if self._closing.is_alive():
                end_without_portaudio()
            elif self._ring is not None:
                for held in self._held:
                    self._ring.write(held)
                self._held = []
                self._ring.finish()

    def _begin_to_close(self) -> None:
        self._is_ended = True
        stream, self._stream = self._stream, None
        if stream is not None:
            # A daemon, against the house rule: a PortAudio call that never returns cannot
            # be ended, and must not keep the process from ending.
            self._closing = threading.Thread(
                target=_close, args=(stream,), name="ser-live closing", daemon=True
            )
            self._closing.start()


def _close(stream: Any) -> None:
    stream.abort(ignore_errors=True)
    with portaudio_lock:
        stream.close(ignore_errors=True)
        _unclosed.discard(stream)
