"""A speaker who was never enrolled."""

from __future__ import annotations

import numpy as np

from ser_live.speaker.profile import ProfileCard, SpeakerProfile

CARD = ProfileCard(
    name="anna",
    made_at="2026-03-14T15:09:26+01:00",
    model="ear",
    model_sha256="9f2c41d07be3",
    feature_set="1",
    n_utterances=8,
    speech_s=21.3,
    level_dbfs=-24.0,
    snr_db=31.0,
)
PROFILE = SpeakerProfile(CARD, {"baseline.sum": np.arange(3.0), "shift.weight": np.array(8.0)})
