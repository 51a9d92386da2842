"""Pictures of the dashboard as text; run by hand, it renews those that are stored."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from places import GOLDEN
from rich.console import Console
from simulated_session import MICROPHONE, events

from ser_live.events import Mark, NotedBy, StreamStarted
from ser_live.outputs.dashboard.desk import Desk
from ser_live.outputs.dashboard.live import LiveDashboard
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.view import render
from ser_live.sources.devices import InputDevice

FOLDER = GOLDEN / "frames"
SIZES = ((20, 5), (60, 15), (80, 24), (120, 40), (200, 50))
AT_S = 42.0


DEVICES = tuple(
    InputDevice(
        index=index,
        name=name,
        host_api="ALSA",
        n_channels=2,
        default_sample_rate=48_000,
        is_default=index == 4,
    )
    for index, name in ((0, "HDA Intel: ALC257 Analog (hw:0,0)"), (3, "headset"), (4, "default"))
)
"""Microphones to choose from."""


class Idle:
    """A session that nothing is asked of."""

    is_paused = False

    def mark(self, label: str, source: NotedBy = NotedBy.API) -> bool:
        return True

    def note(self, text: str, rating: int | None = None) -> bool:
        return True

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def reset(self) -> bool:
        return True

    microphone = DEVICES[1]

    def microphones(self) -> Sequence[InputDevice]:
        return DEVICES

    def change_microphone(self, device: InputDevice) -> bool:
        return True

    def stop(self) -> None: ...


def desk_at(at_s: float = AT_S) -> Desk:
    """The made-up session at a moment, with a time of day and a mark in it."""
    state = DashboardState()
    for position_s, event in events():
        if position_s > at_s:
            break
        if isinstance(event, StreamStarted):
            event = StreamStarted(
                stream=MICROPHONE,
                sample_rate=48_000,
                n_channels=1,
                started_at="2026-03-14T15:09:26.412+01:00",
            )
        state.apply(event)
    state.apply(Mark(stream=MICROPHONE, sample=18 * 16_000, label="question 2"))
    return Desk(state, Idle())


def frames() -> Iterator[tuple[str, str]]:
    """Name and content of every stored picture."""
    for width, height in SIZES:
        desk = desk_at()
        text = render(desk.state, width, height, desk=desk).plain
        yield f"{width}x{height}.txt", _trimmed(text)
    desk = desk_at()
    desk.press("d", 0.0)
    text = render(desk.state, 80, 24, desk=desk).plain
    yield "80x24-microphones.txt", _trimmed(text)
    desk = desk_at()
    text = render(desk.state, 80, 24, ascii_only=True, desk=desk).plain
    yield "80x24-ascii.txt", _trimmed(text)
    for theme in ("dark", "light", "mono"):
        yield f"80x24-{theme}.ansi", _sent(theme)


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.split("\n"))


def _sent(theme: str) -> str:
    """What a terminal with all colours is sent, a line a row, escapes spelt out."""
    console = Console(
        file=io.StringIO(), width=80, height=24, force_terminal=True, color_system="truecolor",
        _environ={},
    )  # fmt: skip
    desk = desk_at()
    with LiveDashboard(desk.state, console, desk=desk, theme=theme) as dashboard:
        dashboard.update(0.0)
    sent: str = console.file.getvalue()  # type: ignore[attr-defined]
    return sent.replace("\x1b[", "\n^[").lstrip("\n") + "\n"


def main() -> None:
    """Store the pictures as they are now."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in frames():
        Path(FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
