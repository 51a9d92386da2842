"""Loading models that fit, refusing those that do not; the arithmetic."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stream_parts import analysis, buzz

from ser_live.bundled import bundled_models
from ser_live.config import RejectSettings, Settings
from ser_live.emotions import LABELS
from ser_live.errors import ModelError
from ser_live.events import Verdict
from ser_live.features import FEATURE_NAMES
from ser_live.high_pass import high_passed
from ser_live.model.archive import write_arrays
from ser_live.model.classifier import Classifier, LinearHead, RbfHead, softmax, temper
from ser_live.model.emotion_model import MAX_KEPT_MODELS, EmotionModel, find_encoder, find_model
from ser_live.model.encoder import SpeechEncoder, at_level, log_mel, speech_level_db
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import InputLayout, InputMaker
from ser_live.model.speech_check import SpeechCheck
from ser_live.speech.silero import bundled_graph
from ser_live.training.export import write_model

N, K = len(FEATURE_NAMES), len(LABELS)


def single(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rounded to what single precision holds, as weights are stored."""
    return array.astype(np.float32).astype(np.float64)


def some_classifier(seed: int = 0) -> Classifier:
    """Both kinds of heads with random weights."""
    rng = np.random.default_rng(seed)
    n_used, n_z = N - 10, 40
    return Classifier(
        impute=rng.standard_normal(N),
        mean=rng.standard_normal(N),
        scale=rng.uniform(0.5, 2.0, N),
        limit=np.array(4.0),
        used=np.arange(n_used),
        projection=single(rng.standard_normal((n_used, n_z)) / np.sqrt(n_used)),
        heads=(
            LinearHead(0.1 * rng.standard_normal((n_z, K)), rng.standard_normal(K)),
            RbfHead(
                single(rng.standard_normal((7, n_z))),
                rng.standard_normal((7, K)),
                rng.standard_normal(K),
                np.array(0.01),
            ),
        ),
        head_weights=np.array([0.6, 0.4]),
        temperature=np.array(1.3),
    )


def write(folder: Path, classifier: Classifier | None = None) -> Path:
    write_model(
        folder,
        "test-model",
        Fitted(Ensemble.of(classifier or some_classifier())),
        kind="test",
        description="A model for tests.",
        licence="CC0",
        data={"corpora": [], "n_examples": 0, "variants": ["plain"]},
        settings=Settings(),
        seed=0,
        scores={},
    )
    return folder


def test_a_written_model_answers_like_the_one_in_memory(tmp_path: Path) -> None:
    """Writing and loading change no probability; NaN features are imputed."""
    classifier = some_classifier()
    model = EmotionModel.load(write(tmp_path / "m", classifier))
    rng = np.random.default_rng(1)
    features = rng.standard_normal(N)
    features[rng.random(N) < 0.2] = np.nan
    probabilities = model.predict_proba(features)
    expected = Ensemble.of(classifier).predict_proba(features[None, :])[0]
    assert np.array_equal(probabilities, expected)
    assert probabilities.sum() == pytest.approx(1.0)
    assert (probabilities > 0).all()


def test_nothing_known_still_gives_probabilities(tmp_path: Path) -> None:
    """All features undefined, huge or tiny: finite probabilities that sum to 1."""
    model = EmotionModel.load(write(tmp_path / "m"))
    for value in (np.nan, np.inf, -np.inf, 1e300, 0.0):
        probabilities = model.predict_proba(np.full(N, value))
        assert np.isfinite(probabilities).all()
        assert probabilities.sum() == pytest.approx(1.0)


def test_a_vector_of_another_length_is_refused(tmp_path: Path) -> None:
    """The message names both shapes."""
    model = EmotionModel.load(write(tmp_path / "m"))
    with pytest.raises(ModelError, match=rf"got an input of shape \(3,\).*needs \({N},\)"):
        model.predict_proba(np.zeros(3))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("model"))


