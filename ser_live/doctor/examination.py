"""All checks, in the order in which one failure explains the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ser_live import session_log, speaker_profile
from ser_live.config import Settings
from ser_live.doctor.check import Check, Verdict
from ser_live.doctor.hearing import check_detector, check_session, load_model
from ser_live.doctor.machine import check_folder, check_python, check_terminal
from ser_live.doctor.microphone import check_devices, check_level, check_portaudio
from ser_live.model import EmotionModel


@dataclass(frozen=True)
class Examination:
    """A check that has not been made yet."""

    name: str
    doing: str
    """What happens meanwhile, for whoever waits; empty for checks that take no time."""
    run: Callable[[], Check]


def examinations(
    device: int | str | None = None, model: str | None = None
) -> Iterator[Examination]:
    """Everything that can be checked; run each one before asking for the next.

    Parameters
    ----------
    device : int, str or None
        Microphone to try, as for ``find_device``.
    model : str or None
        Name or folder of the model to try.
    """
    settings = Settings()
    loaded: list[EmotionModel | None] = []
    devices: list[Check] = []

    def try_devices() -> Check:
        devices.append(check_devices(device))
        return devices[0]

    def load() -> Check:
        emotion_model, check = load_model(model)
        loaded.append(emotion_model)
        return check

    yield Examination("Python", "", check_python)
    yield Examination("PortAudio", "", check_portaudio)
    yield Examination("microphone", "trying rates", try_devices)
    yield Examination(
        "level", "listening for one second: speak now", lambda: check_level(device, devices[0])
    )
    yield Examination("speech detector", "", lambda: check_detector(settings))
    yield Examination("model", "reading", load)
    yield Examination(
        "self-test", "hearing the bundled recording", lambda: check_session(loaded[0], settings)
    )
    yield Examination(
        "log folder",
        "",
        lambda: check_folder(
            session_log.default_folder(),
            Verdict.PROBLEM,
            "make it writable, or start with `--log FILE` or `--no-log`",
        ),
    )
    yield Examination(
        "profile folder",
        "",
        lambda: check_folder(
            speaker_profile.default_folder(),
            Verdict.WARNING,
            "make it writable, or do without `ser-live enroll`",
        ),
    )
    yield Examination("terminal", "", check_terminal)
