"""Keeps the audio of utterances on disk, only when asked to."""

from __future__ import annotations

from pathlib import Path

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import LogError
from ser_live.events import Utterance


class UtteranceRecorder:
    """Writes each final utterance as a 16 kHz FLAC file, readable by the owner only.

    Parameters
    ----------
    directory : Path
        Made when missing; existing recordings are never overwritten.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise LogError(
                f"Cannot make the folder {directory} for audio ({error.strerror}): "
                "name another with --save-audio."
            ) from error
        self._directory = directory

    def write(self, utterance: Utterance, stem: str) -> Path:
        """Write one utterance as ``<stem>-u<id>.flac`` and return its path."""
        import soundfile

        path = self._directory / f"{stem}-u{utterance.id:05d}.flac"
        try:
            # "x" refuses an existing file, so that nothing recorded is ever lost.
            with path.open("xb") as file:
                path.chmod(0o600)
                soundfile.write(
                    file, utterance.samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16"
                )
        except OSError as error:
            raise LogError(
                f"Cannot write {path} ({error.strerror}): "
                "free the space or name another folder with --save-audio."
            ) from error
        return path
