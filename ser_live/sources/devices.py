"""Input devices: listing, choosing, probing, finding again.

PortAudio reads the list of devices once, when it starts; `read_devices_anew` starts it
again.
"""

from __future__ import annotations

import atexit
import ctypes
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_live.audio import MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import DeviceError

_WHERE_PLUGGED = re.compile(r"\(hw:\d+,\d+\)|\b\d+- ")
"""Part of a device's name that tells where it is plugged in: ALSA's card number, the
number that Windows gives a second socket."""

portaudio_lock = threading.Lock()
"""Held while a stream is opened or closed or PortAudio started: it keeps a list of its
streams and is not made for several threads."""

_kept_plugins: dict[str, ctypes.CDLL] = {}

PROBED_RATES_HZ = (8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000)
"""Sample rates tried on every listed device, in hertz."""


@dataclass(frozen=True)
class InputDevice:
    """A device that audio can be recorded from."""

    index: int
    """PortAudio's number, stable while nothing is plugged in or out."""
    name: str
    host_api: str
    """System interface it is reached by: ALSA, Core Audio, Windows WASAPI."""
    n_channels: int
    """Most channels it records."""
    default_sample_rate: int
    """Hertz."""
    is_default: bool

    @property
    def label(self) -> str:
        """Number and name, as in a list."""
        return f"{self.index} {self.name} ({self.host_api})"


def portaudio() -> Any:
    """Import sounddevice, which starts PortAudio.

    Raises
    ------
    DeviceError
        sounddevice or the PortAudio library is not installed, or it does not start.
    """
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "The PortAudio library was not found, but the microphone needs it: install it "
            "(on Debian and Ubuntu `sudo apt install libportaudio2`), or replay a recording "
            "with `ser-live replay FILE`."
        ) from error
    except ImportError as error:
        raise DeviceError(
            f"The library sounddevice cannot be imported ({error}), but the microphone needs it: "
            "install ser-live again with its dependencies."
        ) from error
    except Exception as error:  # PortAudioError, a class that this very import would have brought
        raise _does_not_start(error) from error
    return sounddevice


def _does_not_start(error: Exception) -> DeviceError:
    return DeviceError(
        f"PortAudio does not start ({error}), but a microphone needs it: check that the sound "
        "server runs."
    )


def list_devices() -> list[InputDevice]:
    """All input devices, in PortAudio's order; empty where there is none.

    Raises
    ------
    DeviceError
        No PortAudio, or it cannot list devices.
    """
    sd = portaudio()
    try:
        found = sd.query_devices()
        host_apis = sd.query_hostapis()
        default = sd.default.device[0]
    except (sd.PortAudioError, UnicodeDecodeError, AssertionError) as error:
        # The second is a name that is not text, the third a library of another version.
        raise DeviceError(
            f"PortAudio cannot list the devices ({error}), but one is needed: check that the "
            "sound server runs."
        ) from error
    return [
        InputDevice(
            index=int(device["index"]),
            name=device["name"],
            host_api=host_apis[device["hostapi"]]["name"],
            n_channels=int(device["max_input_channels"]),
            default_sample_rate=round(device["default_samplerate"]),
            is_default=device["index"] == default,
        )
        for device in found
        if device["max_input_channels"] > 0
    ]


def read_devices_anew() -> None:
    """Let PortAudio read the list of devices again. No stream may be open.

    Raises
    ------
    DeviceError
        No PortAudio, or it does not start.
    """
    sd = portaudio()
    with portaudio_lock:
        _keep_alsa_plugins()
        try:
            # Not running after a start that failed: there is nothing to end then.
            with suppress(sd.PortAudioError):
                sd._terminate()
            sd._initialize()
        except sd.PortAudioError as error:
            raise _does_not_start(error) from error


def _keep_alsa_plugins() -> None:
    """Hold ALSA's plugins in memory, which it loads again with every start of PortAudio.

    Each time something of the libraries they bring along is lost: 12 kB were measured,
    40 MB in an hour of looking for a device.
    """
    with suppress(OSError):
        mapped = Path("/proc/self/maps").read_text(errors="replace")
        for path in set(re.findall(r"/\S*/libasound_module_\S+", mapped)) - set(_kept_plugins):
            _kept_plugins[path] = ctypes.CDLL(path)


def end_without_portaudio() -> None:
    """Let the process end while a call of PortAudio hangs.

    At exit sounddevice closes what is open, and would wait for ever.
    """
    exit_handler = getattr(portaudio(), "_exit_handler", None)
    if exit_handler is not None:
        atexit.unregister(exit_handler)


def same_device(devices: list[InputDevice], lost: InputDevice) -> InputDevice | None:
    """The device that `lost` is now, also under another index or in another socket.

    The same name wins over one that differs in the socket; of several, the first.
    """

    def stem(device: InputDevice) -> tuple[str, str]:
        return _WHERE_PLUGGED.sub("", device.name), device.host_api

    alike = [device for device in devices if stem(device) == stem(lost)]
    exact = [device for device in alike if device.name == lost.name]
    return next(iter(exact or alike), None)


