"""Profiles of enrolled speakers: statistics of the voice, never sound.

A profile is two files in the user's own data folder, readable by its owner only::

    anna.json   who, when, by which model, of how much speech; the hash of the arrays
    anna.npz    the speaker's means, and the sums that the model's shift follows from

The arrays are read by ``model.archive``: never a pickle, sizes checked before anything is
allocated, the hash before that.
"""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.errors import ModelError, ProfileError
from ser_live.model.archive import Arrays, read_arrays, read_own_file, take_part, write_arrays
from ser_live.records.folders import profiles_folder
from ser_live.records.private_files import create_private_file, make_private_folder

FORMAT = 1
"""Version of the profile's layout; another one is refused."""

MAX_CARD_BYTES = 64 << 10
MAX_ARRAYS_BYTES = 4 << 20
"""Largest file that is read."""

MAX_TEXT = 200
"""Longest name, time or hash that a card may hold, in characters."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_DRAFT = re.compile(rf"\.(?P<name>{_NAME.pattern})\.(json|npz)\.\d+", re.ASCII)
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)
"""Names that Windows reserves for devices."""


@dataclass(frozen=True)
class ProfileCard:
    """Everything about a profile but its arrays."""

    name: str
    made_at: str
    """Wall-clock time, ISO 8601 with offset."""
    model: str
    """Model identifier."""
    model_sha256: str
    """Hash of the model's weights."""
    feature_set: str
    """Version of the features."""
    n_utterances: int
    speech_s: float
    level_dbfs: float
    """Median level of the utterances."""
    snr_db: float
    """Their median level above the noise floor."""


@dataclass(frozen=True, eq=False)
class SpeakerProfile:
    """One enrolled speaker."""

    card: ProfileCard
    arrays: Arrays
    """``baseline.*`` of `SpeakerBaseline`, ``shift.*`` of `SpeakerShift`."""

    def part(self, name: str) -> Arrays:
        """The arrays whose names begin with `name` and a dot, without it."""
        return take_part(dict(self.arrays), f"{name}.")

    def check_fits(self, model: str, model_sha256: str, feature_set: str) -> None:
        """Raise ``ProfileError`` unless the profile was made by this model and feature set."""
        card = self.card
        if (card.model, card.model_sha256) != (model, model_sha256):
            raise ProfileError(
                f"the profile {card.name} was made with model {card.model} "
                f"({card.model_sha256[:12]}), but this session uses {model} "
                f"({model_sha256[:12]}): {_again(card.name)}."
            )
        if card.feature_set != feature_set:
            raise ProfileError(
                f"the profile {card.name} was made with feature set {card.feature_set}, but this "
                f"program computes {feature_set}: {_again(card.name)}."
            )


def check_name(name: str) -> str:
    """`name`; raises ``ProfileError`` if it cannot name a file on every system."""
    if _NAME.fullmatch(name) and name not in _RESERVED:
        return name
    raise ProfileError(
        f"{name[:60]!r} cannot name a speaker: give up to 40 small letters, digits, - and _, "
        "the first one a letter or digit."
    )


def save_profile(
    profile: SpeakerProfile, *, folder: Path | None = None, replace: bool = False
) -> Path:
    """Write a profile; returns the path of its card.

    Raises
    ------
    ProfileError
        The name does not fit, a profile of this name exists and `replace` is not set, or
        the files cannot be written.
    """
    folder = profiles_folder() if folder is None else folder
    name = check_name(profile.card.name)
    card_path, arrays_path = _paths(folder, name)
    if not replace:
        refuse_existing(name, folder=folder)
    try:
        make_private_folder(folder)
        folder.chmod(0o700)
        with _new_file(arrays_path) as path:
            sha256 = write_arrays(path, profile.arrays)
        card = {"format": FORMAT, **asdict(profile.card), "arrays_sha256": sha256}
        # Last: a card always stands for arrays that are there, whole.
        with _new_file(card_path) as path:
            path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ProfileError(
            f"the profile {name} cannot be written to {folder} ({_cause(error)}): free space there "
            "or make it writable."
        ) from error
    return card_path


def refuse_existing(name: str, *, folder: Path | None = None) -> None:
    """Raise ``ProfileError`` if a speaker of this name is enrolled."""
    if name in profile_names(folder=folder):
        raise ProfileError(
            f"{name} is enrolled already: give another name, or add --replace to enrol again."
        )


