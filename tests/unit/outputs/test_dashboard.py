"""The dashboard says what is known, fits its window, and gives the terminal back."""

from __future__ import annotations

import contextlib
import io
import math
import os
import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT, SUPPORT
from rich.cells import cell_len
from rich.console import Console
from simulated_session import MICROPHONE, events, result

from ser_live.emotions import EMOTIONS, LABELS, Emotion
from ser_live.events import (
    Cause,
    DeviceFound,
    DeviceLost,
    DeviceSought,
    Drop,
    EndReason,
    Event,
    Kind,
    Level,
    Notice,
    QueueDepth,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    SpeechStarted,
    StateChanged,
    StreamEnded,
    StreamGap,
    StreamId,
    StreamStarted,
    StreamState,
    Verdict,
)
from ser_live.outputs.dashboard.live import LiveDashboard, can_draw, shows_only_ascii
from ser_live.outputs.dashboard.sink import DashboardSink
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.stream_view import PEAK_HOLD_S
from ser_live.outputs.dashboard.view import DashboardView, render
from ser_live.outputs.dashboard.wording import confidence_in_words
from ser_live.outputs.text_lines import text_line
from ser_live.terminal.block_letters import block_rows

SIZES = [(80, 24), (120, 40), (60, 15), (76, 20), (200, 60), (40, 10), (20, 5), (3, 2), (1, 1)]
MOMENTS = [0.0, 1.5, 9.5, 17.0, 22.8, 43.0]
EVENTS = list(events())


def state_at(at_s: float) -> DashboardState:
    state = DashboardState()
    for position_s, event in EVENTS:
        if position_s > at_s:
            break
        state.apply(event)
    return state


def level(
    at_s: float,
    rms_dbfs: float,
    peak_dbfs: float,
    *,
    stream: StreamId = MICROPHONE,
    noise_dbfs: float = -60.0,
) -> Level:
    return Level(
        stream=stream,
        sample=round(at_s * 16_000),
        rms_dbfs=rms_dbfs,
        peak_dbfs=peak_dbfs,
        noise_dbfs=noise_dbfs,
        is_speech=False,
    )


def started(
    source: str = "mic",
    sample_rate: int = 48_000,
    n_channels: int = 1,
    *,
    number: int = 1,
    file: str | None = None,
) -> StreamStarted:
    stream = StreamId(number=number, source=source, file=file)
    return StreamStarted(stream=stream, sample_rate=sample_rate, n_channels=n_channels)


def changed(
    sample: int, state: StreamState, message: str = "", *, stream: StreamId = MICROPHONE
) -> StateChanged:
    return StateChanged(stream=stream, sample=sample, state=state, message=message)


def lost(device: str) -> DeviceLost:
    return DeviceLost(
        stream=MICROPHONE,
        sample=14 * 16_000,
        device=device,
        cause=Cause.STALLED,
        message=f"{device} fell silent.",
    )


def found(device: str, sample_rate: int, n_channels: int, lost_device: str) -> DeviceFound:
    return DeviceFound(
        stream=MICROPHONE,
        sample=27 * 16_000,
        device=device,
        sample_rate=sample_rate,
        n_channels=n_channels,
        lost_device=lost_device,
    )


def gap(start_sample: int, n_samples: int, cause: Cause) -> StreamGap:
    return StreamGap(stream=MICROPHONE, start_sample=start_sample, n_samples=n_samples, cause=cause)


def lines(state: DashboardState, width: int, height: int, **options: bool) -> list[str]:
    return render(state, width, height, **options).plain.split("\n")


# -- what it shows


