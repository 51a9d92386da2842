"""Writing a model folder: weights, card, and the card for people."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ser_live import __version__
from ser_live.config import Settings
from ser_live.datasets import Recording
from ser_live.datasets.corpora import CITATIONS, CORPORA, LICENCES
from ser_live.datasets.everyday import CORPUS_PREFIX, PLAIN, SOURCES
from ser_live.datasets.own import OwnRecordings
from ser_live.emotions import LABELS
from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION
from ser_live.model.archive import (
    CARD_FILE,
    CARD_TEXT_FILE,
    ENCODER_FILE,
    WEIGHTS_FILE,
    write_arrays,
)
from ser_live.model.card import CARD_FORMAT
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import InputLayout
from ser_live.model.speech_check import SpeechCheck
from ser_live.training.card_text import card_text
from ser_live.training.examples import Examples
from ser_live.training.own import shipped_check
from ser_live.training.recipe import OWN, Recipe

ENCODER_LICENCE_FILE = "LICENSE-encoder"
ENCODER_LICENCE = """\
MIT License

Copyright (c) 2022 OpenAI

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
"""Licence of OpenAI's Whisper; its terms require that it accompanies the weights."""

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "soxr", "webrtcvad-wheels")


def train_model(
    folder: Path,
    recipe: Recipe,
    recordings: Sequence[Recording],
    examples: Examples,
    *,
    seed: int,
    scores: Mapping[str, Any],
    settings: Settings | None = None,
    encoder: Path | None = None,
    gate: SpeechCheck | None = None,
) -> dict[str, Any]:
    """Fit a recipe to all examples and write the model folder; return the card.

    Parameters
    ----------
    folder : Path
        Its name becomes the model's name.
    recipe : Recipe
    recordings : sequence of Recording
        What the examples were made of.
    examples : Examples
    seed : int
    scores : mapping
        As in `write_model`.
    settings : Settings or None
        Those the examples were made with; None for the defaults.
    encoder : Path or None
        Graph of the learned encoder, for a recipe that needs it.
    gate : SpeechCheck or None
        Tells speech from other sounds, for the same.
    """
    return write_model(
        folder,
        folder.resolve().name,
        replace(recipe.fit(examples, seed), speech_check=gate),
        kind=recipe.name,
        description=recipe.description,
        licence="CC BY-NC-SA 4.0 like most of the data: for non-commercial use, with credit, "
        "under the same terms.",
        data={
            "corpora": describe_corpora(recordings),
            "n_examples": len(examples),
            "variants": list(recipe.variants),
        },
        settings=settings or Settings(),
        seed=seed,
        scores=scores,
        encoder=encoder if recipe.needs_encoder else None,
    )


def train_own(
    folder: Path,
    recipe: Recipe,
    found: OwnRecordings,
    examples: Examples,
    *,
    seed: int,
    scores: Mapping[str, Any],
    encoder: Path,
) -> dict[str, Any]:
    """Fit the recipe ``own`` and write the model folder; return the card.

    Parameters
    ----------
    folder, recipe, examples, seed, encoder
        As in `train_model`.
    found : OwnRecordings
        What the examples were made of.
    scores : mapping
        As in `write_model`.
    """
    fitted = recipe.fit(examples, seed)
    gate = shipped_check(encoder)
    corpus = {
        "name": found.form,
        "licence": "that of the recordings",
        "citation": "Recordings of one's own.",
        "language": "not said",
        "n_clips": len(found.recordings),
        "n_speakers": found.n_speakers if found.by_speaker else None,
        "labels": list(found.labels),
    }
    return write_model(
        folder,
        folder.resolve().name,
        replace(fitted, speech_check=gate),
        kind=recipe.name,
        description=recipe.description,
        licence="under the terms of the recordings they were trained on; the speech check among "
        "them is that of the model ear, CC BY-NC-SA 4.0, for non-commercial use.",
        data={
            "corpora": [corpus],
            "n_examples": len(examples),
            "variants": list(recipe.variants),
        },
        settings=Settings(),
        seed=seed,
        scores=scores,
        labels=found.labels,
        encoder=encoder,
    )


