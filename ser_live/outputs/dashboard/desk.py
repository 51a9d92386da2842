"""The hand of a person at the dashboard: keys in, out come another picture and orders.

No terminal and no clock: keys come by name, and times are handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from ser_live.errors import DeviceError
from ser_live.events import NotedBy
from ser_live.outputs.dashboard.past import TimelineEntry
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.terminal.text import clock

if TYPE_CHECKING:
    from ser_live.sources.devices import InputDevice  # the doctor draws without NumPy

ZOOMS_S = (30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0)
"""Lengths of time that the strip may show."""
SAID_FOR_S = 4.0
"""Time for which the answer to a key stays in the last row."""
PAGE = 10
"""Utterances that a page goes up or down."""
MAX_TYPED = 200
"""Longest text of a mark or a note."""


class Layout(Enum):
    """Arrangement of the screen."""

    OVERVIEW = "overview"
    VERDICT = "verdict"
    TIME = "time"
    UTTERANCES = "utterances"


class Page(Enum):
    """Page in place of the verdict."""

    HELP = "keys"
    DETAILS = "details"
    UTTERANCE = "utterance"
    MICROPHONES = "microphones"


class Session(Protocol):
    """Orders that keys may give to a session."""

    @property
    def is_paused(self) -> bool: ...

    def mark(self, label: str, source: NotedBy = ...) -> bool: ...

    def note(self, text: str, rating: int | None = None) -> bool: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def reset(self) -> bool: ...

    @property
    def microphone(self) -> InputDevice | None: ...

    def microphones(self) -> Sequence[InputDevice]: ...

    def change_microphone(self, device: InputDevice) -> bool: ...

    def stop(self) -> None: ...


@dataclass
class Prompt:
    """A question in the last row."""

    kind: str
    """``mark``, ``note``, ``rating`` or ``forget``."""
    question: str
    text: str = ""
    note: str = ""
    """Text of the note that a rating belongs to."""


class Desk:
    """Answers keys.

    Parameters
    ----------
    state : DashboardState
        Read, never changed.
    session : Session or None
        Asked for what keys are for; without one there are no keys.
    """

    def __init__(self, state: DashboardState, session: Session | None = None) -> None:
        self.state = state
        self.session = session
        self.version = 0
        """Grows whenever something else is to be shown."""
        self.layout = Layout.OVERVIEW
        self.page: Page | None = None
        self.with_units = False
        """Whether reasons are told in numbers."""
        self.zoom_s: float | None = None
        """Length of time in the strip; ``None`` for the whole session."""
        self.frozen: DashboardState | None = None
        """Moment that is shown instead of the present."""
        self.selected: TimelineEntry | None = None
        """The utterance that is looked at."""
        self.devices: Sequence[InputDevice] = ()
        """Microphones to choose from, while that page is open."""
        self.chosen = 0
        """The one of `devices` that Enter takes."""
        self.prompt: Prompt | None = None
        self.said = ""
        """Answer to the latest key."""
        self._said_until_s = 0.0

    @property
    def shown(self) -> DashboardState:
        """The state to draw."""
        return self.state if self.frozen is None else self.frozen

    @property
    def has_microphone(self) -> bool:
        """Whether a microphone is heard that can be changed."""
        return self.session is not None and self.session.microphone is not None

    @property
    def window_s(self) -> float:
        """Length of time in the strip."""
        if self.zoom_s is not None:
            return self.zoom_s
        return next((z for z in ZOOMS_S if z >= max(60.0, self.shown.now_s)), ZOOMS_S[-1])

    def idle(self, now_s: float) -> None:
        """Take an answer away once it was there long enough."""
        if self.said and now_s >= self._said_until_s:
            self.said = ""
            self.version += 1

    def press(self, key: str, now_s: float) -> None:
        """Answer one key."""
        self.version += 1
        if self.prompt is not None:
            self._type(self.prompt, key, now_s)
            return
        in_list = _IN_LIST.get(key) if self.page is Page.MICROPHONES else None
        action = in_list or _ACTIONS.get(key)
        if action is not None:
            action(self, now_s)

    def _say(self, text: str, now_s: float) -> None:
        self.said, self._said_until_s = text, now_s + SAID_FOR_S

    # -- the session

    def _quit(self, now_s: float) -> None:
        if self.session is not None:
            self.session.stop()
            self._say("ending: what was heard is still judged", now_s)

    def _pause(self, now_s: float) -> None:
        if self.session is None:
            return
        if self.session.is_paused:
            self.session.resume()
            self._say("listening again", now_s)
        else:
            self.session.pause()
            self._say("paused: nothing is heard until space is pressed again", now_s)

    def _ask_mark(self, now_s: float) -> None:
        self.prompt = Prompt("mark", "mark this moment as: ")

    def _ask_note(self, now_s: float) -> None:
        self.prompt = Prompt("note", "note: ")

    def _ask_forget(self, now_s: float) -> None:
        self.prompt = Prompt("forget", "forget the voice heard so far? y or n ")

    def _type(self, prompt: Prompt, key: str, now_s: float) -> None:
        if key == "escape":
            self.prompt = None
        elif prompt.kind == "forget":
            self.prompt = None
            if key in ("y", "Y") and self.session is not None and self.session.reset():
                self._say("the voice is forgotten", now_s)
        elif prompt.kind == "rating":
            if key == "enter" or key in "12345":
                self.prompt = None
                self._keep_note(prompt.note, None if key == "enter" else int(key), now_s)
        elif key == "enter":
            self._finish(prompt, now_s)
        elif key == "backspace":
            prompt.text = prompt.text[:-1]
        elif key == "clear":
            prompt.text = ""
        elif len(key) == 1 and len(prompt.text) < MAX_TYPED:
            prompt.text += key

    def _finish(self, prompt: Prompt, now_s: float) -> None:
        text = prompt.text.strip()
        self.prompt = None
        if prompt.kind == "mark":
            self._keep_mark(text or "mark", now_s)
        elif text:
            self.prompt = Prompt(
                "rating", "how are you, 1 (bad) to 5 (good)? Enter for no rating ", note=text
            )

    def _keep_mark(self, label: str, now_s: float) -> None:
        if self.session is None:
            return
        at = clock(self.state.shown.position_s)
        is_kept = self.session.mark(label, NotedBy.USER)
        self._say(f"marked {at}: {label}" if is_kept else _NOTHING_RUNS, now_s)

    def _keep_note(self, text: str, rating: int | None, now_s: float) -> None:
        if self.session is None:
            return
        is_kept = self.session.note(text, rating)
        self._say("noted" if is_kept else _NOTHING_RUNS, now_s)

    def _list_microphones(self, now_s: float) -> None:
        """Open the list of microphones, with the one that is heard chosen, or close it."""
        if self.session is None or self.page is Page.MICROPHONES:
            self.page = None
            return
        heard = self.session.microphone
        if heard is None:
            self._say("no microphone is heard here, so there is none to change", now_s)
            return
        try:
            self.devices = self.session.microphones()
        except DeviceError as error:
            self._say(str(error), now_s)
            return
        if not self.devices:
            self._say("no microphone is there at present", now_s)
            return
        names = [(device.name, device.host_api) for device in self.devices]
        at = (heard.name, heard.host_api)
        self.chosen = names.index(at) if at in names else 0
        self.page = Page.MICROPHONES

    def _change_microphone(self, now_s: float) -> None:
        self.page = None
        if self.session is not None and self.chosen < len(self.devices):
            device = self.devices[self.chosen]
            is_asked = self.session.change_microphone(device)
            self._say(f"opening {device.name}" if is_asked else _NOTHING_RUNS, now_s)

    def _next_microphone(self, now_s: float) -> None:
        self.chosen = min(self.chosen + 1, max(0, len(self.devices) - 1))

    def _last_microphone(self, now_s: float) -> None:
        self.chosen = max(0, self.chosen - 1)

    # -- what is shown

    def _help(self, now_s: float) -> None:
        self._turn_to(Page.HELP)

    def _details(self, now_s: float) -> None:
        self._turn_to(Page.DETAILS)

    def _turn_to(self, page: Page) -> None:
        self.page = None if self.page is page else page

    def _units(self, now_s: float) -> None:
        self.with_units = not self.with_units

    def _next_layout(self, now_s: float) -> None:
        layouts = list(Layout)
        self.layout = layouts[(layouts.index(self.layout) + 1) % len(layouts)]
        self._say(f"layout: {self.layout.value}", now_s)

    def _zoom_in(self, now_s: float) -> None:
        self._zoom([z for z in ZOOMS_S if z < self.window_s][-1:], now_s)

    def _zoom_out(self, now_s: float) -> None:
        self._zoom([z for z in ZOOMS_S if z > self.window_s][:1], now_s)

    def _zoom(self, to: list[float], now_s: float) -> None:
        if to:
            self.zoom_s = to[0]
        self._say(f"the strip shows {span_in_words(self.window_s)}", now_s)

    def _zoom_to_all(self, now_s: float) -> None:
        self.zoom_s = None
        self._say("the strip shows the whole session", now_s)

    def _freeze(self, now_s: float) -> None:
        self.frozen = self.state.copied() if self.frozen is None else None
        self._say("" if self.frozen else "the present is shown again", now_s)

    def _leave(self, now_s: float) -> None:
        """Go back by one step."""
        if self.page is Page.UTTERANCE or self.page is None:
            if self.page is None:
                self.selected = None
            self.page = None
        else:
            self.page = None

    def _open(self, now_s: float) -> None:
        if self.selected is not None:
            self._turn_to(Page.UTTERANCE)

    def _older(self, now_s: float) -> None:
        self._select(1)

    def _newer(self, now_s: float) -> None:
        self._select(-1)

    def _page_older(self, now_s: float) -> None:
        self._select(PAGE)

    def _page_newer(self, now_s: float) -> None:
        self._select(-PAGE)

    def _newest(self, now_s: float) -> None:
        self._select(-len(self.shown.past.entries))

    def _oldest(self, now_s: float) -> None:
        self._select(len(self.shown.past.entries))

    def _select(self, step: int) -> None:
        newest_first = list(reversed(self.shown.past.entries))
        if not newest_first:
            return
        at = next((k for k, e in enumerate(newest_first) if e == self.selected), None)
        at = (-1 if step > 0 else 0) if at is None else at
        self.selected = newest_first[min(len(newest_first) - 1, max(0, at + step))]


_NOTHING_RUNS = "nothing is heard at present, so there is no moment to keep"

_ACTIONS = {
    "q": Desk._quit,
    " ": Desk._pause,
    "p": Desk._pause,
    "m": Desk._ask_mark,
    "n": Desk._ask_note,
    "d": Desk._list_microphones,
    "r": Desk._ask_forget,
    "?": Desk._help,
    "h": Desk._help,
    "i": Desk._details,
    "u": Desk._units,
    "l": Desk._next_layout,
    "tab": Desk._next_layout,
    "+": Desk._zoom_in,
    "=": Desk._zoom_in,
    "-": Desk._zoom_out,
    "0": Desk._zoom_to_all,
    "f": Desk._freeze,
    "escape": Desk._leave,
    "left": Desk._leave,
    "enter": Desk._open,
    "right": Desk._open,
    "down": Desk._older,
    "j": Desk._older,
    "up": Desk._newer,
    "k": Desk._newer,
    "page down": Desk._page_older,
    "page up": Desk._page_newer,
    "home": Desk._newest,
    "end": Desk._oldest,
}

_IN_LIST = {
    "down": Desk._next_microphone,
    "j": Desk._next_microphone,
    "up": Desk._last_microphone,
    "k": Desk._last_microphone,
    "enter": Desk._change_microphone,
    "right": Desk._change_microphone,
}
"""Keys that mean something else while the list of microphones is open."""


def span_in_words(duration_s: float) -> str:
    """A length of time, such as ``2 min``."""
    if duration_s < 60:
        return f"{duration_s:.0f} s"
    return f"{duration_s / 60:.0f} min" if duration_s < 3600 else f"{duration_s / 3600:.0f} h"
