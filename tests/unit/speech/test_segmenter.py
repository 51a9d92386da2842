"""The segmenter, told with booleans what is speech."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_parts import STREAM

from ser_live.config import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE_HZ, SegmenterSettings
from ser_live.errors import InvalidAudioError
from ser_live.events import Kind, SpeechStarted, StateChanged, StreamState, Utterance, Verdict
from ser_live.sources.microphone_hint import microphone_hint
from ser_live.speech.segmenter import Segmenter, SegmenterEvent

SHORT = SegmenterSettings(max_utterance_s=3.0, split_search_s=1.0)


def frame(value: float = 0.1) -> np.ndarray:
    return np.full(FRAME_SAMPLES, value, np.float32)


class Listener:
    """A segmenter that is fed seconds of speech or silence; keeps every event."""

    def __init__(self, settings: SegmenterSettings | None = None) -> None:
        self.segmenter = Segmenter(settings, stream=STREAM)
        self.events: list[SegmenterEvent] = []

    def hear(self, seconds: float, is_speech: bool, *, voiced: bool = True) -> Listener:
        for _ in range(round(seconds / FRAME_S)):
            self.events += self.segmenter.push(frame(), is_speech, is_voiced=voiced)
        return self

    def speech(self, seconds: float) -> Listener:
        return self.hear(seconds, True)

    def silence(self, seconds: float) -> Listener:
        return self.hear(seconds, False)

    def flush(self) -> Listener:
        self.events += self.segmenter.flush()
        return self

    def of(self, kind: str) -> list[Utterance]:
        return [e for e in self.events if isinstance(e, Utterance) and e.kind == kind]

    @property
    def states(self) -> list[StreamState]:
        return [e.state for e in self.events if isinstance(e, StateChanged)]


def in_s(n_samples: int) -> float:
    return n_samples / SAMPLE_RATE_HZ


def test_silence_starts_nothing() -> None:
    """Three seconds of silence, nothing starts."""
    assert Listener().silence(3).flush().events == []


def test_one_sentence_is_one_utterance_with_pre_roll_and_post_roll() -> None:
    """A sentence starts by the pre-roll earlier and ends by the post-roll later."""
    heard = Listener().silence(1.2).speech(1.5).silence(1.2)
    (final,) = heard.of("final")
    assert in_s(final.start_sample) == pytest.approx(1.2 - 0.21)
    assert in_s(final.end_sample) == pytest.approx(1.2 + 1.5 + 0.1)
    assert final.state is Verdict.OK
    assert final.samples.shape == (final.end_sample - final.start_sample,)
    assert final.speech.tolist() == [False] * 7 + [True] * 50 + [False] * 4
    assert heard.states == [StreamState.LISTENING, StreamState.NO_SPEECH]


def test_pre_roll_stops_at_the_start_of_the_stream() -> None:
    """Speech from the first sample on starts the utterance at sample 0."""
    (final,) = Listener().speech(1).flush().of("final")
    assert final.start_sample == 0


def test_final_is_known_one_hangover_after_the_last_speech() -> None:
    """The final comes with the frame that completes the hangover, not later."""
    heard = Listener().silence(0.6).speech(0.9)
    n_frames = 0
    while not heard.of("final"):
        heard.silence(FRAME_S)
        n_frames += 1
    assert n_frames * FRAME_S == pytest.approx(SegmenterSettings().hangover_s)


def test_pause_shorter_than_hangover_does_not_split() -> None:
    """A pause of 0.3 s inside a sentence keeps it one utterance."""
    heard = Listener().speech(0.9).silence(0.3).speech(0.9).flush()
    assert len(heard.of("final")) == 1


def test_single_speech_frames_do_not_hold_back_the_end() -> None:
    """One false speech frame every 0.3 s after a sentence does not keep it open."""
    heard = Listener().speech(1.0)
    for _ in range(4):
        heard.silence(0.27).speech(0.03)
    (final,) = heard.of("final")
    assert in_s(final.end_sample) == pytest.approx(0.99 + 0.1)


def test_start_reaches_back_over_suspected_frames() -> None:
    """Frames that may be speech open nothing, but begin the utterance that opens after them."""
    segmenter, events = Segmenter(stream=STREAM), []
    for index in range(80):
        suspected, speech = 40 <= index < 50, 50 <= index < 70
        events += segmenter.push(frame(), speech, is_suspected=suspected)
    (started,) = [e for e in events if isinstance(e, SpeechStarted)]
    assert started.start_sample == (40 - 7) * FRAME_SAMPLES
    alone = Segmenter(stream=STREAM)
    assert [e for _ in range(80) for e in alone.push(frame(), False, is_suspected=True)] == []


def test_unvoiced_speech_frames_open_nothing() -> None:
    """Ten seconds of speech frames without voice, as rain gives, are one ignored burst."""
    heard = Listener().hear(10, True, voiced=False).silence(1).flush()
    assert heard.events == []
    assert heard.segmenter.n_ignored == 1


def test_unvoiced_frames_after_a_sentence_do_not_keep_it_open() -> None:
    """Rain that sets in after the last word ends the utterance soon."""
    heard = Listener().speech(1.2).hear(5, True, voiced=False)
    (final,) = heard.of("final")
    assert in_s(final.end_sample) <= 1.2 + 0.6 + 0.1 + FRAME_S


def test_short_burst_opens_nothing() -> None:
    """Two tenths of a second of speech never become an utterance."""
    assert Listener().silence(1).speech(0.2).silence(1).events == []


def test_announced_but_too_short_speech_is_reported_as_too_short() -> None:
    """Speech long enough to be announced but not to be analyzed ends as too short."""
    heard = Listener().silence(1).speech(0.3).silence(1)
    (final,) = heard.of("final")
    assert final.state is Verdict.TOO_SHORT
    assert [e.id for e in heard.events if isinstance(e, SpeechStarted)] == [final.id]


def test_sparse_speech_frames_are_clatter() -> None:
    """An announced sound whose frames are mostly not speech is rejected, without partials."""
    heard = Listener().speech(0.3)
    for _ in range(30):
        heard.speech(0.09).silence(0.15)
    heard.flush()
    assert {u.state for u in heard.of("final")} == {Verdict.TOO_SHORT}
    assert heard.of("partial") == []


def test_hardly_voiced_speech_is_clatter() -> None:
    """A sound of which less than a tenth is voiced is rejected."""
    heard = Listener().speech(0.3)
    for _ in range(15):
        heard.hear(0.54, True, voiced=False).speech(0.03)
    (final,) = heard.flush().of("final")
    assert final.state is Verdict.TOO_SHORT


def test_partials_come_at_one_second_and_every_half_second() -> None:
    """Partials come after 1.0, 1.5, 2.0 s of speech with the id and start of the final."""
    heard = Listener().silence(0.9).speech(2.1).silence(1)
    (final,) = heard.of("final")
    partials = heard.of("partial")
    assert [round(p.speech_s, 2) for p in partials] == [1.02, 1.5, 2.01]
    for partial in partials:
        assert (partial.id, partial.start_sample) == (final.id, final.start_sample)
        assert np.array_equal(partial.samples, final.samples[: len(partial.samples)])


def test_partials_of_a_long_utterance_come_ever_more_rarely() -> None:
    """Each a quarter of what was heard later than the one before, half a second at least."""
    heard = Listener().silence(1.2).speech(10.5).silence(1.2)
    partials = [p.speech_s for p in heard.of("partial")]
    expected = [1.0, 1.5, 2.0, 2.5, 3.125, 3.91, 4.88, 6.10, 7.63, 9.54]
    assert partials == pytest.approx(expected, abs=0.031)


def test_samples_are_read_only_copies() -> None:
    """Another thread may keep the samples: nobody can change them, nor the caller's block."""
    segmenter, block = Segmenter(stream=STREAM), frame()
    events = [e for _ in range(40) for e in segmenter.push(block, True)]
    block[:] = 0.9
    (partial,) = [e for e in events if isinstance(e, Utterance)]
    assert np.all(partial.samples == np.float32(0.1))
    with pytest.raises(ValueError, match="read-only"):
        partial.samples[0] = 0


