"""Keys at the dashboard: what they ask of a session, and what they show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from golden_frames import DEVICES, Idle, desk_at
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from simulated_session import MICROPHONE, result

from ser_live.emotions import Emotion
from ser_live.errors import DeviceError
from ser_live.events import (
    FORGOTTEN,
    Cause,
    Kind,
    Note,
    NotedBy,
    Paused,
    StreamEnded,
    StreamGap,
    StreamNotice,
    StreamStarted,
)
from ser_live.outputs.dashboard.desk import _ACTIONS, SAID_FOR_S, Desk, Layout
from ser_live.outputs.dashboard.frame import Recordings
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.view import DashboardView, render
from ser_live.sources.devices import InputDevice

SIZES = [(80, 24), (120, 40), (200, 50), (60, 15), (76, 20), (40, 10), (20, 5), (3, 2), (1, 1)]


class Recorded(Idle):
    """A session that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def mark(self, label: str, source: NotedBy = NotedBy.API) -> bool:
        self.asked.append(("mark", label, source))
        return True

    def note(self, text: str, rating: int | None = None) -> bool:
        self.asked.append(("note", text, rating))
        return True

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def reset(self) -> bool:
        self.asked.append(("reset",))
        return True

    def change_microphone(self, device: InputDevice) -> bool:
        self.asked.append(("change", device.name))
        return True

    def stop(self) -> None:
        self.asked.append(("stop",))


def desk() -> tuple[Desk, Recorded]:
    made = desk_at()
    session = Recorded()
    made.session = session
    return made, session


def typed(on: Desk, *keys: str) -> None:
    for key in keys:
        on.press(key, 0.0)


def shown(on: Desk, width: int = 80, height: int = 24) -> str:
    return render(on.state, width, height, desk=on).plain


