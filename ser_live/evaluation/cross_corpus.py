"""Another corpus, another microphone, another language: whole corpora held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_live.arrays import Bool, Float64, Int64, Str
from ser_live.datasets import etts_ko
from ser_live.datasets.everyday import CORPUS_PREFIX, READ_FOR
from ser_live.datasets.ravdess import CORPUS, SONG_CORPUS
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.errors import DatasetError
from ser_live.evaluation.everyday import (
    everyday_means,
    everyday_shares,
    expression_heard,
    sources_judged,
    told_apart,
)
from ser_live.evaluation.folds import FoldFit, Predicts, clip_probabilities, fit_folds
from ser_live.evaluation.judge import rounded, rounded_pair, speaker_matrices, uar_with_interval
from ser_live.evaluation.metrics import bootstrap_values
from ser_live.evaluation.remembering import remembering
from ser_live.evaluation.stranger_confidence import (
    calm_as_neutral,
    corpus_confidence,
    selective_answers,
)
from ser_live.evaluation.stranger_sessions import corpus_sessions, everyday_sessions
from ser_live.model.fitted import Fitted
from ser_live.training.examples import Examples
from ser_live.training.recipe import Recipe

if TYPE_CHECKING:
    from rich.console import RenderableType


JUDGED_LABELS = ("angry", "happy", "neutral", "sad")
"""Labels that most corpora share."""
MIN_CLIPS_PER_LABEL = 5
"""A label with fewer clips in a corpus is not judged there."""
SECOND_READINGS = {etts_ko.CORPUS: etts_ko.as_scripted}
"""Corpora whose published labels are in doubt, and how else they can be read."""


def leave_corpus_out(
    recipe: Recipe,
    examples: Examples,
    recordings: Sequence[Recording],
    *,
    seed: int = 0,
    n_jobs: int = 1,
    fits_dir: Path | None = None,
    on_fold: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Judge each corpus but RAVDESS by a model that never saw it, without adaptation.

    Two models judge it: one trained on all other corpora, one on RAVDESS alone. The song of
    RAVDESS, where it is given, is trained on with RAVDESS: its voices are never new.
    Probabilities are renormalised over the labels of ``JUDGED_LABELS`` that the corpus has.

    Parameters
    ----------
    recipe, examples, recordings, seed, n_jobs, fits_dir, on_fold
        As in ``folds.fit_folds``; ``on_fold`` is called once a corpus and once more.

    Returns
    -------
    dict
        ``corpora`` by name, and ``mean_uar`` over them with its interval (95 %, the speakers of
        each drawn with replacement), pooled and with RAVDESS alone. A corpus
        of ``SECOND_READINGS`` also has ``second_reading``; the mean uses the published labels,
        and ``undisputed`` gives the means without such corpora.
        ``everyday`` is about sources of everyday speech, where there are some, and ``selective``
        about the answers that are sure enough.

    Raises
    ------
    DatasetError
        RAVDESS or every other corpus is missing.
    """
    corpora = np.array([recording.corpus for recording in recordings])
    masks = _held_out(corpora, recipe)
    *pooled, alone = fit_folds(
        recipe, examples, masks, seed=seed, n_jobs=n_jobs, fits_dir=fits_dir, on_fold=on_fold
    )
    results: dict[str, dict[str, Any]] = {}
    sources: dict[str, dict[str, Any]] = {}
    expression: dict[str, Float64] = {}
    talk: dict[str, dict[str, Any] | None] = {}
    draws: list[Float64] = []
    left_out: list[FoldFit] = []
    alone = replace(alone, fitted=remembering(alone.fitted))
    for fresh in pooled:
        held_out = replace(fresh, fitted=remembering(fresh.fitted))
        sources.update(sources_judged(held_out, examples, recordings))
        expression.update(expression_heard(held_out, examples))
        talk.update(everyday_sessions(held_out, examples, recordings, seed))
        fit = FoldFit(held_out.name, corpora == held_out.name, held_out.fitted)
        judged = judged_labels([recordings[clip] for clip in np.flatnonzero(fit.is_test).tolist()])
        if len(judged) < 2:
            continue
        results[fit.name] = {
            "labels": list(judged),
            "chance_uar": rounded(1 / len(judged)),
            "language": recordings[int(np.argmax(fit.is_test))].language,
            "trained_on": sorted(set(corpora[~held_out.is_test].tolist())),
            **_scores(fit, replace(fit, fitted=alone.fitted), examples, recordings, judged),
            "sessions": corpus_sessions(fit, examples, recordings, judged, seed),
        }
        left_out.append(fit)
        # Speakers of each corpus are drawn apart from those of the others.
        draws.append(_uar_draws(fit, examples, recordings, judged, seed=len(draws)))
    if not results:
        raise _too_few_clips(fit.name for fit in pooled)
    about = {"protocol": "leave one corpus out", "model": recipe.name}
    for name, area in told_apart(expression).items():
        sources[name]["auc"] = area
    everyday = (
        {**everyday_means(sources), "sources": sources, "sessions": talk} if sources else None
    )
    return {
        **about,
        **_means(results, draws),
        "selective": selective_answers(left_out, examples),
        "corpora": results,
        "everyday": everyday,
        "seed": seed,
    }


