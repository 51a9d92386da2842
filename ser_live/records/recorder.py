"""Keeps the audio of utterances on disk, only when asked to."""

from __future__ import annotations

import io
import os
import re
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live import __version__
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import LogError
from ser_live.events import EmotionResult, Event, Kind, StreamId
from ser_live.records.expiry import expires_in_tag
from ser_live.records.private_files import create_private_file, make_private_folder
from ser_live.terminal.text import printable

SOFTWARE = "ser-live"
"""First word of the field ``software`` of every recording, by which `purge` knows them."""

_MAX_STEM = 60
"""Characters kept of a recording's name; four bytes each are still a name everywhere."""


class UtteranceRecorder:
    """Writes each final utterance as a 16 kHz FLAC file, readable by the owner only; a sink.

    A write that fails (full disk, vanished folder) never ends the session: it is counted,
    said in `failure`, and the next utterance is tried again.

    Parameters
    ----------
    folder : Path
        Made for the owner only when missing; existing recordings are never overwritten.
    expires_at : str or None
        Wall time after which the recordings are to be removed; each says it.

    Raises
    ------
    LogError
        The folder cannot be made.
    """

    name = "audio"

    def __init__(self, folder: Path, expires_at: str | None = None) -> None:
        self.folder = folder
        self._expires_at = expires_at
        self.failure: str | None = None
        """One sentence about the last failed write; stays after writing works again."""
        self.n_failed = 0
        """Utterances whose audio was not kept."""
        try:
            self._make_folder()
        except OSError as error:
            raise LogError(
                f"Cannot make the folder {folder} for audio ({error.strerror}): "
                "name another with --save-audio."
            ) from error

    def _make_folder(self) -> None:
        make_private_folder(self.folder)

    def open(self) -> None:
        """Do nothing: the folder was made early, so that a bad place is said early."""

    def take(self, event: Event) -> None:
        """Write the audio of a final result that carries it."""
        if not isinstance(event, EmotionResult) or event.samples is None:
            return
        if event.kind is Kind.FINAL:
            self.write(event.samples, event.id, _stem(event.stream))

    def idle(self, now_s: float) -> None:
        """Do nothing: every utterance is written at once."""

    def close(self) -> None:
        """Do nothing: every file is closed when it is written."""

    def write(self, samples: NDArray[np.float32], number: int, stem: str) -> Path | None:
        """Write an utterance as ``<stem>-u<number>.flac`` (``-2`` after it where that exists).

        In `stem`, what could lead out of the folder, command a terminal or not be in a name
        on every system becomes ``_``, and what is too long is cut off.

        Returns
        -------
        Path or None
            The file; ``None`` where the audio could not be kept (see `failure`).
        """
        import soundfile

        # Encoded in memory: the encoder does not tell of a disk that fails.
        encoded = io.BytesIO()
        with soundfile.SoundFile(
            encoded, "w", SAMPLE_RATE_HZ, channels=1, format="FLAC", subtype="PCM_16"
        ) as flac:
            flac.software = f"{SOFTWARE} {__version__}"
            if self._expires_at is not None:
                flac.comment = expires_in_tag(self._expires_at)
            flac.write(_as_integers(samples))
        name = _name(stem, number)
        try:
            self._make_folder()
            return self._write_new(name, encoded.getvalue())
        except OSError as error:
            self.n_failed += 1
            self.failure = (
                f"the audio of utterance {number} could not be kept in "
                f"{printable(str(self.folder))} "
                f"({(error.strerror or str(error)).lower()}): the session goes on without it."
            )
            return None

    def _write_new(self, name: str, data: bytes) -> Path:
        for number in count(1):
            path = self.folder / (f"{name}.flac" if number == 1 else f"{name}-{number}.flac")
            try:
                # An existing file is refused, so that nothing recorded is ever lost.
                descriptor = create_private_file(path)
            except FileExistsError:
                continue
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
            except OSError:
                with suppress(OSError):
                    path.unlink()
                raise
            return path
        raise AssertionError("unreachable: count() has no end")


def recording_name(stream: StreamId, number: int) -> str:
    """Name that the audio of an utterance is kept under, without ``.flac`` or a ``-2``."""
    return _name(_stem(stream), number)


def _name(stem: str, number: int) -> str:
    return f"{_safe(stem)}-u{number:05d}"


def keeps(event: Event) -> bool:
    """Whether a recorder has a use for an event: it may be the one with the audio."""
    return isinstance(event, EmotionResult) and event.kind is Kind.FINAL


def _as_integers(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples as a microphone of 16 bits gave them, to the bit: libsndfile scales by 32767."""
    scaled = np.rint(samples * np.float32(32768.0))
    return np.asarray(np.clip(scaled, -32768, 32767), dtype=np.int16)


def _stem(stream: StreamId) -> str:
    """Name of a stream's recordings; channels of a file are numbered, from 1."""
    stem = Path(stream.file).stem if stream.file else "microphone"
    return stem if stream.channel is None else f"{stem}-channel{stream.channel + 1}"


def _safe(stem: str) -> str:
    return re.sub(r"[^\w.-]", "_", stem)[:_MAX_STEM]
