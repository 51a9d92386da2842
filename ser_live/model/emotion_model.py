"""A model: its safe loading, its answer for one input vector.

Training writes models (``ser_live.training``); nothing here needs scikit-learn, and
nothing in a model folder is executed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.arrays import Float64
from ser_live.bundled import bundled_models
from ser_live.config import EVERYDAY, RejectSettings
from ser_live.emotions import LABELS
from ser_live.errors import ModelError
from ser_live.model.archive import (
    CARD_FILE,
    ENCODER_FILE,
    WEIGHTS_FILE,
    read_arrays,
    read_card,
    read_checked,
)
from ser_live.model.card import ModelCard
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import Encoder, InputLayout
from ser_live.model.prior import EVERYDAY_PLAIN_SHARE, shares_of
from ser_live.model.speaker_shift import SpeakerShift

DEFAULT_MODEL = "ear"
"""Model used when none is named."""

MAX_KEPT_MODELS = 4
"""Models that one process keeps loaded for the work that is sent to it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class EmotionModel:
    """A loaded model: card, weights, and the learned encoder if it has one.

    Parameters
    ----------
    card : ModelCard
    fitted : Fitted
        Weights for inputs laid out as this encoder makes them.
    encoder : Encoder or None
    folder : Path or None
        Folder that it was loaded from, and that another process can load it from.

    Raises
    ------
    ModelError
        The encoder is not the one that the card names.

    Examples
    --------
    >>> model = EmotionModel.load("classic")              # doctest: +SKIP
    >>> model.predict_proba(InputMaker().of(utterance))   # doctest: +SKIP
    """

    def __init__(
        self,
        card: ModelCard,
        fitted: Fitted,
        encoder: Encoder | None = None,
        folder: Path | None = None,
    ) -> None:
        given = None if encoder is None else encoder.sha256
        if given != card.encoder_sha256:
            raise ModelError(
                f"got {_short(given)}, but model {card.id} was trained with "
                f"{_short(card.encoder_sha256)}: load the model from its folder."
            )
        self.card = card
        self.fitted = fitted
        self.encoder = encoder
        self.layout = InputLayout.of(encoder)
        """Places of the parts in an input vector."""
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        """Reduce to a folder and a hash, so that another process loads the model once."""
        if self.encoder is None or self._folder is None:
            return EmotionModel, (self.card, self.fitted, self.encoder)
        return _load_once, (self._folder, self.card.weights_sha256)

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
            Missing, altered, truncated, too large, made by another version, or made
            for other features than this program has; or it needs onnxruntime, which is not
            installed.
        """
        from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION

        folder = find_model(name_or_path)
        card = ModelCard.from_json(read_card(folder), folder)
        _check_features(card, FEATURE_NAMES, FEATURE_SET_VERSION)
        arrays = read_arrays(folder / WEIGHTS_FILE, card.weights_sha256)
        encoder = None
        if card.encoder_sha256 is not None:
            encoder = cls.load_encoder(folder, card.encoder_sha256, card.id, card.n_embedding)
        fitted = Fitted.from_arrays(arrays, InputLayout.of(encoder), len(card.labels))
        return cls(card, fitted, encoder, folder.resolve())

    @staticmethod
    def load_encoder(
        folder: Path, sha256: str, model_id: str, n_values: int | None = None
    ) -> Encoder:
        """The learned encoder in a model folder, tried on a moment of silence.

        Parameters
        ----------
        folder : Path
        sha256, model_id : str
            From the model's card.
        n_values : int or None
            Length that an embedding must have; None: any.

        Raises
        ------
        ModelError
            Missing, altered, or not a graph that turns sound into such an embedding.
        """
        from ser_live.model.encoder import WINDOW_SAMPLES, SpeechEncoder

        graph = read_checked(folder / ENCODER_FILE, sha256)
        try:
            encoder = SpeechEncoder(graph)
            embedding = encoder.embed(np.zeros(WINDOW_SAMPLES, np.float32))
        except ModelError:
            raise
        except Exception as error:  # onnxruntime's errors share no base class
            raise ModelError(
                f"the encoder of model {model_id} fails on silence: fetch or train the model again."
            ) from error
        n_needed = encoder.n_values if n_values is None else n_values
        fits = embedding.shape == (n_needed,) and encoder.n_values == n_needed
        if not fits or not np.isfinite(embedding).all():
            raise ModelError(
                f"the encoder of model {model_id} does not give {n_needed} finite values: fetch or "
                "train the model again."
            )
        return encoder

    @property
    def folder(self) -> Path | None:
        """Folder that it was loaded from; None for one that was made in memory."""
        return self._folder

    @property
    def n_inputs(self) -> int:
        """Length of the input vector."""
        return self.layout.n_inputs

    def new_speaker(self) -> SpeakerShift | None:
        """Shift of an unknown speaker; None for a model that does not adapt."""
        return None if self.fitted.shift is None else SpeakerShift(self.fitted.shift)

    def shares(self, prior: str) -> Float64 | None:
        """Base rates of the labels under a prior; None where all are expected the same.

        Raises
        ------
        UsageError
            As ``prior.shares_of`` does.
        """
        judge, labels = self.fitted.expression, self.card.labels
        if judge is None and prior == EVERYDAY and labels != LABELS:
            # Recordings of one's own were made where they will be used: their shares may be right.
            return None
        plain_share = EVERYDAY_PLAIN_SHARE if judge is None else float(judge.everyday_share)
        return shares_of(prior, labels, plain_share)

    def predict_proba(
        self, x: Float64, speaker: SpeakerShift | None = None, shares: Float64 | None = None
    ) -> Float64:
        """Calibrated probabilities of one utterance.

        Parameters
        ----------
        x : float64 array, shape (n_inputs,)
            Its input vector (``ser_live.model.inputs``), NaN where undefined.
        speaker : SpeakerShift or None
            The speaker's difference from others, which is taken off.
        shares : float64 array, shape (n_labels,), or None
            Base rates of the labels, from `shares`; None: all are expected the same.

        Returns
        -------
        float64 array, shape (n_labels,)
            In the order of ``card.labels``, positive, sum 1.

        Raises
        ------
        ModelError
            Another number of inputs, or weights so large that the answer is not finite.
        """
        if x.shape != (self.n_inputs,):
            raise ModelError(
                f"got an input of shape {x.shape}, but model {self.card.id} needs "
                f"({self.n_inputs},): make it with ser_live.model.inputs and the model's encoder."
            )
        row = x[None, :].astype(np.float64)
        probabilities: Float64 = self.fitted.predict_proba(row, speaker, shares)[0]
        if not np.isfinite(probabilities).all():
            raise ModelError(
                f"model {self.card.id} has weights so large that its probabilities are not finite: "
                "fetch or train the model again."
            )
        return probabilities

    def thresholds(self, given: RejectSettings) -> tuple[float, float]:
        """Least probability of speech and least confidence: as given, else the model's own."""
        speech, confidence = given.min_speech_probability, given.min_confidence
        return (
            self.min_speech_probability if speech is None else speech,
            self.card.uncertain_below if confidence is None else confidence,
        )

    @property
    def min_speech_probability(self) -> float:
        """Below it an utterance is not speech; 0 for a model that cannot tell."""
        check = self.fitted.speech_check
        return 0.0 if check is None else float(check.min_probability)

    def speech_probability(self, x: Float64) -> float:
        """Probability that an utterance is speech; 1 from a model that cannot tell.

        Its hand-made features are not looked at.
        """
        check = self.fitted.speech_check
        if check is None:
            return 1.0
        return float(check.speech_probability(x[None, self.layout.embedding])[0])


