"""The sound tracks of a media file, and which of them is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ser_live.errors import AudioFileError, UsageError

if TYPE_CHECKING:
    import av

_MAX_LISTED = 8


def chosen_track(container: Any, name: str, track: int | None) -> tuple[av.AudioStream, str | None]:
    """Choose the track to hear.

    Parameters
    ----------
    container : av.container.InputContainer
    name : str
        Of the file, for people.
    track : int or None
        Number of the track, counted from 1; ``None`` for the one that the file marks as its
        default, else the first.

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
    from av.stream import Disposition

    tracks: list[av.AudioStream] = list(container.streams.audio)
    if not tracks:
        raise AudioFileError(
            f"{name} has no audio track, but a recording with sound is needed: "
            "choose the version with audio."
        )
    check_track(name, len(tracks), track)
    if track is None:
        known = [t for t in tracks if t.codec_context is not None] or tracks
        marked = [t for t in known if t.disposition & Disposition.default]
        stream = (marked or known)[0]
    else:
        stream = tracks[track - 1]
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
        f"{name} has {len(tracks)} audio tracks ({listed}{more}): track {number} is heard, choose "
        "another one with --track."
    )


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
