"""The sound of single moments, where a session kept it: whole files within a page."""

from __future__ import annotations

import base64
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.records.recorder import SOFTWARE, recording_name
from ser_live.report.session_data import Judged, SessionData

MAX_AUDIO_BYTES = 1_000_000
"""Most that all sounds of a page take together, as they are written into it."""

_MAX_OFF_SAMPLES = 32
"""Positions in a log are to the millisecond."""


def sounds_of(
    data: SessionData, moments: Iterable[Judged]
) -> tuple[dict[tuple[int, int], str], int]:
    """The sounds of moments as ``data:`` addresses, by stream and id.

    Returns
    -------
    sounds : dict
    n_left_out : int
        Moments without one: it was not kept, cannot be told from another of the same name, or
        there is no room for it any more.
    """
    found: dict[tuple[int, int], str] = {}
    n_left_out = n_bytes = 0
    folder = _folder(data)
    for judged in moments:
        key = judged.result.stream.number, judged.result.id
        if key in found:
            continue
        content = None if folder is None else _recording(folder, judged)
        if content is None or n_bytes + len(content) * 4 // 3 > MAX_AUDIO_BYTES:
            n_left_out += 1
            continue
        found[key] = f"data:audio/flac;base64,{base64.b64encode(content).decode()}"
        n_bytes += len(found[key])
    return found, n_left_out


def _folder(data: SessionData) -> Path | None:
    named = data.started.audio_folder if data.started else None
    if named is None or "\0" in named or not Path(named).is_absolute():
        return None
    folder = Path(named)
    with suppress(OSError):
        # It was resolved when the log was written; a link in its place is not followed.
        if folder.resolve() == folder and folder.is_dir():
            return folder
    return None


def _recording(folder: Path, judged: Judged) -> bytes | None:
    """The file that holds an utterance; ``None`` where none does, or more than one may."""
    name = re.escape(recording_name(judged.result.stream, judged.result.id))
    wanted = re.compile(rf"{name}(-\d+)?\.flac")
    n_samples = judged.result.end_sample - judged.result.start_sample
    found: list[Path] = []
    with suppress(OSError):
        found = [
            path
            for path in folder.glob(f"*-u{judged.result.id:05d}*.flac")
            if wanted.fullmatch(path.name) and _is_it(path, n_samples)
        ]
    if len(found) != 1:
        return None
    with suppress(OSError):
        return found[0].read_bytes()
    return None


def _is_it(path: Path, n_samples: int) -> bool:
    import soundfile

    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_AUDIO_BYTES:
            return False
        with soundfile.SoundFile(path) as recording:
            return (
                recording.format == "FLAC"
                and recording.samplerate == SAMPLE_RATE_HZ
                and str(recording.software).startswith(f"{SOFTWARE} ")
                and abs(len(recording) - n_samples) <= _MAX_OFF_SAMPLES
            )
    except (OSError, soundfile.SoundFileError):
        return False
