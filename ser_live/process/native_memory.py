"""Memory that is free again, given back by the C library at once.

glibc raises the size from which it gives memory back at once with every larger piece that is
freed, up to 32 MB, and keeps twice as much at the end of its heaps. After the longest
utterances of a day a session held 100 MB that nothing used; with a fixed limit it holds what
it did after the first minutes, for a few hundredths of its processor time.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_LIMIT_BYTES = 1 << 20


def give_back_early() -> None:
    """Let pieces of 1 MiB and more go back to the system when they are freed.

    For the whole process, so it is the program's to call and not the library's. Does nothing
    where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):  # others have no mallopt, or another one
        for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            libc.mallopt(parameter, _LIMIT_BYTES)