def _too_few_clips(names: Iterable[str]) -> DatasetError:
    return DatasetError(
        f"none of {', '.join(names)} has {MIN_CLIPS_PER_LABEL} clips of "
        f"two of the labels {', '.join(JUDGED_LABELS)}: add a corpus that has."
    )


def _held_out(corpora: Str, recipe: Recipe) -> list[tuple[str, Bool]]:
    """Test recordings for each corpus but RAVDESS, and for training on RAVDESS alone."""
    is_ravdess = np.isin(corpora, [CORPUS, SONG_CORPUS])
    everyday = np.char.startswith(corpora, CORPUS_PREFIX)
    others = [str(name) for name in np.unique(corpora[~is_ravdess & ~everyday])]
    if CORPUS not in corpora or not others:
        raise DatasetError(
            f"found {', '.join(np.unique(corpora))}, but leaving a corpus out needs {CORPUS} and "
            "another one: give the folder that holds them all."
        )
    # A corpus that the recipe does not train on is held out always.
    never = ~(is_ravdess | everyday | np.isin(corpora, recipe.corpora))
    # With each corpus some sources of everyday speech are left out, each of them once.
    sources = [str(name) for name in np.unique(corpora[everyday])]
    own = {name: [READ_FOR[name]] for name in others if READ_FOR.get(name) in sources}
    rest = [name for name in sources if [name] not in own.values()]
    masks = [
        (name, never | np.isin(corpora, [name, *own.get(name, []), *rest[turn :: len(others)]]))
        for turn, name in enumerate(others)
    ]
    return [*masks, (f"{CORPUS} alone", ~is_ravdess)]


def _scores(
    fit: FoldFit,
    alone: FoldFit,
    examples: Examples,
    recordings: Sequence[Recording],
    labels: Sequence[str],
) -> dict[str, Any]:
    """Scores of one corpus; `alone` was trained on RAVDESS only."""
    scores = {
        **_judge(fit, examples, recordings, labels),
        **corpus_confidence(fit, examples),
        "everyday_prior_uar": _everyday_uar(fit, examples, recordings, labels),
        "ravdess_alone": _judge(alone, examples, recordings, labels),
    }
    if fit.name in SECOND_READINGS:
        read = SECOND_READINGS[fit.name]
        scores["second_reading"] = _judge(
            fit, examples, [read(recording) for recording in recordings], labels
        )
    return scores


def _means(results: Mapping[str, Mapping[str, Any]], draws: Sequence[Float64]) -> dict[str, Any]:
    """Means over the corpora, every corpus the same."""
    scores = list(results.values())
    undisputed = [score for name, score in results.items() if name not in SECOND_READINGS]
    return {
        "mean_uar": rounded(float(np.mean([score["uar"] for score in scores]))),
        "mean_uar_interval": rounded_pair(
            tuple(np.nanquantile(np.mean(draws, axis=0), [0.025, 0.975]).tolist())
        ),
        "mean_uar_ravdess_alone": rounded(
            float(np.mean([score["ravdess_alone"]["uar"] for score in scores]))
        ),
        "mean_chance_uar": rounded(float(np.mean([score["chance_uar"] for score in scores]))),
        "mean_everyday_prior_uar": rounded(
            float(np.mean([score["everyday_prior_uar"] for score in scores]))
        ),
        "undisputed": {
            of: rounded(float(np.mean([score[of] for score in undisputed])))
            for of in ("uar", "everyday_prior_uar")
            if undisputed
        },
        "mean_ece": rounded(float(np.mean([score["ece"] for score in scores]))),
        "worst_ece": max(score["ece"] for score in scores),
        "least_right_when_sure": min(
            (score["sure_right"] for score in scores if score["sure_right"] is not None),
            default=None,
        ),
    }