def load_profile(name: str, *, folder: Path | None = None) -> SpeakerProfile:
    """Read a profile.

    Raises
    ------
    ProfileError
        There is none, or a file is altered, truncated, too large, or was not written by
        this program.
    """
    folder = profiles_folder() if folder is None else folder
    card_path, arrays_path = _paths(folder, check_name(name))
    if not card_path.is_file():
        names = profile_names(folder=folder)
        raise ProfileError(
            f"no speaker {name} is enrolled (there {'are' if len(names) > 1 else 'is'} "
            f"{', '.join(names) or 'none'}): enrol with `ser-live enroll {name}`."
        )
    raw = _read_card(card_path, name)
    try:
        card = _card(raw)
        if raw["format"] != FORMAT or card.name != name:
            raise ValueError("another format or name")
        sha256 = _checked(raw["arrays_sha256"], str)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise unusable(name, "its card is not one of this program") from error
    return SpeakerProfile(card, _read_arrays(arrays_path, name, sha256))


def profile_names(*, folder: Path | None = None) -> list[str]:
    """Names of the enrolled speakers, sorted."""
    folder = profiles_folder() if folder is None else folder
    with suppress(OSError):
        return sorted(p.stem for p in folder.glob("*.json") if _NAME.fullmatch(p.stem))
    return []


def remove_profile(name: str, *, folder: Path | None = None) -> None:
    """Delete a profile; raises ``ProfileError`` where there is none."""
    folder = profiles_folder() if folder is None else folder
    paths = _paths(folder, check_name(name))
    if not any(path.exists() for path in paths):
        raise ProfileError(
            f"no speaker {name} is enrolled: see `ser-live enroll --list` for the names."
        )
    try:
        for path in paths:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ProfileError(
            f"the profile {name} cannot be removed from {folder} ({_cause(error)}): "
            "make the folder writable."
        ) from error


def profile_files(*, folder: Path | None = None) -> dict[Path, str]:
    """Files in the folder that this program wrote, with the names of their speakers.

    Damaged profiles and drafts of an enrolment that was killed are among them.
    """
    folder = profiles_folder() if folder is None else folder
    found: dict[Path, str] = {}
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            draft = _DRAFT.fullmatch(path.name)
            if draft is not None:
                found[path] = draft["name"]
            elif _NAME.fullmatch(path.stem) and path.suffix == ".json" and _is_card(path):
                found[path] = path.stem
                arrays_path = path.with_suffix(".npz")
                if arrays_path.exists():
                    found[arrays_path] = path.stem
            elif _NAME.fullmatch(path.stem) and path.suffix == ".npz" and _is_arrays(path):
                found[path] = path.stem
    return found


def _is_card(path: Path) -> bool:
    try:
        raw = _read_card(path, path.stem)
    except ProfileError:
        return False
    return raw.get("name") == path.stem and {"format", "arrays_sha256"} <= raw.keys()


def _is_arrays(path: Path) -> bool:
    """Whether an archive without a card holds a profile's arrays and nothing else."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, OverflowError):
        return False
    return bool(names) and all(name.startswith(("baseline.", "shift.")) for name in names)


def unusable(name: str, why: str) -> ProfileError:
    """The error for a profile whose content cannot be used."""
    return ProfileError(f"the profile {name} cannot be used ({why}): {_again(name)}.")


def _again(name: str) -> str:
    return f"enrol again with `ser-live enroll {name} --replace`"


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.json", folder / f"{name}.npz"


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """A draft for its owner only; it is renamed to `path` if the block raises nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    os.close(create_private_file(draft))
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read_card(path: Path, name: str) -> dict[str, Any]:
    try:
        raw = json.loads(read_own_file(path, MAX_CARD_BYTES).decode("utf-8"))
    except ModelError as error:
        raise unusable(name, "its card cannot be read, is too large or is elsewhere") from error
    except (ValueError, RecursionError) as error:
        raise unusable(name, "its card is not readable JSON") from error
    if not isinstance(raw, dict):
        raise unusable(name, "its card is not a JSON object")
    return raw


def _card(raw: dict[str, Any]) -> ProfileCard:
    texts = {
        field: _checked(raw[field], str)
        for field in ("name", "made_at", "model", "model_sha256", "feature_set")
    }
    return ProfileCard(
        **texts,
        n_utterances=_checked(raw["n_utterances"], int),
        speech_s=_finite(raw["speech_s"]),
        level_dbfs=_finite(raw["level_dbfs"]),
        snr_db=_finite(raw["snr_db"]),
    )


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError
    if isinstance(value, str) and not (len(value) <= MAX_TEXT and value.isprintable()):
        raise TypeError
    return value


def _finite(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _read_arrays(path: Path, name: str, sha256: str) -> Arrays:
    try:
        arrays = read_arrays(path, sha256, MAX_ARRAYS_BYTES)
    except ModelError as error:
        raise unusable(
            name, f"{path.name} was altered, cut off, moved or not written by this program"
        ) from error
    return {key: np.array(array) for key, array in arrays.items()}


def _cause(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
