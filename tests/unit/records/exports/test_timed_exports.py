"""Exports that lay a session out in time: whole, valid and to the millisecond.

They are read back by readers of the published grammars (`export_readers`), and by the real
programs and libraries where these are installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from export_readers import READERS, Read
from hostile_log import hostile_log
from hypothesis import given, settings
from hypothesis import strategies as st
from made_log import (
    AGENT,
    AWKWARD,
    CALLER,
    at,
    began,
    call,
    dropped,
    final,
    gap,
    mark,
    stream_began,
    stream_ended,
    write_log,
)

from ser_live.cli.log import command
from ser_live.emotions import Emotion
from ser_live.events import (
    EmotionResult,
    Recorded,
    SourceFailed,
    StateChanged,
    StreamId,
    StreamState,
    Verdict,
)
from ser_live.records.exports.formats import TIMED
from ser_live.records.exports.plain import plain
from ser_live.records.exports.timeline import Part, lay_out
from ser_live.records.log_entries import LogGap
from ser_live.records.log_reading import read_log

PLAIN = 'a "quote" <b>bold</b> & x --> y fake tab�[2J {\\an8}; \\udce9 � end'
AS_SRT = PLAIN.translate(str.maketrans("<>{}\\", "‹›()/"))


def exported(form: str, entries: list[Recorded], only: int | None = None) -> str:
    return "".join(TIMED[form].write(lay_out(entries, only)))


def read(form: str, entries: list[Recorded], only: int | None = None) -> list[Read]:
    return READERS[form](exported(form, entries, only))


def test_subtitles_say_who_what_and_how_surely() -> None:
    """Times to the millisecond; every state in plain words; gap, drop and mark stand there too."""
    assert read("vtt", call()) == [
        (500, 2000, "agent", "happy 81%"),
        (1999, 4000, "caller", "angry over 99%"),
        (2000, 3250, "agent", "uncertain (best guess sad 31%)"),
        (3000, 3500, "agent", "gap (overflow)"),
        (4000, 4200, "agent", "too short"),
        (5000, 5500, "caller", "not speech"),
        (6000, 7000, "caller", "dropped"),
        (6500, 7500, "agent", f"mark: {PLAIN}"),
    ]
    as_srt = read("srt", call())
    assert [cue[3] for cue in as_srt[:2]] == ["agent: happy 81%", "caller: angry over 99%"]
    assert as_srt[-1] == (6500, 7500, "", f"agent: mark: {AS_SRT}")


def test_audacity_labels_are_the_words_alone() -> None:
    """A label a stretch, with its speaker; a mark is a point."""
    labels = read("audacity", call())
    assert labels[0] == (500, 2000, "", "agent: happy")
    assert labels[2] == (2000, 3250, "", "agent: uncertain")
    assert labels[-1] == (6500, 6500, "", f"agent: {PLAIN}")
    assert len(labels) == 8


TIERS = [
    (500, 2000, "agent", "happy"),
    (2000, 3250, "agent", "uncertain"),
    (4000, 4200, "agent", "too short"),
    (3000, 3500, "agent gaps", "gap (overflow)"),
    (6500, 6500, "agent marks", PLAIN),
    (1999, 4000, "caller", "angry"),
    (5000, 5500, "caller", "not speech"),
    (6000, 7000, "caller", "dropped"),
]


def test_each_speaker_is_a_tier() -> None:
    """Utterances, gaps and marks of each stream in tiers of their own, touching ones too."""
    assert read("textgrid", call()) == TIERS
    in_elan = [(s, e + (s == e), who, text) for s, e, who, text in TIERS]
    assert read("elan", call()) == in_elan
    text = exported("elan", call())
    assert 'DATE="2026-03-29T01:59:58+01:00"' in text
    assert 'MEDIA_URL="calls/call.wav"' in text
    assert re.findall('PARTICIPANT="([^"]*)"', text) == ["agent"] * 3 + ["caller"]


def test_rttm_names_recording_and_channel() -> None:
    """What is missing is not scored, what is no speech is no speaker, a mark is a comment."""
    assert read("rttm", call()) == [
        (500, 2000, "call 1", "happy"),
        (2000, 3250, "call 1", "uncertain"),
        (3000, 3500, "call 1", "NOSCORE"),
        (4000, 4200, "call 1", "too_short"),
        (1999, 4000, "call 2", "angry"),
        (5000, 5500, "call 2", "NON-SPEECH"),
        (6000, 7000, "call 2", "dropped"),
    ]
    text = exported("rttm", call())
    assert ";; gap (overflow):\nNOSCORE call 1 3.000 0.500 <NA> <NA> <NA> <NA> <NA>\n" in text
    assert ";; call 2 is caller\n" in text
    assert f";; mark call 1 6.500 {PLAIN}\n" in text


@pytest.mark.parametrize("form", TIMED)
@pytest.mark.parametrize("entries", [[], [began()], [began(), stream_began(AGENT, None)]], ids=len)
def test_an_empty_session_is_valid(form: str, entries: list[Recorded]) -> None:
    """Also one that was killed before anything was said, or before anything at all."""
    assert read(form, entries) == []


@pytest.mark.parametrize("form", TIMED)
def test_a_session_that_was_killed_is_as_long_as_what_it_holds(form: str) -> None:
    """Without its last records, and with an utterance that the end of the stream would follow."""
    killed = call()[:4]
    stretches = read(form, killed)
    assert [(s, e) for s, e, _, _ in stretches] == [(500, 2000)]
    assert lay_out(killed).length_ms == 2000


def test_overlap_in_one_stream_goes_into_another_tier() -> None:
    """No time is changed to make room; two marks at one moment are both kept."""
    entries = [
        began(),
        final(AGENT, 1, 0.0, 2.0, Emotion.HAPPY),
        final(AGENT, 2, 1.0, 3.0, Emotion.SAD),
        final(AGENT, 3, 2.0, 4.0, Emotion.CALM),
        final(AGENT, 4, 5.0, 5.0, Emotion.CALM),
        mark(AGENT, 1.0, "one"),
        mark(AGENT, 1.0, ""),
    ]
    assert read("textgrid", entries) == [
        (0, 2000, "agent", "happy"),
        (2000, 4000, "agent", "calm"),
        (5000, 5001, "agent", "calm"),  # nothing is without any length
        (1000, 3000, "agent 2", "sad"),
        (1000, 1000, "agent marks", "one"),
        (1000, 1000, "agent marks 2", ""),
    ]


def recordings() -> list[Recorded]:
    """Two recordings of one name that were heard one after the other."""
    one, two = (StreamId(number=n, source="talk.wav", file=f"{n}/talk.wav") for n in (1, 2))
    return [
        began(),
        stream_began(one, None),
        final(one, 1, 1.0, 2.0, Emotion.HAPPY),
        stream_ended(one, 10.0),
        SourceFailed(message="it is\nbroken", file="x"),
        LogGap(n_events=3),
        stream_began(two, None),
        final(two, 2, 1.0, 2.0, Emotion.SAD),
        stream_ended(two, 5.0),
    ]


def test_recordings_stand_one_after_the_other_or_by_themselves() -> None:
    """That is said; RTTM, which names recordings, keeps each one's own clock."""
    assert read("vtt", recordings()) == [
        (1000, 2000, "talk.wav", "happy 80%"),
        (11000, 12000, "talk.wav (stream 2)", "sad 80%"),
    ]
    assert read("vtt", recordings(), only=2) == [(1000, 2000, "", "sad 80%")]
    assert read("rttm", recordings()) == [
        (1000, 2000, "talk 1", "happy"),
        (1000, 2000, "talk_stream2 1", "sad"),
    ]
    assert lay_out(recordings()).remarks == [
        "not heard: it is broken",
        "2 sources that were heard one after the other stand so in time: --stream N gives one by "
        "itself.",
        "3 events are missing, for the log could not be written then.",
    ]


