"""Arrangements for sound that hold for the whole process.

The command line makes them for itself. The library never does: a program that opens a
microphone through it keeps its standard error, its environment and its signal handlers, and
may make the same arrangements if it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ser_live.process.native_stderr import native_stderr_captured
from ser_live.process.pulse_client import avoid_shared_memory


@contextmanager
def prepared_for_sound(
    *, opens_microphone: bool = True, shows_messages: bool = False
) -> Iterator[None]:
    """Keep what sound libraries print off the screen, and PulseAudio from sharing memory.

    Parameters
    ----------
    opens_microphone : bool
        Without it PulseAudio is not met, and the file that would tell it is not written.
    shows_messages : bool
        Print the end of what they printed on standard error when the context ends.
    """
    if opens_microphone:
        avoid_shared_memory()
    with native_stderr_captured(shows_end=shows_messages):
        yield
