"""Reading and writing a model folder without ever running anything in it.

A model is a folder with three files, or four if it has a learned encoder::

    weights.npz     named arrays, float64 or float32 or int64, never objects
    encoder.onnx    the graph of the learned encoder
    card.json       meaning of the arrays, and everything they were made from
    MODEL_CARD.md   the same for people

The arrays are read by hand instead of by ``numpy.load``: sizes are checked before
anything is allocated, a pickled member is refused before it is opened, and the
hash in the card decides before either. The reason for this form over a pickle, a
skops file or ONNX is in ``docs/adr``.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import math
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import ModelError

WEIGHTS_FILE = "weights.npz"
ENCODER_FILE = "encoder.onnx"
CARD_FILE = "card.json"
CARD_TEXT_FILE = "MODEL_CARD.md"

MAX_CARD_BYTES = 4 << 20
"""Largest card that is read."""
MAX_WEIGHTS_BYTES = 128 << 20
"""Largest weights that are read, on disk or unpacked."""
MAX_ARRAYS = 1000

_NO_ARRAY = (
    ValueError,
    KeyError,
    TypeError,
    SyntaxError,
    OverflowError,
    RecursionError,
    MemoryError,
    struct.error,
)
"""Raised for bytes that are not an array: by their header, their size or their kind."""

_NO_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,  # an offset before the beginning, a name that is not text
    RuntimeError,  # an encrypted member, an unknown compression
)
"""Raised for bytes that are not an archive."""

_DTYPES = {"<f8": np.float64, "<f4": np.float32, "<i8": np.int64}
_MAGIC = b"\x93NUMPY\x01\x00"

Arrays = dict[str, NDArray[Any]]
"""Named arrays, as a weights file holds them."""


def write_arrays(path: Path, arrays: Arrays) -> str:
    """Write named arrays reproducibly (equal arrays, equal bytes); return the SHA-256."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            buffer = io.BytesIO()
            np.lib.format.write_array(
                buffer, np.asarray(arrays[name], order="C"), version=(1, 0), allow_pickle=False
            )
            # A fixed date: the hash depends on the arrays alone.
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, buffer.getvalue())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_card(folder: Path) -> dict[str, Any]:
    """The raw content of ``card.json``.

    Raises
    ------
    ModelError
        Missing, too large, or not a JSON object.
    """
    content = read_own_file(folder / CARD_FILE, MAX_CARD_BYTES)
    try:
        card = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{folder / CARD_FILE} is not readable JSON ({type(error).__name__}): "
            "fetch or train the model again."
        ) from error
    if not isinstance(card, dict):
        raise ModelError(
            f"{folder / CARD_FILE} holds a {type(card).__name__}, but a JSON object is needed: "
            "fetch or train the model again."
        )
    return card


def read_arrays(path: Path, sha256: str, max_bytes: int | None = None) -> Arrays:
    """Named arrays of a weights file whose bytes hash to `sha256`.

    Parameters
    ----------
    path : Path
    sha256 : str
    max_bytes : int, optional
        Most bytes that are read, packed or unpacked; default `MAX_WEIGHTS_BYTES`.

    Raises
    ------
    ModelError
        Missing, too large, altered, truncated, or carrying anything but plain
        float64, float32 and int64 arrays.
    """
    max_bytes = MAX_WEIGHTS_BYTES if max_bytes is None else max_bytes
    content = read_checked(path, sha256, max_bytes)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if len(members) > MAX_ARRAYS or unpacked > max_bytes:
                raise ModelError(
                    f"{path} unpacks to {unpacked} bytes in {len(members)} arrays, but at most "
                    f"{max_bytes} bytes in {MAX_ARRAYS} arrays are read: "
                    "it was not made by this program."
                )
            return {
                member.filename.removesuffix(".npy"): _read_array(
                    _unpacked(archive, member), f"{path}, array {member.filename!r}"
                )
                for member in members
            }
    except _NO_ARCHIVE as error:
        raise _not_arrays(path) from error


def take_part(arrays: Arrays, prefix: str) -> Arrays:
    """Remove the arrays whose name begins with `prefix`; returned without it."""
    names = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays.pop(name) for name in names}


