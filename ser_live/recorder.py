"""Keeps the audio of utterances on disk, only when asked to."""

from __future__ import annotations

import os
from pathlib import Path

from ser_live import __version__
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import LogError
from ser_live.events import Utterance
from ser_live.private_files import create_private_file, make_private_folder

SOFTWARE = "ser-live"
"""Begins the field ``software`` of every recording, by which `purge` knows its own."""


class UtteranceRecorder:
    """Writes each final utterance as a 16 kHz FLAC file, readable by the owner only.

    Parameters
    ----------
    folder : Path
        Made for the owner only when missing; existing recordings are never overwritten.
    """

    def __init__(self, folder: Path) -> None:
        try:
            make_private_folder(folder)
        except OSError as error:
            raise LogError(
                f"Cannot make the folder {folder} for audio ({error.strerror}): "
                "name another with --save-audio."
            ) from error
        self.folder = folder

    def write(self, utterance: Utterance, stem: str) -> Path:
        """Write one utterance as ``<stem>-u<id>.flac`` and return its path."""
        import soundfile

        path = self.folder / f"{stem}-u{utterance.id:05d}.flac"
        try:
            # Refuses an existing file, so that nothing recorded is ever lost.
            with (
                os.fdopen(create_private_file(path), "wb") as file,
                soundfile.SoundFile(
                    file, "w", SAMPLE_RATE_HZ, channels=1, format="FLAC", subtype="PCM_16"
                ) as flac,
            ):
                flac.software = f"{SOFTWARE} {__version__}"
                flac.write(utterance.samples)
        except OSError as error:
            raise LogError(
                f"Cannot write {path} ({error.strerror}): "
                "free the space or name another folder with --save-audio."
            ) from error
        return path
