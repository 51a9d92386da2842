"""A model's card for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ser_live.datasets.everyday import is_everyday


def card_text(card: Mapping[str, Any]) -> str:
    """``MODEL_CARD.md`` of a card; says what the numbers mean and what not to do."""
    data = card["data"]
    if card["kind"] == "own":
        return _own_card_text(card)
    if card["kind"] == "corrected":
        return _corrected_card_text(card)
    encoder = card.get("encoder")
    heard = (
        ""
        if encoder is None
        else f""" Beside them stand the mean and deviation over time of what the
first layers of a speech encoder hear ({encoder["source"]}; {encoder["licence"]}), and the level."""
    )
    acted = [corpus for corpus in data["corpora"] if not is_everyday(corpus["name"])]
    languages = sorted({corpus["language"] for corpus in acted})
    corpora = "\n".join(
        f"| {corpus['name']} | {corpus['n_clips']} | {corpus['n_speakers']} | "
        f"{corpus['language']} | {', '.join(corpus['labels'])} | {corpus['licence']} |"
        for corpus in data["corpora"]
    )
    citations = "\n".join(f"- {corpus['citation']}" for corpus in data["corpora"])
    return f"""# {card["id"]}

{card["description"]}

Input: {len(card["features"]["names"])} named acoustic features of one utterance (feature set
{card["features"]["version"]}).{heard} Output: calibrated probabilities of {len(card["labels"])}
labels: {", ".join(card["labels"])}.

## What it was trained on

| corpus | clips | speakers | language | labels | licence |
| --- | --- | --- | --- | --- | --- |
{corpora}

Each clip also as: {", ".join(data["variants"])} (all noise and rooms synthetic).

{citations}

**Licence.** These weights are {card["licence"]}

## How right it is

{_scores_text(card["scores"])}

Every clip went through the same voice activity detector, segmenter and feature code as live
audio. UAR is the unweighted average recall: the mean over the eight labels of the share
recognised, chance 0.125. No actor of a test fold was in training, and what a fit chooses was chosen
inside the training folds. The features and the fixed parts of the recipe were designed with
results on these actors in view, which flatters by a point or so. Intervals draw actors with
replacement: with 24 actors, differences below about 4 points are noise.

{_limits_text(languages)}
## How it can be made again

`ser-live train --model {card["kind"]} --data DIR --out DIR --seed {card["seed"]}` with ser-live
{card["versions"]["ser-live"]}, Python {card["versions"]["python"]}, NumPy
{card["versions"]["numpy"]}, scikit-learn {card["versions"]["scikit-learn"]}.
SHA-256 of the weights: `{card["weights"]["sha256"]}`.
"""


def _own_card_text(card: Mapping[str, Any]) -> str:
    """The card of a model for recordings of one's own."""
    (corpus,) = card["data"]["corpora"]
    encoder, labels = card["encoder"], card["labels"]
    speakers = corpus["n_speakers"]
    said = "speakers not said" if speakers is None else f"{speakers} speakers"
    score = card["scores"].get("own")
    measured = "Not measured when this model was written."
    if score is not None:
        low, high = score["interval"]["uar"]
        interval = "" if low is None else f" [{low:.3f}, {high:.3f}]"
        measured = f"""Unweighted average recall {score["uar"]:.3f}{interval}, chance
{1 / len(labels):.3f}; accuracy {score["accuracy"]:.3f}, calibration error {score["ece"]:.3f};
{score["n"]} recordings in {score["n_folds"]} folds, each heard by a model that was trained without
its {score["by"]}; 95 % interval over {score["by"]}s."""
        if score["by"] == "recording":
            measured += """

The recordings do not say who speaks, so the same voice may be on both sides: on a new voice the
model is less often right than this says."""
    return f"""# {card["id"]}

{card["description"]}

Input: mean and deviation over time of what the first layers of a speech encoder hear
({encoder["source"]}; {encoder["licence"]}). Output: calibrated probabilities of
{len(labels)} labels: {", ".join(labels)}.

## What it was trained on

{corpus["n_clips"]} recordings ({said}), labels by {corpus["name"]}; each also as:
{", ".join(card["data"]["variants"])}.

**Licence.** These weights are {card["licence"]}

## How right it is

{measured}

## What it is not

- **Not more than its recordings.** It tells apart what those who labelled them told apart, in
  voices, languages, rooms and microphones like theirs; elsewhere it is too sure of itself.
- **Not a diagnosis**, and no statement about what a person thinks, means or is.
- **Not for judging workers or students**: inferring their emotions at work or in education is
  forbidden in the European Union (Regulation (EU) 2024/1689, Article 5(1)(f)).

## How it can be made again

`ser-live train --data DIR --out DIR --seed {card["seed"]}` with ser-live
{card["versions"]["ser-live"]}, Python {card["versions"]["python"]}, NumPy
{card["versions"]["numpy"]}. SHA-256 of the weights: `{card["weights"]["sha256"]}`.
"""


