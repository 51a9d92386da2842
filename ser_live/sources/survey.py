"""A look through files whose headers do not tell all that lies behind them."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ser_live.errors import AudioFileError
from ser_live.sources import flac_frames, mpeg_frames, ogg_pages, wav_header
from ser_live.sources.beginnings import container_of
from ser_live.sources.bit_reservoir import n_without_beginning, reaches_far, unbroken
from ser_live.sources.byte_spans import Span
from ser_live.sources.decoder import cut_off, cut_within, damaged_within
from ser_live.sources.file_window import FileWindow
from ser_live.sources.joints import joined_parts
from ser_live.sources.short_sizes import more_than_said

_AU = b".snd"
_FLAC = b"fLaC"
_FLAC_BEGIN = _FLAC + b"\x00\x00\x00\x22"
"""Mark and head of the first block, which is of one length always."""

_WAV_CODECS = frozenset([0x0001, 0x0002, 0x0003, 0x0006, 0x0007, 0x0011, 0x0031, 0xFFFE])
"""Codecs in wav that libsndfile knows best: PCM, floats, A-law and mu-law, ADPCM, GSM."""

_JOINABLE = (b"FORM", b"caff", b"riff", _AU)
"""Beginnings of files behind which others of their kind are looked for."""

_OTHERS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"caff", b"riff", b"BW64")
_TS, _PS = b"\x47", b"\0\0\1"
"""Beginnings of what may hold frames of MP3 in parts of its own."""

_MAX_LATE_BYTES = 1 << 16
"""So far MP3 is looked for behind something else."""

_SPOKEN_OF_BYTES = 2000
"""So many bytes that are no MP3 are longer than any frame that was cut in two; fewer are, where
they are longer than two frames of the recording, of which one is cut at its beginning."""

_SPOKEN_OF_S = 0.05
"""Time from which on sound that cannot be decoded is spoken of."""

_SIZED = (b"FORM", b"caff")
_NOTED_MORE = (
    "The header of {} declares {} bytes of sound, but {} lie behind it: all of it was heard."
)

_NOTED_S = 0.01
"""Time from which on it is told that more was heard than a header declares."""


@dataclass(slots=True)
class Survey:
    """Way to hear all of a file."""

    spans: list[Span] | None = None
    """Recordings in it, one behind the other; ``None`` where the file is to be decoded as is."""
    lost_s: list[float] = field(default_factory=list)
    """Time that is missing before each of them, in seconds; empty for none."""
    notes: list[str] = field(default_factory=list)
    """Sentences for people that are no errors."""
    failure: AudioFileError | None = None
    """Error for what cannot be heard in any way."""
    is_damaged: bool = False
    """Whether a decoder is needed that goes on behind damage, and says where it goes on."""
    is_for_ffmpeg: bool = False
    """Whether FFmpeg decodes it better, damaged or not."""
    is_doubtful: bool = False
    """Whether this holds only where libsndfile takes the file for MP3, too."""


def survey(path: Path, name: str, head: bytes) -> Survey:
    """Look through a file.

    Parameters
    ----------
    path : Path
    name : str
        For people.
    head : bytes
        Its first bytes.
    """
    if head[8:12] == b"WAVE":
        return _of_wav(path, name)
    if head.startswith(_JOINABLE) and (parts := joined_parts(path, head)):
        return Survey(parts)
    if head.startswith(_SIZED):
        return _of_sized(path, name, head)
    if head.startswith(_AU):
        return _of_au(path, name, head)
    look = None
    if head.startswith(_FLAC):
        look = _of_flac
    elif head.startswith(b"OggS"):
        look = _of_ogg
    elif head.startswith(b"ID3") and _is_flac_behind(path):
        look = _of_flac
    elif head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        look = _of_mp3
    try:
        with closing(FileWindow(path)) as data:
            is_other = head[:4] in _OTHERS or container_of(head) not in (None, "mp3")
            if look is None and not is_other and data[0:1] != _TS and data[:3] != _PS:
                look = _of_mp3 if mpeg_frames.begins_late(data[:_MAX_LATE_BYTES]) else None
            return Survey() if look is None else look(data, name)
    except OSError:  # its reader says so
        return Survey()


def _is_flac_behind(path: Path) -> bool:
    """Whether FLAC stands behind the tag that a file begins with."""
    with suppress(OSError), closing(FileWindow(path)) as data:
        place = mpeg_frames.behind_tags(data)
        return data[place : place + 8] == _FLAC_BEGIN
    return False


def _of_wav(path: Path, name: str) -> Survey:
    with path.open("rb") as file:
        n_file = file.seek(0, os.SEEK_END)
        recordings = wav_header.recordings(file, n_file)
        if not recordings:
            return Survey()
        spans = [wav_header.put_right(file, its.header, its.end) for its in recordings]
        changes_form = any(wav_header.changes_form(file, its) for its in recordings)
    found = Survey()
    for its, span in zip(recordings, spans, strict=True):
        found.notes += _notes_of_wav(name, its.header, span)
    if len(recordings) > 1:
        wholes = [Span(((its.start, its.end),)) for its in recordings]
        found.spans = [span or whole for span, whole in zip(spans, wholes, strict=True)]
    else:
        found.is_for_ffmpeg = recordings[0].header.format_tag not in _WAV_CODECS
        found.spans = None if spans[0] is None else [spans[0]]
    if changes_form:
        found.failure = wav_header.other_form(name)
    return found


def _notes_of_wav(name: str, header: wav_header.WavHeader, span: Span | None) -> list[str]:
    """Sentences about a header that was not believed."""
    notes = [f"The header of {name} {header.contradiction}"] if header.contradiction else []
    n_there = 0 if span is None else sum(end - start for start, end in span.pieces)
    if header.bytes_per_second and n_there > (header.n_declared or n_there):
        declared_s = (header.n_declared or 0) / header.bytes_per_second
        there_s = n_there / header.bytes_per_second
        if there_s - declared_s >= _NOTED_S:
            notes.append(
                f"The header of {name} declares {declared_s:.2f} s, but {there_s:.2f} s lie "
                "behind it: all of it was heard."
            )
    return notes


def _of_sized(path: Path, name: str, head: bytes) -> Survey:
    """All that lies behind the header of an aiff or a caf, up to a further chunk."""
    with closing(FileWindow(path)) as data:
        found = more_than_said(data, head)
    if found is None:
        return Survey()
    span, n_declared, n_there = found
    return Survey([span], notes=[_NOTED_MORE.format(name, n_declared, n_there)])


def _of_au(path: Path, name: str, head: bytes) -> Survey:
    """All that lies behind the header of an au: nothing but sound can follow it."""
    start, n_declared = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
    n_there = path.stat().st_size - start
    if start < 24 or n_there <= n_declared:
        return Survey()
    with path.open("rb") as file:
        header = file.read(start)
    span = Span(((start, start + n_there),), header[:8] + b"\xff" * 4 + header[12:])
    return Survey([span], notes=[_NOTED_MORE.format(name, n_declared, n_there)])


def _of_flac(data: FileWindow, name: str) -> Survey:
    starts = [0 if data[:4] == _FLAC else data.find(_FLAC_BEGIN)]
    while (place := data.find(_FLAC_BEGIN, starts[-1] + 1)) >= 0:
        starts.append(place)
    behind = starts[0] + flac_frames.HEAD_BYTES
    is_known = data[starts[0] : starts[0] + 8] == _FLAC_BEGIN and len(data) > behind
    if len(starts) == 1 and not is_known:
        return Survey()
    found, spans, is_as_told = Survey(), [], len(starts) == 1
    heard_s = behind_s = 0.0
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        contents = flac_frames.look_through(data, start, end)
        if contents.is_as_told:
            spans.append(Span(((start, end),)))
            found.lost_s.append(0.0)
        else:
            is_as_told = False
            spans += _runs_of_flac(data, start, contents)
            found.lost_s += [run.n_lost / run.rate for run in contents.runs]
            found.notes += _misled(name, contents)
            behind_s += contents.n_lost_behind / contents.runs[-1].rate
        heard_s += sum(run.n_samples / run.rate for run in contents.runs)
    if is_as_told:
        return Survey()
    found.spans = spans
    lost_s = sum(found.lost_s) + behind_s
    if lost_s:
        found.failure = damaged_within(name, lost_s, heard_s + lost_s)
    return found


def _runs_of_flac(data: FileWindow, start: int, contents: flac_frames.Contents) -> list[Span]:
    """A span for each run of frames, behind a head that fits."""
    head = data[start : start + flac_frames.HEAD_BYTES]
    spans = []
    for k, run in enumerate(contents.runs):
        # The blocks between the head and the first frame belong to it, where they end there:
        # others would take frames for one of them, and those would be lost.
        has_blocks = k == 0 and flac_frames.end_of_blocks(data, start) == run.start
        begin = start + len(head) if has_blocks else run.start
        made = flac_frames.head_of(run, head, is_last=not has_blocks)
        spans.append(Span(((begin, run.end),), made))
    return spans


def _misled(name: str, contents: flac_frames.Contents) -> list[str]:
    """Sentence for a head that says another form than all frames have; none for one that fits."""
    forms = {run.form for run in contents.runs}
    if contents.form in forms:
        return []
    rate, n_channels, n_bits = contents.form
    its_rate, its_channels, its_bits = contents.runs[0].form
    return [
        f"The head of {name} says {rate} Hz, channels: {n_channels}, bits: {n_bits}; its frames "
        f"say {its_rate} Hz, channels: {its_channels}, bits: {its_bits}, and these are believed."
    ]


def _of_ogg(data: FileWindow, name: str) -> Survey:
    links = ogg_pages.find_links(data)
    found = Survey()
    if len(links) > 1:
        found.spans = [Span(((link.start, link.end),)) for link in links]
    n_bad = sum(link.n_bad for link in links)
    if n_bad or any(link.is_cut for link in links):
        # Of several, each is decoded for itself.
        found.is_damaged = len(links) == 1
        found.failure = ogg_pages.damage_of(name, n_bad)
    return found


def _of_mp3(data: FileWindow, name: str) -> Survey:
    layout = mpeg_frames.find_runs(data)
    if layout is None:
        return Survey()
    found = Survey()
    # It may be something else behind a tag, or a container of more than sound.
    found.is_doubtful = (
        layout.n_before > 0 and sum(run.n_bytes for run in layout.runs) <= layout.n_foreign
    )
    whole = [run for run in layout.runs if run.n_frames]
    runs = [part for run in whole for part in unbroken(data, run)]
    # A decoder may take junk for a frame.
    if runs and (layout.n_before or not layout.is_ordinary or len(runs) > len(whole)):
        found.spans = [run.span() for run in runs]
        found.lost_s = [run.seconds(run.n_lost) for run in runs]
    elif any(reaches_far(data, run) for run in runs):
        found.spans = [Span(((0, len(data)),))]  # which is read without seeking
    heard_s = sum(run.seconds(run.n_frames) for run in runs)
    unheard_s = [run.seconds(n_without_beginning(data, run)) for run in runs]
    if any(run.n_lost for run in runs) or sum(unheard_s[1:]) > _SPOKEN_OF_S:
        lost_s, silent_s = sum(found.lost_s), sum(unheard_s)
        found.failure = damaged_within(name, lost_s + silent_s, heard_s + lost_s)
    elif (promised_s := _promised_s(layout.runs)) > heard_s:
        found.failure = cut_off(name, heard_s, promised_s)
    elif layout.is_cut and (
        layout.runs[-1].n_counted is None
        or layout.runs[-1].n_counted > layout.runs[-1].n_frames + 1
    ):
        found.failure = cut_within(name, heard_s, "frame")
    elif layout.n_foreign > _spoken_of_bytes(runs):
        found.notes.append(
            f"{layout.n_foreign} of {len(data)} bytes of {name} are neither MP3 frames nor tags: "
            "they were passed over."
        )
    if found.failure is None and sum(unheard_s) > _SPOKEN_OF_S:
        found.notes.append(
            f"{name} was cut out of a longer recording: its first {sum(unheard_s):.2f} s cannot be "
            "decoded without what was before, so silence stands there."
        )
    return found


def _spoken_of_bytes(runs: list[mpeg_frames.Run]) -> int:
    """Bytes that are no MP3 above which they are spoken of."""
    return min([_SPOKEN_OF_BYTES, *(2 * run.frame_bytes[1] for run in runs)])


def _promised_s(runs: list[mpeg_frames.Run]) -> float:
    """Length by the headers in MP3 recordings, where their counts of bytes say so too."""
    total_s = 0.0
    for run in runs:
        n_frames, n_more = run.n_frames, (run.n_counted or 0) - run.n_frames
        if (
            run.counts is not None
            and run.n_counted is not None
            and n_more > 1
            and (run.counts.n_bytes or 0) >= run.n_bytes + n_more * run.frame_bytes[0]
        ):
            n_frames = run.n_counted
        total_s += run.seconds(n_frames)
    return total_s