@lru_cache(maxsize=MAX_KEPT_MODELS)
def _load_once(folder: Path, weights_sha256: str) -> EmotionModel:
    """The model in a folder, kept for the next piece of work with it."""
    model = EmotionModel.load(folder)
    if model.card.weights_sha256 != weights_sha256:
        raise ModelError(f"{folder} was replaced while it was in use: start again.")
    return model


def find_model(name_or_path: str | Path) -> Path:
    """Folder of a bundled model or of a path; raises ``ModelError`` if there is none."""
    given = Path(name_or_path)
    bundled = bundled_models()
    if isinstance(name_or_path, str) and _NAME.fullmatch(name_or_path):
        folder = bundled / name_or_path
        if (folder / CARD_FILE).is_file():
            return folder
    with suppress(OSError):  # a name too long for the file system
        if given.is_dir():
            return given
    names = sorted(card.parent.name for card in bundled.glob(f"*/{CARD_FILE}"))
    raise ModelError(
        f"there is no model {str(name_or_path)!r}: give a model folder or one of the bundled "
        f"models ({', '.join(names) or 'none is installed'})."
    )


def find_encoder() -> Path:
    """Graph of the learned encoder, for training; raises ``ModelError`` if there is none."""
    for path in sorted(bundled_models().glob(f"*/{ENCODER_FILE}")):
        return path
    raise ModelError(
        f"no bundled model has {ENCODER_FILE}, which this recipe needs: make it with "
        "scripts/export_encoder.py, or choose the recipe that does without (--model classic)."
    )


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


def _short(encoder_sha256: str | None) -> str:
    return "no encoder" if encoder_sha256 is None else f"the encoder {encoder_sha256[:12]}…"
