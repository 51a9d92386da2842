"""Products of matrices on one thread: a second one costs more than it brings.

The products of this program are small. OpenBLAS shares them out all the same, over as many threads
as there are cores, and these wait for each other busily: on two busy cores that was nearly half of
all processor time, and processes side by side kept each other from working. Numbers do not change.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_OF_EVERY_LIBRARY = "OMP_NUM_THREADS"
_OF_LIBRARIES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def multiply_on_one_thread(environment: MutableMapping[str, str] = os.environ) -> None:
    """Keep products of matrices on one thread, in this process and its children.

    For the whole process, so it is the program's to call and not the library's, and before
    anything imports numpy, which reads these variables once. What somebody set stays as it is.
    """
    if _OF_EVERY_LIBRARY not in environment:
        for name in _OF_LIBRARIES:
            environment.setdefault(name, "1")