def _card(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "card.json"
        card = json.loads(path.read_text())
        change(card)
        path.write_text(json.dumps(card))

    return apply


def _weights(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Alter the arrays and make the card agree with the new hash."""

    def apply(folder: Path) -> None:
        arrays = dict(some_classifier().arrays())
        change(arrays)
        own = {"cold.weights": np.ones(1), "cold.temperature": np.array(1.0)}
        named = {f"cold.0.{name}": array for name, array in arrays.items()}
        sha256 = write_arrays(folder / "weights.npz", {**own, **named})
        _card(lambda card: card["weights"].update(sha256=sha256))(folder)

    return apply


def _swap(names: list[str]) -> None:
    names[1], names[2] = names[2], names[1]


def _drop_head(arrays: dict[str, Any]) -> None:
    for name in [name for name in arrays if name.startswith("1_")]:
        del arrays[name]


MISMATCHES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no card": (lambda folder: (folder / "card.json").unlink(), "cannot be read"),
    "no weights": (lambda folder: (folder / "weights.npz").unlink(), "cannot be read"),
    "older card": (_card(lambda c: c.update(format=1)), "format 1.*train it again"),
    "newer card": (_card(lambda c: c.update(format=99)), "format 99.*update ser-live"),
    "no format": (_card(lambda c: c.pop("format")), "no format number"),
    "no id": (_card(lambda c: c.pop("id")), "lacks the field 'id'"),
    "features of wrong kind": (_card(lambda c: c.update(features=3)), "field of the wrong kind"),
    "names of wrong kind": (
        _card(lambda c: c["features"].update(names=[1])),
        "field of the wrong kind",
    ),
    "other feature set": (
        _card(lambda c: c["features"].update(version="0")),
        "feature set 0",
    ),
    "features swapped": (_card(lambda c: _swap(c["features"]["names"])), "as feature 1"),
    "feature missing": (
        _card(lambda c: c["features"]["names"].pop()),
        f"needs {N - 1} features",
    ),
    "labels of wrong kind": (_card(lambda c: c.update(labels="bored")), "of the wrong kind"),
    "one label": (_card(lambda c: c.update(labels=["bored"])), "names 1 labels.*2 to 32"),
    "too many labels": (_card(lambda c: c.update(labels=[str(n) for n in range(33)])), "names 33"),
    "label twice": (_card(lambda c: c.update(labels=["bored", "bored"])), "distinct"),
    "label empty": (_card(lambda c: c.update(labels=["bored", ""])), "printable"),
    "label of a space": (_card(lambda c: c.update(labels=["bored", " "])), "printable"),
    "label with a line end": (_card(lambda c: c.update(labels=["bored", "a\nb"])), "wrong kind"),
    "label that turns round": (_card(lambda c: c.update(labels=["a", "\u202eb"])), "wrong kind"),
    "label too long": (_card(lambda c: c.update(labels=["bored", "x" * 1000])), "wrong kind"),
    "label rather long": (_card(lambda c: c.update(labels=["bored", "x" * 41])), "printable"),
    "other number of labels": (
        _card(lambda c: c.update(labels=["bored", "stressed", "excited"])),
        "multiple of 3|needed",
    ),
    "affect of wrong kind": (_card(lambda c: c.update(affect=[1])), "of the wrong kind"),
    "affect of another label": (_card(lambda c: c.update(affect={"x": [0, 0]})), "wrong kind"),
    "affect too large": (_card(lambda c: c.update(affect={"sad": [0, 2]})), "wrong kind"),
    "affect not a pair": (_card(lambda c: c.update(affect={"sad": [0]})), "wrong kind"),
    "hash": (_card(lambda c: c["weights"].update(sha256="0" * 64)), "altered or cut off"),
    "array missing": (_weights(lambda a: a.pop("mean")), "lacks the array 'mean'"),
    "head missing": (
        _weights(_drop_head),
        "arrays of head 1",
    ),
    "head of unknown kind": (
        _weights(lambda a: a.update({"3_tree.x": np.zeros(1)})),
        "unknown array '3_tree.x'",
    ),
    "wrong shape": (_weights(lambda a: a.update(mean=np.zeros(3))), r"'mean' as float64 \(3,\)"),
    "wrong dtype": (
        _weights(lambda a: a.update(mean=np.zeros(N, dtype=np.int64))),
        "'mean' as int64",
    ),
    "surplus in head": (
        _weights(lambda a: a.update({"0_linear.extra": np.zeros(1)})),
        "unknown array 'extra'",
    ),
    "parts of a head do not fit": (
        _weights(lambda a: a.update({"1_rbf.dual": np.zeros((4, K))})),
        "'dual'",
    ),
    "negative scale": (
        _weights(lambda a: a.update(scale=-np.ones(N))),
        "not positive",
    ),
    "used out of range": (
        _weights(lambda a: a.update(used=np.arange(N - 10) + 11)),
        "'used'",
    ),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_what_does_not_fit_is_refused_in_one_sentence(
    name: str, written: Path, tmp_path: Path
) -> None:
    """Every mismatch between folder and program is a ModelError that says what and what to do."""
    change, reason = MISMATCHES[name]
    folder = shutil.copytree(written, tmp_path / "m")
    change(folder)
    with pytest.raises(ModelError, match=reason) as caught:
        EmotionModel.load(folder)
    assert "\n" not in str(caught.value)


def test_unknown_names_list_what_there_is() -> None:
    """Neither a bundled name nor a folder: the message names the bundled models."""
    for name in ("no-such-model", "../..//etc", "", "a" * 300):
        with pytest.raises(ModelError, match="there is no model"):
            find_model(name + "/nowhere")


def test_inference_needs_no_scikit_learn(tmp_path: Path) -> None:
    """Loading and predicting import neither scikit-learn nor librosa nor scipy.stats."""
    folder = write(tmp_path / "m")
    code = (
        "import sys, numpy as np\n"
        "from ser_live.model.emotion_model import EmotionModel\n"
        "model = EmotionModel.load(sys.argv[1])\n"
        f"model.predict_proba(np.zeros({N}))\n"
        "heavy = {'sklearn', 'librosa', 'scipy.stats', 'scipy.signal', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"


def test_temperature_keeps_the_order_and_flattens() -> None:
    """T = 1 changes nothing; T > 1 lowers the largest; the ranking stays."""
    p = softmax(np.random.default_rng(0).standard_normal((50, K)))
    assert temper(p, 1.0) == pytest.approx(p)
    flat = temper(p, 2.0)
    assert (flat.max(axis=1) < p.max(axis=1)).all()
    assert np.array_equal(np.argsort(flat), np.argsort(p))


def test_softmax_of_large_scores_does_not_overflow() -> None:
    """Scores of a thousand give a probability of one, not NaN."""
    assert softmax(np.array([1000.0, 0.0])).tolist() == [1.0, 0.0]


def test_level_features_left_out_do_not_matter() -> None:
    """Features that are not used may be anything."""
    classifier = replace(some_classifier(), used=np.arange(N - 10))
    X = np.random.default_rng(2).standard_normal((1, N))
    changed = X.copy()
    changed[0, N - 10 :] = 1e9
    assert np.array_equal(classifier.predict_proba(X), classifier.predict_proba(changed))


def test_heads_compute_what_scikit_learn_computes() -> None:
    """Logistic regression and kernel ridge: the same to 1e-9."""
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    Z, y = rng.standard_normal((160, 12)), np.arange(160) % K
    logistic = LogisticRegression(max_iter=500).fit(Z, y)
    linear = LinearHead(logistic.coef_.T, logistic.intercept_)
    assert np.abs(softmax(linear.scores(Z)) - logistic.predict_proba(Z)).max() < 1e-9
    targets = np.eye(K)[y]
    ridge = KernelRidge(alpha=0.1, kernel="rbf", gamma=0.05).fit(Z, targets)
    rbf = RbfHead(Z, ridge.dual_coef_, np.zeros(K), np.array(0.05))
    assert np.abs(rbf.scores(Z) - ridge.predict(Z)).max() < 1e-9


# -- another encoder -----------------------------------------------------------------------


N_TOY = 6
"""Values of the toy encoder: mean and deviation of three bands."""


def toy_graph(path: Path, width: int = N_TOY // 2) -> Path:
    """A graph whose one layer is the first bands of the spectrogram."""
    onnx = pytest.importorskip("onnx")
    helper, as_float = onnx.helper, onnx.TensorProto.FLOAT
    matrix = onnx.numpy_helper.from_array(np.eye(80, width, dtype=np.float32), "matrix")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["log_mel", "matrix"], ["layer_0"])],
        "toy",
        [helper.make_tensor_value_info("log_mel", as_float, ["n_frames", 80])],
        [helper.make_tensor_value_info("layer_0", as_float, ["n_frames", width])],
        [matrix],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def toy_fitted(layout: InputLayout) -> Fitted:
    """Random weights on the embedding alone, and a check that lets everything through."""
    rng = np.random.default_rng(7)
    learned = np.arange(layout.embedding.start, layout.embedding.stop)
    ensemble = Ensemble.of(
        Classifier(
            impute=np.zeros(layout.n_inputs),
            mean=np.zeros(layout.n_inputs),
            scale=np.ones(layout.n_inputs),
            limit=np.array(4.0),
            used=learned,
            projection=None,
            heads=(LinearHead(single(rng.standard_normal((len(learned), K))), np.zeros(K)),),
            head_weights=np.ones(1),
            temperature=np.array(1.0),
        )
    )
    check = SpeechCheck(
        mean=np.zeros(layout.n_embedding),
        scale=np.ones(layout.n_embedding),
        limit=np.array(4.0),
        coef=np.ones(layout.n_embedding),
        intercept=np.array(0.25),
        min_probability=np.array(0.0),
    )
    return Fitted(ensemble, speech_check=check)


def write_toy(folder: Path, layout: InputLayout | None = None) -> Path:
    folder.mkdir()
    write_model(
        folder,
        folder.name,
        toy_fitted(layout or InputLayout(N, N_TOY)),
        kind="test",
        description="A model with a small encoder.",
        licence="CC0",
        data={"corpora": [], "n_examples": 0, "variants": ["plain"]},
        settings=Settings(),
        seed=0,
        scores={},
        encoder=toy_graph(folder.parent / f"{folder.name}.onnx"),
    )
    return folder


def test_an_encoder_of_another_size_works_from_the_folder_to_the_label(tmp_path: Path) -> None:
    """Six values: inputs, speech check and probabilities follow from the size on the card."""
    folder = write_toy(tmp_path / "toy")
    assert json.loads((folder / "card.json").read_text())["encoder"]["n_values"] == N_TOY
    model = EmotionModel.load(folder)
    assert model.layout == InputLayout(N, N_TOY)
    assert model.n_inputs == N + N_TOY + 1
    utterance = buzz()
    x = InputMaker(model.encoder).of(utterance)
    heard = high_passed(utterance.samples)
    spectrum = log_mel(at_level(heard))[:, : N_TOY // 2].astype(np.float64)
    expected = np.concatenate([spectrum.mean(axis=0), spectrum.std(axis=0)])
    assert x[model.layout.embedding] == pytest.approx(expected, abs=1e-5)
    assert x[model.layout.level] == pytest.approx([speech_level_db(heard)])
    in_memory = toy_fitted(model.layout)
    probabilities = in_memory.predict_proba(x[None])[0]
    logistic = 1 / (1 + np.exp(-(expected.sum() + 0.25)))
    assert model.speech_probability(x) == pytest.approx(logistic, abs=1e-5)
    result = analysis(model, Settings(prior="balanced")).judge(utterance)
    assert result.probabilities == pytest.approx(probabilities)
    assert np.ptp(probabilities) > 0.1, "the embedding decides something"


def test_no_features_are_made_of_what_is_no_speech(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The speech check needs the learned part alone, which is that of the whole vector."""
    model = EmotionModel.load(write_toy(tmp_path / "toy"))
    utterance = buzz()
    maker = InputMaker(model.encoder)
    learned, x = maker.learned(utterance), maker.of(utterance)
    assert np.array_equal(x[N:], learned)
    assert np.array_equal(InputMaker(model.encoder).of(utterance), x, equal_nan=True)
    assert len(InputMaker().learned(utterance)) == 0
    probability = model.speech_probability(x)
    monkeypatch.delattr("ser_live.features.stream.FeatureStream.features")
    settings = Settings(reject=RejectSettings(min_speech_probability=(1 + probability) / 2))
    assert analysis(model, settings).judge(utterance).state is Verdict.NOT_SPEECH


def test_a_card_that_does_not_say_the_size_takes_the_encoders(tmp_path: Path) -> None:
    """Cards of before, like that of the bundled model, load as they are."""
    folder = write_toy(tmp_path / "toy")
    _card(lambda card: card["encoder"].pop("n_values"))(folder)
    assert EmotionModel.load(folder).layout == InputLayout(N, N_TOY)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda card: card["encoder"].update(n_values=8), "does not give 8 finite values"),
        (lambda card: card["encoder"].update(n_values=0), "field of the wrong kind"),
        (lambda card: card["encoder"].update(n_values=True), "field of the wrong kind"),
        (lambda card: card["encoder"].update(n_values="6"), "field of the wrong kind"),
        (lambda card: card.pop("encoder"), r"'gate\.\w+', which has no place"),
    ],
)
def test_a_card_and_an_encoder_that_disagree_are_refused(
    change: Callable[[dict[str, Any]], None], reason: str, tmp_path: Path
) -> None:
    """The size on the card is checked against the graph, and the weights against both."""
    folder = write_toy(tmp_path / "toy")
    _card(change)(folder)
    with pytest.raises(ModelError, match=reason):
        EmotionModel.load(folder)


