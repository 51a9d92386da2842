"""Decoding of recordings, block by block, never a whole file at once.

libsndfile reads wav, flac, ogg, opus, mp3 and their relatives; PyAV, the optional extra
``media``, reads the sound track of m4a, mp4, webm, mkv and others. The content of a
file decides, not its name.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import AudioFileError

if TYPE_CHECKING:
    import av

_CHUNK_S = 0.25
"""Length decoded at a time, in seconds. It is fixed, for libsndfile's mp3 decoder gives
values that differ in the last bit with the size of the reads, and large enough that its
seek after every read costs little."""

_MATROSKA = b"\x1a\x45\xdf\xa3"  # also webm
_MIDI_DUMP = b"\xf0\x7e"  # libsndfile prints on standard output when one is damaged
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"  # wma, wmv


class Decoder(Protocol):
    """An open recording, decoded from its beginning to its end."""

    sample_rate: int
    """Hertz."""
    n_channels: int

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """Give the samples in order, float32, shape ``(n, n_channels)``, ``n > 0``.

        Raises
        ------
        AudioFileError
            The recording is damaged or cut off; everything before that place was given.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def display_name(path: str | os.PathLike[str]) -> str:
    """File name for people, printable also where its bytes are not valid text."""
    return os.fsencode(Path(path).name).decode(errors="replace")


def open_recording(path: str | os.PathLike[str]) -> Decoder:
    """Open a recording for decoding.

    Raises
    ------
    AudioFileError
        Missing, no permission, a folder, empty, not audio, damaged, or without audio track.
    """
    name = display_name(path)
    head = _read_head(Path(path), name)
    if head.startswith(_MIDI_DUMP):
        raise AudioFileError(
            f"{name} is a MIDI sample dump, but a recording is needed: convert it to wav."
        )
    if _is_media_container(head):
        return _PyavDecoder(path, name)
    return _SoundfileDecoder(path, name)


def _read_head(path: Path, name: str) -> bytes:
    """First bytes of a regular, readable, non-empty file."""
    try:
        if path.is_dir():
            raise AudioFileError(
                f"{name} is a folder, but a recording is needed: name the files in it, "
                "or run `ser-live analyze` on the folder."
            )
        if path.exists() and not path.is_file():
            raise AudioFileError(
                f"{name} is not a regular file, but a recording is needed: pipe raw PCM into "
                "`ser-live -` instead."
            )
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise AudioFileError(
            f"There is no file {_printable(path)}, but a recording is needed: check the path."
        ) from None
    except PermissionError:
        raise AudioFileError(
            f"Found {name} without permission to read it, but a readable recording is needed: "
            "check the owner and mode of the file and its folders."
        ) from None
    except (OSError, ValueError) as error:
        raise AudioFileError(
            f"{name} cannot be read ({error}), but a recording is needed: check the path and "
            "the disk."
        ) from error
    if not head:
        raise AudioFileError(
            f"{name} is empty (0 bytes), but a recording is needed: record or copy it again."
        )
    return head


