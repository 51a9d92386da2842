"""Opening of another microphone, in a thread next to the one that hears the present one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import DeviceError
from ser_live.sources.devices import (
    InputDevice,
    end_without_portaudio,
    list_devices,
    portaudio_lock,
    same_device,
)
from ser_live.sources.microphone import MicrophoneSource
from ser_live.sources.ring_buffer import Lost

_LIST_LIMIT_S = 0.5
"""Time that a list of devices is waited for: a stream that closes may hold PortAudio for long."""

_SETTLE_S = 0.25
"""Time given to a device that opened until its place in time is read from it, as for a search."""

_STOP_LIMIT_S = 2.0
"""Time that `DeviceChange.stop` waits for an opening that goes on."""


def known_devices() -> list[InputDevice]:
    """Input devices as PortAudio read them last, for any thread while streams are open.

    Raises
    ------
    DeviceError
        No PortAudio, or it is busy with a sound server that does not answer.
    """
    if not portaudio_lock.acquire(timeout=_LIST_LIMIT_S):
        raise DeviceError(
            "The list of microphones is not to be had while the sound server does not answer, but "
            "it is needed to choose one: try again later."
        )
    try:
        return list_devices()
    finally:
        portaudio_lock.release()


class DeviceChange:
    """Opens another device and waits for its first audio; the present one is heard meanwhile.

    Parameters
    ----------
    device : InputDevice
        The device to open, as it was listed.
    make : callable
        Makes its source.
    """

    def __init__(
        self, device: InputDevice, make: Callable[[InputDevice], MicrophoneSource]
    ) -> None:
        self.device = device
        self._make = make
        self._stop = threading.Event()
        self.found: tuple[MicrophoneSource, NDArray[np.float32] | Lost] | None = None
        """The open microphone and the first it gave."""
        self.refusal: DeviceError | None = None
        """Why it cannot be heard."""
        self.failure: BaseException | None = None
        """Exception that broke the opening, other than a device that refuses."""
        # A daemon, against the house rule, for the same reason as the search for a device.
        self._thread = threading.Thread(target=self._guarded, name="ser-live change", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the opening, within 2 s; what was opened is closed."""
        self._stop.set()
        self._thread.join(_STOP_LIMIT_S)
        if self._thread.is_alive():
            end_without_portaudio()
        elif self.found is not None:
            self.found[0].close()

    def _guarded(self) -> None:
        try:
            self.found = self._opened()
        except DeviceError as error:
            self.refusal = error
        except BaseException as error:  # noqa: BLE001  a thread boundary; the reader raises it
            self.failure = error

    def _opened(self) -> tuple[MicrophoneSource, NDArray[np.float32] | Lost] | None:
        # The numbers may be others by now: PortAudio was started anew while a device was lost.
        now = same_device(known_devices(), self.device)
        if now is None:
            raise DeviceError(
                f"{self.device.name} is not there any more, but a microphone is needed: choose "
                "another one from the list."
            )
        microphone = self._make(now)
        try:
            microphone.open()
            while not self._stop.is_set():
                # Opening alone tells little: sound servers open what then stays silent.
                first = microphone.read(0.05)
                if first is not None:
                    self._stop.wait(_SETTLE_S)
                    return microphone, first
        except BaseException:
            microphone.close()
            raise
        microphone.close()
        return None
