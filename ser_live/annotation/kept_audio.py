"""The audio that a session kept, for each of its utterances."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.events import EmotionResult
from ser_live.records.recorder import recording_name
from ser_live.records.session_files import PassedOver, audio_folder_of, find_recordings

_MAX_OFF_SAMPLES = 16
"""Seconds in a log are rounded to the millisecond."""

_NUMBERED = re.compile(r"(.+-u\d{5,})(-\d+)?\.flac", re.ASCII)


class KeptAudio:
    """Recordings in the folder that a log names.

    Sessions may share a folder. Then one utterance may have several files of its name; the one
    of its length is taken, and none where two are.

    Parameters
    ----------
    log : Path
        The session's log.
    """

    def __init__(self, log: Path) -> None:
        self.folder = audio_folder_of(log)
        self._by_name: dict[str, list[Path]] = {}
        passed_over: list[PassedOver] = []
        if self.folder is not None:
            for file in find_recordings(self.folder, passed_over):
                named = _NUMBERED.fullmatch(file.path.name)
                if named is not None:
                    self._by_name.setdefault(named[1], []).append(file.path)

    def of(self, result: EmotionResult) -> Path | None:
        """The recording of an utterance; ``None`` where there is none, or no telling which."""
        candidates = self._by_name.get(recording_name(result.stream, result.id), [])
        n_samples = result.end_sample - result.start_sample
        found = [path for path in candidates if _has_length(path, n_samples)]
        return found[0] if len(found) == 1 else None


def _has_length(path: Path, n_samples: int) -> bool:
    import soundfile

    with suppress(OSError, soundfile.SoundFileError):
        info = soundfile.info(str(path))
        is_own = bool(info.samplerate == SAMPLE_RATE_HZ)
        return is_own and abs(int(info.frames) - n_samples) <= _MAX_OFF_SAMPLES
    return False
