"""The number of files and connections that this process may have open."""

from __future__ import annotations

import sys

N_WANTED = 8192
"""Files that are enough for everything."""


def allow_many_files() -> None:
    """Raise the limit of open files as far as this user may, and as far as is of use.

    For the whole process, so it is the program's to call and not the library's. The usual 1024
    are used up by a thousand connections, and then nothing can be opened any more.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = N_WANTED if hard == resource.RLIM_INFINITY else min(N_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_files() -> int:
    """Files and connections that this process may have open, `N_WANTED` where it may have more."""
    if sys.platform == "win32":
        return N_WANTED
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return N_WANTED if soft == resource.RLIM_INFINITY else min(N_WANTED, soft)
