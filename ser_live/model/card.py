"""The card of a model: which labels it tells apart, and everything it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_live.emotions import COORDINATES, MAX_LABEL, MAX_LABELS, MIN_LABELS, are_labels
from ser_live.errors import ModelError
from ser_live.model.archive import CARD_FILE
from ser_live.model.prior import EVERYDAY_PLAIN_SHARE

CARD_FORMAT = 2
"""Version of the model folder's form; any other is refused."""

UNCERTAIN_BELOW = 0.35
"""Probability from which on an answer is named, if the card does not say."""

MAX_TEXT = 500
"""Longest name, licence or hash that a card may hold, in characters."""


@dataclass(frozen=True)
class ModelCard:
    """Description of a model and of everything it was made from."""

    id: str
    kind: str
    """Recipe that trained it, ``ear`` or ``classic``."""
    feature_set_version: str
    feature_names: tuple[str, ...]
    """Names of the hand-made features, in order."""
    labels: tuple[str, ...]
    """Labels that it tells apart, in the order of its probabilities."""
    licence: str
    """Terms of the weights."""
    weights_sha256: str
    encoder_sha256: str | None
    """Hash of the learned encoder; None for a model that does without."""
    raw: dict[str, Any]
    """The whole card as stored: data, libraries, seed, settings, scores."""
    uncertain_below: float = UNCERTAIN_BELOW
    """Winning probability below which the model's answer is not named."""
    n_embedding: int | None = None
    """Values of an embedding; None for a card that does not say, whose encoder does."""
    affect: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Valence and arousal that the card gives to labels, -1 to +1."""
    everyday_plain_share: float = EVERYDAY_PLAIN_SHARE
    """Share of the plain labels in everyday talk, as this model hears it."""

    @property
    def coordinates(self) -> tuple[tuple[float, float], ...] | None:
        """Valence and arousal of each label: the card's, else those known to the program.

        None where any label has neither: the two are undefined for such a model.
        """
        known = {**COORDINATES, **self.affect}
        if not all(label in known for label in self.labels):
            return None
        return tuple(known[label] for label in self.labels)

    @classmethod
    def from_json(cls, raw: dict[str, Any], folder: Path) -> ModelCard:
        """Check form and version of a card; raises ``ModelError``."""
        where = folder / CARD_FILE
        version = raw.get("format")
        if not isinstance(version, int) or isinstance(version, bool):
            raise ModelError(f"{where} has no format number: it was not made by this program.")
        if version != CARD_FORMAT:
            remedy = "update ser-live" if version > CARD_FORMAT else "train it again"
            raise ModelError(
                f"{where} has format {str(version)[:20]}, but this ser-live reads {CARD_FORMAT}: "
                f"{remedy} or choose another model."
            )
        try:
            features, weights = raw["features"], raw["weights"]
            card = cls(
                id=_text(raw["id"]),
                kind=_text(raw["kind"]),
                feature_set_version=_text(features["version"]),
                feature_names=_texts(features["names"]),
                labels=_labels(raw["labels"], where),
                licence=_text(raw["licence"]),
                weights_sha256=_text(weights["sha256"]),
                encoder_sha256=_text(raw["encoder"]["sha256"]) if "encoder" in raw else None,
                n_embedding=_count(raw.get("encoder", {}).get("n_values")),
                uncertain_below=_share(raw.get("uncertain", {}).get("below", UNCERTAIN_BELOW)),
                affect=_affect(raw.get("affect", {}), raw["labels"]),
                everyday_plain_share=_inner_share(
                    raw.get("prior", {}).get("everyday_plain_share", EVERYDAY_PLAIN_SHARE)
                ),
                raw=raw,
            )
        except KeyError as error:
            raise ModelError(
                f"{where} lacks the field {error.args[0]!r}: fetch or train the model again."
            ) from error
        except (TypeError, AttributeError) as error:
            raise ModelError(
                f"{where} has a field of the wrong kind: fetch or train the model again."
            ) from error
        return card


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise TypeError
    return value


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError
    return value


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise TypeError
    return float(value)


def _inner_share(value: Any) -> float:
    share = _share(value)
    if not 0.0 < share < 1.0:
        raise TypeError
    return share


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(item) for item in value)


def _labels(value: Any, where: Path) -> tuple[str, ...]:
    labels = _texts(value)
    if not are_labels(labels):
        raise ModelError(
            f"{where} names {len(labels)} labels, but {MIN_LABELS} to {MAX_LABELS} distinct ones "
            f"are needed, each of 1 to {MAX_LABEL} printable characters without a space at its "
            "ends: fetch or train the model again."
        )
    return labels


def _affect(value: Any, labels: Sequence[str]) -> dict[str, tuple[float, float]]:
    if not isinstance(value, dict) or not set(value) <= set(labels):
        raise TypeError
    return {label: _place(pair) for label, pair in value.items()}


def _place(pair: Any) -> tuple[float, float]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise TypeError
    return _unit(pair[0]), _unit(pair[1])


def _unit(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        raise TypeError
    return float(value)
