"""Models from somewhere else, through the command line: one sentence, quickly, nothing run."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured_process import ser_live
from synthetic_model import N, adapting_fitted

import ser_live as package
from ser_live.model.archive import write_arrays
from ser_live.model.emotion_model import EmotionModel
from ser_live.training.export import write_model

DEMO = Path(package.__file__).parent / "demo.ogg"
TEN_GB = 10_000_000_000

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no measure of a peak there")


class Planted:
    """Makes a file when it is unpickled, wherever that happens."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.canary,)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model folder as training writes it."""
    from ser_live.config import Settings

    folder = tmp_path_factory.mktemp("model") / "good"
    write_model(
        folder, "good", adapting_fitted(), kind="test", description="For tests.", licence="CC0",
        data={"corpora": [], "n_examples": 0, "variants": ["plain"]}, settings=Settings(),
        seed=0, scores={},
    )  # fmt: skip
    return folder


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return shutil.copytree(good, tmp_path / "m")


def _reseal(folder: Path) -> None:
    """Make the card agree with altered weights, as an attacker would."""
    content = (folder / "weights.npz").read_bytes()
    _change(folder, lambda c: c["weights"].update(sha256=hashlib.sha256(content).hexdigest()))


def _change(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    card = json.loads((folder / "card.json").read_text())
    change(card)
    (folder / "card.json").write_text(json.dumps(card))


def _wrong_hash(folder: Path, canary: Path) -> None:
    with (folder / "weights.npz").open("r+b") as file:
        file.seek(200)
        file.write(b"\0\1\2")


def _wrong_order(folder: Path, canary: Path) -> None:
    _change(folder, lambda c: c["features"]["names"].sort())


def _cut_off(folder: Path, canary: Path) -> None:
    content = (folder / "weights.npz").read_bytes()
    (folder / "weights.npz").write_bytes(content[: len(content) // 2])


def _cut_off_and_resealed(folder: Path, canary: Path) -> None:
    _cut_off(folder, canary)
    _reseal(folder)


def _empty_card(folder: Path, canary: Path) -> None:
    (folder / "card.json").write_bytes(b"")


def _pickle_as_weights(folder: Path, canary: Path) -> None:
    (folder / "weights.npz").write_bytes(pickle.dumps(Planted(canary)))
    _reseal(folder)


def _pickle_in_the_archive(folder: Path, canary: Path) -> None:
    with zipfile.ZipFile(folder / "weights.npz", "a") as archive:
        archive.writestr("cold.0.extra.npy", pickle.dumps(Planted(canary)))
    _reseal(folder)


def _object_array(folder: Path, canary: Path) -> None:
    np.savez(folder / "weights.npz", **{"cold.weights": np.array([Planted(canary)], object)})
    _reseal(folder)


def _code_in_a_header(folder: Path, canary: Path) -> None:
    header = f"__import__('pathlib').Path({str(canary)!r}).touch()".encode()
    with zipfile.ZipFile(folder / "weights.npz", "w") as archive:
        content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        archive.writestr("cold.weights.npy", content)
    _reseal(folder)


def _pickle_as_card(folder: Path, canary: Path) -> None:
    (folder / "card.json").write_bytes(pickle.dumps(Planted(canary)))


def _joblib(folder: Path, canary: Path) -> None:
    """What another scikit-learn, or anybody, dumped."""
    import joblib

    joblib.dump({"model": Planted(canary)}, folder / "weights.npz")
    _reseal(folder)


def _huge_weights(folder: Path, canary: Path) -> None:
    os.truncate(folder / "weights.npz", TEN_GB)


def _huge_card(folder: Path, canary: Path) -> None:
    os.truncate(folder / "card.json", TEN_GB)


@functools.cache
def _gigabyte() -> bytes:
    """An archive of some megabytes that unpacks to a gigabyte."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("cold.weights.npy", "w") as member,
    ):
        for _ in range(64):
            member.write(bytes(16 << 20))
    return packed.getvalue()


def _bomb(folder: Path, canary: Path) -> None:
    (folder / "weights.npz").write_bytes(_gigabyte())
    _reseal(folder)


def _bomb_that_lies(folder: Path, canary: Path) -> None:
    """The same, with a small size written in the archive's directory."""
    _bomb(folder, canary)
    data = bytearray((folder / "weights.npz").read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    (folder / "weights.npz").write_bytes(data)
    _reseal(folder)


def _pipe(folder: Path, canary: Path) -> None:
    (folder / "weights.npz").unlink()
    os.mkfifo(folder / "weights.npz")


def _device(folder: Path, canary: Path) -> None:
    (folder / "card.json").unlink()
    (folder / "card.json").symlink_to("/dev/zero")


def _link_out(folder: Path, canary: Path) -> None:
    (folder / "weights.npz").rename(folder.parent / "elsewhere.npz")
    (folder / "weights.npz").symlink_to(folder.parent / "elsewhere.npz")


def _link_in_a_circle(folder: Path, canary: Path) -> None:
    (folder / "weights.npz").unlink()
    (folder / "weights.npz").symlink_to("weights.npz")


SPOILT: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "wrong hash": (_wrong_hash, "altered or cut off"),
    "wrong feature order": (_wrong_order, "as feature 0"),
    "cut off": (_cut_off, "altered or cut off"),
    "cut off, hash made to fit": (_cut_off_and_resealed, "not an archive of arrays"),
    "empty card": (_empty_card, "not readable JSON"),
    "pickle as weights": (_pickle_as_weights, "not an archive of arrays"),
    "pickle in the archive": (_pickle_in_the_archive, "not a plain"),
    "object array": (_object_array, "not a plain"),
    "code in a header": (_code_in_a_header, "not a plain"),
    "pickle as card": (_pickle_as_card, "not readable JSON"),
    "dump of scikit-learn": (_joblib, "not an archive of arrays"),
    "10 GB of weights": (_huge_weights, "larger than"),
    "10 GB of card": (_huge_card, "larger than"),
    "bomb": (_bomb, "unpacks to"),
    "bomb that lies": (_bomb_that_lies, "not a"),
    "pipe": (_pipe, "not a regular file"),
    "device": (_device, "link out of its folder"),
    "link out of the folder": (_link_out, "link out of its folder"),
    "link in a circle": (_link_in_a_circle, "cannot be read"),
}


@pytest.fixture(scope="module")
def usual_bytes(good: Path) -> int:
    """Memory that a good model takes until it finds that there is no recording."""
    heard = ser_live("replay", good / "none.wav", "--no-log", "--model", good)
    assert heard.returncode == 3, heard.stderr
    return heard.peak_bytes


@pytest.mark.parametrize("name", SPOILT)
def test_a_hostile_model_is_refused_in_one_sentence(
    name: str, folder: Path, tmp_path: Path, usual_bytes: int
) -> None:
    """Exit code 5, one line, no code run, and no more memory than a good model takes."""
    spoil, reason = SPOILT[name]
    canary = tmp_path / "canary"
    spoil(folder, canary)
    refused = ser_live("replay", DEMO, "--speed", 0, "--no-log", "--model", folder)
    assert refused.returncode == 5, refused.stderr
    assert refused.stdout == ""
    assert refused.stderr.startswith("ser-live: ")
    assert refused.stderr.count("\n") == 1
    assert reason in refused.stderr
    assert not canary.exists()
    assert refused.peak_bytes < usual_bytes + (32 << 20)


@pytest.mark.parametrize("name", ["weights.npz", "card.json"])
def test_ten_gigabytes_are_not_read(name: str, folder: Path) -> None:
    """The size is looked at first: not one more kilobyte is read of a file that is too large."""
    os.truncate(folder / name, TEN_GB)
    code = """
import sys
from ser_live.errors import ModelError
from ser_live.model.emotion_model import EmotionModel
import ser_live.features
def n_read(): return int(open("/proc/self/io").read().split()[1])
before = n_read()
try:
    EmotionModel.load(sys.argv[1])
except ModelError:
    print(n_read() - before)
"""
    if not Path("/proc/self/io").exists():
        pytest.skip("this system does not count what a process reads")
    printed = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert int(printed.stdout) < 2_000_000


def test_planted_code_would_have_run_if_unpickled(tmp_path: Path) -> None:
    """The canary sings where a pickle is opened: the tests above could have failed."""
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(Planted(canary)))  # noqa: S301  it is ours
    assert canary.exists()


def test_modules_in_a_model_folder_are_not_imported(folder: Path, tmp_path: Path) -> None:
    """Code beside the weights is never run, also when the program is started from there."""
    canary = tmp_path / "canary"
    for name in ("numpy", "rich", "ser_live", "sitecustomize", "__init__", "model", "conftest"):
        (folder / f"{name}.py").write_text(f"open({str(canary)!r}, 'w')\n")
    program = Path(sys.executable).with_name("ser-live")
    if not program.exists():
        pytest.skip("the program is not installed beside this Python")
    done = subprocess.run(
        [program, "replay", "none.wav", "--no-log", "--model", "."],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert not canary.exists()


def test_another_scikit_learn_makes_no_difference(folder: Path, good: Path) -> None:
    """A model is arrays: one trained with any other scikit-learn loads and answers the same."""
    _change(folder, lambda c: c["versions"].update({"scikit-learn": "99.0", "numpy": "0.1"}))
    x = np.random.default_rng(0).standard_normal(N)
    models = [EmotionModel.load(path) for path in (good, folder)]
    assert np.array_equal(*(model.predict_proba(x) for model in models))


def test_weights_that_lead_to_no_probabilities_are_said(folder: Path) -> None:
    """Finite weights whose products are not: an error, never NaN in a result."""
    from ser_live.errors import ModelError

    arrays = dict(adapting_fitted().arrays())
    for name in ("cold.0.scale", "warm.0.scale"):
        arrays[name] = np.full(N, 1e-300)
    for name in ("cold.0.0_linear.coef", "warm.0.0_linear.coef"):
        arrays[name] = np.full_like(arrays[name], 1e308)
    arrays["cold.0.limit"] = np.array(1e308)
    write_arrays(folder / "weights.npz", arrays)
    _reseal(folder)
    model = EmotionModel.load(folder)
    with np.errstate(all="ignore"), pytest.raises(ModelError, match="train the model again"):
        model.predict_proba(np.random.default_rng(0).standard_normal(N))