@pytest.mark.parametrize("at_s", MOMENTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_picture_fits_its_window(size: tuple[int, int], at_s: float, ascii_only: bool) -> None:
    """At any size and moment there are exactly as many lines as rows, none too wide."""
    width, height = size
    shown = lines(state_at(at_s), width, height, ascii_only=ascii_only)
    assert len(shown) == height
    assert max(cell_len(line) for line in shown) <= width
    assert not ascii_only or all(line.isascii() for line in shown)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_everything_that_matters_is_on_the_screen(size: tuple[int, int]) -> None:
    """State, verdict, reasons, eight bars, timeline, shares and the time stand there in words."""
    text = "\n".join(lines(state_at(17.0), *size))
    for word in [
        *LABELS,
        "Built-in Microphone",
        "48 kHz",
        "dBFS",
        "listening   2.5 s",
        "fairly sure",
        "so far",
        "voice higher, louder, faster than usual",
        "last utterances",
        "too short",
        "the session so far",
        "00:17",
    ]:
        assert word in text, word


def test_a_small_window_keeps_what_matters_most() -> None:
    """At 60 x 15 the verdict, the bars and the last utterances are still there."""
    text = "\n".join(lines(state_at(22.8), 60, 15))
    for word in [*LABELS, "no speech", "uncertain: best guess sad 31 %", "1 s ago", "last:"]:
        assert word in text, word


def test_a_final_verdict_is_named_with_its_confidence_in_words_and_number() -> None:
    """The winner stands with its probability and what that means."""
    text = "\n".join(lines(state_at(13.8), 60, 15))
    assert "happy    81 %   sure" in text
    assert "so far" not in text


def test_colour_is_never_the_only_sign() -> None:
    """Words for confidence rise with it, and marks differ in shape."""
    words = [confidence_in_words(p) for p in (0.36, 0.5, 0.65, 0.9)]
    assert words == ["weak lead", "fairly sure", "sure", "very sure"]
    text = "\n".join(lines(state_at(43.0), 80, 24))
    assert "● angry" in text
    assert "○ too quiet" in text


def test_a_muted_microphone_says_so() -> None:
    """No signal stands there with what to do about it."""
    state = DashboardState()
    state.apply(started())
    state.apply(changed(0, StreamState.NO_SIGNAL, "only zeros arrive: allow the microphone " * 5))
    shown = lines(state, 80, 24)
    assert "▲ no signal" in "\n".join(shown)
    assert "only zeros arrive" in "\n".join(shown)
    assert len(shown) == 24
    state.apply(changed(16_000, StreamState.NO_SPEECH))
    assert "only zeros" not in "\n".join(lines(state, 80, 24))


def lost_for(waited_s: float) -> DashboardState:
    state = state_at(13.8)
    state.apply(lost("vmic"))
    state.apply(DeviceSought(stream=MICROPHONE, sample=14 * 16_000, waited_s=waited_s))
    return state


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_lost_microphone_is_said_calmly(size: tuple[int, int], ascii_only: bool) -> None:
    """It says what it does about it and for how long, and the clock goes on, without colour."""
    text = "\n".join(lines(lost_for(12.4), *size, ascii_only=ascii_only))
    assert "microphone lost, looking for it (12 s)" in text
    assert "no microphone" in text
    assert "00:26" in text
    assert "happy" in text, "what was said before stays"
    assert "(1:02:05)" in "\n".join(lines(lost_for(3725.0), *size))


def test_a_microphone_that_is_back_is_not_spoken_of() -> None:
    """The line goes away, the gap is counted, the header shows the format it has now."""
    state = lost_for(12.4)
    state.apply(gap(14 * 16_000, 13 * 16_000, Cause.STALLED))
    state.apply(found("vmic", 44_100, 2, "vmic"))
    text = "\n".join(lines(state, 80, 24))
    assert "looking for it" not in text
    assert "gaps 1 (13.0 s)" in text
    assert "vmic   44.1 kHz · stereo" in text
    assert "00:27" in text
    assert state.notice == ""


def test_a_microphone_that_stands_in_is_named() -> None:
    """Where the default device is heard instead, the dashboard goes on saying so."""
    state = lost_for(12.4)
    state.apply(found("built-in", 48_000, 1, "vmic"))
    assert "built-in is heard instead of vmic" in "\n".join(lines(state, 80, 24))


def test_a_stream_that_ended_looks_for_nothing() -> None:
    """The end of the stream ends the talk of its microphone."""
    state = lost_for(12.4)
    state.apply(StreamEnded(stream=MICROPHONE, n_samples=27 * 16_000, n_utterances=1))
    assert "looking for it" not in "\n".join(lines(state, 80, 24))


def test_valence_and_arousal_stand_as_bars_about_zero() -> None:
    """Word, side, signed number and the session's mean, without colour."""
    for at_s, valence, arousal in ((13.8, "+0.65", "+0.41"), (42.9, "-0.41", "-0.20")):
        text = lines(state_at(at_s), 80, 24)
        for name, number in (("valence", valence), ("arousal", arousal)):
            row = next(line for line in text if name in line)
            assert number in row
            left, right = row.split("│")[0].split("┼")
            assert ("━" in right) == (number[0] == "+")
            assert ("━" in left) == (number[0] == "-")
    assert "+" not in next(line for line in lines(state_at(0.5), 80, 24) if "valence" in line)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_it_says_how_well_it_knows_the_speaker(size: tuple[int, int]) -> None:
    """Nothing of a stranger, then the utterances heard; the name of an enrolled one."""
    assert "baseline" not in "\n".join(lines(state_at(1.5), *size))
    assert "baseline: 4 utterances" in "\n".join(lines(state_at(17.0), *size))
    state = DashboardState()
    state.apply(
        SessionStarted(started_at="", version="", model="m", model_sha256="0", speaker="anna")
    )
    assert "enrolled: anna" in "\n".join(lines(state, *size))
    state.apply(started("mic", 16_000))
    state.apply(replace(result(1, Kind.FINAL, 1, 2, Emotion.SAD, 0.7), n_past=9))
    assert "enrolled: anna" in "\n".join(lines(state, *size))
    state.apply(started("another", 16_000, number=2))
    assert state.shown.n_past == 0


def test_what_is_no_speech_is_said_and_counted() -> None:
    """A laugh gets its state, a hint and a place in the counts, and no bars."""
    state = DashboardState()
    state.apply(started("mic", 16_000))
    state.apply(result(1, Kind.FINAL, 1, 2, None, 0.0, Verdict.NOT_SPEECH))
    text = "\n".join(lines(state, 80, 40))
    assert block_rows("not speech", 40, 3)[0] in text
    assert "no words: noise, music, a laugh" in text
    assert "○ not speech" in text
    assert "1 utterance · 1 not speech" in text


def test_a_session_of_hours_still_fits() -> None:
    """Positions beyond an hour leave room for every column of the timeline."""
    state = DashboardState()
    state.apply(started("mic", 16_000))
    state.apply(level(9 * 3600.0, -30.0, -20.0))
    state.apply(result(1, Kind.FINAL, 9 * 3600.0, 9 * 3600.0 + 4, Emotion.SURPRISED, 1.0))
    text = "\n".join(lines(state, 80, 24))
    assert "9:00:00  ● surprised  > 99 %   3.4 s" in text
    assert "100 %" not in text


def test_losses_are_counted_and_marked() -> None:
    """Drops and gaps stand in the health line with a sign of their own."""
    state = DashboardState()
    state.apply(gap(0, 8_000, Cause.OVERFLOW))
    state.apply(
        Drop(stream=MICROPHONE, id=1, kind=Kind.FINAL, start_sample=8_000, end_sample=24_000)
    )
    text = "\n".join(lines(state, 80, 24))
    assert "▲ dropped 1   ▲ gaps 1 (0.5 s)" in text
    assert "○ dropped " in text


def test_a_failed_source_and_a_failing_log_are_said() -> None:
    """One sentence stays on the screen; signal messages do not wipe it away."""
    state = DashboardState()
    state.apply(SourceFailed(message="talk.wav is empty: give a file with sound."))
    state.apply(changed(0, StreamState.NO_SPEECH))
    assert "talk.wav is empty" in "\n".join(lines(state, 80, 24))
    state.apply(Notice(sink="log", message="the disk is full"))
    assert "the disk is full" in "\n".join(lines(state, 80, 24))


@pytest.mark.parametrize(
    "name",
    [
        "会議の録音" * 20,
        "e\x1b[2J\x07vil\nname\x9b31m",
        "\u202egnp.exe",
        "\ud83d\udc68",
        "👩‍👩‍👧 family" * 9,
    ],
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_name_cannot_command_or_distort(name: str, ascii_only: bool) -> None:
    """Escapes, line breaks, wide and broken characters in names stay harmless and fit."""
    state = DashboardState()
    for number, source in enumerate((name, f"{name} 2"), start=1):
        begins = started(source, 16_000, number=number, file=name)
        state.apply(begins)
        state.apply(result(number, Kind.FINAL, 1, 2, Emotion.SAD, 0.7, stream=begins.stream))
        state.apply(changed(0, StreamState.NO_SIGNAL, name, stream=begins.stream))
    state.apply(Notice(sink="log", message=name))
    for size in SIZES:
        shown = lines(state, *size, ascii_only=ascii_only)
        assert len(shown) == size[1]
        assert all(line.isprintable() for line in shown)
        assert max(cell_len(line) for line in shown) <= size[0]
        "\n".join(shown).encode("ascii" if ascii_only else "utf-8")


@given(
    st.integers(1, 150),
    st.integers(1, 50),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 1e6),
)
@settings(max_examples=60, deadline=None)
def test_no_level_breaks_the_picture(
    width: int, height: int, rms: float, noise: float, at_s: float
) -> None:
    """Any level, also none, fits any window."""
    state = state_at(5.0)
    state.apply(level(at_s, rms, rms, noise_dbfs=noise))
    shown = lines(state, width, height)
    assert len(shown) == height
    assert max(cell_len(line) for line in shown) <= width


def test_a_view_that_remembers_draws_what_a_fresh_one_draws() -> None:
    """What is kept from the last picture is never out of date."""
    state = DashboardState()
    view = DashboardView(state)
    for number, (_, event) in enumerate(EVENTS):
        state.apply(event)
        if number % 23 == 0:
            size = (80, 24) if number % 2 else (60, 15)
            assert [line.plain for line in view.lines(*size)] == lines(state, *size)


# -- what it knows


def test_partials_are_smoothed_and_a_final_snaps() -> None:
    """Bars move half way to each partial and stand exactly on the final."""
    state = DashboardState()
    first = result(1, Kind.PARTIAL, 0, 1, Emotion.HAPPY, 0.4)
    second = result(1, Kind.PARTIAL, 0, 1.5, Emotion.HAPPY, 0.8)
    final = result(1, Kind.FINAL, 0, 2, Emotion.SAD, 0.9)
    state.apply(first)
    assert state.probabilities == first.probabilities
    state.apply(second)
    assert state.probability(Emotion.HAPPY) == pytest.approx(0.6)
    assert sum(state.probabilities or ()) == pytest.approx(1.0)
    state.apply(final)
    assert state.probabilities == final.probabilities
    assert state.winner == (Emotion.SAD, 0.9)


def test_a_label_that_is_kept_is_shown_with_its_own_bar() -> None:
    """A partial that still names happy though sad is ahead: happy, its height, and that."""
    state = DashboardState()
    kept = replace(result(1, Kind.PARTIAL, 0, 1, Emotion.SAD, 0.5), emotion=Emotion.HAPPY)
    state.apply(kept)
    height = (kept.probabilities or ())[EMOTIONS.index(Emotion.HAPPY)]
    assert state.winner == (Emotion.HAPPY, height)
    text = "\n".join(lines(state, 60, 15))
    assert f"happy    {height * 100:.0f} %   overtaken" in text
    assert f"happy      {height:.2f}" in text_line(kept)


def test_a_new_utterance_starts_from_its_own_first_partial() -> None:
    """Nothing of the last utterance is mixed into the next."""
    state = DashboardState()
    state.apply(result(1, Kind.FINAL, 0, 2, Emotion.SAD, 0.9))
    fresh = result(2, Kind.PARTIAL, 3, 4, Emotion.HAPPY, 0.5)
    state.apply(fresh)
    assert state.probabilities == fresh.probabilities


def test_a_late_result_goes_to_the_timeline_only() -> None:
    """The final of an older utterance does not replace the one that is running."""
    state = DashboardState()
    state.apply(result(2, Kind.PARTIAL, 3, 4, Emotion.HAPPY, 0.5))
    state.apply(result(1, Kind.FINAL, 0, 2, Emotion.SAD, 0.9))
    assert state.result is not None
    assert state.result.id == 2
    assert [entry.label for entry in state.past.entries] == ["sad"]


def test_shares_are_shares_of_speech_time() -> None:
    """Three seconds of happy and one of sad are 75 and 25 %; the rejected do not count."""
    state = DashboardState()
    state.apply(result(1, Kind.FINAL, 0, 3, Emotion.HAPPY, 0.9))
    state.apply(result(2, Kind.FINAL, 4, 5, Emotion.SAD, 0.9))
    state.apply(result(3, Kind.FINAL, 6, 7, Emotion.SAD, 0.3, Verdict.UNCERTAIN))
    shares = state.tally.shares()
    assert shares[Emotion.HAPPY] == pytest.approx(0.75)
    assert shares[Emotion.SAD] == pytest.approx(0.25)
    assert sum(shares[emotion] for emotion in EMOTIONS) == pytest.approx(1.0)


def test_the_peak_is_held_and_then_sinks() -> None:
    """A peak stays for its time, falls at its rate, and never below what arrives."""
    state = DashboardState()
    state.apply(level(0.0, -20.0, -6.0))
    state.apply(level(PEAK_HOLD_S - 0.1, -50.0, -40.0))
    assert state.shown.meter.peak_dbfs == -6.0
    state.apply(level(PEAK_HOLD_S + 0.1, -50.0, -40.0))
    assert -11.0 < state.shown.meter.peak_dbfs < -6.0
    state.apply(level(PEAK_HOLD_S + 9.0, -50.0, -40.0))
    assert state.shown.meter.peak_dbfs == -40.0


def test_a_speech_that_came_to_nothing_is_not_shown_as_running() -> None:
    """Clatter that opened an utterance and was discarded leaves no running utterance."""
    state = DashboardState()
    state.apply(started("mic", 16_000))
    state.apply(SpeechStarted(stream=MICROPHONE, id=1, start_sample=0))
    state.apply(level(1.0, -30.0, -20.0))
    assert state.shown.running_s == 1.0
    state.apply(changed(20_000, StreamState.NO_SPEECH))
    assert state.shown.running_s is None


def test_a_new_stream_starts_its_clock_and_keeps_the_session() -> None:
    """The next file starts at zero; timeline and sums stay, told apart by file."""
    state = state_at(43.0)
    n_before = len(state.past.entries)
    state.apply(StreamEnded(stream=MICROPHONE, n_samples=43 * 16_000, n_utterances=n_before))
    assert "ended" in "\n".join(lines(state, 80, 24))
    state.apply(started("second.wav", 8_000, 2, number=2, file="second.wav"))
    assert state.shown.position_s == 0.0
    assert math.isinf(state.shown.meter.level_dbfs)
    assert len(state.past.entries) == n_before
    text = "\n".join(lines(state, 80, 24))
    assert "second.wav   8 kHz · stereo" in text
    assert "── Built-in Microphone" in text


AGENT = StreamId(number=1, source="call.wav", channel=0, role="agent")
CUSTOMER = StreamId(number=2, source="call.wav", channel=1, role="customer")


def call() -> DashboardState:
    """Two streams of one recording, both begun."""
    state = DashboardState()
    for stream in (AGENT, CUSTOMER):
        state.apply(StreamStarted(stream=stream, sample_rate=8_000, n_channels=2))
    return state


def heard(stream: StreamId, seed: int) -> list[Event]:
    """What a stream tells of itself: levels and utterances, everything with numbers of its own."""
    rng = random.Random(seed)
    events: list[Event] = []
    for number in range(1, 4):
        start = number * 10 + rng.uniform(0.0, 3.0)
        sample = round(start * 16_000)
        events.append(SpeechStarted(stream=stream, id=number, start_sample=sample))
        events.append(changed(sample, StreamState.LISTENING, stream=stream))
        for k in range(5):
            rms_dbfs = rng.uniform(-60.0, -10.0)
            events.append(level(start + k, rms_dbfs, rms_dbfs + 9.0, stream=stream))
            events.append(
                result(number, Kind.PARTIAL, start, start + k, Emotion.SAD, 0.5, stream=stream)
            )
        if number < 3:  # the last one stays open
            events.append(changed(sample + 90_000, StreamState.NO_SPEECH, stream=stream))
            events.append(
                result(number, Kind.FINAL, start, start + 5, Emotion.SAD, 0.5, stream=stream)
            )
    return events


@given(st.lists(st.booleans(), max_size=60))
@settings(max_examples=50, deadline=None)
def test_streams_that_run_side_by_side_never_mix(turns: list[bool]) -> None:
    """However their events come between each other, each is what it would be by itself."""
    queues = {1: heard(AGENT, 1), 2: heard(CUSTOMER, 2)}
    together, alone = call(), {1: call(), 2: call()}
    order = [1 if turn else 2 for turn in turns] + [1] * 100 + [2] * 100
    for number in order:
        if queues[number]:
            event = queues[number].pop(0)
            together.apply(event)
            alone[number].apply(event)
    for stream in (AGENT, CUSTOMER):
        speaks = changed(40 * 16_000, StreamState.LISTENING, stream=stream)
        together.apply(speaks)
        alone[stream.number].apply(speaks)
        assert together.shown == alone[stream.number].shown
        assert together.shown.running is not None
        assert together.shown.running.stream == stream
        assert together.shown.level is not None
        assert together.shown.level.stream == stream


def test_partials_of_another_stream_are_not_smoothed_into_these() -> None:
    """Two utterances with one number in two streams are two."""
    state = call()
    state.apply(result(1, Kind.PARTIAL, 0, 1, Emotion.HAPPY, 0.4, stream=AGENT))
    other = result(1, Kind.PARTIAL, 0, 1, Emotion.SAD, 0.9, stream=CUSTOMER)
    state.apply(other)
    assert state.probabilities == other.probabilities
    assert state.affect == (other.valence, other.arousal)


def test_a_final_of_another_stream_ends_no_open_utterance() -> None:
    """The number of an utterance counts in its own stream alone."""
    state = call()
    state.apply(SpeechStarted(stream=AGENT, id=1, start_sample=0))
    state.apply(changed(0, StreamState.LISTENING, stream=AGENT))
    state.apply(result(1, Kind.FINAL, 0, 1, Emotion.SAD, 0.9, stream=CUSTOMER))
    assert state.shown.running is not None
    state.apply(result(1, Kind.FINAL, 0, 1, Emotion.SAD, 0.9, stream=AGENT))
    assert state.shown.running is None


def test_the_stream_that_spoke_last_is_shown() -> None:
    """Silence, levels and losses of the other one change nothing on the screen."""
    state = call()
    state.apply(changed(0, StreamState.LISTENING, stream=AGENT))
    state.apply(level(1.0, -20.0, -10.0, stream=AGENT))
    shown = state.shown
    before = replace(shown, meter=replace(shown.meter))
    n_levels = state.n_levels
    state.apply(level(5.0, -70.0, -60.0, stream=CUSTOMER))
    state.apply(changed(16_000, StreamState.NO_SIGNAL, "only zeros arrive", stream=CUSTOMER))
    state.apply(changed(32_000, StreamState.NO_SPEECH, stream=CUSTOMER))
    assert state.shown is shown
    assert (state.shown, state.n_levels) == (before, n_levels)
    state.apply(changed(48_000, StreamState.LISTENING, stream=CUSTOMER))
    assert state.shown is not shown
    assert state.shown.meter.level_dbfs == -70.0


def test_after_a_stream_ended_the_one_that_spoke_last_of_the_others_is_shown() -> None:
    """Of those that go on, however they began; the last one stays as ended."""
    state = call()
    third = StreamId(number=3, source="call.wav", channel=2)
    state.apply(StreamStarted(stream=third, sample_rate=8_000, n_channels=3))
    for number, stream in enumerate((CUSTOMER, AGENT, third), start=1):
        state.apply(changed(number * 16_000, StreamState.LISTENING, stream=stream))
        state.apply(level(number, -20.0 - number, -10.0, stream=stream))
    for stream, level_dbfs in ((third, -22.0), (AGENT, -21.0)):
        state.apply(StreamEnded(stream=stream, n_samples=160_000, n_utterances=0))
        assert state.shown.meter.level_dbfs == level_dbfs
    state.apply(StreamEnded(stream=CUSTOMER, n_samples=160_000, n_utterances=0))
    assert state.shown.state is None


def test_the_meter_of_each_stream_moves_in_silence() -> None:
    """Levels of silence are thinned out for each stream by itself."""
    sink = DashboardSink(console())
    for stream in (AGENT, CUSTOMER):
        sink.take(StreamStarted(stream=stream, sample_rate=8_000, n_channels=2))
    with contextlib.closing(sink):
        sink.open()
        n_moved = {}
        for stream in (AGENT, CUSTOMER):
            sink.take(changed(0, StreamState.LISTENING, stream=stream))
            sink.take(changed(1, StreamState.NO_SPEECH, stream=stream))
            n_moved[stream.number] = 0
            for k in range(100):
                now_s = stream.number * 100 + 0.1 * k
                sink.idle(now_s)
                n_before = sink.state.n_levels
                sink.take(level(now_s, -60.0 - k / 10, -50.0, stream=AGENT))
                sink.take(level(now_s, -70.0 - k / 10, -50.0, stream=CUSTOMER))
                n_moved[stream.number] += sink.state.n_levels - n_before
    assert n_moved == {1: 34, 2: 34}


def test_the_version_grows_only_when_something_changed() -> None:
    """Unknown events and unchanged queues cause no drawing."""
    state = DashboardState()
    state.apply(QueueDepth(n_waiting=0, capacity=64))
    before = (state.version, state.n_levels)
    state.apply(QueueDepth(n_waiting=0, capacity=64))
    state.apply(
        SessionEnded(reason=EndReason.END, duration_s=1.0, n_utterances=0, n_dropped=0, n_gaps=0)
    )
    assert (state.version, state.n_levels) == before
    state.apply(QueueDepth(n_waiting=1, capacity=64))
    assert state.version == before[0] + 1


# -- on a terminal


def console(width: int = 80, height: int = 24, **options: Any) -> Console:
    stream = io.StringIO()
    return Console(
        file=stream, width=width, height=height, force_terminal=True, _environ={}, **options
    )


def test_what_is_painted_is_what_was_drawn() -> None:
    """Line by line updates leave the same picture on a terminal as a whole drawing."""
    terminal = pyte.Screen(80, 24)
    stream = pyte.Stream(terminal)
    state = DashboardState()
    on = console(color_system="truecolor")
    with LiveDashboard(state, on) as dashboard:
        for position_s, event in EVENTS:
            state.apply(event)
            if dashboard.update(position_s):
                shown = [line.rstrip() for line in lines(state, 80, 24)]
                stream.feed(on.file.getvalue())  # type: ignore[attr-defined]
                on.file.truncate(0)
                on.file.seek(0)
                assert [line.rstrip() for line in terminal.display] == shown


def test_it_draws_at_most_ten_times_a_second_and_only_changes() -> None:
    """Calls in quick succession and calls without news draw nothing."""
    state = state_at(5.0)
    with LiveDashboard(state, console()) as dashboard:
        assert dashboard.update(0.0)
        state.apply(level(5.1, -30.0, -20.0))
        assert not dashboard.update(0.05)
        assert dashboard.update(0.11)
        assert not dashboard.update(5.0)


def test_no_color_sends_no_colour() -> None:
    """With NO_COLOR only weights such as bold are sent, and words carry the meaning."""
    on = console(color_system="truecolor", no_color=True)
    with LiveDashboard(state_at(17.0), on) as dashboard:
        dashboard.update(0.0)
    sent = on.file.getvalue()  # type: ignore[attr-defined]
    assert "happy" in sent
    codes = {code for part in sent.split("\x1b[")[1:] for code in part.split("m")[0].split(";")}
    assert codes.isdisjoint({"38", "48", *(str(n) for n in range(30, 38)), "90"})


class Screen(io.StringIO):
    """A stream that leads to a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_dumb_terminal_and_a_pipe_are_not_drawn_on() -> None:
    """Where the cursor cannot move, results go out as lines instead."""

    def on(stream: io.StringIO, term: str) -> Console:
        # As a variable of the environment has it for any stream.
        return Console(file=stream, force_terminal=True, _environ={"TERM": term})

    assert can_draw(on(Screen(), "xterm"))
    assert not can_draw(on(Screen(), "dumb"))
    assert not can_draw(on(io.StringIO(), "xterm"))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "C"}, True),
        ({"LC_ALL": "POSIX"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({}, False),
    ],
)
def test_a_c_locale_is_drawn_in_ascii(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    """A locale set to C by hand means that block characters would not be shown."""
    for name in ("LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert shows_only_ascii(console()) is expected
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert shows_only_ascii(Console(file=latin))


CHILD = """
import os, signal, sys
from rich.console import Console
from ser_live.outputs.dashboard.live import LiveDashboard
from ser_live.outputs.dashboard.sink import DashboardSink
from ser_live.outputs.dashboard.state import DashboardState
from simulated_session import events
state = DashboardState()
with LiveDashboard(state, Console()) as dashboard:
    for at_s, event in events(12.0):
        state.apply(event)
        dashboard.update(at_s)
    os.write(2, b"ALSA lib: underrun\\n")
    {end}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("pass", ""),
        ("raise RuntimeError('boom')", "boom"),
        ("os.kill(os.getpid(), signal.SIGINT)", "KeyboardInterrupt"),
        ("sys.exit(3)", ""),
    ],
)
def test_the_terminal_is_given_back_after_every_end(end: str, said: str) -> None:
    """The old screen and the cursor come back, and only then stray messages are printed."""
    import pty

    master, slave = pty.openpty()
    env = {
        **os.environ,
        "TERM": "xterm-256color",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{SUPPORT}",
    }
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(end=end)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=env,
        start_new_session=True,
    )
    os.close(slave)
    sent = b""
    try:
        while chunk := os.read(master, 65536):
            sent += chunk
    except OSError:
        pass  # Linux reports the end of a pseudo terminal as an error
    finally:
        os.close(master)
        child.wait()
    shown, _, after = sent.partition(b"\x1b[?1049l")
    assert shown.count(b"\x1b[?1049h") == 1
    assert b"listening" in shown
    assert b"ALSA" not in shown
    assert b"\x1b[?25h" in sent
    assert b"ALSA lib: underrun" in after
    assert said.encode() in after
