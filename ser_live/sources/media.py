"""Decoding by PyAV, the optional extra ``media``: what FFmpeg knows, placed by its timestamps."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import AudioFileError
from ser_live.events.kinds import Cause
from ser_live.sources.chunk_lists import (
    is_avi_broken,
    is_short_riff,
    missing_of_caf,
    out_of_step,
)
from ser_live.sources.decoder import cut_off, cut_within, damaged_after, damaged_within
from ser_live.sources.media_losses import PacketLosses
from ser_live.sources.media_tracks import chosen_track
from ser_live.sources.ring_buffer import Lost
from ser_live.sources.timeline import PacketClock, Timeline

if TYPE_CHECKING:
    import av

_FROM_ZERO = ("mov", "matroska")
"""Families of containers whose clock begins at 0; in others the first timestamp does."""

_PROMISING = ("mov", "flac", "caf", "aiff", "w64", "tta", "wv", "ape")
"""Families whose tracks say their own length. Elsewhere it is an estimate."""

_PROMISING_WHOLE = ("matroska", "flv", "asf")
"""Families that say only the length of the longest track."""

_FORMATS = (
    "3dostr,aac,ac3,adx,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dv,eac3,flac,flv,gsm,iff,"
    "latm,loas,m4v,matroska,mlp,mov,mp3,mpeg,mpegts,mxf,nut,ogg,oma,qcp,rm,sbc,sox,spdif,tak,"
    "truehd,tta,voc,w64,wav,webm,wtv,wv,xwma"
)
"""Containers that are opened. Others may be lists that name further files or addresses."""

_UNHURRIED = {"probesize": "32768", "analyzeduration": "0"}
"""Options by which a container is opened without waiting for seconds of it."""

_TOLERANCE_S = 0.5
"""Coders pad and trim by a few frames: less than this is not a loss."""

_NOTED_S = 0.1
"""Difference between a length promised and one found that is told, where it proves nothing."""

_HARMLESS_S = 0.05
"""Undecodable sound that is not spoken of: a stream joined late begins within a frame."""

_MAX_ERRORS = 1000
"""Errors of a container after which nothing more is expected of it."""

_MAX_STUCK = 20
"""Errors without a packet between them, after which nothing more is expected of it."""


class MediaDecoder:
    """One sound track of what FFmpeg knows.

    Parameters
    ----------
    file : str, path or binary file
    name : str
        For people.
    track : int or None
        Track to hear, counted from 1.
    holes_are_damage : bool
        Whether timestamps jump only where something is damaged, as in flac.
    flowing : str or None
        Name of the container where the file comes out of a pipe, and is not to be waited for.

    Raises
    ------
    AudioFileError
        PyAV is not installed, or finds no sound that it can decode.
    UsageError
        There is no such track.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | io.RawIOBase,
        name: str,
        track: int | None = None,
        *,
        holes_are_damage: bool = False,
        flowing: str | None = None,
    ) -> None:
        try:
            import av
        except ImportError:
            raise AudioFileError(
                f"{name} is a media file, but PyAV is needed to decode it: "
                'run `pip install "ser-live[media]"`, or convert it to wav.'
            ) from None
        self._name = name
        self._file = file if isinstance(file, io.RawIOBase) else None
        self._holes_are_damage = holes_are_damage
        # PyAV raises the others where data belong to a track that the header does not list, and
        # where the length of a frame is impossible.
        self._errors: tuple[type[Exception], ...] = (
            av.error.FFmpegError,
            IndexError,
            ValueError,
        )
        self._target = os.fspath(file) if isinstance(file, os.PathLike) else file
        self._container = self._opened(flowing)
        try:
            reopen = partial(self._opened, None) if self._file is None else None
            self._stream, note = chosen_track(self._container, name, track, reopen)
            if self._stream.codec_context.sample_rate <= 0:
                raise AudioFileError(
                    f"{name} does not say the sample rate of its sound, but a whole media file is "
                    "needed: copy it again, for it may be cut off."
                )
        except BaseException:
            self.close()
            raise
        self.notes: list[str] = [] if note is None else [note]
        context = self._stream.codec_context
        self.sample_rate = int(context.sample_rate)
        self.n_channels = int(context.channels)
        self._layout = context.layout.name
        self._losses = PacketLosses(str(context.name))
        if context.name == "flac":
            # Else a frame whose checksum is wrong is given as noise, without a word.
            context.options = {"err_detect": "crccheck+explode"}
        self._resampler: Any = None
        self._resampled: tuple[str, str, int] | None = None
        # "mov,mp4,m4a,..." where FFmpeg finds it out itself, and "mov" where it was told.
        self._family = str(self._container.format.name).split(",")[0]
        self._timeline = Timeline(self.sample_rate, self._origin_s())
        self._clock = PacketClock(self.sample_rate, self._family)
        self._n_heard = 0
        self._lost_s = self._unplaced_s = 0.0
        self._n_jumps = 0
        self._jumped_s = 0.0
        self._n_corrupt = 0
        """Packets that the container knows to be incomplete."""
        self._demuxed_s = 0.0
        """End of the last packet of any track."""

    def _opened(self, flowing: str | None) -> Any:
        import av

        options = {"format_whitelist": _FORMATS}
        if flowing is not None:
            options |= _UNHURRIED
        try:
            return av.open(self._target, format=flowing, options=options, **_metadata_option())
        except self._errors as error:
            self._let_go()
            raise AudioFileError(
                f"{self._name} is a media file that cannot be decoded, but a whole one is needed: "
                "copy it again, for it may be cut off."
            ) from error

    def _origin_s(self) -> float:
        import av

        start = self._container.start_time
        if start is None or self._family.startswith(_FROM_ZERO):
            return 0.0
        return float(start) / av.time_base

    def chunks(self) -> Iterator[NDArray[np.float32] | Lost]:
        """Give the samples; see `Decoder.chunks`."""
        for frame in self._frames():
            yield from self._placed(frame)
            for chunk in self._converted(frame):
                yield self._counted(chunk)
        for chunk in self._flushed():
            yield self._counted(chunk)
        self._note_unplaced(self._losses.bad_s)
        if self._n_jumps:
            places = "1 place" if self._n_jumps == 1 else f"{self._n_jumps} places"
            self.notes.append(
                f"The timestamps of {self._name} jump over {self._jumped_s:.2f} s at {places}: "
                "nothing was recorded there, or it was lost."
            )
        if self._timeline.n_restarts:
            self.notes.append(
                f"The timestamps of {self._name} are set anew within the sound track: its parts "
                "were placed one behind the other."
            )
        self._judge()

    def _judge(self) -> None:
        """Raise an error for what was not heard."""
        heard_s = self._timeline.position_s
        if self._n_heard == 0:
            if self._losses.n_errors:
                raise damaged_after(self._name, 0.0)
            raise AudioFileError(
                f"{self._name} holds no samples in its audio track, but a recording is needed: "
                "record or copy it again."
            )
        if self._family == "avi":
            self._judge_avi(heard_s)
        if self._family == "mpegts":
            self._judge_stream(heard_s)
        if self._family == "caf" and not isinstance(self._target, io.RawIOBase):
            missing = missing_of_caf(Path(self._target))
            if missing is not None:
                raise cut_off(self._name, heard_s, heard_s * missing[1] / max(1, missing[0]))
        promised_s = self._promised_s()
        if promised_s is not None and promised_s[0] < promised_s[1] - _TOLERANCE_S:
            raise cut_off(self._name, *promised_s)
        if self._lost_s > _HARMLESS_S:
            raise damaged_within(self._name, self._lost_s, heard_s + self._unplaced_s)

    def _note_unplaced(self, lost_s: float) -> None:
        """Count what could not be decoded, and what no timestamp makes a gap."""
        self._lost_s += lost_s
        self._unplaced_s += lost_s

    def _judge_stream(self, heard_s: float) -> None:
        """Tell what a transport stream lost on its way."""
        path = None if isinstance(self._target, io.RawIOBase) else Path(self._target)
        is_shifted, is_cut = (False, False) if path is None else out_of_step(path)
        lost_s = self._lost_s + self._jumped_s
        if (is_shifted or self._n_corrupt) and lost_s > _HARMLESS_S:
            raise damaged_within(self._name, lost_s, heard_s)
        if is_cut or self._n_corrupt:
            raise cut_within(self._name, heard_s, "packet")

    def _judge_avi(self, heard_s: float) -> None:
        """Tell what an avi holds less than its headers say."""
        path = None if isinstance(self._target, io.RawIOBase) else Path(self._target)
        if path is not None and is_short_riff(path):
            raise AudioFileError(
                f"{self._name} ends after {heard_s:.2f} s, but its header promises more bytes: it "
                "is cut off, so copy or record it again."
            )
        if self._stream.duration is not None and self._stream.time_base is not None:
            promised_s = float(self._stream.duration * self._stream.time_base)
            if path is not None and is_avi_broken(path):
                lost_s = max(0.0, promised_s - heard_s)
                raise damaged_within(self._name, lost_s, heard_s + lost_s)
            if heard_s < promised_s - _NOTED_S:
                # Not an error: the empty packets before a late start count there.
                self.notes.append(
                    f"The header of {self._name} promises {promised_s:.2f} s, but "
                    f"{heard_s:.2f} s were found in it."
                )

    def _promised_s(self) -> tuple[float, float] | None:
        """Length that was read, and length by the header; ``None`` without a promise."""
        import av

        stream, container = self._stream, self._container
        if self._family.startswith(_PROMISING_WHOLE) and container.duration is not None:
            # Packets may say no length, as those of WavPack do.
            read_s = max(self._demuxed_s, self._timeline.position_s)
            return read_s, float(container.duration) / av.time_base
        if (
            self._family.startswith(_PROMISING)
            and stream.duration is not None
            and stream.time_base is not None
        ):
            # flac counts from the beginning of the stream that it was cut from.
            start = 0 if self._family == "flac" else stream.start_time or 0
            end = start + stream.duration
            origin_s = self._origin_s()
            return self._timeline.position_s, float(end * stream.time_base) - origin_s
        return None

    def _frames(self) -> Iterator[av.AudioFrame]:
        """Decode all that can be; what cannot is counted and passed over."""
        for packet in self._packets():
            self._clock.note(packet)
            try:
                frames = packet.decode()
            except self._errors:
                self._losses.add_packet(packet)
                continue
            yield from frames
            self._losses.note_decoded(packet, frames)
        try:
            yield from self._stream.codec_context.decode(None)
        except self._errors:
            return

    def _packets(self) -> Iterator[Any]:
        """Packets of the track, also behind places that the container stumbles over."""
        whole = self._family.startswith(_PROMISING_WHOLE)
        n_stuck = 0
        while n_stuck < _MAX_STUCK and self._losses.n_errors < _MAX_ERRORS:
            n_stuck += 1
            packets = self._container.demux() if whole else self._container.demux(self._stream)
            try:
                for packet in packets:
                    if packet.dts is None and packet.size == 0:
                        continue  # asks for what the decoder still holds, see `_frames`
                    n_stuck = 0
                    self._note_end(packet)
                    if packet.stream_index == self._stream.index:
                        self._n_corrupt += packet.is_corrupt
                        yield packet
            except self._errors:
                self._losses.n_errors += 1
                continue
            return

    def _note_end(self, packet: Any) -> None:
        at = packet.pts if packet.pts is not None else packet.dts
        if at is not None and packet.time_base is not None:
            end = float((at + (packet.duration or 0)) * packet.time_base)
            self._demuxed_s = max(self._demuxed_s, end - self._origin_s())

    def _placed(self, frame: av.AudioFrame) -> Iterator[NDArray[np.float32] | Lost]:
        """Give what is missing before a frame."""
        time_s = None
        is_right = self._clock.is_right(frame)
        if is_right and frame.pts is not None and frame.time_base is not None:
            time_s = float(frame.pts * frame.time_base)
        bad_s, self._losses.bad_s = self._losses.bad_s, 0.0
        n_missing = self._timeline.n_missing(time_s)
        is_damage = bad_s > 0 or (self._holes_are_damage and self._n_heard > 0)
        if not n_missing:
            self._note_unplaced(bad_s)
            return
        for chunk in self._flushed():
            yield self._counted(chunk)
        n_missing = self._timeline.n_missing(time_s)
        if n_missing:
            if is_damage:
                self._lost_s += n_missing / self.sample_rate
            elif self._n_heard:
                self._n_jumps += 1
                self._jumped_s += n_missing / self.sample_rate
            self._timeline.position += n_missing
            yield Lost(n_missing, Cause.DAMAGED if is_damage else Cause.RECORDING)

    def _counted(self, chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        self._n_heard += len(chunk)
        self._timeline.position += len(chunk)
        return chunk

    def _converted(self, frame: av.AudioFrame) -> Iterator[NDArray[np.float32]]:
        """Samples of a frame in the format of the track."""
        import av

        format_ = (frame.format.name, frame.layout.name, frame.sample_rate)
        if format_ != self._resampled:
            yield from self._flushed()
            self._resampled = format_
            self._resampler = av.AudioResampler(
                format="flt", layout=self._layout, rate=self.sample_rate
            )
        try:
            planes = self._resampler.resample(frame)
        except self._errors:
            self._losses.add(frame.samples / frame.sample_rate)
            return
        yield from _interleaved(planes)

    def _flushed(self) -> Iterator[NDArray[np.float32]]:
        """Give what the resampler still holds; it ends here."""
        resampler, self._resampler, self._resampled = self._resampler, None, None
        if resampler is not None:
            yield from _interleaved(resampler.resample(None))

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()


def _interleaved(planes: list[Any]) -> Iterator[NDArray[np.float32]]:
    for frame in planes:
        if frame is not None and frame.samples:
            samples: NDArray[np.float32] = frame.to_ndarray()
            yield samples.reshape(frame.samples, -1)


def _metadata_option() -> dict[str, Any]:
    import av

    # Titles that are no UTF-8 are passed over; from 19 on PyAV does so by itself.
    return {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
