"""Playing a recording to a person, and stopping it at once."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ser_live.errors import AudioFileError, DeviceError
from ser_live.sources.devices import portaudio
from ser_live.terminal.text import printable

_END_S = 2.0
"""Longest wait for a player that was asked to end."""


class Playback:
    """Plays one recording at a time, through PortAudio or a program of the person's.

    Parameters
    ----------
    player : sequence of str
        Program and arguments that play the file named behind them; PortAudio where it is empty.

    Raises
    ------
    DeviceError
        PortAudio is missing or does not start.
    """

    def __init__(self, player: Sequence[str] = ()) -> None:
        self._player = list(player)
        self._portaudio: Any = None if self._player else portaudio()
        self._process: subprocess.Popen[bytes] | None = None

    def play(self, path: Path) -> None:
        """Begin to play; what plays already ends.

        Raises
        ------
        AudioFileError
            The recording cannot be read.
        DeviceError
            There is nothing to play it with.
        """
        self.stop()
        if self._player:
            self._play_with_program(path)
        else:
            self._play_with_portaudio(path)

    def _play_with_program(self, path: Path) -> None:
        try:
            # Its standard streams are not the person's: keys belong to the question.
            self._process = subprocess.Popen(
                [*self._player, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, ValueError) as error:
            cause = (getattr(error, "strerror", None) or str(error)).lower()
            raise DeviceError(
                f"The player {printable(self._player[0])} cannot be started ({cause}), but one is "
                "needed to hear utterances: give --player a program that plays a file."
            ) from error

    def _play_with_portaudio(self, path: Path) -> None:
        import soundfile

        try:
            samples, rate = soundfile.read(path, dtype="float32")
        except (OSError, soundfile.SoundFileError) as error:
            raise AudioFileError(
                f"{printable(str(path))} cannot be played ({error}), but it holds the utterance: "
                "skip it."
            ) from error
        try:
            self._portaudio.play(samples, rate)
        except (self._portaudio.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"Nothing plays sound here ({error}), but utterances must be heard: connect "
                "headphones, or name a program with --player, such as `--player aplay`."
            ) from error

    def stop(self) -> None:
        """End what plays."""
        if self._portaudio is not None:
            with suppress(self._portaudio.PortAudioError):
                self._portaudio.stop()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
