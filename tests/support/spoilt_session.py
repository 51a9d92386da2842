"""``ser-live`` with something spoilt on purpose: a child process for tests of faults.

    python tests/support/spoilt_session.py slow=10 replay talk.wav --speed 0

Kinds, several joined with commas; everything else is the real program:

=============  ==========================================================================
slow=N         every analysis takes N times as long as it would
seconds=N      every analysis takes N seconds longer
worker=N       analysis breaks at its Nth utterance, as a defect would
segmenter=N    segmenting breaks at its Nth block, as a defect would
hung=N         analysis waits for ever at its Nth utterance
deaf=N         segmenting waits for ever at its Nth block
clock          ``time.time`` jumps by up to a day, forth and back, at every call
=============  ==========================================================================
"""

from __future__ import annotations

import functools
import itertools
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ser_live.cli import main
from ser_live.stream.analysis import AnalysisStage
from ser_live.stream.segmenting import SegmentingStage


def slowed(process: Callable[..., Any], factor: float, seconds: float) -> Callable[..., Any]:
    """`process`, followed by sleep."""

    @functools.wraps(process)
    def run(*args: Any, **kwargs: Any) -> Any:
        began_s = time.monotonic()
        result = process(*args, **kwargs)
        time.sleep((factor - 1) * (time.monotonic() - began_s) + seconds)
        return result

    return run


def breaking(body: Callable[..., Any], at: int) -> Callable[..., Any]:
    """`body`, which raises at call number `at` and ever after."""
    calls = itertools.count(1)

    @functools.wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        if next(calls) >= at:
            raise ZeroDivisionError("a defect\x1b[2J")  # with an escape no terminal may see
        return body(*args, **kwargs)

    return run


def hanging(body: Callable[..., Any], at: int) -> Callable[..., Any]:
    """`body`, which never returns from call number `at`."""
    calls = itertools.count(1)

    @functools.wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        if next(calls) >= at:
            threading.Event().wait()
        return body(*args, **kwargs)

    return run


def jumping(clock: Callable[[], float]) -> Callable[[], float]:
    """`clock`, set anew at every look: clock corrections of every size."""
    steps = itertools.cycle([0.0, 3600.0, -3600.0, 0.5, -0.5, 86_400.0, -86_400.0])
    return lambda: clock() + next(steps)


def spoil(kind: str) -> None:
    """Put the fault into the program."""
    name, _, number = kind.partition("=")
    if name == "slow":
        AnalysisStage.judge = slowed(AnalysisStage.judge, float(number), 0.0)  # type: ignore[method-assign]
    elif name == "seconds":
        AnalysisStage.judge = slowed(AnalysisStage.judge, 1.0, float(number))  # type: ignore[method-assign]
    elif name == "worker":
        AnalysisStage.judge = breaking(AnalysisStage.judge, int(number))  # type: ignore[method-assign]
    elif name == "segmenter":
        SegmentingStage.push = breaking(SegmentingStage.push, int(number))  # type: ignore[method-assign]
    elif name == "hung":
        AnalysisStage.judge = hanging(AnalysisStage.judge, int(number))  # type: ignore[method-assign]
    elif name == "deaf":
        SegmentingStage.push = hanging(SegmentingStage.push, int(number))  # type: ignore[method-assign]
    elif name == "clock":
        time.time = jumping(time.time)
    else:
        sys.exit(f"no such fault: {kind}")


if __name__ == "__main__":
    for one in sys.argv.pop(1).split(","):
        spoil(one)
    main()