def test_silence_of_a_muted_microphone_is_a_stretch() -> None:
    """From where there was no signal to where there was one, or to the end."""

    def state(position_s: float, now: StreamState) -> StateChanged:
        return StateChanged(stream=AGENT, sample=at(position_s), state=now)

    entries: list[Recorded] = [
        state(0.0, StreamState.NO_SIGNAL),
        state(2.0, StreamState.NO_SPEECH),
        state(3.0, StreamState.NO_SIGNAL),
        stream_ended(AGENT, 4.0),
    ]
    pieces = lay_out(entries).streams[0].stretches
    assert [(p.part, p.start_ms, p.end_ms, p.label) for p in pieces] == [
        (Part.MISSING, 0, 2000, "no signal"),
        (Part.MISSING, 3000, 4000, "no signal"),
    ]


_texts = st.text(st.characters(), max_size=12) | st.sampled_from(
    [AWKWARD, "-->", "1\n00:00:01,000 --> 00:00:02,000", '"', "<NA>", ";;", "\r\n\r\n", "&lt;"]
)
_times_s = st.integers(0, 400_000).map(lambda n: n / 16_000)
_streams = st.builds(
    StreamId,
    number=st.integers(1, 3),
    source=_texts,
    role=st.none() | _texts,
    file=st.none() | _texts,
    channel=st.none() | st.integers(0, 3),
)
_entries: st.SearchStrategy[Recorded] = st.one_of(
    st.builds(lambda s, a, b: final(s, 1, a, b, Emotion.SAD), _streams, _times_s, _times_s),
    st.builds(
        lambda s, a, b: final(s, 1, a, b, state=Verdict.CLIPPED), _streams, _times_s, _times_s
    ),
    st.builds(gap, _streams, _times_s, _times_s),
    st.builds(dropped, _streams, _times_s, _times_s),
    st.builds(mark, _streams, _times_s, _texts),
    st.builds(stream_began, _streams, st.none() | _texts),
    st.builds(stream_ended, _streams, _times_s),
    st.builds(began, _texts),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_entries, max_size=8))