def test_endless_speech_is_split_at_its_quietest_point() -> None:
    """At the longest length the cut falls on the quietest frames, and nothing is lost."""
    segmenter = Segmenter(SHORT, stream=STREAM)
    events: list[SegmenterEvent] = []
    for index in range(200):
        quiet = 80 <= index < 83
        events += segmenter.push(frame(0.01 if quiet else 0.3), True)
    events += segmenter.flush()
    finals = [e for e in events if isinstance(e, Utterance) and e.kind is Kind.FINAL]
    assert finals[0].is_split
    assert finals[0].end_sample == 82 * FRAME_SAMPLES
    assert not finals[-1].is_split
    for left, right in itertools.pairwise(finals):
        assert left.end_sample == right.start_sample
    assert finals[-1].end_sample == 200 * FRAME_SAMPLES
    states = [e.state for e in events if isinstance(e, StateChanged)]
    assert states == [StreamState.LISTENING, StreamState.NO_SPEECH]


def test_next_utterance_does_not_reach_into_the_last() -> None:
    """Pre-roll never repeats audio that an utterance already has."""
    settings = replace(SegmenterSettings(), pre_roll_s=1.0)
    heard = Listener(settings).speech(1).silence(0.48).speech(1).flush()
    first, second = heard.of("final")
    assert second.start_sample >= first.end_sample


