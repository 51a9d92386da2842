"""Acoustic features of an utterance: prosody, spectrum, voice quality.

`extract` serves files and training, `FeatureStream` the live path; both run the same
code. `describe` says what every feature is.
"""

from __future__ import annotations

from ser_live.features.description import Description
from ser_live.features.feature_set import (
    FEATURE_NAMES,
    FEATURE_SET_VERSION,
    LEVEL_DEPENDENT,
    describe,
)
from ser_live.features.stream import FeatureStream, FeatureVector, extract

__all__ = [
    "FEATURE_NAMES",
    "FEATURE_SET_VERSION",
    "LEVEL_DEPENDENT",
    "Description",
    "FeatureStream",
    "FeatureVector",
    "describe",
    "extract",
]