def corpora_table(record: Mapping[str, Any]) -> RenderableType:
    """One row a corpus, for people."""
    from rich.table import Table

    table = Table(
        title=f"{record['model']}: corpora that training never saw, not adapted",
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    for name in ("corpus", "labels", "clips", "speakers", "UAR", "95 %", "chance", "RAVDESS alone"):
        table.add_column(name, justify="left" if name in ("corpus", "labels") else "right")
    for name, score in record["corpora"].items():
        low, high = score["interval"]
        table.add_row(
            name,
            " ".join(score["labels"]),
            str(score["n"]),
            str(score["n_speakers"]),
            f"{score['uar']:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{score['chance_uar']:.3f}",
            f"{score['ravdess_alone']['uar']:.3f}",
        )
    table.add_row(
        "mean",
        *[""] * 3,
        f"{record['mean_uar']:.3f}",
        "",
        f"{record['mean_chance_uar']:.3f}",
        f"{record['mean_uar_ravdess_alone']:.3f}",
    )
    return table


def judged_labels(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """Those of ``JUDGED_LABELS`` with enough clips, in the order of ``LABELS``."""
    counts = dict.fromkeys(LABELS, 0)
    for recording in recordings:
        counts[recording.label] += 1
    return tuple(
        label for label in LABELS if label in JUDGED_LABELS and counts[label] >= MIN_CLIPS_PER_LABEL
    )


def _judge(
    fit: FoldFit, examples: Examples, recordings: Sequence[Recording], labels: Sequence[str]
) -> dict[str, Any]:
    """UAR over `labels`, probabilities renormalised over them."""
    answers = _answers(fit, examples, recordings, labels)
    return {
        **uar_with_interval(
            answers.y, answers.probabilities, answers.speakers, answers.probabilities.shape[1]
        ),
        "n_speakers": len(np.unique(answers.speakers)),
        "n_without_utterance": answers.n_without_utterance,
    }


@dataclass(frozen=True)
class _InEverydayTalk:
    """A model under the everyday prior; calm is as right as neutral."""

    fitted: Fitted

    def predict_proba(self, X: Any) -> Float64:
        """Probabilities with those of the plain labels at neutral, shape (n, n_labels)."""
        shares = everyday_shares(self.fitted)
        return calm_as_neutral(self.fitted.predict_proba(X.astype(np.float64), None, shares))


def _everyday_uar(
    fit: FoldFit, examples: Examples, recordings: Sequence[Recording], labels: Sequence[str]
) -> float | None:
    """UAR under the everyday prior."""
    answers = _answers(fit, examples, recordings, labels, _InEverydayTalk(fit.fitted))
    predicted = answers.probabilities.argmax(axis=1)
    recalls = [np.mean(predicted[answers.y == label] == label) for label in range(len(labels))]
    return rounded(float(np.mean(recalls)))


def _uar_draws(
    fit: FoldFit,
    examples: Examples,
    recordings: Sequence[Recording],
    labels: Sequence[str],
    seed: int,
) -> Float64:
    """UAR for each draw of the corpus's speakers."""
    answers = _answers(fit, examples, recordings, labels)
    predicted = answers.probabilities.argmax(axis=1)
    return bootstrap_values(
        speaker_matrices(answers.y, predicted, answers.speakers, answers.probabilities.shape[1]),
        seed=seed,
    )


class _Answers(NamedTuple):
    """Answers to the clips of a corpus."""

    y: Int64
    """Index into the labels that are judged."""
    probabilities: Float64
    """Shape (n_clips, n_labels + 1); the last column is 1 where no utterance was found, which
    is always wrong: equal probabilities would call it the first label."""
    speakers: Str
    n_without_utterance: int


def _answers(
    fit: FoldFit,
    examples: Examples,
    recordings: Sequence[Recording],
    labels: Sequence[str],
    classifier: Predicts | None = None,
) -> _Answers:
    """Answers of the fold's model, or of a classifier made of it."""
    tested = fit.tested(examples)
    wanted = np.flatnonzero(fit.is_test)
    classifier = classifier or fit.fitted
    probabilities, n_empty = clip_probabilities(classifier, tested, tested.clips, wanted)
    chosen = [recordings[clip] for clip in wanted.tolist()]
    keep = np.array([recording.label in labels for recording in chosen])
    kept = [recording for recording, is_kept in zip(chosen, keep, strict=True) if is_kept]
    part: Float64 = probabilities[keep][:, [LABELS.index(label) for label in labels]]
    part = part / part.sum(axis=1, keepdims=True)
    kept_all = probabilities[keep]
    is_empty = kept_all.max(axis=1) == kept_all.min(axis=1)
    return _Answers(
        np.array([labels.index(recording.label) for recording in kept]),
        np.column_stack([np.where(is_empty[:, None], 0.0, part), is_empty]),
        np.array([recording.speaker for recording in kept]),
        n_empty,
    )
