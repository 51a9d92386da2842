"""Writing a model folder: weights, card, and the card for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ser_live import __version__
from ser_live.config import Settings
from ser_live.datasets import Recording, ravdess
from ser_live.emotions import LABELS
from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION
from ser_live.fitted import Fitted
from ser_live.model import CARD_FORMAT
from ser_live.model_file import CARD_FILE, CARD_TEXT_FILE, WEIGHTS_FILE, write_arrays
from ser_live.training.examples import Examples
from ser_live.training.recipe import Recipe

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
) -> dict[str, Any]:
    """Fit a recipe to all examples and write the model folder; return the card.

    Parameters
    ----------
    folder : Path
        Its name becomes the model's name.
    recipe : Recipe
    recordings : sequence of Recording
        What the examples were made of: RAVDESS.
    examples : Examples
    seed : int
    scores : mapping
        As in `write_model`.
    settings : Settings or None
        Those the examples were made with; None for the defaults.
    """
    return write_model(
        folder,
        folder.resolve().name,
        recipe.fit(examples, seed),
        kind=recipe.name,
        description=recipe.description,
        licence=(
            f"{ravdess.LICENCE} like the data: for non-commercial use, with credit, under the "
            "same terms."
        ),
        data={
            "name": "RAVDESS speech, audio only",
            "licence": ravdess.LICENCE,
            "citation": ravdess.CITATION,
            "language": "North American English",
            "n_clips": len(recordings),
            "n_speakers": len({recording.speaker for recording in recordings}),
            "n_examples": len(examples),
            "variants": list(recipe.variants),
        },
        settings=settings or Settings(),
        seed=seed,
        scores=scores,
    )


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
) -> dict[str, Any]:
    """Write ``weights.npz``, ``card.json`` and ``MODEL_CARD.md``; return the card.

    Parameters
    ----------
    folder : Path
        Made where it does not exist; files of the same names are replaced.
    model_id, kind, description, licence
        As in ``model.ModelCard``; the description is one sentence.
    data : mapping
        ``name``, ``licence``, ``citation``, ``language``, ``n_clips``, ``n_speakers``,
        ``variants``.
    scores : mapping
        Protocol name to what ``evaluation.Report.as_json`` gives; may be empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = write_arrays(folder / WEIGHTS_FILE, fitted.arrays())
    card: dict[str, Any] = {
        "format": CARD_FORMAT,
        "id": model_id,
        "kind": kind,
        "description": description,
        "licence": licence,
        "labels": list(LABELS),
        "features": {"version": FEATURE_SET_VERSION, "names": list(FEATURE_NAMES)},
        "weights": {
            "file": WEIGHTS_FILE,
            "sha256": sha256,
            "n_bytes": (folder / WEIGHTS_FILE).stat().st_size,
        },
        "data": dict(data),
        "settings": {
            "vad": asdict(settings.vad),
            "segmenter": asdict(settings.segmenter),
        },
        "seed": seed,
        "versions": {
            "python": platform.python_version(),
            "ser-live": __version__,
            **{name: version(name) for name in _LIBRARIES},
        },
        "scores": dict(scores),
    }
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / CARD_TEXT_FILE).write_text(card_text(card), encoding="utf-8")
    return card


def card_text(card: Mapping[str, Any]) -> str:
    """``MODEL_CARD.md`` of a card; says what the numbers mean and what not to do."""
    data = card["data"]
    return f"""# {card["id"]}

{card["description"]}

Input: {len(card["features"]["names"])} named acoustic features of one utterance (feature set
{card["features"]["version"]}). Output: calibrated probabilities of {len(card["labels"])} labels:
{", ".join(card["labels"])}.

## What it was trained on

{data["name"]}: {data["n_clips"]} clips of {data["n_speakers"]} speakers, {data["language"]}.
Trained on these variants of every clip: {", ".join(data["variants"])}.

{data["citation"]}

**Licence.** The data are {data["licence"]}; these weights are {card["licence"]}

## How right it is

{_scores_text(card["scores"])}

Every clip went through the same voice activity detector, segmenter and feature code as live
audio. UAR is the unweighted average recall: the mean over the eight labels of the share
recognised, chance 0.125. No actor of a test fold was in training, and what a fit
chooses (kernel width, ridge, shrinkage, temperatures) was chosen inside the training folds. The
features and the fixed parts of the recipe were designed with results on these actors in view,
which flatters by a point or so. Intervals draw actors with replacement: with 24 actors,
differences below about 4 points are noise.

## What it is not

- **Acted, not felt.** Professional actors spoke two sentences with an emotion they were asked
  for. How people sound when they feel something is another question, which was not measured.
- **Eight labels.** Whatever a voice carries, the answer is spread over these eight; mixtures,
  irony and everything else have no label of their own.
- **One accent.** North American English, studio microphone. Other languages, ages, rooms and
  microphones do worse, and the probabilities are then too sure.
- **Not a diagnosis**, and no statement about what a person thinks, means or is.
- **Not for judging workers or students**: inferring their emotions at work or in education is
  forbidden in the European Union (Regulation (EU) 2024/1689, Article 5(1)(f)).

## How it can be made again

`ser-live train --data DIR --out DIR --seed {card["seed"]}` with ser-live
{card["versions"]["ser-live"]}, Python {card["versions"]["python"]}, NumPy
{card["versions"]["numpy"]}, scikit-learn {card["versions"]["scikit-learn"]}.
SHA-256 of the weights: `{card["weights"]["sha256"]}`.
"""


def _scores_text(scores: Mapping[str, Any]) -> str:
    if not scores:
        return "Not measured when this model was written."
    lines = [
        "| protocol | UAR | 95 % over actors | accuracy | macro F1 | calibration error | clips |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for protocol, score in scores.items():
        low, high = score["interval"]["uar"]
        lines.append(
            f"| {protocol} | {score['uar']:.3f} | {low:.3f} to {high:.3f} | "
            f"{score['accuracy']:.3f} | {score['macro_f1']:.3f} | {score['ece']:.3f} | "
            f"{score['n']} |"
        )
    return "\n".join(lines)
