"""Plain talk of strangers: what a model says of people who act nothing.

Whole sources are left out of a fit, together with a corpus of acted speech, so that both sides are
strangers: the share of what is named in the source that is named neutral or calm, the share named
something else and surely, and how well the plain talk is told from the corpus's acted emotions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_live.arrays import Bool, Float64, Str
from ser_live.config import EVERYDAY
from ser_live.datasets.everyday import CORPUS_PREFIX, SOURCES
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.evaluation.folds import FoldFit
from ser_live.evaluation.judge import rounded, rounded_pair
from ser_live.evaluation.metrics import bootstrap_rows_interval
from ser_live.model.card import UNCERTAIN_BELOW
from ser_live.model.expression import naming_log_odds
from ser_live.model.fitted import Fitted
from ser_live.model.prior import EVERYDAY_PLAIN_SHARE, is_plain, shares_of
from ser_live.training.examples import Examples

if TYPE_CHECKING:
    from rich.console import RenderableType

SURE = 0.70
"""Probability from which a label other than a plain one is a strong claim."""

_PLAIN = is_plain(LABELS)


def everyday_shares(fitted: Fitted) -> Float64:
    """Base rates that ``everyday`` stands for with this model, shape (n_labels,)."""
    judge = fitted.expression
    share = EVERYDAY_PLAIN_SHARE if judge is None else float(judge.everyday_share)
    shares = shares_of(EVERYDAY, LABELS, share)
    if shares is None:
        raise ValueError("the labels of RAVDESS hold plain ones and others")
    return shares


def expression_log_odds(fitted: Fitted, X: Float64) -> Float64:
    """Log-odds that anything is expressed, by the judge or, without one, by the namer."""
    named = fitted.predict_proba(X)
    if fitted.expression is None:
        return naming_log_odds(named, _PLAIN)
    return fitted.expression.log_odds(X, named)


def area_under_curve(positive: Float64, negative: Float64) -> float:
    """Chance that a positive scores above a negative, ties half; NaN without both."""
    if not len(positive) or not len(negative):
        return float("nan")
    both = np.concatenate([positive, negative])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[inverse]
    n = len(positive)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(negative)))


def sources_judged(
    fit: FoldFit, examples: Examples, recordings: Sequence[Recording]
) -> dict[str, dict[str, Any]]:
    """Scores of each everyday source that a fit left out, by its name.

    Parameters
    ----------
    fit : FoldFit
        Its test recordings hold the sources.
    examples : Examples
    recordings : sequence of Recording
    """
    tested = fit.tested(examples)
    found = {}
    for name in np.unique(tested.corpora[np.char.startswith(tested.corpora, CORPUS_PREFIX)]):
        own = tested.where(tested.corpora == name)
        source = str(name).removeprefix(CORPUS_PREFIX)
        one = recordings[int(own.clips[0])]
        found[source] = {
            "kind": SOURCES[source].kind,
            "language": one.language,
            "left_out_with": fit.name,
            **_source_scores(fit.fitted, own),
        }
    return found


def _source_scores(fitted: Fitted, own: Examples) -> dict[str, Any]:
    answers = fitted.predict_proba(own.X.astype(np.float64), None, everyday_shares(fitted))

    def share(rows: Any) -> float:
        return plain_of_named(answers[rows])

    return {
        "n": len(own),
        "n_speakers": len(np.unique(own.speakers)),
        "named": rounded(float(np.mean(_is_named(answers)))),
        "plain_of_named": rounded(share(slice(None))),
        "plain_of_named_interval": rounded_pair(bootstrap_rows_interval(share, own.speakers)),
        "surely_else": rounded(float(surely_else(answers).mean())),
    }


def expression_heard(fit: FoldFit, examples: Examples) -> dict[str, Float64]:
    """Log-odds of expression of what a fit left out: of acted emotions, and of plain talk.

    Returns
    -------
    dict
        By corpus: of the utterances with an emotion, or of all utterances of an everyday source.
    """
    tested = fit.tested(examples)
    found = {}
    for corpus in np.unique(tested.corpora):
        everyday = corpus.startswith(CORPUS_PREFIX)
        if everyday or corpus == fit.name:
            own = (tested.corpora == corpus) & (everyday | ~_PLAIN[tested.y])
            if own.any():
                X = tested.where(own).X.astype(np.float64)
                found[str(corpus)] = expression_log_odds(fit.fitted, X)
    return found


def told_apart(heard: Mapping[str, Float64]) -> dict[str, float | None]:
    """Area under the curve of each everyday source, the mean over all acted corpora.

    Parameters
    ----------
    heard : mapping
        As `expression_heard` gives it, joined: both sides strangers to the models that heard them.
    """
    acted = [odds for name, odds in heard.items() if not name.startswith(CORPUS_PREFIX)]
    return {
        name.removeprefix(CORPUS_PREFIX): rounded(
            float(np.mean([area_under_curve(emotions, plain) for emotions in acted]))
        )
        for name, plain in heard.items()
        if name.startswith(CORPUS_PREFIX) and acted
    }


def _is_named(answers: Float64) -> Bool:
    return np.asarray(answers.max(axis=1) >= UNCERTAIN_BELOW)


def plain_of_named(answers: Float64) -> float:
    """Share of the named answers that are neutral or calm; NaN where nothing is named."""
    named = answers[_is_named(answers)]
    return float(_PLAIN[named.argmax(axis=1)].mean()) if len(named) else float("nan")


def surely_else(answers: Float64) -> Bool:
    """Answers that name something that is not plain at ``SURE`` or surer, shape (n,)."""
    return np.asarray(~_PLAIN[answers.argmax(axis=1)] & (answers.max(axis=1) >= SURE))


def everyday_means(sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the sources, each the same, and over those of a kind."""

    def mean(field: str, names: Sequence[str]) -> float | None:
        return rounded(float(np.nanmean([sources[n][field] for n in names]))) if names else None

    kinds: Str = np.unique([source["kind"] for source in sources.values()])
    by_kind = {str(k): [n for n, s in sources.items() if s["kind"] == k] for k in kinds}
    fields = ("named", "plain_of_named", "surely_else", "auc")
    return {
        **{f"mean_{field}": mean(field, list(sources)) for field in fields},
        "worst_surely_else": max((s["surely_else"] for s in sources.values()), default=None),
        "by_kind": {
            kind: {field: mean(field, names) for field in fields} for kind, names in by_kind.items()
        },
    }


def everyday_table(record: Mapping[str, Any]) -> RenderableType:
    """One row a source, for people."""
    from rich.table import Table

    table = Table(
        title="Plain talk of strangers, sources that training never heard",
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    for name in ("source", "kind", "language", "named", "of it plain", "surely else", "AUC"):
        table.add_column(name, justify="left" if name in ("source", "kind") else "right")
    for name, source in record["sources"].items():
        table.add_row(
            name,
            source["kind"],
            source["language"],
            *(_number(source[f]) for f in ("named", "plain_of_named", "surely_else", "auc")),
        )
    table.add_row(
        "mean",
        "",
        "",
        *(_number(record[f"mean_{f}"]) for f in ("named", "plain_of_named", "surely_else", "auc")),
    )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
