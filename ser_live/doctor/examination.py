"""All checks, in the order in which one failure explains the next.

What imports numpy or an audio library is imported only by the check that needs it: the doctor
is for machines on which that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ser_live.config import Settings
from ser_live.doctor.check import Check, Verdict
from ser_live.doctor.machine import check_folder, check_python, check_terminal
from ser_live.errors import SerLiveError
from ser_live.records.folders import profiles_folder, sessions_folder

if TYPE_CHECKING:
    from ser_live.model.emotion_model import EmotionModel


@dataclass(frozen=True)
class Examination:
    """A check that has not been made yet."""

    name: str
    examine: Callable[[], Check]
    doing: str = ""
    """Activity meanwhile, shown to those who wait; empty for checks that take no time."""
    needs: str = ""
    """Name of the check without which this one cannot be made; empty for none."""

    def run(self, earlier: Mapping[str, Check]) -> Check:
        """Make the check; where it breaks, that is what was found.

        Parameters
        ----------
        earlier : mapping of str to Check
            What was found so far, by name.
        """
        if self.needs and not earlier[self.needs].works:
            return Check(Verdict.NOT_TRIED, f"{self.needs} has to work first")
        try:
            return self.examine()
        except SerLiveError as error:
            return Check.failed(error)
        except Exception as error:  # noqa: BLE001  anything may be broken on this machine
            return Check.broken(error)


def examinations(
    device: int | str | None = None, model: str | None = None
) -> tuple[Examination, ...]:
    """Everything that can be checked, to be made in this order.

    Parameters
    ----------
    device : int, str or None
        Microphone to try, as for ``find_device``.
    model : str or None
        Name or folder of the model to try.
    """
    settings = Settings()
    loaded: list[EmotionModel] = []

    def microphone() -> Check:
        from ser_live.doctor.microphone import check_devices

        return check_devices(device)

    def level() -> Check:
        from ser_live.doctor.microphone import check_level

        return check_level(device)

    def detector() -> Check:
        from ser_live.doctor.hearing import check_detector

        return check_detector(settings)

    def the_model() -> Check:
        from ser_live.doctor.hearing import load_model

        emotion_model, check = load_model(model)
        loaded.append(emotion_model)
        return check

    def self_test() -> Check:
        from ser_live.doctor.hearing import check_session

        return check_session(loaded[0], settings)

    speaking = "listening for one second: speak now"
    hearing = "hearing the bundled recording"
    return (
        Examination("Python", check_python),
        Examination("PortAudio", _portaudio),
        Examination("microphone", microphone, "trying rates", needs="PortAudio"),
        Examination("level", level, speaking, needs="microphone"),
        Examination("speech detector", detector),
        Examination("model", the_model, "reading"),
        Examination("self-test", self_test, hearing, needs="model"),
        Examination("log folder", _log_folder),
        Examination("profile folder", _profile_folder),
        Examination("terminal", check_terminal),
    )


def _portaudio() -> Check:
    from ser_live.doctor.microphone import check_portaudio

    return check_portaudio()


def _log_folder() -> Check:
    remedy = "make it writable, or start with `--log FILE` or `--no-log`"
    return check_folder(sessions_folder(), Verdict.PROBLEM, remedy)


def _profile_folder() -> Check:
    remedy = "make it writable, or do without `ser-live enroll`"
    return check_folder(profiles_folder(), Verdict.WARNING, remedy)