def describe_corpora(recordings: Sequence[Recording]) -> list[dict[str, Any]]:
    """Name, terms, source and size of every corpus that the recordings come from."""
    described = []
    everyday = {CORPUS_PREFIX + name: source for name, source in SOURCES.items()}
    licences = {**LICENCES, **{name: source.licence for name, source in everyday.items()}}
    citations = {**CITATIONS, **{name: source.origin for name, source in everyday.items()}}
    for corpus in (*CORPORA, *everyday):
        own = [recording for recording in recordings if recording.corpus == corpus]
        if own:
            described.append(
                {
                    "name": corpus,
                    "licence": licences[corpus],
                    "citation": citations[corpus],
                    "language": ", ".join(sorted({recording.language for recording in own})),
                    "n_clips": len(own),
                    "n_speakers": len({recording.speaker for recording in own}),
                    "labels": [PLAIN]
                    if corpus in everyday
                    else [label for label in LABELS if any(r.label == label for r in own)],
                }
            )
    return described


def write_model(
    folder: Path,
    model_id: str,
    fitted: Fitted,
    *,
    kind: str,
    description: str,
    licence: str,
    data: Mapping[str, Any],
    settings: Settings,
    seed: int,
    scores: Mapping[str, Any],
    labels: Sequence[str] = LABELS,
    encoder: Path | None = None,
) -> dict[str, Any]:
    """Write the model's files and return its card.

    Parameters
    ----------
    folder : Path
        Made where it does not exist; files of the same names are replaced.
    model_id, kind, description, licence
        As in ``model.ModelCard``; the description is one sentence.
    data : mapping
        ``corpora`` as from `describe_corpora`, ``n_examples``, ``variants``.
    scores : mapping
        Protocol name to what ``evaluation.Report.as_json`` gives; may be empty.
    labels : sequence of str
        What the answers of `fitted` are about, in their order.
    encoder : Path or None
        Graph of the learned encoder; copied next to the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = write_arrays(folder / WEIGHTS_FILE, fitted.arrays())
    card: dict[str, Any] = {
        "format": CARD_FORMAT,
        "id": model_id,
        "kind": kind,
        "description": description,
        "licence": licence,
        "labels": list(labels),
        "features": {"version": FEATURE_SET_VERSION, "names": list(FEATURE_NAMES)},
        "weights": {
            "file": WEIGHTS_FILE,
            "sha256": sha256,
            "n_bytes": (folder / WEIGHTS_FILE).stat().st_size,
        },
        **({} if encoder is None else {"encoder": _add_encoder(folder, encoder, fitted)}),
        "data": dict(data),
        "settings": {"vad": asdict(settings.vad), "segmenter": asdict(settings.segmenter)},
        "seed": seed,
        "versions": _versions(),
        "scores": dict(scores),
        **_uncertain(scores),
    }
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / CARD_TEXT_FILE).write_text(card_text(card), encoding="utf-8")
    return card


def _versions() -> dict[str, str]:
    """Versions of everything that a fit comes from."""
    return {
        "python": platform.python_version(),
        "ser-live": __version__,
        **{name: version(name) for name in _LIBRARIES},
    }


def _uncertain(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Least confidence at which an answer is named, where it was found on speakers left out."""
    for protocol in ("emobox", OWN):
        chosen = scores.get(protocol, {}).get("calibration", {}).get("threshold", {})
        if chosen.get("threshold") is not None:
            return {"uncertain": {"below": chosen["threshold"], "max_error": chosen["max_error"]}}
    return {}


def _add_encoder(folder: Path, encoder: Path, fitted: Fitted) -> dict[str, Any]:
    target = folder / ENCODER_FILE
    content = encoder.read_bytes()
    if not (target.is_file() and target.read_bytes() == content):
        target.write_bytes(content)
    (folder / ENCODER_LICENCE_FILE).write_text(ENCODER_LICENCE, encoding="utf-8")
    return {
        "file": ENCODER_FILE,
        "sha256": hashlib.sha256(content).hexdigest(),
        "n_bytes": len(content),
        "n_values": InputLayout.of_length(len(fitted.feature_scale)).n_embedding,
        "source": "OpenAI Whisper base: two convolutions, encoder layers 1 to 4, 8-bit weights",
        "licence": "MIT, Copyright (c) 2022 OpenAI",
    }
