"""Sounds that the speech check rejects, and speech that it costs, with everything held out.

Six folds: RAVDESS by the actors of EmoBox, speakers of other corpora, kinds of noise and
speakers of vocal bursts are held out whole. Synthetic sounds are trained on and never
tested. The threshold is chosen inside the training rows. In addition, each corpus is left out
of training altogether, with some sources of everyday speech.

A recording counts as rejected (or lost, if it is speech) when no utterance in it passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ser_live.arrays import Bool, Float32, Int64, Str
from ser_live.datasets import ravdess
from ser_live.datasets.everyday import CORPUS_PREFIX
from ser_live.errors import DatasetError
from ser_live.evaluation.metrics import bootstrap_interval
from ser_live.evaluation.protocols import EMOBOX_TEST_ACTORS
from ser_live.model.inputs import InputLayout
from ser_live.model.speech_check import SpeechCheck
from ser_live.training.examples import Examples
from ser_live.training.speech_check import MAX_LOSS, SYNTHETIC, Sounds, fit_gate

N_FOLDS = len(EMOBOX_TEST_ACTORS)

_NEVER = -1


def rejection_section(speech: Examples, sounds: Sounds, seed: int = 0) -> dict[str, Any]:
    """Shares of sounds rejected and of speech lost, ready for JSON.

    Parameters
    ----------
    speech : Examples
        With embeddings, of two corpora or more for the part that leaves corpora out.
    sounds : Sounds
    seed : int

    Returns
    -------
    dict
        ``max_loss`` aimed at; ``sounds`` by source: recordings with an utterance
        ``n_recordings``, share ``rejected``, its ``interval`` (95 %, groups drawn with
        replacement), ``by_kind``; ``speech`` by corpus and variant: ``n_recordings``,
        ``lost``, ``interval``, and ``beginnings_lost``; ``left_out`` likewise, each
        corpus judged by a gate that never heard it.

    Raises
    ------
    DatasetError
        No recorded sound to test.
    """
    speech_folds, sound_folds = folds_of_speech(speech), folds_of_sounds(sounds)
    if (sound_folds == _NEVER).all():
        raise DatasetError(
            "found no recorded noise or vocal burst that the segmenter takes for an utterance, "
            "but the rejection of some is measured: give their folders."
        )
    speech_passes = np.zeros(len(speech), dtype=np.bool_)
    sound_passes = np.zeros(len(sounds), dtype=np.bool_)
    for fold in range(N_FOLDS):
        tests_speech, tests_sound = speech_folds == fold, sound_folds == fold
        gate = fit_gate(speech.where(~tests_speech), sounds.where(~tests_sound), seed)
        speech_passes[tests_speech] = _passes(gate, speech.X[tests_speech])
        sound_passes[tests_sound] = _passes(gate, sounds.X[tests_sound])
    left_out = np.zeros(len(speech), dtype=np.bool_)
    corpora = np.unique(speech.corpora)
    for inside in _corpora_in_turn(speech) if len(corpora) > 1 else []:
        gate = fit_gate(speech.where(~inside), sounds, seed)
        left_out[inside] = _passes(gate, speech.X[inside])
    return {
        "max_loss": MAX_LOSS,
        "sounds": _of_sounds(sounds, sound_passes),
        "speech": _of_speech(speech, speech_passes),
        "left_out": _of_speech(speech, left_out) if len(corpora) > 1 else {},
    }


def _corpora_in_turn(speech: Examples) -> Iterator[Bool]:
    """Rows of an acted corpus and of some sources of everyday speech, each of them once."""
    everyday = np.char.startswith(speech.corpora, CORPUS_PREFIX)
    acted, sources = np.unique(speech.corpora[~everyday]), np.unique(speech.corpora[everyday])
    for turn, corpus in enumerate(acted):
        yield np.isin(speech.corpora, [corpus, *sources[turn :: len(acted)]])


def folds_of_speech(speech: Examples) -> Int64:
    """Outer fold of each row: EmoBox for RAVDESS, other speakers in turn."""
    folds = np.empty(len(speech), dtype=np.int64)
    for corpus in np.unique(speech.corpora):
        inside = speech.corpora == corpus
        names, inverse = np.unique(speech.speakers[inside], return_inverse=True)
        if corpus in (ravdess.CORPUS, ravdess.SONG_CORPUS):
            fold_of = [_emobox_fold(int(name.rpartition("-")[2])) for name in names]
        else:
            fold_of = [number % N_FOLDS for number in range(len(names))]
        folds[inside] = np.array(fold_of)[inverse]
    return folds


def folds_of_sounds(sounds: Sounds) -> Int64:
    """Outer fold of each row, kinds of noise and speakers of bursts in turn; -1: never tested."""
    folds = np.full(len(sounds), _NEVER, dtype=np.int64)
    for source in set(sounds.sources.tolist()) - {SYNTHETIC}:
        inside = sounds.sources == source
        _, inverse = np.unique(sounds.groups[inside], return_inverse=True)
        folds[inside] = inverse % N_FOLDS
    return folds


def _emobox_fold(actor: int) -> int:
    return next(fold for fold, actors in enumerate(EMOBOX_TEST_ACTORS) if actor in actors)


def _passes(gate: SpeechCheck, X: Float32) -> Bool:
    embeddings = X[:, InputLayout.of_length(X.shape[1]).embedding]
    return np.asarray(gate.speech_probability(embeddings) >= gate.min_probability)


def _of_sounds(sounds: Sounds, passes: Bool) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for source in sorted(set(sounds.sources.tolist()) - {SYNTHETIC}):
        for variant in np.unique(sounds.variants):
            mask = (sounds.sources == source) & (sounds.variants == variant) & sounds.is_final
            if not mask.any():
                continue
            own = sounds.where(mask)
            kinds = {
                str(kind): _shares(
                    own.recordings[own.kinds == kind],
                    own.groups[own.kinds == kind],
                    passes[mask][own.kinds == kind],
                    "rejected",
                )
                for kind in np.unique(own.kinds)
            }
            for of_kind in kinds.values():
                del of_kind["interval"]  # of few recordings of one group
            shares = _shares(own.recordings, own.groups, passes[mask], "rejected")
            result.setdefault(source, {})[str(variant)] = {**shares, "by_kind": kinds}
    return result


def _of_speech(speech: Examples, passes: Bool) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for corpus in np.unique(speech.corpora):
        for variant in np.unique(speech.variants):
            inside = (speech.corpora == corpus) & (speech.variants == variant)
            whole, partial = inside & speech.is_final, inside & ~speech.is_final
            if whole.any():
                names = speech.clips[whole].astype(np.str_)
                shares = _shares(names, speech.speakers[whole], passes[whole], "lost")
                lost = round(float(np.mean(~passes[partial])), 4) if partial.any() else None
                shares["beginnings_lost"] = lost
                result.setdefault(str(corpus), {})[str(variant)] = shares
    return result


def _shares(recordings: Str, groups: Str, passes: Bool, name: str) -> dict[str, Any]:
    """Share of recordings none of whose utterances passes, with its interval over groups."""
    names, first, inverse = np.unique(recordings, return_index=True, return_inverse=True)
    is_out = np.bincount(inverse, passes, minlength=len(names)) == 0
    _, group = np.unique(groups[first], return_inverse=True)
    # One class, two answers: out of the right ones, so that "accuracy" is the share out.
    matrices = np.zeros((group.max() + 1, 2, 2), dtype=np.int64)
    for row, out in zip(group, is_out, strict=True):
        matrices[row, 0, 0 if out else 1] += 1
    low, high = bootstrap_interval(matrices, "accuracy")
    interval = None if np.isnan(low) else [round(low, 4), round(high, 4)]
    return {
        "n_recordings": len(names),
        name: round(float(is_out.mean()), 4),
        "interval": interval,
    }
