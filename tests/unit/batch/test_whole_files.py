"""One row of features for a whole file has its length, gaps and damage included."""

from __future__ import annotations

from pathlib import Path

import odd_recordings as odd
import pytest
from odd_recordings import LENGTH_S

from ser_live.batch.files import FileFeatures, file_features
from ser_live.config import Settings


def features(path: Path) -> FileFeatures:
    return file_features(path, Settings(), None, whole=True)


def test_gaps_are_silence(tmp_path):
    """What lies behind a gap is placed behind it, and a note tells of the gap."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    found = features(odd.media(tmp_path / "x.mkv", "flac", jump=(2.0, 5.0)))
    (record,) = found.records()
    assert record["end_s"] == pytest.approx(LENGTH_S + 5.0, abs=0.01)
    assert found.error is None
    assert "jump over 5.00 s" in found.notes[0]


def test_damaged_files_keep_their_row(tmp_path):
    """Of a file that is cut off the features are those of what is there, beside the error."""
    found = features(odd.DAMAGED["wav cut"][0](tmp_path / "x"))
    (record,) = found.records()
    assert record["end_s"] == pytest.approx(0.6 * LENGTH_S, abs=0.01)
    assert found.error is not None
    assert "ends after 2.4" in found.error


def test_too_long(tmp_path):
    """A gap counts for the length that a row may have."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    found = features(odd.media(tmp_path / "x.mkv", "flac", jump=(2.0, 4000.0)))
    assert found.values == []
    assert found.error is not None
    assert "longer than 10 minutes" in found.error
