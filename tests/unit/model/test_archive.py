"""Weights and cards on disk: round trips, and everything hostile."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from ser_live.errors import ModelError
from ser_live.model import archive as model_file
from ser_live.model.archive import read_arrays, read_card, write_arrays

ARRAYS = {"b": np.arange(6.0).reshape(2, 3), "a": np.float64(2.5) * np.ones(())}


def _npy(array: Any, **kwargs: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **kwargs)
    return buffer.getvalue()


def _archive(path: Path, members: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@settings(deadline=None, max_examples=30)
@given(
    npst.arrays(
        st.sampled_from([np.float64, np.float32, np.int64]),
        npst.array_shapes(min_dims=0, max_dims=3, min_side=0),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
def test_arrays_come_back_as_they_went(array: np.ndarray[Any, Any]) -> None:
    """Shape, type and every bit survive, scalars and empty arrays too."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.npz"
        (found,) = read_arrays(path, write_arrays(path, {"x": array})).values()
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()


def test_equal_arrays_give_equal_files(tmp_path: Path) -> None:
    """Neither the clock nor the order of the arrays changes the hash."""
    first = write_arrays(tmp_path / "1", ARRAYS)
    assert write_arrays(tmp_path / "2", dict(reversed(ARRAYS.items()))) == first


def test_numpy_reads_the_same_file(tmp_path: Path) -> None:
    """The file is an ordinary .npz."""
    write_arrays(tmp_path / "w.npz", ARRAYS)
    with np.load(tmp_path / "w.npz", allow_pickle=False) as loaded:
        assert np.array_equal(loaded["b"], ARRAYS["b"])


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_every_damage_is_refused(data: st.DataObject) -> None:
    """Cut anywhere or with any byte changed, the file is refused by its hash."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.npz"
        sha256 = write_arrays(path, ARRAYS)
        content = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            del content[position:]
        else:
            content[position] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        with pytest.raises(ModelError, match="altered or cut off"):
            read_arrays(path, sha256)


class Planted:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_planted_pickles_are_refused_and_never_opened(tmp_path: Path) -> None:
    """An object array, a bare pickle and a pickled .npz run nothing, whatever the card says."""
    mark = tmp_path / "executed"
    objects = np.array([Planted(mark)], dtype=object)
    path = tmp_path / "w.npz"
    for content in (_npy(objects, allow_pickle=True), pickle.dumps(Planted(mark))):
        sha256 = _archive(path, {"x.npy": content})
        with pytest.raises(ModelError, match="not a plain"):
            read_arrays(path, sha256)
    path.write_bytes(pickle.dumps(Planted(mark)))
    with pytest.raises(ModelError, match="not an archive of arrays"):
        read_arrays(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert not mark.exists()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f8', 'shape': (1,), }",
        "__import__('os').system('true')",
        "{" * 500,
        "",
    ],
)
def test_strange_array_headers_are_refused(header: str, tmp_path: Path) -> None:
    """A header that lies about its size or is no plain dictionary is refused, not believed."""
    encoded = header.encode()
    content = b"\x93NUMPY\x01\x00" + len(encoded).to_bytes(2, "little") + encoded + bytes(8)
    path = tmp_path / "w.npz"
    with pytest.raises(ModelError, match="not a plain"):
        read_arrays(path, _archive(path, {"x.npy": content}))


def test_bombs_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too large on disk, too large unpacked, too many members: each is refused."""
    monkeypatch.setattr(model_file, "MAX_WEIGHTS_BYTES", 100_000)
    path = tmp_path / "w.npz"
    sha256 = _archive(path, {"x.npy": bytes(200_000)})
    assert path.stat().st_size < 1000
    with pytest.raises(ModelError, match="unpacks to 200000 bytes"):
        read_arrays(path, sha256)
    sha256 = _archive(path, {f"{n}.npy": b"" for n in range(model_file.MAX_ARRAYS + 1)})
    monkeypatch.setattr(model_file, "MAX_WEIGHTS_BYTES", 1 << 20)
    with pytest.raises(ModelError, match="in 1001 arrays"):
        read_arrays(path, sha256)
    monkeypatch.setattr(model_file, "MAX_WEIGHTS_BYTES", 10)
    with pytest.raises(ModelError, match="larger than 10 bytes"):
        read_arrays(path, sha256)


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("is_spoilt", [False, True])
def test_other_ways_of_packing_are_refused(way: int, is_spoilt: bool, tmp_path: Path) -> None:
    """Whole or spoilt, such an archive is not unpacked: its errors are of many kinds."""
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w", way) as archive:
        archive.writestr("x.npy", _npy(np.zeros(100)))
    content = bytearray(path.read_bytes())
    if is_spoilt:
        content[45:60] = b"\xff" * 15
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not an archive of arrays"):
        read_arrays(path, hashlib.sha256(content).hexdigest())


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """NaN in weights would become NaN in every result."""
    path = tmp_path / "w.npz"
    with pytest.raises(ModelError, match="NaN or infinity"):
        read_arrays(path, write_arrays(path, {"x": np.array([np.nan])}))


def test_cards_that_are_no_cards_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing, broken, of another kind, deeply nested, not UTF-8, too large."""
    card = tmp_path / "card.json"
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(tmp_path)
    for content in (b"{", b"\xff\xfe", b"[" * 100_000, b""):
        card.write_bytes(content)
        with pytest.raises(ModelError, match="not readable JSON"):
            read_card(tmp_path)
    card.write_text("[1]")
    with pytest.raises(ModelError, match="holds a list"):
        read_card(tmp_path)
    monkeypatch.setattr(model_file, "MAX_CARD_BYTES", 2)
    with pytest.raises(ModelError, match="larger than 2 bytes"):
        read_card(tmp_path)