def test_whatever_a_log_says_is_valid_and_whole(entries: list[Recorded]) -> None:
    """Any texts, overlap and order: each format can be read, and holds every stretch once."""
    timeline = lay_out(entries)
    pieces = [p for stream in timeline.streams for p in stream.stretches]
    assert len(pieces) >= sum(isinstance(entry, EmotionResult) for entry in entries)
    labels = sorted(p.label for p in pieces)
    for form in ("textgrid", "elan"):
        assert sorted(text for _, _, _, text in read(form, entries)) == labels, form
    for form in ("srt", "vtt", "audacity"):
        assert len(read(form, entries)) == len(pieces), form
    n_marks = sum(p.part is Part.MARK for p in pieces)
    assert len(read("rttm", entries)) == len(pieces) - n_marks


@pytest.mark.parametrize("form", TIMED)
def test_a_hostile_log_is_exported_harmlessly(form: str, tmp_path: Path) -> None:
    """Escapes, line ends and turned text in every field, and times beyond all reason."""
    entries = [*read_log(hostile_log(tmp_path / "log.jsonl")), final(AGENT, 9, 9e11, 0.0)]
    text = exported(form, entries)
    assert len(READERS[form](text)) >= 5
    assert not set(text) & set("\x1b\x07\x08\x9b\u202e\r")


def test_text_is_one_line_and_utf_8() -> None:
    """Tabs and line ends become a space, controls and half characters are shown as such."""
    assert plain(AWKWARD) == PLAIN
    plain(AWKWARD).encode()