@given(
    st.lists(st.sampled_from([*_ACTIONS, "x", "ü", "y", "3", "backspace", "clear", "語"])),
    st.sampled_from(SIZES),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_pressed_the_picture_fits(
    keys: list[str], size: tuple[int, int], ascii_only: bool
) -> None:
    """Any keys in any order, in any window."""
    on, _ = desk()
    width, height = size
    typed(on, *keys)
    lines = render(on.state, width, height, desk=on, ascii_only=ascii_only).plain.split("\n")
    assert len(lines) == height
    assert max(cell_len(line) for line in lines) <= width
    assert not ascii_only or all(line.isascii() for line in lines)


@pytest.mark.parametrize("layout", Layout)
def test_a_view_that_remembers_draws_what_a_fresh_one_draws(layout: Layout) -> None:
    """Also where the window changes and keys are pressed in between."""
    on, _ = desk()
    on.layout = layout
    view = DashboardView(on.state, desk=on)
    for k, key in enumerate(["down", "enter", "escape", "+", "-", "-", "u", "i", "i", "f", "f"]):
        on.state.apply(
            result(20 + k, Kind.FINAL, 42 + k, 43 + k, Emotion.CALM, 0.4, stream=MICROPHONE)
        )
        on.press(key, 0.0)
        for size in (SIZES[k % 4], (80, 24)):
            remembered = "\n".join(line.plain for line in view.lines(*size))
            assert remembered == render(on.state, *size, desk=on).plain


def test_a_mark_is_typed_corrected_and_kept() -> None:
    """Letters that are commands elsewhere are text here; nothing typed is a mark all the same."""
    on, session = desk()
    typed(on, "m", *"quit", "backspace", "backspace", *"estion", "enter", "m", "enter")
    assert session.asked == [("mark", "question", NotedBy.USER), ("mark", "mark", NotedBy.USER)]
    typed(on, "m", "q", "escape")
    assert len(session.asked) == 2
    assert on.prompt is None


def test_a_note_asks_for_a_rating_and_takes_none() -> None:
    """1 to 5, Enter for none, nothing else; an empty note is none."""
    on, session = desk()
    typed(on, "n", *"tired", "enter")
    assert "1 (bad) to 5 (good)" in shown(on)
    typed(on, "9", "x", "2")
    typed(on, "n", *"fine", "enter", "enter", "n", "enter", "n", "x", "enter", "escape")
    assert session.asked == [("note", "tired", 2), ("note", "fine", None)]


def test_forgetting_the_voice_is_asked_about_first() -> None:
    """Only y does it."""
    on, session = desk()
    typed(on, "r", "n", "r", "escape", "r", "q")
    assert session.asked == []
    typed(on, "r", "y")
    assert session.asked == [("reset",)]
    on.state.apply(StreamNotice(stream=MICROPHONE, sample=42 * 16_000, message=FORGOTTEN))
    assert on.state.notice == ""


def test_an_answer_goes_away_after_its_time() -> None:
    """Then the keys stand there again."""
    on, session = desk()
    on.press(" ", 10.0)
    assert session.is_paused
    assert "nothing is heard" in shown(on)
    on.idle(10.0 + SAID_FOR_S - 0.1)
    assert "nothing is heard" in shown(on)
    on.idle(10.0 + SAID_FOR_S)
    assert "q end   space pause" in shown(on)
    on.press("q", 20.0)
    assert session.asked == [("stop",)]


def test_a_pause_is_shown_and_is_no_loss() -> None:
    """The clock runs on meanwhile; afterwards time is hatched, and no loss is told."""
    on, _ = desk()
    on.state.apply(Paused(stream=MICROPHONE, sample=42 * 16_000))
    on.state.apply(Paused(stream=MICROPHONE, sample=47 * 16_000))
    assert "▲ paused   00:05" in shown(on)
    assert "15:10:13" in shown(on)
    on.state.apply(
        StreamGap(stream=MICROPHONE, start_sample=42 * 16_000, n_samples=80_000, cause=Cause.PAUSED)
    )
    on.state.apply(Paused(stream=MICROPHONE, sample=47 * 16_000, is_over=True))
    assert "paused" not in shown(on)
    assert "╱" in shown(on)
    assert "gaps" not in shown(on)


def test_one_looks_back_and_opens_an_utterance() -> None:
    """The choice stays with its utterance while others come; the page tells all of it."""
    on, _ = desk()
    typed(on, "down", "down", "down")
    assert "utterance 8 of 10" in shown(on)
    assert on.selected is not None
    assert on.selected.label == "angry"
    on.state.apply(result(12, Kind.FINAL, 40, 41, Emotion.SAD, 0.7))
    assert "utterance 8 of 11" in shown(on)
    typed(on, "enter")
    page = shown(on)
    assert "voice higher (pitch +3.1 st)" in page
    assert "31 dB above the noise" in page
    assert "00:27.1 to 00:30.4" in page
    typed(on, "end")
    assert on.selected.label == "neutral"
    typed(on, "escape", "escape")
    assert "last utterances" in shown(on)


def test_a_frozen_picture_stays_while_the_session_goes_on() -> None:
    """It is what was there, and the present comes back whole."""
    on, _ = desk()
    before = shown(on).split("\n")[:-1]
    typed(on, "f")
    on.state.apply(result(12, Kind.FINAL, 40, 41, Emotion.ANGRY, 0.97))
    on.state.apply(Note(stream=MICROPHONE, sample=41 * 16_000, text="later"))
    assert shown(on).split("\n")[:-1] == before
    assert "frozen at 00:42" in shown(on)
    typed(on, "f")
    assert "97 %" in shown(on)


def test_units_are_told_on_request() -> None:
    """Words for people, and the numbers behind them."""
    on, _ = desk()
    assert "voice higher, louder, faster than usual" in shown(on)
    typed(on, "u")
    assert "pitch +3.1 st · louder +4 dB · faster" in shown(on)


def test_zoom_shows_less_and_more_time() -> None:
    """The strip begins later when it is closer; 0 shows all again."""
    on, _ = desk()
    assert "the session so far" in shown(on)
    typed(on, "+")
    assert "the last 30 s" in shown(on)
    typed(on, "+", "+", "-", "-")
    assert on.window_s == 120.0
    typed(on, "0")
    assert on.window_s == 60.0


def test_recordings_have_their_place_and_their_length() -> None:
    """A header that says less than was heard is not believed; unknown lengths are left out."""
    lengths = {"a.wav": 75.0, "b.wav": None, "c.wav": 1.0}
    known = Recordings(3, lengths.__getitem__)
    state = DashboardState()
    seen = []
    for number, file in enumerate(lengths, start=1):
        stream = replace(MICROPHONE, number=number, source=file, file=file)
        state.apply(StreamStarted(stream=stream, sample_rate=16_000, n_channels=1))
        state.apply(StreamGap(stream=stream, start_sample=0, n_samples=80_000, cause=Cause.DAMAGED))
        seen.append(render(state, 80, 24, recordings=known).plain.split("\n")[0].split("mono")[1])
        state.apply(StreamEnded(stream=stream, n_samples=80_000, n_utterances=0))
    assert [" ".join(text.split()) for text in seen] == [
        "file 1 of 3 00:05 / 01:15",
        "file 2 of 3 00:05",
        "file 3 of 3 00:05",
    ]


def test_a_verdict_grows_old() -> None:
    """Its age is told, and its style grows paler."""
    state = DashboardState()
    state.apply(StreamStarted(stream=MICROPHONE, sample_rate=16_000, n_channels=1))
    state.apply(result(1, Kind.FINAL, 0, 2, Emotion.HAPPY, 0.999))
    styles = []
    ages = {0.5: "just now", 12.0: "12 s ago", 130.0: "2 min ago", 8000.0: "2 h ago"}
    for age_s, words in ages.items():
        state.apply(Paused(stream=MICROPHONE, sample=round((2 + age_s) * 16_000)))
        text = render(state, 80, 24)
        assert words in text.plain
        assert "> 99 %" in text.plain
        at = text.plain.index("█")
        styles.append({str(span.style) for span in text.spans if span.start <= at < span.end})
    assert any("bold" in style for style in styles[0])
    assert "dim" in " ".join(styles[1])
    assert styles[1] != styles[2] == styles[3]


def test_another_microphone_is_chosen_from_the_list() -> None:
    """Arrows move in the list and stop at its ends; Enter asks, Esc and `d` leave all as it is."""
    on, session = desk()
    typed(on, "d")
    assert "> 3 headset (ALSA)   heard now" in shown(on)
    typed(on, "up", "up", "up")
    assert "> 0 HDA Intel" in shown(on)
    typed(on, "escape", "d", "d", "d")
    assert session.asked == []
    assert on.selected is None, "arrows chose no utterance meanwhile"
    typed(on, *["down"] * 9)
    assert "> 4 default (ALSA)   default" in shown(on)
    typed(on, "enter")
    assert session.asked == [("change", "default")]
    assert "opening default" in shown(on)
    assert "> 4" not in shown(on)


@pytest.mark.parametrize(("width", "height"), SIZES[:-2])
def test_the_chosen_microphone_is_in_sight_in_any_window(width: int, height: int) -> None:
    """Also where a list is longer than the window."""
    on, _ = desk()
    many = [replace(DEVICES[0], index=k, name=f"card {k}") for k in range(60)]
    typed(on, "d")
    on.devices = many
    for k in (0, 31, 59):
        on.chosen = k
        assert f"> {k} card" in shown(on, width, height)


def test_where_no_microphone_is_heard_or_listed_the_key_says_so() -> None:
    """A recording has none; a sound server that does not answer gives no list."""

    class Replay(Recorded):
        microphone = None  # type: ignore[assignment]

    class Stuck(Recorded):
        def microphones(self) -> list[InputDevice]:
            raise DeviceError("The list is not to be had.")

    for session, words in ((Replay(), "no microphone is heard here"), (Stuck(), "not to be had")):
        on = Desk(desk_at().state, session)
        typed(on, "d")
        assert words in shown(on)
        assert on.page is None
    assert "d microphone" not in shown(Desk(desk_at().state, Replay()), 200, 50)
    assert "d microphone" in shown(desk()[0], 200, 50)


def test_a_chosen_microphone_is_no_loss() -> None:
    """The gap of a change is drawn, but not counted as trouble."""
    on, _ = desk()
    n_before = on.state.n_losses
    for cause in (Cause.CHANGED, Cause.OVERFLOW):
        on.state.apply(
            StreamGap(stream=MICROPHONE, start_sample=42 * 16_000, n_samples=900, cause=cause)
        )
    assert on.state.n_losses == n_before + 1