def test_gap_closes_the_utterance_and_moves_the_clock() -> None:
    """Lost audio ends the open utterance; positions after it count the gap."""
    heard = Listener().speech(1.2)
    rest = np.ones(100, np.float32)
    heard.events += heard.segmenter.gap(4800, rest)
    heard.speech(1.2).flush()
    first, second = heard.of("final")
    assert first.end_sample == 40 * FRAME_SAMPLES + 100
    assert second.start_sample == 40 * FRAME_SAMPLES + 100 + 4800
    assert heard.segmenter.clock == 80 * FRAME_SAMPLES + 4900


def test_flush_gives_the_open_utterance_with_the_leftover() -> None:
    """At the end of the stream the open utterance is final, down to the last sample."""
    heard = Listener().speech(1.2)
    events = heard.segmenter.flush(np.ones(7, np.float32))
    assert isinstance(events[0], Utterance)
    assert events[0].end_sample == 40 * FRAME_SAMPLES + 7 == heard.segmenter.clock
    assert len(events[0].speech) == 41
    assert heard.segmenter.flush() == []


def test_zeros_are_no_signal_after_one_second() -> None:
    """Exact zeros for one second are said so once, with what to do; sound ends that state."""
    segmenter = Segmenter(stream=STREAM, no_signal_message="nothing is heard")
    events = [e for _ in range(100) for e in segmenter.push(frame(0.0), False)]
    (state,) = events
    assert isinstance(state, StateChanged)
    assert state.state is StreamState.NO_SIGNAL
    assert 1.0 <= in_s(state.sample) < 1.0 + FRAME_S
    assert state.message == "nothing is heard"
    (back,) = segmenter.push(frame(1e-4), False)
    assert isinstance(back, StateChanged)
    assert back.state is StreamState.NO_SPEECH


def test_mac_gets_the_permission_hint() -> None:
    """Only on macOS does the message speak of the privacy settings."""
    assert "Privacy & Security > Microphone" in microphone_hint("darwin")
    assert "Privacy" not in microphone_hint("linux")


def test_noise_floor_is_that_of_the_start() -> None:
    """An utterance carries the floor before it, not the one during it."""
    segmenter = Segmenter(stream=STREAM)
    for _ in range(20):
        segmenter.push(frame(), False, noise_dbfs=-60.0)
    for index in range(40):
        segmenter.push(frame(), True, noise_dbfs=-60.0 if index < 3 else -40.0)
    final = segmenter.flush()[0]
    assert isinstance(final, Utterance)
    assert final.noise_dbfs == -60.0


def test_noise_floor_unknown_at_the_start_is_taken_later() -> None:
    """Where the stream begins with speech the floor is the last one known."""
    segmenter = Segmenter(stream=STREAM)
    for index in range(40):
        segmenter.push(frame(), True, noise_dbfs=float("nan") if index < 16 else -40.0)
    final = segmenter.flush()[0]
    assert isinstance(final, Utterance)
    assert final.noise_dbfs == -40.0


@pytest.mark.parametrize("shape", [(479,), (481,), (480, 1)])
def test_wrong_frame_is_refused(shape: tuple[int, ...]) -> None:
    """A frame of another shape is refused with the way out."""
    with pytest.raises(InvalidAudioError, match="cut the stream with FrameCutter"):
        Segmenter(stream=STREAM).push(np.zeros(shape, np.float32), False)


def test_leftover_of_a_frame_is_refused() -> None:
    """A whole frame is no leftover."""
    with pytest.raises(InvalidAudioError, match="push whole frames first"):
        Segmenter(stream=STREAM).flush(frame())


def test_negative_gap_is_refused() -> None:
    """The clock never runs backward."""
    with pytest.raises(InvalidAudioError, match="gap of -1 samples"):
        Segmenter(stream=STREAM).gap(-1)


