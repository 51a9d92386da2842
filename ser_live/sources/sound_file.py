"""Decoding by libsndfile: wav, flac, ogg, opus, mp3 and their relatives."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import AudioFileError
from ser_live.sources.byte_spans import Span, SpanFile
from ser_live.sources.decoder import cut_off, damaged_after
from ser_live.sources.flac_frames import first_sample

if TYPE_CHECKING:
    import soundfile

_CHUNK_S = 0.25
"""Length decoded at a time, in seconds. It is fixed, for libsndfile's mp3 decoder gives
values that differ in the last bit with the size of the reads, and large enough that its
seek after every read costs little."""

_MOST_AT_ONCE = 1 << 18
"""Samples read at a time whatever rate a head claims: it may say thousands of megahertz."""

_MAX_FRAMES = 1 << 62
"""Length in samples from which one was not known: libsndfile then says 2^63 - 1 or so."""


class SoundFileDecoder:
    """A recording, or a span of one, decoded by libsndfile.

    Parameters
    ----------
    path : str or path
    name : str
        For people.
    span : Span or None
        Bytes to decode; ``None`` for the whole file.

    Raises
    ------
    AudioFileError
        Not audio that libsndfile knows, or without samples.
    """

    def __init__(self, path: str | os.PathLike[str], name: str, span: Span | None = None) -> None:
        import soundfile

        self._name = name
        self.notes: list[str] = []
        self._bytes = None if span is None else SpanFile(path, span, is_claiming=True)
        # Bytes reach libsndfile unchanged, also where the name is not valid text.
        whole = os.fspath(path) if sys.platform == "win32" else os.fsencode(path)
        try:
            try:
                file = soundfile.SoundFile(whole if self._bytes is None else self._bytes)
            except soundfile.LibsndfileError:
                if self._bytes is not None or not _has_neighbour(path):
                    raise
                self._bytes = SpanFile(path, Span(((0, Path(path).stat().st_size),)))
                file = soundfile.SoundFile(self._bytes)
            self._n_before = _n_before(file, path, span)
            self._file = _harmless(file, self._n_before, self._bytes or whole)
        except (soundfile.LibsndfileError, TypeError) as error:
            if self._bytes is not None:
                self._bytes.close()
            raise AudioFileError(
                f"{name} is not audio that can be decoded, but wav, flac, ogg, opus or mp3 is "
                'needed (m4a, mp4, webm, mkv with `pip install "ser-live[media]"`): convert it, '
                "or copy it again in case it is cut off."
            ) from error
        self.sample_rate = int(self._file.samplerate)
        self.n_channels = int(self._file.channels)
        self.format = str(self._file.format)
        if self._file.frames == 0:
            self.close()
            raise AudioFileError(
                f"{name} holds no samples (length 0 in its {self.format} header), but a "
                "recording is needed: record or copy it again."
            )

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """Give the samples; see `Decoder.chunks`."""
        import soundfile

        size = min(max(1, round(_CHUNK_S * self.sample_rate)), _MOST_AT_ONCE)
        n_heard = 0
        while True:
            chunk = np.full((size, self.n_channels), np.nan, np.float32)
            try:
                n = len(self._file.read(out=chunk))
            except soundfile.LibsndfileError as error:
                # The decoder wrote what it still could before it met the damage.
                missing = np.isnan(chunk).any(axis=1)
                n = int(np.argmax(missing)) if missing.any() else size
                # Behind the length that it believes, it wrote zeros over all that is asked for.
                n = min(n, max(0, self._file.frames - n_heard))
                if n:
                    yield chunk[:n]
                raise damaged_after(self._name, (n_heard + n) / self.sample_rate) from error
            if n == 0:
                break
            n_heard += n
            yield chunk[:n]
        n_promised = self._n_promised()
        if n_heard < n_promised:
            raise cut_off(self._name, n_heard / self.sample_rate, n_promised / self.sample_rate)

    def _n_promised(self) -> int:
        """Samples per channel that the header declares, 0 where it declares nothing."""
        if self.format == "MP3" or self._file.frames >= _MAX_FRAMES:
            return 0  # without a Xing header the length is an estimate
        if self.format == "FLAC":
            return int(self._file.frames) - self._n_before
        cut = re.search(r"data : (\d+) \(should be (\d+)\)", self._file.extra_info)
        if cut is None:
            return int(self._file.frames)
        declared, found = int(cut[1]), int(cut[2])
        # Programs that write to a pipe cannot know the length and put a huge one.
        if declared <= found or declared >= 2**31 - 2**16:
            return 0
        return int(self._file.frames * declared / found) if found else 0

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        if self._bytes is not None:
            self._bytes.close()


def _has_neighbour(path: str | os.PathLike[str]) -> bool:
    """Whether a Mac put its attributes beside a file, which libsndfile takes for a part of it."""
    folder, name = os.path.split(os.fsencode(path))
    return Path(os.fsdecode(os.path.join(folder, b"._" + name))).exists()  # noqa: PTH118 - bytes


def _n_before(file: soundfile.SoundFile, path: str | os.PathLike[str], span: Span | None) -> int:
    """Samples of a FLAC stream that lie in files before this one; 0 for other formats."""
    if file.format != "FLAC":
        return 0
    if span is not None:
        with SpanFile(path, span) as part:
            return first_sample(part)
    with Path(path).open("rb") as whole:
        return first_sample(whole)


def _harmless(
    file: soundfile.SoundFile, n_before: int, target: str | bytes | SpanFile | None
) -> soundfile.SoundFile:
    """Open a file anew so that nothing seeks in it, where seeking does harm.

    In flac of unknown length, or that does not begin with its stream, it is not possible, nor in
    DWVW. In mp3 it decodes anew from a place a few frames before; that is kept for whole files
    alone, whose values it made, and where it makes them (`bit_reservoir`).
    """
    import soundfile

    class Unsought(soundfile.SoundFile):  # type: ignore[misc] # it says nothing of its types
        """A file that is read from its beginning to its end and no other way."""

        def seekable(self) -> bool:
            return False

    is_harmed = (
        (file.format == "FLAC" and (file.frames >= _MAX_FRAMES or n_before > 0))
        or (file.format == "MP3" and isinstance(target, SpanFile))
        or file.subtype.startswith("DWVW")
    )
    if not is_harmed:
        return file
    file.close()
    if isinstance(target, SpanFile):
        target.seek(0)
    return Unsought(target)
