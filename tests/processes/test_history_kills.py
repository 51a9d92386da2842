"""The index of the history, killed while it is made; 200 kills are in `make reliability`."""

from __future__ import annotations

from pathlib import Path

import pytest
from places import SCRIPTS


def test_a_killed_index_is_mended_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kills at random moments: the next index equals a fresh one each time."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from reliability.history_kills import kills

    row = kills(tmp_path, 3)
    assert row.passes, row.measured