def _printable(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")


def _is_media_container(head: bytes) -> bool:
    """Whether the bytes begin a container that libsndfile does not know."""
    return (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")  # mp4, m4a, mov, 3gp
        or head[:2] in (b"\xff\xf1", b"\xff\xf9")  # aac in adts frames
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head.startswith((_MATROSKA, _ASF, b"FLV\x01"))
    )


def _cut_off(name: str, heard_s: float, promised_s: float) -> AudioFileError:
    return AudioFileError(
        f"{name} ends after {heard_s:.2f} s, but its header promises {promised_s:.2f} s: "
        "it is cut off, so copy or record it again."
    )


class _SoundfileDecoder:
    """wav, flac, ogg, opus, mp3 and what else libsndfile knows."""

    def __init__(self, path: str | os.PathLike[str], name: str) -> None:
        import soundfile

        self._name = name
        # Bytes reach libsndfile unchanged, also where the name is not valid text.
        target = os.fspath(path) if sys.platform == "win32" else os.fsencode(path)
        try:
            self._file = soundfile.SoundFile(target)
        except (soundfile.LibsndfileError, TypeError) as error:
            raise AudioFileError(
                f"{name} is not audio that can be decoded, but wav, flac, ogg, opus or mp3 is "
                'needed (m4a, mp4, webm, mkv with `pip install "ser-live[media]"`): convert it, '
                "or copy it again in case it is cut off."
            ) from error
        self.sample_rate = int(self._file.samplerate)
        self.n_channels = int(self._file.channels)
        if self._file.frames == 0:
            self._file.close()
            raise AudioFileError(
                f"{name} holds no samples (length 0 in its {self._file.format} header), but a "
                "recording is needed: record or copy it again."
            )

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        import soundfile

        size = max(1, round(_CHUNK_S * self.sample_rate))
        n_heard = 0
        while True:
            chunk = np.full((size, self.n_channels), np.nan, np.float32)
            try:
                n = len(self._file.read(out=chunk))
            except soundfile.LibsndfileError as error:
                # The decoder wrote what it still could before it met the damage.
                missing = np.isnan(chunk).any(axis=1)
                n = int(np.argmax(missing)) if missing.any() else size
                if n:
                    yield chunk[:n]
                raise AudioFileError(
                    f"{self._name} is damaged or cut off after "
                    f"{(n_heard + n) / self.sample_rate:.2f} s, but whole audio is needed: "
                    "copy or record it again."
                ) from error
            if n == 0:
                break
            n_heard += n
            yield chunk[:n]
        n_promised = self._n_promised()
        if n_heard < n_promised:
            raise _cut_off(self._name, n_heard / self.sample_rate, n_promised / self.sample_rate)

    def _n_promised(self) -> int:
        """Samples per channel that the header declares, 0 where it declares nothing."""
        if self._file.format == "MP3":
            return 0  # without a Xing header the length is an estimate
        cut = re.search(r"data : (\d+) \(should be (\d+)\)", self._file.extra_info)
        if cut is None:
            return int(self._file.frames)
        declared, found = int(cut[1]), int(cut[2])
        # Programs that write to a pipe cannot know the length and put a huge one.
        if declared <= found or declared >= 2**31 - 2**16:
            return 0
        return int(self._file.frames * declared / found) if found else 0

    def close(self) -> None:
        self._file.close()


class _PyavDecoder:
    """The first sound track of what FFmpeg knows, by the optional extra ``media``."""

    def __init__(self, path: str | os.PathLike[str], name: str) -> None:
        try:
            import av
        except ImportError:
            raise AudioFileError(
                f"{name} is a media file, but PyAV is needed to decode it: "
                'run `pip install "ser-live[media]"`, or convert it to wav.'
            ) from None
        self._name = name
        # PyAV raises the second where data belong to a track that the header does not list.
        self._errors: tuple[type[Exception], ...] = (av.error.FFmpegError, IndexError)
        try:
            self._container: Any = av.open(os.fspath(path), metadata_errors="replace")
        except self._errors as error:
            raise AudioFileError(
                f"{name} is a media file that cannot be decoded, but a whole one is needed: "
                "copy it again, for it may be cut off."
            ) from error
        if not self._container.streams.audio:
            self._container.close()
            raise AudioFileError(
                f"{name} has no audio track, but a recording with sound is needed: "
                "choose the version with audio."
            )
        self._stream: av.AudioStream = self._container.streams.audio[0]
        if self._stream.codec_context is None:
            self._container.close()
            raise AudioFileError(
                f"{name} has an audio track of a kind that cannot be decoded, but aac, opus, mp3 "
                "or the like is needed: convert it to wav."
            )
        self._resampler: Any = av.AudioResampler(format="fltp")
        self.sample_rate = int(self._stream.rate)
        self.n_channels = int(self._stream.codec_context.channels)

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        n_heard = 0
        try:
            for frame in self._container.decode(self._stream):
                for planar in self._resampler.resample(frame):
                    chunk = self._interleaved(planar)
                    n_heard += len(chunk)
                    if len(chunk):
                        yield chunk
        except self._errors as error:
            raise AudioFileError(
                f"{self._name} is damaged or cut off after {n_heard / self.sample_rate:.2f} s, "
                "but whole audio is needed: copy or record it again."
            ) from error
        if n_heard == 0:
            raise AudioFileError(
                f"{self._name} holds no samples in its audio track, but a recording is needed: "
                "record or copy it again."
            )
        if self._stream.duration is not None and self._stream.time_base is not None:
            promised_s = float(self._stream.duration * self._stream.time_base)
            # Coders pad and trim by a few frames: less than this is not a loss.
            if n_heard / self.sample_rate < promised_s - 0.5:
                raise _cut_off(self._name, n_heard / self.sample_rate, promised_s)

    def _interleaved(self, frame: Any) -> NDArray[np.float32]:
        samples: NDArray[np.float32] = frame.to_ndarray().T
        if frame.sample_rate != self.sample_rate or samples.shape[1] != self.n_channels:
            raise AudioFileError(
                f"{self._name} changes from {self.sample_rate} Hz and {self.n_channels} channels "
                f"to {frame.sample_rate} Hz and {samples.shape[1]} within the sound track, but one "
                "format is needed: convert it to wav."
            )
        return np.ascontiguousarray(samples)

    def close(self) -> None:
        self._container.close()