def _corrected_card_text(card: Mapping[str, Any]) -> str:
    """The card of a model that was adapted to corrections."""
    source, found = card["adapted_from"], card["corrections"]
    counts = ", ".join(f"{n} {label}" for label, n in found["n_by_label"].items() if n)
    left_out = ", ".join(f"{n} {why}" for why, n in found["left_out"].items()) or "none"
    rows = "\n".join(
        f"| {what} | {_digits(found[name]['before'])} | {_digits(found[name]['after'])} | "
        f"{_digits(found[name]['difference'])} | "
        f"{_digits(found[name]['low'])} to {_digits(found[name]['high'])} |"
        for what, name in (
            ("agreement with the person", "agreement"),
            ("agreement beyond chance (kappa)", "kappa"),
            ("log loss, less is better", "loss"),
        )
    )
    return f"""# {card["id"]}

{card["description"]} Its weights are those of {source["id"]}; after everything else its answers
are turned into the words of the person who corrected them. It holds no name and no audio.

## What it was adapted with

{found["n_corrections"]} corrections in {found["n_sessions"]} sessions: {counts}. Left out:
{left_out}. The answers were given under the prior {found["prior"]}. Choice: {found["choice"]}.

**Licence.** These weights are {card["licence"]}

## How right it is

Each session was judged by a model adapted without it, and every choice was made without it.

| | before | after | difference | 95 % over sessions |
| --- | --- | --- | --- | --- |
{rows}

This holds for the utterances that were labelled, which may be the least certain ones, and for the
person who labelled them. The figures of {source["id"]} on acted speech are not those of this model.

## What it is not

- **Not better for anybody else.** It learned how one person uses the labels, not how people feel.
- **Not a diagnosis**, and no statement about what a person thinks, means or is.
- **Not for judging workers or students**: inferring their emotions at work or in education is
  forbidden in the European Union (Regulation (EU) 2024/1689, Article 5(1)(f)).

## How it can be made again

`ser-live train --add corrections --out DIR` with {card["adapted_with"]} and the same corrections,
from {source["id"]} (SHA-256 `{source["weights_sha256"]}`).
SHA-256 of the weights: `{card["weights"]["sha256"]}`.
"""


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _limits_text(languages: Sequence[str]) -> str:
    return f"""## What it is not

- **Acted, not felt.** Professional actors spoke two sentences with an emotion they were asked
  for. How people sound when they feel something is another question, which was not measured.
- **Eight labels.** Whatever a voice carries, the answer is spread over these eight; mixtures,
  irony and everything else have no label of their own.
- **Few voices.** Languages of the acted speech in training: {", ".join(languages)}; mostly studio
  microphones. With other languages, ages, cultures, rooms and microphones it is less often right.
- **Plain talk.** Most of what people say expresses little, and a stranger's plain talk can still
  be taken for something: answers are given under a prior, which is a choice and not a finding.
- **Not a diagnosis**, and no statement about what a person thinks, means or is.
- **Not for judging workers or students**: inferring their emotions at work or in education is
  forbidden in the European Union (Regulation (EU) 2024/1689, Article 5(1)(f)).
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
