"""P-values that hold together."""

from __future__ import annotations

import math

import pytest

from ser_live.holm import holm


def test_holm_is_the_procedure_of_the_textbook() -> None:
    """The smallest p counts for all tests, the next for one fewer; undefined ones do not count."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    found = holm([math.nan, 0.004, 0.5])
    assert math.isnan(found[0])
    assert found[1:] == pytest.approx([0.008, 0.5])
