"""A profile comes back as it was saved, for its owner only, and nothing else is believed."""

from __future__ import annotations

import json
import os
import pickle
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_profile import CARD, PROFILE

from ser_live.errors import ProfileError
from ser_live.model.archive import write_arrays
from ser_live.speaker.profile import (
    MAX_ARRAYS_BYTES,
    SpeakerProfile,
    check_name,
    load_profile,
    profile_names,
    remove_profile,
    save_profile,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_profile(PROFILE, folder=tmp_path / "profiles")
    return tmp_path / "profiles"


def test_a_profile_comes_back(folder: Path) -> None:
    """Card and arrays are what was saved."""
    found = load_profile("anna", folder=folder)
    assert found.card == CARD
    assert found.part("baseline")["sum"].tolist() == [0.0, 1.0, 2.0]
    assert found.part("shift")["weight"] == 8.0
    assert profile_names(folder=folder) == ["anna"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no owner-only mode bits")
def test_only_the_owner_can_read_it(folder: Path) -> None:
    """Files 0600 in a folder 0700, also where the folder was open before."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()] == [0o600] * 2
    folder.chmod(0o755)
    save_profile(PROFILE, folder=folder, replace=True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()] == [0o600] * 2


def test_nobody_is_replaced_unasked(folder: Path) -> None:
    """An existing profile stays; with replace it is renewed and no draft is left."""
    with pytest.raises(ProfileError, match="anna is enrolled already"):
        save_profile(PROFILE, folder=folder)
    renewed = SpeakerProfile(replace(CARD, n_utterances=9), PROFILE.arrays)
    save_profile(renewed, folder=folder, replace=True)
    assert load_profile("anna", folder=folder).card.n_utterances == 9
    assert sorted(p.name for p in folder.iterdir()) == ["anna.json", "anna.npz"]


def test_removing_forgets_everything(folder: Path) -> None:
    """No file is left, and a second time is an error."""
    remove_profile("anna", folder=folder)
    assert list(folder.iterdir()) == []
    with pytest.raises(ProfileError, match="no speaker anna is enrolled"):
        remove_profile("anna", folder=folder)
    with pytest.raises(ProfileError, match="ser-live enroll anna"):
        load_profile("anna", folder=folder)


@pytest.mark.parametrize(
    "name",
    ["", "../anna", "a/b", "a\\b", "Anna", ".anna", "-anna", "a" * 41, "ann\x00a", "anna\n", "nul",
     "com1", "ännchen", "a.json", "~", "a b"],
)  # fmt: skip
def test_a_name_cannot_leave_the_folder(name: str, folder: Path) -> None:
    """Only plain small names are taken, everywhere."""
    with pytest.raises(ProfileError, match="cannot name a speaker"):
        check_name(name)
    for act in (load_profile, remove_profile):
        with pytest.raises(ProfileError):
            act(name, folder=folder)
    with pytest.raises(ProfileError):
        save_profile(SpeakerProfile(replace(CARD, name=name), {}), folder=folder)
    assert sorted(p.name for p in folder.parent.iterdir()) == ["profiles"]


def test_another_model_is_refused_with_what_to_do() -> None:
    """Id, weights and features must be those of the enrolment."""
    PROFILE.check_fits("ear", "9f2c41d07be3", "1")
    for fitting in (
        ("other", "9f2c41d07be3", "1"),
        ("ear", "0" * 12, "1"),
        ("ear", "9f2c41d07be3", "2"),
    ):
        with pytest.raises(ProfileError, match="ser-live enroll anna --replace"):
            PROFILE.check_fits(*fitting)


def reseal(folder: Path, path: Path) -> None:
    """Make the card's hash fit altered arrays, as an attacker would."""
    import hashlib

    card = json.loads((folder / "anna.json").read_text())
    card["arrays_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "anna.json").write_text(json.dumps(card))


class Planted:
    """Runs when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch planted",)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Planted()))


def object_array(path: Path) -> None:
    np.savez(path, **{"baseline.sum": np.array([Planted()], dtype=object)})


def not_a_number(path: Path) -> None:
    write_arrays(path, {"baseline.sum": np.array([np.nan])})


def huge(path: Path) -> None:
    path.write_bytes(b"\0" * (MAX_ARRAYS_BYTES + 1))


def bomb(path: Path) -> None:
    write_arrays(path, {"baseline.sum": np.zeros(MAX_ARRAYS_BYTES)})


def no_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escape.npy", b"x")


def gone(path: Path) -> None:
    path.unlink()


HOSTILE = [truncated, pickled, object_array, not_a_number, huge, bomb, no_archive, gone]


@pytest.mark.parametrize("spoil", HOSTILE)
@pytest.mark.parametrize("sealed", [False, True])
def test_hostile_arrays_are_refused(
    folder: Path, spoil: object, sealed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With or without the right hash: one error, nothing run, nothing written elsewhere."""
    monkeypatch.chdir(tmp_path)
    path = folder / "anna.npz"
    spoil(path)  # type: ignore[operator]
    if sealed and path.exists():
        reseal(folder, path)
    with pytest.raises(ProfileError, match="enrol again"):
        load_profile("anna", folder=folder)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["profiles"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{" * 10_000,
        b"[" * 60_000,
        b"\xff\xfe",
        b'{"format": 1}',
        b" " * 100_000,
        json.dumps({"format": 2, "name": "anna"}).encode(),
    ],
)
def test_hostile_cards_are_refused(folder: Path, content: bytes) -> None:
    """Not JSON, not an object, too large, or without its fields."""
    (folder / "anna.json").write_bytes(content)
    with pytest.raises(ProfileError, match="enrol again"):
        load_profile("anna", folder=folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("format", "1"),
        ("name", "bert"),
        ("model", 3),
        ("n_utterances", "8"),
        ("n_utterances", True),
        ("speech_s", float("nan")),
        ("snr_db", float("inf")),
        ("arrays_sha256", None),
    ],
)
def test_a_card_with_a_wrong_field_is_refused(folder: Path, field: str, value: object) -> None:
    """Each field has its kind."""
    card = json.loads((folder / "anna.json").read_text())
    card[field] = value
    (folder / "anna.json").write_text(json.dumps(card))
    with pytest.raises(ProfileError, match="enrol again"):
        load_profile("anna", folder=folder)
