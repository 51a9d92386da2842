"""A terminal's alternate screen, on which only lines that changed are written again.

Rich's own live display renders and sends the whole screen every time; at ten pictures a
second that costs more of a core than all of the listening.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType

from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.text import Text

_COLOR_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}


class AlternateScreen:
    """Context manager: takes the screen, and gives back what stood on it before.

    Parameters
    ----------
    console : Console
        A terminal that understands cursor movement.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._lines: list[Text] = []
        self._codes: list[str] = []
        """Codes with which each of `_lines` was sent."""
        self._width = 0

    def __enter__(self) -> AlternateScreen:
        self.enter()
        return self

    def enter(self) -> None:
        """Take the screen; what is painted next is sent as a whole."""
        self._lines, self._codes, self._width = [], [], 0
        try:
            self.console.set_alt_screen(True)
            self.console.show_cursor(False)
        except BaseException:
            self.leave()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Give back what stood on the screen before."""
        with suppress(OSError):  # a terminal that was closed needs nothing back
            self.console.show_cursor(True)
            self.console.set_alt_screen(False)

    def paint(self, lines: list[Text], width: int, *, everything: bool = False) -> None:
        """Show `lines` from the top; those that stand there already are not sent again.

        Parameters
        ----------
        lines : list of Text
            One a row, none wider than `width`.
        width : int
            Width of the screen in cells.
        everything : bool
            Send all lines, in case something else wrote on the screen.
        """
        sent = []
        if width != self._width or len(lines) != len(self._lines):
            sent.append(str(Control((ControlType.CLEAR,))))
            everything, self._lines, self._codes = True, [], [""] * len(lines)
        codes = list(self._codes)
        for row, line in enumerate(lines):
            stands = bool(self._lines) and (line is self._lines[row] or line == self._lines[row])
            if not stands:
                codes[row] = self._encoded(line)
            if everything or not stands:
                sent.append(str(Control.move_to(0, row)) + codes[row])
                if line.cell_len < width:
                    # behind a full line the cursor stands on its last cell and would erase it
                    sent.append(str(Control((ControlType.ERASE_IN_LINE, 0))))
        if sent:
            self.console.file.write("".join(sent))
            self.console.file.flush()
        # Only what was sent stands there.
        self._lines, self._codes, self._width = lines, codes, width

    def _encoded(self, line: Text) -> str:
        colors = _COLOR_SYSTEMS.get(self.console.color_system or "")
        segments = line.render(self.console, end="")
        if self.console.no_color:
            segments = Segment.remove_color(segments)
        return "".join(
            style.render(text, color_system=colors) if style else text
            for text, style, _ in segments
        )
