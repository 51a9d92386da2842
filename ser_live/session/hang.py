"""The error about threads that did not end."""

from __future__ import annotations

import sys
import threading
import traceback


def hang_of(
    hung: list[threading.Thread], error: BaseException | None, limit_s: float
) -> TimeoutError:
    """Make the error about threads that did not end; ``--debug`` shows where they are."""
    names = " and ".join(thread.name.removeprefix("ser-live ") for thread in hung)
    before = "" if error is None else f", after {type(error).__name__}: {error}"
    frames = sys._current_frames()
    stacks = [
        f"{thread.name}:\n{''.join(traceback.format_stack(frames[thread.ident]))}"
        for thread in hung
        if thread.ident in frames
    ]
    where = RuntimeError("\n".join(stacks))
    where.__cause__ = error
    failure = TimeoutError(f"{names} did not end within {limit_s:g} s{before}")
    failure.__cause__ = where
    return failure
