"""The speech check: its arithmetic, how it is stored, fitted, measured, and obeyed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stream_parts import analysis, buzz
from synthetic_examples import linear

from ser_live.arrays import Float32, Float64
from ser_live.config import RejectSettings, Settings
from ser_live.emotions import EMOTIONS, LABELS
from ser_live.errors import DatasetError, ModelError
from ser_live.evaluation.rejection import folds_of_sounds, folds_of_speech, rejection_section
from ser_live.events import Verdict
from ser_live.model.card import ModelCard
from ser_live.model.emotion_model import EmotionModel, find_encoder
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import N_HAND_MADE, InputLayout
from ser_live.model.speech_check import SpeechCheck
from ser_live.synthesis.wordless_sounds import SOUNDS, wordless_sound
from ser_live.training.examples import Examples
from ser_live.training.speech_check import (
    MAX_LOSS,
    N_HEARD,
    Sounds,
    fit_gate,
    loss_threshold,
    make_sounds,
)

LAYOUT = InputLayout(N_HAND_MADE, 3072)
"""As of the bundled model with an encoder."""
SIGNAL = 5
"""Position in the embedding that tells the synthetic speech from the synthetic sounds."""


def check_of(coef: float, intercept: float = 0.0, min_probability: float = 0.5) -> SpeechCheck:
    """A check that listens to one input alone."""
    weights = np.zeros(LAYOUT.n_embedding)
    weights[SIGNAL] = coef
    return SpeechCheck(
        mean=np.zeros(LAYOUT.n_embedding),
        scale=np.ones(LAYOUT.n_embedding),
        limit=np.array(4.0),
        coef=weights,
        intercept=np.array(intercept),
        min_probability=np.array(min_probability),
    )


def heard(check: SpeechCheck, X: np.ndarray) -> Float64:
    """Probability of speech of input vectors."""
    return check.speech_probability(X[:, LAYOUT.embedding])


def input_with(signal: float) -> Float64:
    x = np.zeros(LAYOUT.n_inputs)
    x[N_HAND_MADE + SIGNAL] = signal
    return x


def vectors(signal: Float64, seed: int) -> np.ndarray:
    """Input vectors with some noise, and `signal` at its place."""
    X = np.full((len(signal), LAYOUT.n_inputs), np.nan, dtype=np.float32)
    rng = np.random.default_rng(seed)
    X[:, LAYOUT.embedding] = 0.0
    X[:, N_HAND_MADE : N_HAND_MADE + 4] = rng.standard_normal((len(signal), 4))
    X[:, N_HAND_MADE + SIGNAL] = signal
    return X


def speech_of(n_speakers: int = 24, corpus: str = "ravdess", signal: float = 1.0) -> Examples:
    """Three whole utterances and three beginnings a speaker."""
    n = 6 * n_speakers
    rng = np.random.default_rng(1)
    return Examples(
        X=vectors(signal + 0.2 * rng.standard_normal(n), 2),
        y=np.arange(n) % len(EMOTIONS),
        speakers=np.array([f"{corpus}-{1 + row // 6:02d}" for row in range(n)]),
        clips=np.arange(n) // 2 + (1000 if corpus != "ravdess" else 0),
        variants=np.array(["plain"] * n),
        is_final=np.arange(n) % 2 == 0,
        speech_s=np.ones(n),
        corpora=np.array([corpus] * n),
        intensity=np.array([""] * n),
    )


def sounds_of(n_groups: int = 12, signal: float = -1.0) -> Sounds:
    """Noises and vocal bursts in turn, two recordings a group, and a synthetic kind."""
    n = 2 * n_groups
    rng = np.random.default_rng(3)
    group = np.arange(n) // 2
    source = np.array(["noise", "vocal burst", "synthetic"])[group % 3]
    names = np.array([f"{number}" for number in group])
    return Sounds(
        X=vectors(signal + 0.2 * rng.standard_normal(n), 4),
        sources=source,
        groups=names,
        kinds=names,
        recordings=np.array([f"plain {row}" for row in range(n)]),
        variants=np.array(["plain"] * n),
        is_final=np.ones(n, dtype=bool),
    )


def joined(first: Examples, second: Examples) -> Examples:
    return Examples(
        **{
            name: np.concatenate([getattr(first, name), getattr(second, name)])
            for name in vars(first)
        }
    )


def test_probability_is_the_logistic_of_the_weighted_input() -> None:
    check = check_of(coef=2.0, intercept=1.0)
    found = heard(check, np.stack([input_with(0.5), input_with(-2.0)]))
    assert found == pytest.approx([1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(3.0))])


def test_undefined_and_extreme_values_neither_break_nor_run_away() -> None:
    check = check_of(coef=1.0)
    unknown = np.full((1, LAYOUT.n_inputs), np.nan)
    assert heard(check, unknown) == pytest.approx([0.5])
    huge = heard(check, input_with(1e9)[None])
    assert huge == pytest.approx([1 / (1 + np.exp(-4.0))])


def test_hand_made_features_and_level_have_no_say() -> None:
    rng = np.random.default_rng(0)
    x = input_with(0.3)
    changed = x.copy()
    changed[:N_HAND_MADE] = rng.standard_normal(N_HAND_MADE)
    changed[-1] = -60.0
    model = model_with(check_of(coef=1.0), ToyEncoder())
    assert model.speech_probability(x) == model.speech_probability(changed)
    changed[N_HAND_MADE + SIGNAL] = 0.4
    assert model.speech_probability(x) < model.speech_probability(changed)


def test_arrays_give_the_same_check_back() -> None:
    check = check_of(coef=0.25, intercept=-0.5, min_probability=0.125)
    back = SpeechCheck.from_arrays(check.arrays(), LAYOUT.n_embedding)
    X = np.random.default_rng(0).standard_normal((5, LAYOUT.n_inputs))
    assert np.array_equal(heard(back, X), heard(check, X))
    assert float(back.min_probability) == 0.125


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", np.zeros(3)),
        ("scale", np.zeros(LAYOUT.n_embedding)),
        ("min_probability", np.array(1.5)),
        ("surplus", np.array(1.0)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name: str, value: np.ndarray) -> None:
    with pytest.raises(ModelError):
        SpeechCheck.from_arrays({**check_of(1.0).arrays(), name: value}, LAYOUT.n_embedding)


def test_missing_array_is_refused() -> None:
    arrays = dict(check_of(1.0).arrays())
    del arrays["coef"]
    with pytest.raises(ModelError, match="coef"):
        SpeechCheck.from_arrays(arrays, LAYOUT.n_embedding)


def test_threshold_loses_the_share_asked_for_of_every_stratum_alike() -> None:
    scores = np.arange(1000.0)
    same = np.array(["a"] * 1000)
    assert loss_threshold(scores, same, 0.01) == 10.0  # below it: 0 to 9
    # A hundred of the stratum b weigh as much as nine hundred of a.
    strata = np.array(["b"] * 100 + ["a"] * 900)
    assert loss_threshold(scores, strata, 0.25) == 50.0
    assert loss_threshold(scores, same, 0.0) == 0.0


def test_fitted_check_tells_the_sides_apart_and_keeps_its_promise() -> None:
    speech, sounds = speech_of(), sounds_of()
    check = fit_gate(speech, sounds)
    passes = heard(check, speech.X) >= check.min_probability
    assert np.mean(~passes[speech.is_final]) <= 2 * MAX_LOSS
    assert (heard(check, sounds.X) < check.min_probability).all()


def test_fitting_twice_gives_the_same_and_what_is_stored_answers_alike() -> None:
    speech, sounds = speech_of(), sounds_of()
    first, second = fit_gate(speech, sounds), fit_gate(speech, sounds)
    stored = SpeechCheck.from_arrays(first.arrays(), LAYOUT.n_embedding)
    for other in (second, stored):
        assert np.array_equal(heard(other, sounds.X), heard(first, sounds.X))


def test_the_last_layer_has_no_say() -> None:
    """It tells speech from sounds here, and perfectly: still nothing hangs on it."""
    speech, sounds = speech_of(), sounds_of()
    speech.X[:, N_HAND_MADE + N_HEARD], sounds.X[:, N_HAND_MADE + N_HEARD] = 9.0, -9.0
    gate = fit_gate(speech, sounds)
    assert gate.coef.shape == (LAYOUT.n_embedding,)
    assert np.abs(gate.coef[:N_HEARD]).max() > 0.0
    assert (gate.coef[N_HEARD:] == 0.0).all()


def test_too_little_to_fit_is_said() -> None:
    with pytest.raises(DatasetError, match="1 speakers"):
        fit_gate(speech_of(1), sounds_of())
    with pytest.raises(DatasetError, match="1 kinds"):
        fit_gate(speech_of(), sounds_of(1))
    classic = speech_of()
    with pytest.raises(DatasetError, match="2538 inputs"):
        fit_gate(replace(classic, X=classic.X[:, :N_HAND_MADE]), sounds_of())


def test_no_speaker_and_no_kind_of_sound_is_in_two_folds() -> None:
    speech, sounds = joined(speech_of(), speech_of(7, "nemo")), sounds_of(30)
    for groups, folds in (
        (speech.speakers, folds_of_speech(speech)),
        (sounds.groups, folds_of_sounds(sounds)),
    ):
        for group in np.unique(groups):
            assert len(np.unique(folds[groups == group])) == 1
    by_emobox = folds_of_speech(speech)[np.isin(speech.speakers, ["ravdess-01", "ravdess-11"])]
    assert set(by_emobox) == {0}
    assert (folds_of_sounds(sounds)[sounds.sources == "synthetic"] == -1).all()


def test_section_counts_what_is_rejected_and_lost() -> None:
    speech = joined(speech_of(), speech_of(6, "nemo"))
    section = rejection_section(speech, sounds_of(24))
    assert section["max_loss"] == MAX_LOSS
    noise = section["sounds"]["noise"]["plain"]
    assert noise["n_recordings"] == 16
    assert noise["rejected"] == 1.0
    assert noise["interval"] == [1.0, 1.0]
    assert set(noise["by_kind"]) == {str(group) for group in range(0, 24, 3)}
    assert "synthetic" not in section["sounds"]
    for part in ("speech", "left_out"):
        assert section[part]["ravdess"]["plain"]["n_recordings"] == 72
        assert section[part]["ravdess"]["plain"]["lost"] <= 0.05


def test_section_needs_something_to_reject() -> None:
    sounds = sounds_of()
    with pytest.raises(DatasetError, match="no recorded noise"):
        rejection_section(speech_of(), sounds.where(sounds.sources == "synthetic"))


@pytest.mark.parametrize("kind", SOUNDS)
def test_wordless_sounds_repeat_and_stay_in_range(kind: str) -> None:
    for seed in range(5):
        sound = wordless_sound(kind, np.random.default_rng(seed))
        assert sound.dtype == np.float32
        assert 1.5 <= len(sound) / 16_000 <= 7.5
        assert np.isfinite(sound).all()
        assert 0.01 < np.abs(sound).max() <= 0.99
        assert np.array_equal(sound, wordless_sound(kind, np.random.default_rng(seed)))


class ToyEncoder:
    """An encoder without a graph: the first values are the mean and the deviation of the sound."""

    sha256 = "toy"

    def __init__(self, n_values: int = LAYOUT.n_embedding) -> None:
        self.n_values = n_values

    def embed(self, samples: Float32) -> Float64:
        embedding = np.zeros(self.n_values)
        embedding[:2] = samples.mean(), samples.std()
        return embedding


def model_with(check: SpeechCheck | None, encoder: ToyEncoder | None = None) -> EmotionModel:
    """Always sure of the first label; without an encoder, inputs are hand-made alone."""
    scores = 5.0 * np.eye(len(LABELS))[0]
    n_inputs = InputLayout.of(encoder).n_inputs
    ensemble = Ensemble.of(linear(np.zeros((n_inputs, len(LABELS))), scores))
    sha256 = None if encoder is None else encoder.sha256
    card = ModelCard("test", "test", "", (), LABELS, "", "", sha256, {})
    return EmotionModel(card, Fitted(ensemble, speech_check=check), encoder)


class _DeafCheck(SpeechCheck):
    """Answers the same, whatever it is given."""

    def speech_probability(self, embeddings: np.ndarray) -> Float64:
        return np.full(len(embeddings), 0.3)


def test_rejected_sound_gets_no_emotion_and_teaches_nothing() -> None:
    check = _DeafCheck(**vars(check_of(1.0, min_probability=0.4)))
    stage = analysis(model_with(check), Settings())
    result = stage.judge(buzz())
    assert result.state is Verdict.NOT_SPEECH
    assert result.emotion is None
    assert result.probabilities is None
    assert result.reasons == ()


@pytest.mark.parametrize(("given", "state"), [(0.2, Verdict.OK), (0.5, Verdict.NOT_SPEECH)])
def test_setting_overrides_the_models_threshold(given: float, state: Verdict) -> None:
    settings = Settings(reject=RejectSettings(min_speech_probability=given))
    check = _DeafCheck(**vars(check_of(1.0, min_probability=0.4)))
    assert analysis(model_with(check), settings).judge(buzz()).state is state


def test_too_quiet_comes_before_not_speech() -> None:
    check = _DeafCheck(**vars(check_of(1.0, min_probability=0.4)))
    quiet = buzz()
    quiet = replace(quiet, samples=(0.001 * quiet.samples).astype(np.float32))
    stage = analysis(model_with(check), Settings())
    assert stage.judge(quiet).state is Verdict.TOO_QUIET


def test_model_without_a_check_takes_everything_for_speech() -> None:
    model = model_with(None)
    assert model.min_speech_probability == 0.0
    assert model.speech_probability(np.zeros(LAYOUT.n_inputs)) == 1.0
    assert analysis(model, Settings()).judge(buzz()).state is Verdict.OK


@pytest.mark.parametrize(("given", "state"), [(None, Verdict.UNCERTAIN), (0.35, Verdict.OK)])
def test_uncertain_below_what_the_card_says_unless_set(given: float | None, state: Verdict) -> None:
    model = model_with(None)
    model.card = replace(model.card, uncertain_below=0.99)  # it is sure at 0.955
    settings = Settings(reject=RejectSettings(min_confidence=given))
    assert analysis(model, settings).judge(buzz()).state is state


def test_check_travels_with_the_fitted_model() -> None:
    weights = Ensemble.of(
        replace(
            linear(np.zeros((2, len(LABELS))), np.zeros(len(LABELS))),
            impute=np.zeros(LAYOUT.n_inputs),
            mean=np.zeros(LAYOUT.n_inputs),
            scale=np.ones(LAYOUT.n_inputs),
        )
    )
    fitted = Fitted(weights, speech_check=check_of(1.0))
    assert {name for name in fitted.arrays() if not name.startswith("cold.")} == {
        f"gate.{name}" for name in check_of(1.0).arrays()
    }, "the names in the files of bundled models"
    back = Fitted.from_arrays(fitted.arrays(), LAYOUT, len(LABELS))
    assert back.speech_check is not None
    assert np.array_equal(back.speech_check.coef, check_of(1.0).coef)
    without = Fitted.from_arrays(Fitted(weights).arrays(), LAYOUT, len(LABELS))
    assert without.speech_check is None


@pytest.mark.corpus
def test_recorded_noise_becomes_rows_by_kind(corpus_dir: Path) -> None:
    if not (corpus_dir / "noise").is_dir():
        pytest.skip(f"no noise/ in {corpus_dir}")
    try:
        encoder = find_encoder()
    except ModelError as error:
        pytest.skip(str(error))
    sounds = make_sounds(encoder, corpus_dir, n_synthetic={"voice": 3}, variants=("plain",))
    assert {"noise", "vocal burst"} <= set(sounds.sources.tolist())
    assert np.isfinite(sounds.X[:, LAYOUT.embedding]).all()
    assert np.isnan(sounds.X[:, :N_HAND_MADE]).all()