runs = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["speech", "unvoiced", "silence"]), st.integers(1, 60)),
        st.tuples(st.just("gap"), st.integers(0, 5000)),
    ),
    max_size=14,
)


def feed(
    plan: list[tuple[str, int]], leftover: int, *, with_partials: bool = True
) -> tuple[Segmenter, list[SegmenterEvent], int]:
    segmenter = Segmenter(SHORT, stream=STREAM, first_id=5, with_partials=with_partials)
    events: list[SegmenterEvent] = []
    n = 0
    for kind, count in plan:
        if kind == "gap":
            events += segmenter.gap(count)
            n += count
            continue
        for _ in range(count):
            # Samples that tell their own position, and a level that varies.
            samples = (np.arange(n, n + FRAME_SAMPLES) % 65521 + 1).astype(np.float32)
            level = -30.0 - (n // FRAME_SAMPLES * 7919 % 20)
            events += segmenter.push(
                samples, kind != "silence", -60.0, level, is_voiced=kind == "speech"
            )
            n += FRAME_SAMPLES
    events += segmenter.flush(np.zeros(leftover, np.float32))
    return segmenter, events, n + leftover


@given(plan=runs, leftover=st.integers(0, FRAME_SAMPLES - 1))
def test_truths_that_hold_for_every_stream(plan: list[tuple[str, int]], leftover: int) -> None:
    """Finals are ordered, apart, inside the stream, whole, bounded; partials are their heads."""
    segmenter, events, n_samples = feed(plan, leftover)
    assert segmenter.clock == n_samples
    utterances = [e for e in events if isinstance(e, Utterance)]
    finals = [u for u in utterances if u.kind is Kind.FINAL]
    started = [e for e in events if isinstance(e, SpeechStarted)]
    assert [s.id for s in started] == [f.id for f in finals] == list(range(5, 5 + len(finals)))
    assert [s.start_sample for s in started] == [f.start_sample for f in finals]
    assert segmenter.next_id == 5 + len(finals)
    assert all(0 <= f.start_sample < f.end_sample <= n_samples for f in finals)
    assert all(a.end_sample <= b.start_sample for a, b in itertools.pairwise(finals))
    longest = SHORT.max_utterance_s * SAMPLE_RATE_HZ + 2 * FRAME_SAMPLES
    for u in utterances:
        n = u.end_sample - u.start_sample
        assert len(u.samples) == n <= longest
        assert len(u.speech) == -(-n // FRAME_SAMPLES)
        whole = np.arange(u.start_sample, u.end_sample) % 65521 + 1
        same = u.samples == whole.astype(np.float32)
        assert np.all(same | (u.samples == 0))
    starts = {f.id: f.start_sample for f in finals}
    last_position = {f.id: index for index, f in enumerate(events) if f in finals}
    for index, event in enumerate(events):
        if isinstance(event, Utterance) and event.kind is Kind.PARTIAL:
            assert event.start_sample == starts[event.id]
            assert index < last_position[event.id]
    states = [e.state for e in events if isinstance(e, StateChanged)]
    assert all(a is not b for a, b in itertools.pairwise(states))
    assert states[-1:] in ([], [StreamState.NO_SPEECH])


@given(plan=runs)
def test_partials_are_left_out_where_nobody_wants_them(plan: list[tuple[str, int]]) -> None:
    """Without partials everything else comes as it comes with them, in the same order."""
    wanted = [
        repr(e)
        for e in feed(plan, 0)[1]
        if not (isinstance(e, Utterance) and e.kind is Kind.PARTIAL)
    ]
    assert [repr(e) for e in feed(plan, 0, with_partials=False)[1]] == wanted


@given(plan=runs)
def test_same_frames_give_the_same_events(plan: list[tuple[str, int]]) -> None:
    """Nothing but the frames decides: a second run gives the same events."""
    first, second = feed(plan, 0)[1], feed(plan, 0)[1]
    assert [repr(e) for e in first] == [repr(e) for e in second]


def test_memory_stays_bounded() -> None:
    """Ten minutes of babble and silence leaves no more frames behind than one utterance has."""
    segmenter = Segmenter(stream=STREAM)
    block, rng = frame(), np.random.default_rng(1)
    most = 0
    for index in range(round(600 / FRAME_S)):
        is_speech = bool(rng.random() < (0.9 if index // 500 % 2 else 0.1))
        segmenter.push(block, is_speech)
        most = max(most, len(segmenter._history))
    assert most <= round(SegmenterSettings().max_utterance_s / FRAME_S) + 1
