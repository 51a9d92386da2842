"""Models adapted to corrections: a person with words of their own, and one who says anything.

The answers are those of the real model to the sentences that come with the program, each session
with a noise and a level of its own.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np
import pytest

from ser_live import iter_utterances
from ser_live.arrays import Float64, Int64
from ser_live.emotions import LABELS
from ser_live.evaluation.corrected import measure_corrections
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.inputs import whole_input
from ser_live.training.correcting import MAX_FOLDS, chosen_rule, folds_of_sessions

N_SESSIONS = 5
Answers = tuple[Float64, Int64]


@pytest.fixture(scope="module")
def heard() -> Answers:
    """Answers of the default model, as logs hold them, and the session of each."""
    model = EmotionModel.load()
    with as_file(files("ser_live") / "acted" / "speech.ogg") as path:
        sentences = [r.samples for r in iter_utterances(path, model=model, keeps_audio=True)]
    rng = np.random.default_rng(0)
    answers = []
    for _session in range(N_SESSIONS):
        for samples in sentences:
            assert samples is not None
            noise = rng.standard_normal(len(samples)) * 10.0 ** rng.uniform(-4.5, -2.5)
            spoilt = (samples * rng.uniform(0.3, 1.0) + noise).astype(np.float32)
            answers.append(model.predict_proba(whole_input(spoilt, model.encoder)))
    sessions = np.repeat(np.arange(N_SESSIONS), len(sentences))
    return np.round(np.array(answers), 4), sessions


def test_a_person_with_words_of_their_own_is_understood_better(heard: Answers) -> None:
    """They call neutral what the model calls calm or sad, and happy what it calls angry."""
    probabilities, sessions = heard
    meant = {"calm": "neutral", "sad": "neutral", "angry": "happy", "disgust": "fearful"}
    said = [LABELS[place] for place in probabilities.argmax(axis=1)]
    y = np.array([LABELS.index(meant.get(label, label)) for label in said])
    found = measure_corrections(probabilities, y, sessions)
    assert (found.n_corrections, found.n_sessions) == (len(y), N_SESSIONS)
    assert found.is_better
    assert found.agreement.after > found.agreement.before + 0.2
    assert found.kappa.difference.low > 0.0
    rule, freedom = chosen_rule(probabilities, y, sessions)
    assert rule is not None
    assert freedom is not None


def test_labels_by_chance_change_nothing(heard: Answers) -> None:
    """In at least 19 of 20 such persons the model stays as it is, also where one label is usual."""
    probabilities, sessions = heard
    even, skewed = np.full(8, 1 / 8), np.array([0.6, 0.1, 0.1, 0.04, 0.04, 0.04, 0.04, 0.04])
    n_kept = 0
    for seed in range(20):
        shares = skewed if seed % 2 else even
        y = np.random.default_rng(seed).choice(8, size=len(sessions), p=shares)
        n_kept += not measure_corrections(probabilities, y, sessions).is_better
    assert n_kept >= 19


def test_one_who_always_agrees_keeps_the_model(heard: Answers) -> None:
    """Nothing can be better than the model for one who says what it says."""
    probabilities, sessions = heard
    found = measure_corrections(probabilities, probabilities.argmax(axis=1), sessions)
    assert found.agreement.before == 1.0
    assert not found.is_better


def test_one_label_alone_teaches_nothing(heard: Answers) -> None:
    """Where every label is the same, agreement beyond chance is undefined or none."""
    probabilities, sessions = heard
    y = np.full(len(sessions), LABELS.index("happy"))
    assert not measure_corrections(probabilities, y, sessions).is_better


def test_no_session_is_in_two_folds() -> None:
    """And there are at most as many folds as said, of about one size."""
    rng = np.random.default_rng(3)
    sessions = rng.integers(40, size=600)
    folds = folds_of_sessions(sessions)
    for session in np.unique(sessions):
        assert len(np.unique(folds[sessions == session])) == 1
    sizes = np.bincount(folds)
    assert len(sizes) == MAX_FOLDS
    assert sizes.min() > 0.8 * sizes.max()