def take_array(
    arrays: Arrays, name: str, shape: tuple[int | None, ...], kind: str = "f"
) -> NDArray[Any]:
    """Remove an array and check its shape (None: any length) and kind of number.

    Raises
    ------
    ModelError
        It is missing or does not fit.
    """
    array = arrays.pop(name, None)
    if array is None:
        raise ModelError(
            f"{WEIGHTS_FILE} lacks the array {name!r}: fetch or train the model again."
        )
    fits = array.ndim == len(shape) and all(
        wanted is None or wanted == found for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind != kind:
        wanted = "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
        raise ModelError(
            f"{WEIGHTS_FILE} has {name!r} as {array.dtype} {array.shape}, but {wanted} of kind "
            f"{kind!r} is needed: fetch or train the model again."
        )
    return array.astype(np.float64) if kind == "f" else array


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Content of a member up to its declared size; ``archive.read`` would unpack all of it.

    Compression methods that this program does not write would unpack more at a time.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile
    with archive.open(member) as file:
        return file.read(member.file_size)


def read_checked(path: Path, sha256: str, max_bytes: int | None = None) -> bytes:
    """Content of a file whose bytes hash to `sha256`; raises ``ModelError`` otherwise."""
    content = read_own_file(path, MAX_WEIGHTS_BYTES if max_bytes is None else max_bytes)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelError(
            f"{path} has SHA-256 {found[:12]}…, but its card says {sha256[:12]}…: the file was "
            "altered or cut off, fetch or train the model again."
        )
    return content


def _not_arrays(path: Path) -> ModelError:
    return ModelError(f"{path} is not an archive of arrays: fetch or train the model again.")


def read_own_file(path: Path, max_bytes: int) -> bytes:
    """Content of a file that is in its folder itself, at most `max_bytes`.

    Size and kind are checked before anything is read: a pipe would never end, and a link
    may lead to any file at all.

    Raises
    ------
    ModelError
        Missing, unreadable, not a regular file, a link out of its folder, or too large.
    """
    try:
        if path.resolve().parent != path.parent.resolve():
            raise ModelError(
                f"{path} is a link out of its folder, but the file itself is needed there: copy it."
            )
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ModelError(
                f"{path} is not a regular file, but one is needed: give another folder."
            )
        if found.st_size > max_bytes:
            raise _too_large(path, max_bytes)
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise ModelError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): a folder with "
            f"{CARD_FILE} and {WEIGHTS_FILE} is needed."
        ) from error
    if len(content) > max_bytes:  # it grew meanwhile
        raise _too_large(path, max_bytes)
    return content


def _too_large(path: Path, max_bytes: int) -> ModelError:
    return ModelError(
        f"{path} is larger than {max_bytes} bytes, but ser-live never writes one that large: "
        "give another file."
    )


def _read_array(content: bytes, where: str) -> NDArray[Any]:
    """Array in a ``.npy`` file, format version 1.0, without objects.

    The header is a Python literal; ``ast.literal_eval`` evaluates literals only.
    """
    try:
        if not content.startswith(_MAGIC):
            raise ValueError("not format 1.0")
        (length,) = struct.unpack_from("<H", content, len(_MAGIC))
        begin = len(_MAGIC) + 2
        header = ast.literal_eval(content[begin : begin + length].decode("latin-1").strip())
        dtype = _DTYPES[header["descr"]]
        shape = tuple(int(side) for side in header["shape"])
        if header["fortran_order"] or any(side < 0 for side in shape):
            raise ValueError("unusual layout")
        data = content[begin + length :]
        if len(data) != math.prod(shape) * np.dtype(dtype).itemsize:
            raise ValueError("size and shape differ")
        array = np.frombuffer(data, dtype=dtype).reshape(shape)
    except _NO_ARRAY as error:
        raise ModelError(
            f"{where} is not a plain float64, float32 or int64 array: the file was not made by "
            "this program, fetch or train the model again."
        ) from error
    if not np.isfinite(array).all():
        raise ModelError(
            f"{where} holds NaN or infinity, but weights must be finite: train the model again."
        )
    return array
