"""Checks of the way in: PortAudio, the devices, one second of listening."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import CLIPPED_LEVEL, level_dbfs, peak_dbfs
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, RejectSettings
from ser_live.doctor.check import Check, Verdict
from ser_live.errors import DeviceError
from ser_live.sources import Lost, MicrophoneSource
from ser_live.sources.devices import (
    InputDevice,
    accepted_rates,
    choose_device,
    choose_format,
    list_devices,
    portaudio,
)
from ser_live.sources.microphone_hint import silence_remedy
from ser_live.stream.drive import drive
from ser_live.stream.raw import RawStream

LISTEN_S = 1.0
"""Duration of listening for the level, in seconds."""


def check_portaudio() -> Check:
    """The library behind the microphone."""
    number, text = portaudio().get_portaudio_version()
    # "PortAudio V19.7.0-devel, revision 147dd722548358763a8b649b3e4b41dfffbcfbb6"
    name = text.split(",")[0].removeprefix("PortAudio V")
    return Check(Verdict.OK, name, measured={"version": text, "number": number})


def check_devices(wanted: int | str | None) -> Check:
    """The input devices, and whether the one to be used opens with some format."""
    devices = list_devices()
    try:
        chosen = choose_device(devices, wanted)
        rate, n_channels = choose_format(chosen)
    except DeviceError as error:
        failed = Check.failed(error)
        listed, measured = _listed(devices, None)
        return Check(Verdict.PROBLEM, failed.found, failed.remedy, listed, measured)
    listed, measured = _listed(devices, chosen)
    n = len(devices)
    channels = "1 channel" if n_channels == 1 else f"{n_channels} channels"
    return Check(
        Verdict.OK,
        f"{n} found; {chosen.name} gives {rate} Hz, {channels}",
        lines=listed,
        measured={**measured, "chosen": chosen.index, "sample_rate": rate, "channels": n_channels},
    )


def _listed(
    devices: list[InputDevice], chosen: InputDevice | None
) -> tuple[tuple[str, ...], dict[str, object]]:
    """A line a device for people, and the same for programs."""
    lines = []
    records = []
    for device in devices:
        rates = accepted_rates(device)
        mark = "*" if device == chosen else " "
        khz = " ".join(f"{rate / 1000:g}" for rate in rates)
        lines.append(f"{mark} {device.label}: {f'{khz} kHz' if rates else 'no usual rate'}")
        records.append(
            {
                "index": device.index,
                "name": device.name,
                "host_api": device.host_api,
                "channels": device.n_channels,
                "is_default": device.is_default,
                "accepted_rates": list(rates),
            }
        )
    return tuple(lines), {"devices": records}


@dataclass(frozen=True)
class Heard:
    """A second of the microphone."""

    samples: NDArray[np.float32]
    """16 kHz mono."""
    n_losses: int
    """Number of times that audio was lost on the way."""


def check_level(wanted: int | str | None) -> Check:
    """Whether sound arrives, and how loud; the sound itself is not kept."""
    return judge_level(listen(wanted))


def listen(wanted: int | str | None) -> Heard:
    """Open the device and hear `LISTEN_S`; raises ``DeviceError`` where nothing comes."""
    parts: list[NDArray[np.float32]] = []
    n_losses = 0
    # The source itself gives up on a device that delivers nothing for 5 s.
    deadline_s = time.monotonic() + 10.0 + LISTEN_S

    def is_enough() -> bool:
        n_samples = sum(map(len, parts))
        return n_samples >= LISTEN_S * SAMPLE_RATE_HZ or time.monotonic() >= deadline_s

    for item in drive(MicrophoneSource(wanted), RawStream, is_aborted=is_enough):
        if isinstance(item, Lost):
            n_losses += 1
        else:
            parts.append(item)
    return Heard(np.concatenate([*parts, np.zeros(0, np.float32)]), n_losses)


def judge_level(heard: Heard, platform: str = sys.platform) -> Check:
    """Judge the microphone by a second of its sound."""
    limits = RejectSettings()
    n_frames = len(heard.samples) // FRAME_SAMPLES
    # A microphone's constant offset is not sound.
    sound = heard.samples - np.mean(heard.samples, dtype=np.float64) if n_frames else heard.samples
    frames = sound[: n_frames * FRAME_SAMPLES].reshape(n_frames, FRAME_SAMPLES)
    levels = [level_dbfs(frame) for frame in frames]
    loudest = max(levels, default=float("-inf"))
    clipped = float(np.mean(np.abs(heard.samples) >= CLIPPED_LEVEL)) if n_frames else 0.0
    measured = {
        "loudest_dbfs": round(loudest, 1) if np.isfinite(loudest) else None,
        "peak_dbfs": round(peak_dbfs(heard.samples), 1) if np.isfinite(loudest) else None,
        "clipped_share": round(clipped, 4),
        "n_losses": heard.n_losses,
    }
    text = f"loudest moment {loudest:.0f} dBFS"
    if not np.isfinite(loudest):
        return Check(
            Verdict.PROBLEM,
            "only zeros arrive: no sound at all",
            f"{silence_remedy(platform)}; then run this again while speaking",
            (),
            measured,
        )
    if clipped > limits.max_clipped_share:
        return Check(
            Verdict.WARNING,
            f"{text}, clipping: {clipped:.0%} of the samples are at the limit",
            "lower the input level in the sound settings, or move away from the microphone",
            measured=measured,
        )
    if loudest < limits.min_level_dbfs:
        return Check(
            Verdict.WARNING,
            f"{text}: too quiet, or nobody spoke",
            f"run this again while speaking; if it stays below {limits.min_level_dbfs:.0f} dBFS, "
            "raise the input level in the sound settings",
            measured=measured,
        )
    if heard.n_losses:
        return Check(
            Verdict.WARNING,
            f"{text}, but sound was lost {heard.n_losses} times on the way",
            "close programs that keep the processor busy, or try another port or device",
            measured=measured,
        )
    return Check(Verdict.OK, f"{text}: normal", measured=measured)
