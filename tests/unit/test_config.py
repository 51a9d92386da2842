"""Settings refuse numbers that no session can run with."""

from __future__ import annotations

import math

import pytest

from ser_live.config import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings, VadSettings
from ser_live.errors import UsageError


@pytest.mark.parametrize("size", [0, -1, 100_001])
def test_a_queue_without_room_is_refused(size: int) -> None:
    """At least one utterance must be able to wait, and not a day of them."""
    with pytest.raises(UsageError, match=r"queue_size is -?\d+, but 1 to 100000 is needed"):
        Settings(queue_size=size)


def test_not_a_number_is_outside_of_all_limits() -> None:
    """NaN, which no comparison holds for, is refused too."""
    with pytest.raises(UsageError, match="min_level_dbfs is nan"):
        VadSettings(min_level_dbfs=math.nan)


def test_a_frame_is_thirty_milliseconds_exactly() -> None:
    """Seconds and samples of a frame are one length, to the last bit."""
    assert FRAME_S == 0.030
    assert FRAME_S * SAMPLE_RATE_HZ == FRAME_SAMPLES