def test_weights_for_an_encoder_of_another_size_are_refused(tmp_path: Path) -> None:
    """A card without the size cannot hide that the weights need two values more."""
    folder = write_toy(tmp_path / "toy", InputLayout(N, N_TOY + 2))
    _card(lambda card: card["encoder"].pop("n_values"))(folder)
    with pytest.raises(ModelError, match=r"'mean' as float32 \(8,\), but \(6\)"):
        EmotionModel.load(folder)


def test_a_model_takes_its_own_encoder_only(tmp_path: Path) -> None:
    """An encoder of another hash, or none, would give numbers that mean something else."""
    model = EmotionModel.load(write_toy(tmp_path / "toy"))
    other = SpeechEncoder(toy_graph(tmp_path / "other.onnx", N_TOY))
    assert other.n_values == 2 * N_TOY
    with pytest.raises(ModelError, match=r"got the encoder .*, but model toy was trained with the"):
        EmotionModel(model.card, model.fitted, other)
    with pytest.raises(ModelError, match="got no encoder, but model toy was trained with the"):
        EmotionModel(model.card, model.fitted)


def test_layouts_follow_from_a_length_and_say_which_there_are_not() -> None:
    """Hand-made features alone, or with an embedding and a level; nothing between."""
    assert InputLayout.of_length(N) == InputLayout.of(None) == InputLayout(N)
    assert InputLayout(N).embedding == InputLayout(N).level == slice(N, N)
    layout = InputLayout.of_length(N + 7)
    assert layout == InputLayout(N, 6)
    assert layout.n_inputs == N + 7
    x = np.arange(layout.n_inputs)
    parts = [x[layout.hand_made], x[layout.embedding], x[layout.level]]
    assert [len(part) for part in parts] == [N, 6, 1]
    assert np.array_equal(np.concatenate(parts), x)
    for n_inputs in (N - 1, N + 1):
        with pytest.raises(ValueError, match=f"got {n_inputs} inputs"):
            InputLayout.of_length(n_inputs)


# -- other processes -----------------------------------------------------------------------


def test_a_worker_keeps_the_models_that_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models sent to one process in turn are loaded once each."""
    models = [EmotionModel.load(write_toy(tmp_path / name)) for name in ("first", "second")]
    parcels = [pickle.dumps(model) for model in models]
    loaded: list[str] = []
    load = EmotionModel.load

    def noted(folder: Path) -> EmotionModel:
        loaded.append(folder.name)
        return load(folder)

    monkeypatch.setattr(EmotionModel, "load", noted)
    arrived = [pickle.loads(parcel) for parcel in parcels * 3]  # noqa: S301  made above
    assert loaded == ["first", "second"]
    assert arrived[0] is arrived[4] is not arrived[1]
    assert [model.card.id for model in arrived[:2]] == ["first", "second"]
    assert MAX_KEPT_MODELS >= 2


def test_the_bundled_models_are_found_in_the_one_folder() -> None:
    """Models, encoder and the graph of the detector."""
    assert find_model("classic") == bundled_models() / "classic"
    assert find_encoder() == bundled_models() / "ear" / "encoder.onnx"
    assert bundled_graph().is_relative_to(bundled_models())
    assert bundled_graph().is_file()
