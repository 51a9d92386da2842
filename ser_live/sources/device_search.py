"""Search for a lost microphone, in a thread next to the one that waits for its audio."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import DeviceError
from ser_live.sources.devices import (
    InputDevice,
    end_without_portaudio,
    list_devices,
    read_devices_anew,
    same_device,
)
from ser_live.sources.microphone import MicrophoneSource, all_closed
from ser_live.sources.ring_buffer import Lost

RETRY_S = 1.0
"""Time from one try to the next, in seconds."""

SAME_ONLY_S = 3.0
"""Time that belongs to the lost device alone, in seconds. A loose plug or a restarted sound
server brings it back within that; the default device would be there at once and win."""

_SETTLE_S = 0.25
"""Time given to a device that was found until the length of the gap is read from it. On a busy
computer the first block alone was up to 0.05 s late, always to the same side."""

_STOP_LIMIT_S = 2.0
"""Time that `DeviceSearch.stop` waits for a try that goes on."""


class DeviceSearch:
    """Tries to open the lost device, then the default one, until audio comes.

    Every call of PortAudio can hang on a sound server that does not answer, so they are
    made in a thread of their own.

    Parameters
    ----------
    lost : MicrophoneSource
        Closed first: PortAudio looks for new devices only when nothing is open.
    wanted : InputDevice
        The device to look for.
    make : callable
        Makes the source of a device found; `MicrophoneSource` with its options.
    """

    def __init__(
        self,
        lost: MicrophoneSource,
        wanted: InputDevice,
        make: Callable[[InputDevice], MicrophoneSource],
    ) -> None:
        self._lost = lost
        self._wanted = wanted
        self._make = make
        self._stop = threading.Event()
        self.found: tuple[MicrophoneSource, NDArray[np.float32] | Lost] | None = None
        """The open microphone and the first it gave."""
        self.failure: BaseException | None = None
        """Exception that broke the search, other than a device that is not there."""
        # A daemon, against the house rule, for the same reason as the closing of a stream.
        self._thread = threading.Thread(target=self._guarded, name="ser-live search", daemon=True)
        self._thread.start()

    def look_for(self, device: InputDevice) -> None:
        """Look for another device from the next try on; for any thread."""
        self._wanted = device

    def stop(self) -> bool:
        """End the search, within 2 s; False where a call of PortAudio hangs meanwhile."""
        self._stop.set()
        self._thread.join(_STOP_LIMIT_S)
        if self._thread.is_alive():
            end_without_portaudio()
            return False
        if self.found is not None:
            self.found[0].close()
        return True

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  a thread boundary; the reader raises it
            self.failure = error

    def _run(self) -> None:
        began_s = time.monotonic()
        self._lost.close()
        while not self._stop.is_set():
            tried_s = time.monotonic()
            found = self._try(tried_s - began_s < SAME_ONLY_S)
            if found is not None and self._stop.is_set():
                found[0].close()
            elif found is not None:
                self.found = found
                return
            self._stop.wait(max(0.1, tried_s + RETRY_S - time.monotonic()))

    def _try(self, same_only: bool) -> tuple[MicrophoneSource, NDArray[np.float32] | Lost] | None:
        try:
            # A stream may hang in its closing for good: libpulse was seen to lock itself out
            # when its server was killed. Then the devices that are known have to do.
            if all_closed():
                read_devices_anew()
            candidates = self._candidates(list_devices(), same_only)
        except DeviceError:
            return None
        for device in candidates:
            # A DeviceError means only that this one is not there yet.
            with suppress(DeviceError):
                found = self._heard(self._make(device))
                if found is not None or self._stop.is_set():
                    return found
        return None

    def _candidates(self, devices: list[InputDevice], same_only: bool) -> list[InputDevice]:
        same = same_device(devices, self._wanted)
        default = None if same_only else next((d for d in devices if d.is_default), None)
        return list(dict.fromkeys(device for device in (same, default) if device is not None))

    def _heard(
        self, microphone: MicrophoneSource
    ) -> tuple[MicrophoneSource, NDArray[np.float32] | Lost] | None:
        """Open and wait for audio: a device that opens and stays silent is not back."""
        try:
            microphone.open()
            while not self._stop.is_set():
                first = microphone.read(0.05)
                if first is not None:
                    self._stop.wait(_SETTLE_S)
                    return microphone, first
        except DeviceError:
            microphone.close()
            raise
        microphone.close()
        return None
