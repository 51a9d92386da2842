"""Fitting the speech check: speech against the other sounds that the segmenter lets through.

Logistic regression on the embedding. Its threshold is chosen so that of whole utterances
of speech, every corpus and variant counting alike, a stated share is lost in inner folds
that hold out whole corpora (speakers, where there are few corpora) and kinds of sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from ser_live.arrays import Bool, Float32, Float64, Int64, Str
from ser_live.config import Settings
from ser_live.datasets.sounds import find_music, find_noises, find_vocal_bursts
from ser_live.errors import DatasetError
from ser_live.events import Kind
from ser_live.model.encoder import STATE_WIDTH, SpeechEncoder
from ser_live.model.inputs import N_HAND_MADE, InputLayout, embedding_and_level
from ser_live.model.speech_check import SpeechCheck
from ser_live.sources import read_recording
from ser_live.synthesis.wordless_sounds import SOUNDS, wordless_sound
from ser_live.training.augmentation import MILD, PLAIN, STRONG, vary
from ser_live.training.examples import Examples, utterances_of
from ser_live.training.familiarity import Scaling
from ser_live.training.masked_regression import MaskedTargets, fit_masked

GATE_VARIANTS = (PLAIN, MILD, STRONG)
"""Variants of speech and of recorded sounds that the check learns from."""
MAX_LOSS = 0.015
"""Share of whole utterances of speech that the check may lose."""
FAINT = {"iesc": 0.03}
"""Corpora of which only this share of the weight counts, and which have no say in the threshold.
Shouts of half a second into telephones sound like vocal bursts: learned in full, they let those
pass, and the threshold gave way to them alone."""
N_HEARD = 2 * 2 * STATE_WIDTH
"""Values of the embedding that the check hears: those of the first two layers that the encoder puts
out. With the third, more noises and vocal bursts passed."""
LIMIT = 4.0
"""Standardised values are cut at this many deviations."""
PENALTY = 200.0
"""Penalty on the coefficients, per row."""
N_ITERATIONS = 150
"""At most, of the fit."""
N_INNER_FOLDS = 3
PARTIAL_WEIGHT = 0.5
"""Weight of all beginnings in a recording together; a whole utterance has 1."""
SYNTHETIC_WEIGHT = 0.25
"""Weight of a synthesised sound; a recorded one has 1."""

NOISE, BURST, MUSIC, SYNTHETIC = "noise", "vocal burst", "music", "synthetic"

N_SYNTHETIC = dict.fromkeys(SOUNDS, 40) | {"voice": 240}
"""Number of synthesised sounds by kind."""


@dataclass(frozen=True, eq=False)
class Sounds:
    """Rows of sounds that are not speech; all arrays have one entry a row."""

    X: Float32
    """Input vectors without the hand-made features, which are NaN, shape (n_rows, n_inputs)."""
    sources: Str
    """``noise``, ``vocal burst``, ``music`` or ``synthetic``."""
    groups: Str
    """Kind of noise, or speaker of a vocal burst: held out whole."""
    kinds: Str
    """Kind of noise, or category of a vocal burst."""
    recordings: Str
    """Name of the recording and its variant."""
    variants: Str
    is_final: Bool

    def __len__(self) -> int:
        return len(self.X)

    def where(self, mask: Bool) -> Sounds:
        """The rows chosen by `mask`."""
        return Sounds(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})


def make_sounds(
    encoder: Path,
    data: Path | None = None,
    *,
    n_synthetic: Mapping[str, int] = N_SYNTHETIC,
    variants: Sequence[str] = GATE_VARIANTS,
    settings: Settings | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Sounds:
    """Find what the segmenter takes for utterances in noises, wordless and synthetic sounds.

    Parameters
    ----------
    encoder : Path
        Graph of the learned encoder.
    data : Path or None
        Folder in which ``noise``, ``vocal_bursts`` and ``music`` are looked for, as
        ``datasets.sounds`` reads them; where one is missing, there are none of it.
    n_synthetic : mapping
        Number of synthesised sounds by kind.
    variants : sequence of str
        Of the recorded sounds, as in ``augmentation``.
    settings : Settings or None
    on_progress : callable
        Called after each sound.

    Raises
    ------
    DatasetError
        A folder is incomplete.
    """
    settings = settings or Settings()
    hear = SpeechEncoder(encoder)
    table = _Table(hear, settings)
    recorded: list[tuple[str, str, str, Path]] = []
    if data is not None and (data / "noise").is_dir():
        noises = find_noises(data / "noise")
        recorded += [(NOISE, f"noise {n.kind}", n.kind, n.path) for n in noises]
    if data is not None and (data / "vocal_bursts").is_dir():
        bursts = find_vocal_bursts(data / "vocal_bursts")
        recorded += [(BURST, b.speaker, b.category, b.path) for b in bursts]
    if data is not None and (data / "music").is_dir():
        recorded += [
            (MUSIC, f"music {m.piece}", m.piece, m.path) for m in find_music(data / "music")
        ]
    for source, group, kind, path in recorded:
        samples = read_recording(path)
        for variant in variants:
            table.add(vary(samples, variant, path.name), (source, group, kind, path.name, variant))
            on_progress()
    for kind, count in n_synthetic.items():
        for number in range(count):
            rng = np.random.default_rng([number, *kind.encode()])
            name = f"{kind} {number}"
            table.add(
                wordless_sound(kind, rng), (SYNTHETIC, f"synthetic {kind}", kind, name, PLAIN)
            )
            on_progress()
    return table.sounds()


def fit_gate(speech: Examples, sounds: Sounds, seed: int = 0) -> SpeechCheck:
    """Fit a `SpeechCheck` between speech and other sounds.

    Parameters
    ----------
    speech : Examples
        With embeddings; varied copies as noisy and distant as speech may be.
    sounds : Sounds
    seed : int
        Of the assignment of speakers and kinds to inner folds.

    Raises
    ------
    DatasetError
        Fewer than two speakers or kinds of sound, or no embeddings.
    """
    groups = np.concatenate([_strangers(speech), sounds.groups])
    is_speech = np.arange(len(groups)) < len(speech)
    n_speakers, n_kinds = (len(np.unique(names)) for names in (speech.speakers, sounds.groups))
    layout = InputLayout.of_length(speech.X.shape[1])
    if min(n_speakers, n_kinds) < 2 or not layout.n_embedding:
        raise DatasetError(
            f"found {n_speakers} speakers and {n_kinds} kinds of sound with "
            f"{speech.X.shape[1]} inputs, but the speech gate needs at least 2 of each and "
            "an embedding among the inputs: give more recordings and the learned encoder."
        )
    learned = layout.embedding
    X = np.concatenate([speech.X[:, learned], sounds.X[:, learned]])
    weights = _balanced(_speech_weights(speech), _sound_weights(sounds))
    folds = _folds(groups, is_speech, seed)
    judged = _judged(speech)
    scores = np.full(len(X), np.nan)
    for fold in range(N_INNER_FOLDS):
        inside = folds == fold
        part = _fit(X[~inside], is_speech[~inside], weights[~inside])
        scores[inside] = _scores(part, X[inside])
    strata = np.char.add(np.char.add(speech.corpora, "|"), speech.variants)[judged]
    lowest = loss_threshold(scores[judged], strata, MAX_LOSS)
    gate = _fit(X, is_speech, weights)
    return replace(gate, min_probability=np.array(1.0 / (1.0 + np.exp(-lowest))))


def loss_threshold(scores: Float64, strata: Str, max_loss: float) -> float:
    """Score below which a share of at most `max_loss` lies, every stratum counting alike."""
    _, inverse, counts = np.unique(strata, return_inverse=True, return_counts=True)
    order = np.argsort(scores, kind="stable")
    share_below = np.cumsum((1.0 / counts[inverse] / len(counts))[order])
    # Lost is what lies below the score at this position, itself not included.
    return float(scores[order[np.searchsorted(share_below, max_loss + 1e-9, side="right")]])


def _fit(X: Float32, is_speech: Bool, weights: Float64) -> SpeechCheck:
    heard = X[:, :N_HEARD]
    scaling = Scaling.of(heard, weights)
    z = np.clip(scaling.apply(heard), -LIMIT, LIMIT)
    right = np.column_stack([~is_speech, is_speech])
    head = fit_masked(
        z, MaskedTargets(right, np.ones_like(right)), weights, PENALTY / len(z), N_ITERATIONS
    )
    # Two outputs that mirror each other; their difference is the log-odds.
    coef, intercept = head.coef[:, 1] - head.coef[:, 0], head.intercept[1] - head.intercept[0]
    rest = (0, X.shape[1] - heard.shape[1])
    # As they are stored, so that a loaded gate answers the same.
    return SpeechCheck(
        mean=np.pad(scaling.mean.astype(np.float64), rest),
        scale=np.pad(scaling.scale.astype(np.float64), rest, constant_values=1.0),
        limit=np.array(LIMIT),
        coef=np.pad(coef.astype(np.float32).astype(np.float64), rest),
        intercept=np.array(float(intercept)),
        min_probability=np.array(0.5),
    )


def _scores(gate: SpeechCheck, embeddings: Float32) -> Float64:
    """Log-odds of speech."""
    z = np.clip((embeddings - gate.mean) / gate.scale, -gate.limit, gate.limit)
    return np.asarray(z @ gate.coef + gate.intercept)


def _speech_weights(speech: Examples) -> Float64:
    """Every corpus and variant the same sum, but large ones more by the root of their size."""
    weights = _by_recording(
        np.char.add(np.char.add(speech.variants, " "), speech.clips.astype(np.str_)),
        speech.is_final,
    )
    names, inverse = np.unique(speech.corpora, return_inverse=True)
    shares = np.array([FAINT.get(name, 1.0) for name in names])
    return np.asarray(weights * (shares / np.sqrt(np.bincount(inverse, weights)))[inverse])


def _judged(speech: Examples) -> Int64:
    """Whole utterances that the threshold is chosen on."""
    counts = speech.is_final & ~np.isin(speech.corpora, list(FAINT))
    return np.flatnonzero(counts if counts.any() else speech.is_final)


def _sound_weights(sounds: Sounds) -> Float64:
    weights = _by_recording(sounds.recordings, sounds.is_final)
    return np.where(sounds.sources == SYNTHETIC, SYNTHETIC_WEIGHT, 1.0) * weights


def _by_recording(recordings: Str, is_final: Bool) -> Float64:
    """1 for a whole utterance, the beginnings of a recording share a weight."""
    _, inverse = np.unique(recordings, return_inverse=True)
    n_partials = np.bincount(inverse, ~is_final)[inverse]
    return np.where(is_final, 1.0, PARTIAL_WEIGHT / np.maximum(n_partials, 1.0))


def _balanced(speech: Float64, sounds: Float64) -> Float64:
    """Both sides the same sum, mean weight 1."""
    both = np.concatenate([speech / speech.sum(), sounds / sounds.sum()])
    return both * len(both) / 2.0


def _strangers(speech: Examples) -> Str:
    """Groups that are left out together: corpora, or speakers where there are few corpora.

    Who uses the check is a stranger in another room; what is lost of such is to be limited.
    """
    corpora = np.unique(speech.corpora)
    names = speech.corpora if len(corpora) >= 2 * N_INNER_FOLDS else speech.speakers
    return np.char.add("speech ", names)


def _folds(groups: Str, is_speech: Bool, seed: int) -> Int64:
    """Inner fold of each row; no group of speech or of sounds is in two."""
    folds = np.empty(len(groups), dtype=np.int64)
    for side in (is_speech, ~is_speech):
        names, inverse = np.unique(groups[side], return_inverse=True)
        order = np.random.default_rng(seed).permutation(len(names))
        folds[side] = (order % N_INNER_FOLDS)[inverse]
    return folds


class _Table:
    """Rows of sounds as they come."""

    def __init__(self, encoder: SpeechEncoder, settings: Settings) -> None:
        self._encoder, self._settings = encoder, settings
        self._X: list[Float32] = []
        self._columns: list[tuple[str, str, str, str, str]] = []
        self._is_final: list[bool] = []

    def add(self, samples: Float32, columns: tuple[str, str, str, str, str]) -> None:
        """Hear one recording: source, group, kind, name, variant."""
        for utterance in utterances_of(samples, self._settings):
            learned = embedding_and_level(utterance.samples, self._encoder)
            row = np.concatenate([np.full(N_HAND_MADE, np.nan), learned])
            self._X.append(row.astype(np.float32))
            self._columns.append(columns)
            self._is_final.append(utterance.kind is Kind.FINAL)

    def sounds(self) -> Sounds:
        columns = np.array(self._columns, dtype=np.str_).reshape(-1, 5).T
        source, group, kind, name, variant = columns
        return Sounds(
            X=np.array(self._X, dtype=np.float32).reshape(
                -1, InputLayout.of(self._encoder).n_inputs
            ),
            sources=source,
            groups=group,
            kinds=kind,
            recordings=np.char.add(np.char.add(variant, " "), name),
            variants=variant,
            is_final=np.array(self._is_final, dtype=np.bool_),
        )
