"""Writing the folder of a model that was adapted to a person's corrections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_live import __version__
from ser_live.errors import UsageError
from ser_live.model.archive import (
    CARD_FILE,
    CARD_TEXT_FILE,
    ENCODER_FILE,
    WEIGHTS_FILE,
    read_checked,
    write_arrays,
)
from ser_live.model.correction import CorrectionRule
from ser_live.model.emotion_model import EmotionModel, find_model
from ser_live.training.card_text import card_text
from ser_live.training.export import ENCODER_LICENCE, ENCODER_LICENCE_FILE

KIND = "corrected"
"""Kind of such a model on its card."""


def write_corrected(
    folder: Path,
    model: EmotionModel,
    weights_sha256: str,
    rule: CorrectionRule,
    corrections: Mapping[str, Any],
) -> dict[str, Any]:
    """Write a model with a rule added; return its card.

    Parameters
    ----------
    folder : Path
        Made where it does not exist; files of the same names are replaced.
    model : EmotionModel
        The model without a correction.
    weights_sha256 : str
        Hash of its weights.
    rule : CorrectionRule
    corrections : mapping
        Counts and measurements, ready for JSON; no name and no audio.
    """
    before = model.card.raw
    source = before.get("adapted_from") or {
        key: before[key] for key in ("id", "kind", "description") if key in before
    }
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = write_arrays(folder / WEIGHTS_FILE, replace(model.fitted, correction=rule).arrays())
    card: dict[str, Any] = {
        **before,
        "id": folder.resolve().name,
        "kind": KIND,
        "description": f"The model {source['id']}, adapted to one person's corrections.",
        "weights": {
            "file": WEIGHTS_FILE,
            "sha256": sha256,
            "n_bytes": (folder / WEIGHTS_FILE).stat().st_size,
        },
        "adapted_from": {**source, "weights_sha256": weights_sha256},
        "adapted_with": f"ser-live {__version__}",
        "corrections": dict(corrections),
        # The scores of the model before are not those of this one.
        "scores": {},
    }
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / CARD_TEXT_FILE).write_text(card_text(card), encoding="utf-8")
    return card


def copy_encoder(source: Path, folder: Path, model: EmotionModel) -> None:
    """Put the learned encoder of a model, where it has one, into another folder.

    Raises
    ------
    ModelError
        It is not there any more, or was altered.
    """
    sha256 = model.card.encoder_sha256
    if sha256 is None:
        return
    content = read_checked(source / ENCODER_FILE, sha256)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / ENCODER_FILE
    if not (target.is_file() and target.read_bytes() == content):
        target.write_bytes(content)
    (folder / ENCODER_LICENCE_FILE).write_text(ENCODER_LICENCE, encoding="utf-8")


def check_place(folder: Path, source: str) -> Path:
    """The folder of the model to adapt, which the new one must not overwrite.

    Raises
    ------
    UsageError
        Both are the same.
    ModelError
        There is no model of that name.
    """
    found = find_model(source)
    if folder.resolve() == found.resolve():
        raise UsageError(
            f"Found {folder} as --out, which holds the model to adapt, but that one is kept: name "
            "another folder."
        )
    return found
