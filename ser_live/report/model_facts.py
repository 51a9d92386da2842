"""Facts about the model that a session was judged by: its licence and its measurements.

A log names the model by the hash of its weights. Only a model with that very hash is described,
for a report must not vouch for one by the figures of another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ser_live.bundled import bundled_models
from ser_live.errors import ModelError

_MIN_HASH = 12
"""Characters of a hash that are enough to know a model by; older logs kept no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """A model as a report describes it; ``None`` for what is not known."""

    licence: str | None = None
    accuracy: float | None = None
    """Share of acted clips that it gets right, by actors it never heard."""
    held_out_uar: float | None = None
    """Mean over corpora of acted speech, each left out of the training, of the mean recall."""
    held_out_chance: float | None = None
    """The same for guessing."""
    n_plain_sources: int | None = None
    """Sources of strangers' plain talk that were heard, none of them in training."""
    plain_named: float | None = None
    """Share of strangers' plain utterances that it names at all."""
    plain_of_named: float | None = None
    """Share of those that come out as neutral or calm."""
    surely_else: float | None = None
    """Share of strangers' plain utterances named anything else at .70 or surer."""


def model_facts(sha256: str) -> ModelFacts:
    """The facts about the model with these weights, from its card and what was measured of it."""
    if len(sha256) < _MIN_HASH:
        return ModelFacts()
    measured = json.loads(_measured())
    found: dict[str, Any] = next((v for k, v in measured.items() if k.startswith(sha256)), {})
    licence, accuracy = _of_card(sha256, _cards())
    return ModelFacts(licence=licence, accuracy=accuracy, **found)


def _measured() -> str:
    place = files("ser_live").joinpath("report", "measured.json")
    return place.read_text(encoding="utf-8")


def _cards() -> Iterable[Path]:
    with suppress(OSError):
        yield from sorted(bundled_models().glob("*/card.json"))


def _of_card(sha256: str, paths: Iterable[Path]) -> tuple[str | None, float | None]:
    from ser_live.model.archive import read_card
    from ser_live.model.card import ModelCard

    for path in paths:
        with suppress(OSError, ModelError):
            card = ModelCard.from_json(read_card(path.parent), path.parent)
            if card.weights_sha256.startswith(sha256):
                accuracy = card.raw.get("scores", {}).get("emobox", {}).get("accuracy")
                return card.licence, accuracy if isinstance(accuracy, float) else None
    return None, None
