"""A model: its card, its safe loading, its answer for one feature vector.

Training writes models (``ser_live.training``); nothing here needs scikit-learn, and
nothing in a model folder is executed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.classifier import Classifier, FloatArray
from ser_live.emotions import LABELS
from ser_live.errors import ModelError
from ser_live.model_file import CARD_FILE, WEIGHTS_FILE, read_arrays, read_card

CARD_FORMAT = 1
"""Version of the model folder's layout; a newer one is refused."""

DEFAULT_MODEL = "classic-ravdess"
"""Model used when none is named."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class ModelCard:
    """What a model is and what it was made from."""

    id: str
    kind: str
    """Recipe that trained it, ``classic``."""
    feature_set_version: str
    feature_names: tuple[str, ...]
    """Names of the inputs, in order."""
    labels: tuple[str, ...]
    """Names of the outputs, in order."""
    licence: str
    """Terms of the weights."""
    weights_sha256: str
    raw: dict[str, Any]
    """The whole card as stored: data, libraries, seed, settings, scores."""

    @classmethod
    def from_json(cls, raw: dict[str, Any], folder: Path) -> ModelCard:
        """Check form and version of a card; raises ``ModelError``."""
        where = folder / CARD_FILE
        version = raw.get("format")
        if not isinstance(version, int) or isinstance(version, bool):
            raise ModelError(f"{where} has no format number: it was not made by this program.")
        if version > CARD_FORMAT:
            raise ModelError(
                f"{where} has format {version}, but this ser-live reads up to {CARD_FORMAT}: "
                "update ser-live or choose another model."
            )
        try:
            features, weights = raw["features"], raw["weights"]
            card = cls(
                id=_text(raw["id"]),
                kind=_text(raw["kind"]),
                feature_set_version=_text(features["version"]),
                feature_names=_texts(features["names"]),
                labels=_texts(raw["labels"]),
                licence=_text(raw["licence"]),
                weights_sha256=_text(weights["sha256"]),
                raw=raw,
            )
        except KeyError as error:
            raise ModelError(
                f"{where} lacks the field {error.args[0]!r}: fetch or train the model again."
            ) from error
        except TypeError as error:
            raise ModelError(
                f"{where} has a field of the wrong kind: fetch or train the model again."
            ) from error
        return card


class EmotionModel:
    """A loaded model: card and arithmetic.

    Examples
    --------
    >>> model = EmotionModel.load("classic-ravdess")     # doctest: +SKIP
    >>> model.predict_proba(features.values)             # doctest: +SKIP
    """

    def __init__(self, card: ModelCard, classifier: Classifier) -> None:
        self.card = card
        self.classifier = classifier

    @classmethod
    def load(cls, name_or_path: str | Path = DEFAULT_MODEL) -> EmotionModel:
        """Load a model that fits this program.

        Parameters
        ----------
        name_or_path : str or Path
            Name of a bundled model, or a model folder.

        Raises
        ------
        ModelError
            Missing, altered, truncated, too large, made by a newer program, or made
            for other features or labels than this program has.
        """
        from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION

        folder = find_model(name_or_path)
        card = ModelCard.from_json(read_card(folder), folder)
        _check_features(card, FEATURE_NAMES, FEATURE_SET_VERSION)
        if card.labels != LABELS:
            raise ModelError(
                f"model {card.id} names the labels {', '.join(card.labels)}, but this program "
                f"needs {', '.join(LABELS)} in this order: choose another model."
            )
        arrays = read_arrays(folder / WEIGHTS_FILE, card.weights_sha256)
        classifier = Classifier.from_arrays(arrays, len(card.feature_names), len(card.labels))
        return cls(card, classifier)

    def predict_proba(self, features: FloatArray) -> FloatArray:
        """Calibrated probabilities of one utterance.

        Parameters
        ----------
        features : float64 array, shape (n_features,)
            Values in the order of the card, NaN where undefined.

        Returns
        -------
        float64 array, shape (8,)
            In the order of ``EMOTIONS``, positive, sum 1.

        Raises
        ------
        ModelError
            Another number of features.
        """
        if features.shape != self.classifier.mean.shape:
            raise ModelError(
                f"got features of shape {features.shape}, but model {self.card.id} needs "
                f"{self.classifier.mean.shape}: extract them with ser_live.features."
            )
        probabilities: FloatArray = self.classifier.predict_proba(
            features[None, :].astype(np.float64)
        )[0]
        return probabilities


def find_model(name_or_path: str | Path) -> Path:
    """Folder of a bundled model or of a path; raises ``ModelError`` where there is none."""
    given = Path(name_or_path)
    bundled = _bundled_folders()
    if isinstance(name_or_path, str) and _NAME.fullmatch(name_or_path):
        for folder in bundled:
            if (folder / name_or_path / CARD_FILE).is_file():
                return folder / name_or_path
    with suppress(OSError):  # a name too long for the file system
        if given.is_dir():
            return given
    names = sorted(
        {card.parent.name for folder in bundled for card in folder.glob(f"*/{CARD_FILE}")}
    )
    raise ModelError(
        f"there is no model {str(name_or_path)!r}: give a model folder or one of the bundled "
        f"models ({', '.join(names) or 'none is installed'})."
    )


def _bundled_folders() -> tuple[Path, ...]:
    """Where models lie: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    return package / "models", package.parent / "models"


def _check_features(card: ModelCard, names: Sequence[str], version: str) -> None:
    if card.feature_set_version != version:
        raise ModelError(
            f"model {card.id} was trained on feature set {card.feature_set_version}, but this "
            f"program computes {version}: update ser-live or train the model again."
        )
    if card.feature_names == tuple(names):
        return
    if len(card.feature_names) != len(names):
        raise ModelError(
            f"model {card.id} needs {len(card.feature_names)} features, but this program computes "
            f"{len(names)}: train the model again."
        )
    position = next(
        index
        for index, pair in enumerate(zip(card.feature_names, names, strict=True))
        if pair[0] != pair[1]
    )
    raise ModelError(
        f"model {card.id} needs {card.feature_names[position]!r} as feature {position}, but this "
        f"program computes {names[position]!r} there: train the model again."
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(item) for item in value)
