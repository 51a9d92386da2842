"""A file that is read through a window has the bytes of the file, also while it is cut."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ser_live.sources import file_window
from ser_live.sources.file_window import FileWindow


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "x"
    path.write_bytes(np.random.default_rng(1).bytes(5000))
    return path


def test_bytes(path, monkeypatch):
    """Any slice, any byte and any place of a pattern are those of the bytes in memory."""
    monkeypatch.setattr(file_window, "_WINDOW_BYTES", 256)
    data, window = path.read_bytes(), FileWindow(path)
    assert len(window) == 5000
    for start in np.random.default_rng(2).integers(0, 5100, 300).tolist():
        assert window[start : start + 300] == data[start : start + 300]
        place = data.find(data[1000:1003], start)
        assert window.find(data[1000:1003], start) == place
        found = re.compile(rb"[\x00-\x05]{2}").search(data, start)
        assert window.search(re.compile(rb"[\x00-\x05]{2}"), start) == (found and found.start())
    assert window[4999] == data[4999]
    with pytest.raises(IndexError):
        window[5000]
    window.close()


def test_cut_meanwhile(path):
    """What was cut off while it is read is zeros, and ends no program."""
    window = FileWindow(path)
    path.write_bytes(b"")
    assert window[4000:4010] == bytes(10)
    assert window.find(b"\xff", 10) == -1
    window.close()
