"""The sound tracks of a media file, and which of them is heard."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ser_live.config import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE_HZ
from ser_live.errors import AudioFileError, UsageError

if TYPE_CHECKING:
    import av

LISTENED_S = 60.0
"""So much of the beginning is heard to find the track with speech, in seconds."""

_LEAST_SPEECH_S = 0.5
_MAX_LISTED = 8
_MAX_ERRORS = 100


def chosen_track(
    container: Any, name: str, track: int | None, reopen: Callable[[], Any] | None = None
) -> tuple[av.AudioStream, str | None]:
    """Choose the track to hear.

    Parameters
    ----------
    container : av.container.InputContainer
    name : str
        Of the file, for people.
    track : int or None
        Number of the track, counted from 1; ``None`` for the only one that the file marks as its
        default. Where it marks none, or several, that is the one whose speech is the loudest in
        the first `LISTENED_S`, else the first.
    reopen : callable or None
        Opens the container once more, to hear its beginning; ``None`` where that is not possible.

    Returns
    -------
    stream : av.AudioStream
    note : str or None
        What to tell people where there was a choice.

    Raises
    ------
    AudioFileError
        There is no audio track, or it is of an unknown kind.
    UsageError
        There is no track of this number.
    """
    tracks: list[av.AudioStream] = list(container.streams.audio)
    if not tracks:
        raise AudioFileError(
            f"{name} has no audio track, but a recording with sound is needed: "
            "choose the version with audio."
        )
    check_track(name, len(tracks), track)
    stream, why = (tracks[track - 1], "") if track is not None else _likely(tracks, reopen)
    if stream.codec_context is None:
        raise AudioFileError(
            f"{name} has an audio track of a kind that cannot be decoded, but aac, opus, mp3 "
            "or the like is needed: convert it to wav."
        )
    if track is not None or len(tracks) == 1:
        return stream, None
    listed = ", ".join(f"{n} {_described(t)}" for n, t in enumerate(tracks[:_MAX_LISTED], start=1))
    more = ", ..." if len(tracks) > _MAX_LISTED else ""
    number = tracks.index(stream) + 1
    return stream, (
        f"{name} has {len(tracks)} audio tracks ({listed}{more}): track {number} is heard, {why}; "
        "choose another one with --track."
    )


def _likely(
    tracks: list[av.AudioStream], reopen: Callable[[], Any] | None
) -> tuple[av.AudioStream, str]:
    """Track that people mean when they name none, and why."""
    from av.stream import Disposition

    known = [t for t in tracks if t.codec_context is not None] or tracks
    marked = [t for t in known if t.disposition & Disposition.default]
    if len(marked) == 1:
        return marked[0], "its default"
    if len(known) > 1 and reopen is not None:
        levels = _speech_powers(reopen, [t.index for t in known])
        if levels:
            loudest = max(levels, key=lambda index: levels[index])
            best = next(t for t in known if t.index == loudest)
            return best, f"the loudest speech in the first {LISTENED_S:.0f} s"
    return (marked or known)[0], "the first"


def _speech_powers(reopen: Callable[[], Any], indices: list[int]) -> dict[int, float]:
    """Mean power of the speech in the beginning of each track that holds some."""
    import av

    ears = {index: _Ear() for index in indices}
    try:
        container = reopen()
    except AudioFileError:
        return {}
    with closing(container):
        packets = container.demux([container.streams[index] for index in indices])
        n_errors = 0
        while n_errors < _MAX_ERRORS and all(ear.heard_s < LISTENED_S for ear in ears.values()):
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                for frame in packet.decode():
                    ears[packet.stream_index].hear(frame)
            except (av.error.FFmpegError, ValueError, IndexError):  # damage
                n_errors += 1
    return {index: ear.power for index, ear in ears.items() if ear.power > 0}


class _Ear:
    """Finds the speech in one track."""

    def __init__(self) -> None:
        import av

        from ser_live.audio import FrameCutter
        from ser_live.speech.detector import VoiceActivityDetector

        self.heard_s = 0.0
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        self._cutter = FrameCutter(FRAME_SAMPLES)
        self._detector = VoiceActivityDetector()
        self._n_speech = 0
        self._power = 0.0

    def hear(self, frame: av.AudioFrame) -> None:
        """Take the next sound of the track."""
        for part in self._resampler.resample(frame):
            samples = part.to_ndarray()[0]
            self.heard_s += len(samples) / SAMPLE_RATE_HZ
            for piece in self._cutter.push(samples):
                decision = self._detector.process(piece)
                if decision.is_speech:
                    self._n_speech += 1
                    self._power += 10 ** (decision.level_dbfs / 10)

    @property
    def power(self) -> float:
        """Mean power of its speech; 0 where there is hardly any."""
        if self._n_speech * FRAME_S < _LEAST_SPEECH_S:
            return 0.0
        return self._power / self._n_speech


def check_track(name: str, n_tracks: int, track: int | None) -> None:
    """Refuse a track that a file lacks.

    Raises
    ------
    UsageError
        There is no track of this number.
    """
    if track is not None and not 1 <= track <= n_tracks:
        there = "one audio track" if n_tracks == 1 else f"{n_tracks} audio tracks"
        raise UsageError(
            f"{name} has {there}, but track {track} was asked for: choose one that it has."
        )


def _described(stream: av.AudioStream) -> str:
    if stream.codec_context is None:
        return "of unknown kind"
    title = stream.metadata.get("title") or stream.metadata.get("handler_name", "")
    words = [stream.codec_context.name, stream.codec_context.layout.name]
    if stream.language and stream.language != "und":
        words.insert(0, stream.language)
    if title and title != "SoundHandler":
        words.insert(0, f"'{title[:40]}'")
    return " ".join(words)