def find_device(wanted: int | str | None = None) -> InputDevice:
    """Choose an input device.

    Parameters
    ----------
    wanted : int, str or None
        Index, or a name in full or in part, upper and lower case alike; ``None`` for the
        system's default. A name given in full wins over names that contain it. Where a
        device appears under several host APIs, the one of the default device's host API
        wins; "name, host API" names one of them.

    Raises
    ------
    DeviceError
        No PortAudio, no device at all, none that fits, or several.
    """
    return choose_device(list_devices(), wanted)


def choose_device(devices: list[InputDevice], wanted: int | str | None) -> InputDevice:
    """Choose among listed devices; see `find_device`."""
    if not devices:
        raise no_device()
    if wanted is None:
        return _default(devices)
    if isinstance(wanted, int):
        return _by_index(devices, wanted)
    # More digits than any index has are looked for in the names, like a serial number.
    if wanted.strip().isdecimal() and len(wanted.strip()) < 10:
        return _by_index(devices, int(wanted))
    return _by_name(devices, wanted)


def no_device() -> DeviceError:
    """The error of a machine without any microphone."""
    return DeviceError(
        "No input device was found, but a microphone is needed: connect one and start "
        "again, or replay a recording with `ser-live replay FILE`."
    )


def _default(devices: list[InputDevice]) -> InputDevice:
    for device in devices:
        if device.is_default:
            return device
    raise DeviceError(
        "The system has no default input device, but one is needed: choose one of "
        f"{_listed(devices)} with `-d`."
    )


def _by_index(devices: list[InputDevice], index: int) -> InputDevice:
    for device in devices:
        if device.index == index:
            return device
    raise DeviceError(
        f"There is no input device {index}, but one that is there is needed: "
        f"choose {_listed(devices, 'or')}."
    )


def _by_name(devices: list[InputDevice], wanted: str) -> InputDevice:
    part = wanted.strip().casefold()
    full = {device.index: f"{device.name}, {device.host_api}".casefold() for device in devices}
    fits = [device for device in devices if part in full[device.index]]
    exact = [d for d in fits if part in (d.name.casefold(), full[d.index])]
    fits = exact or fits
    # MME cuts names off after 31 characters.
    if len({device.name[:31] for device in fits}) == 1 < len(fits):
        default_api = next((device.host_api for device in devices if device.is_default), None)
        fits = [device for device in fits if device.host_api == default_api] or fits
    if not fits:
        raise DeviceError(
            f"No input device has “{wanted}” in its name, but one that is there is needed: "
            f"choose {_listed(devices, 'or')}."
        )
    if len(fits) > 1:
        raise DeviceError(
            f"“{wanted}” fits {len(fits)} input devices, but exactly one is needed: choose "
            f"{_listed(fits, 'or')} by its number."
        )
    return fits[0]


def _listed(devices: list[InputDevice], last: str = "and") -> str:
    labels = [device.label for device in devices]
    return f" {last} ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))


def accepts(device: InputDevice, sample_rate: int, n_channels: int) -> bool:
    """Whether PortAudio says that the device opens with this format (float32)."""
    sd = portaudio()
    try:
        sd.check_input_settings(device.index, n_channels, "float32", samplerate=sample_rate)
    except (sd.PortAudioError, ValueError):
        return False
    return True


def accepted_rates(device: InputDevice) -> tuple[int, ...]:
    """Sample rates out of `PROBED_RATES_HZ` that the device opens with, in hertz."""
    n_channels = min(2, device.n_channels)
    return tuple(
        rate
        for rate in PROBED_RATES_HZ
        if accepts(device, rate, 1) or accepts(device, rate, n_channels)
    )


def choose_format(
    device: InputDevice,
    sample_rate: int | None = None,
    n_channels: int | None = None,
    is_accepted: Callable[[InputDevice, int, int], bool] = accepts,
) -> tuple[int, int]:
    """Sample rate in hertz and channel count to open a device with.

    16 kHz mono where it is accepted, else the nearest to it: the device's own rate, then
    other usual rates; one channel, then two, then all.

    Parameters
    ----------
    device : InputDevice
        The device.
    sample_rate, n_channels : int, optional
        Ask for just this rate or channel count.
    is_accepted : callable
        Tells whether the device takes a rate and channel count.

    Raises
    ------
    DeviceError
        Nothing is accepted.
    """
    usual = (SAMPLE_RATE_HZ, device.default_sample_rate, 48_000, 44_100, 32_000, 22_050, 8_000)
    rates = dict.fromkeys(usual) if sample_rate is None else {sample_rate: None}
    counts = dict.fromkeys((1, 2, device.n_channels)) if n_channels is None else {n_channels: None}
    for rate in rates:
        for count in counts:
            if (
                MIN_SAMPLE_RATE_HZ <= rate <= MAX_SAMPLE_RATE_HZ
                and 1 <= count <= device.n_channels
                and is_accepted(device, rate, count)
            ):
                return rate, count
    asked = " or ".join(f"{rate} Hz" for rate in rates)
    raise DeviceError(
        f"{device.name} refuses {asked} with {' or '.join(map(str, counts))} channel(s) out of its "
        f"{device.n_channels}, but one such format is needed: close programs that use it, or "
        "choose another device from `ser-live --list-devices`."
    )