# -- the real readers


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg here to read subtitles")
@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_ffmpeg_reads_the_same_cues(form: str, tmp_path: Path) -> None:
    """Times and texts as they were written, whatever is in a mark."""
    path = tmp_path / f"call.{form}"
    path.write_text(exported(form, call()), encoding="utf-8")
    result = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-c:s", "text", "-f", "srt", "-"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert result.stderr == b""
    cues = re.findall(
        r"(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})\n(.+)\n", result.stdout.decode()
    )
    assert len(cues) == 8
    agent = "agent: " if form == "srt" else ""
    assert cues[0] == ("00:00:00,500", "00:00:02,000", f"{agent}happy 81%")
    assert cues[2] == (
        "00:00:02,000",
        "00:00:03,250",
        f"{agent}uncertain (best guess sad 31%)",
    )
    # Braces of a WebVTT text are no markup, but ffmpeg's inner form takes them for its own.
    expected = AS_SRT if form == "srt" else PLAIN.partition("{")[0]
    assert cues[-1][2].startswith(f"{agent}mark: {expected}")


def test_webvtt_py_reads_the_same_cues(tmp_path: Path) -> None:
    """The library that Python programs read WebVTT and SubRip with."""
    webvtt = pytest.importorskip("webvtt", reason="no webvtt-py here")
    for form, text in (("vtt", "happy 81%"), ("srt", "agent: happy 81%")):
        path = tmp_path / f"call.{form}"
        path.write_text(exported(form, call()), encoding="utf-8")
        cues = list(webvtt.read(path) if form == "vtt" else webvtt.from_srt(path))
        assert len(cues) == 8
        assert (cues[0].start, cues[0].end, cues[0].text) == ("00:00:00.500", "00:00:02.000", text)
    vtt = webvtt.read(tmp_path / "call.vtt")
    assert [cue.voice for cue in vtt][:2] == ["agent", "caller"]


def test_pympi_reads_the_same_tiers(tmp_path: Path) -> None:
    """The library that Python programs read ELAN with."""
    pympi = pytest.importorskip("pympi", reason="no pympi-ling here")
    path = tmp_path / "call.eaf"
    path.write_text(exported("elan", call()), encoding="utf-8")
    document = pympi.Eaf(str(path))
    assert set(document.get_tier_names()) == {"agent", "agent gaps", "agent marks", "caller"}
    assert document.get_annotation_data_for_tier("caller")[0][:3] == (1999, 4000, "angry")


@pytest.mark.parametrize("entries", [call(), []], ids=["call", "empty"])
def test_praat_reads_the_same_tiers(entries: list[Recorded], tmp_path: Path) -> None:
    """Praat itself, where parselmouth is there."""
    parselmouth = pytest.importorskip("parselmouth", reason="no parselmouth here")
    path = tmp_path / "call.TextGrid"
    path.write_text(exported("textgrid", entries), encoding="utf-8")
    grid = parselmouth.read(str(path))
    ask = parselmouth.praat.call
    if not entries:
        assert ask(grid, "Get number of tiers") == 1
        return
    assert ask(grid, "Get number of tiers") == 4
    assert ask(grid, "Get tier name", 4) == "caller"
    assert ask(grid, "Get label of interval", 4, 2) == "angry"
    assert ask(grid, "Get starting point", 4, 2) == pytest.approx(1.999)
    assert ask(grid, "Get label of point", 3, 1) == PLAIN


# -- the command


def run(*arguments: object) -> str:
    result = CliRunner().invoke(command, ["export", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("form", TIMED)
def test_standard_output_and_file_hold_the_same(form: str, tmp_path: Path) -> None:
    """UTF-8 in both; a file's ending says which form is meant."""
    log = write_log(tmp_path / "log.jsonl", call())
    name = f"call{TIMED[form].suffix or '.txt'}"
    asked = [] if TIMED[form].suffix else ["--to", form]
    assert run(log, "--output", tmp_path / name, *asked) == ""
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text == run(log, "--to", form) == run(log, "--format", form)
    assert len(READERS[form](text)) >= 7


def test_only_channels_asked_for() -> None:
    """A stream that a log does not have is named."""
    from ser_live.errors import LogError

    assert {who for _, _, who, _ in read("textgrid", call(), only=2)} == {"caller"}
    with pytest.raises(LogError, match="no stream 7"):
        lay_out(call(), 7)
    assert CALLER.role == "caller"
