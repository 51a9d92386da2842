"""A small model that adapts to its speaker, with weights made up."""

from __future__ import annotations

import numpy as np

from ser_live.emotions import LABELS
from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION
from ser_live.model.card import ModelCard
from ser_live.model.classifier import Classifier, LinearHead
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.speaker_shift import ShiftRule

N, K = len(FEATURE_NAMES), len(LABELS)


def adapting_fitted() -> Fitted:
    """Weights of both ensembles and of the rule by which a speaker's shift is learned."""
    rng = np.random.default_rng(0)
    one = np.array(1.0)
    ensemble = Ensemble.of(
        Classifier(
            impute=np.zeros(N),
            mean=np.zeros(N),
            scale=np.ones(N),
            limit=np.array(4.0),
            used=np.arange(20),
            projection=None,
            heads=(LinearHead(0.1 * rng.standard_normal((20, K)), np.zeros(K)),),
            head_weights=np.ones(1),
            temperature=one,
        )
    )
    return Fitted(ensemble, ensemble, ShiftRule(np.zeros(N), np.zeros((K, N)), one, one, one))


def adapting_model() -> EmotionModel:
    """The weights with a card, in memory."""
    card = ModelCard(
        "synthetic", "test", FEATURE_SET_VERSION, FEATURE_NAMES, LABELS, "none", "0" * 64, None, {}
    )
    return EmotionModel(card, adapting_fitted())
