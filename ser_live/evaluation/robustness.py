"""Effect of noise, rooms and bad microphones on the answers to unseen speakers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_live.arrays import Bool, Float32, Float64, Int64, Str
from ser_live.config import Settings
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.evaluation import metrics
from ser_live.evaluation.folds import FoldFit, mean_by_clip
from ser_live.evaluation.judge import rounded, rounded_pair, uar_with_interval
from ser_live.evaluation.live_path import Hearing, inputs_of, seen_by, whole_utterances
from ser_live.evaluation.onset import clips_under_test
from ser_live.evaluation.robustness_suite import Apply, Corruption
from ser_live.sources import read_recording
from ser_live.training.code_hash import code_hash

if TYPE_CHECKING:
    from rich.console import RenderableType

Rows = list[tuple[Float32, float]]
"""Input vector and speech seconds of each utterance of a recording."""

_NO_ANSWER = len(LABELS)


def robustness_section(
    fits: Sequence[FoldFit],
    recordings: Sequence[Recording],
    suite: Sequence[Corruption],
    hearing: Hearing,
    *,
    every: int = 4,
) -> dict[str, Any]:
    """Spoil the unseen clips in every way, hear them as live audio, compare the answers.

    Parameters
    ----------
    fits : sequence of FoldFit
    recordings : sequence of Recording
    suite : sequence of Corruption
    hearing : Hearing
        Makes progress with each clip and way, the unspoilt one included.
    every : int
        Take every so many-th test clip.
    """
    clips = clips_under_test(fits, recordings, every)
    chosen = [recordings[clip] for clip in clips]
    y = np.array([LABELS.index(recording.label) for recording in chosen])
    speakers = np.array([recording.speaker for recording in chosen])
    known: dict[str, tuple[Float64, int]] = {}

    def answers(apply: Apply | None) -> tuple[Float64, int]:
        identity = _identity(apply)
        if identity not in known:
            rows = hearing.of_each(_rows_of, chosen, identity, apply)
            known[identity] = _answers(fits, clips, rows)
        return known[identity]

    clean, n_lost = answers(None)
    clean_score = {**_score(y, clean, speakers), "n_without_utterance": n_lost}
    items = []
    by_group: dict[str, list[_Spoilt]] = {}
    for corruption in suite:
        reference, _ = answers(corruption.reference)
        probabilities, n_lost = answers(corruption.apply)
        spoilt = _Spoilt.of(probabilities, reference)
        by_group.setdefault(corruption.group, []).append(spoilt)
        score = _score(y, probabilities, speakers)
        items.append(
            {
                **_item(corruption, spoilt),
                **score,
                "uar_lost": rounded(clean_score["uar"] - score["uar"]),
                "n_without_utterance": n_lost,
            }
        )
    groups = {
        group: _group_score(y, clean.argmax(axis=1), members, speakers)
        for group, members in by_group.items()
    }
    return {"every": every, "clean": clean_score, "groups": groups, "items": items}


class _Spoilt(NamedTuple):
    """Answers to clips spoilt in one way; one entry a clip."""

    is_same: Bool
    """Whether the label is that of the reference."""
    labels: Int64
    """Index into ``LABELS``, or `_NO_ANSWER`."""

    @classmethod
    def of(cls, probabilities: Float64, reference: Float64) -> _Spoilt:
        labels = probabilities.argmax(axis=1)
        return cls((labels == reference.argmax(axis=1)) & (labels != _NO_ANSWER), labels)


def _item(corruption: Corruption, spoilt: _Spoilt) -> dict[str, Any]:
    """Share of labels that stay, and whether that is enough."""
    unchanged, mark = float(spoilt.is_same.mean()), corruption.pass_mark
    return {
        "name": corruption.name,
        "group": corruption.group,
        "unchanged": rounded(unchanged),
        "pass_mark": mark,
        "passes": None if mark is None else unchanged >= mark,
    }


def robustness_table(section: Mapping[str, Any]) -> RenderableType:
    """One row a way of spoiling, for people; marks are of `robustness_suite.PASS_MARKS`."""
    from rich.table import Table

    table = Table(
        title="spoilt sound: {n} clips, UAR {uar:.3f} clean".format(**section["clean"]),
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    for name in ("spoilt by", "same answer", "mark", "", "UAR lost", "not heard"):
        table.add_column(name, justify="left" if name in ("spoilt by", "") else "right")
    for item in section["items"]:
        mark, passes = item["pass_mark"], item["passes"]
        table.add_row(
            item["name"],
            f"{item['unchanged']:.1%}",
            "" if mark is None else f"{mark:.0%}",
            "" if passes is None else "passes" if passes else "fails",
            f"{item['uar_lost']:+.3f}",
            str(item["n_without_utterance"]),
        )
    return table


def _group_score(
    y: Int64,
    clean: Int64,
    members: Sequence[_Spoilt],
    speakers: Str,
) -> dict[str, Any]:
    """Means over the ways of spoiling of a group, and their intervals over speakers."""
    is_same = np.stack([member.is_same for member in members])

    def uar(rows: Int64, answer: Int64) -> float:
        return metrics.uar(metrics.confusion_matrix(y[rows], answer[rows], len(LABELS) + 1))

    statistics: dict[str, Callable[[Int64], float]] = {
        "unchanged": lambda rows: float(is_same[:, rows].mean()),
        "uar_lost": lambda rows: (
            uar(rows, clean) - float(np.mean([uar(rows, member.labels) for member in members]))
        ),
    }
    return {
        **{name: rounded(value(np.arange(len(y)))) for name, value in statistics.items()},
        "interval": {
            name: rounded_pair(metrics.bootstrap_rows_interval(value, speakers))
            for name, value in statistics.items()
        },
    }


def _rows_of(
    content: str,
    identity: str,
    key: str,
    path: Path,
    way: Apply | None,
    settings: Settings,
    encoder: Path | None,
) -> Rows:
    """Utterances of a recording spoilt in one way."""
    samples = read_recording(path)
    if way is not None:
        # Every recording meets its own piece of noise, the same in every run.
        samples = way(samples, content)
    return [
        (inputs_of(utterance.samples, encoder).astype(np.float32), utterance.speech_s)
        for utterance in whole_utterances(samples, settings)
    ]


def _answers(fits: Sequence[FoldFit], clips: Int64, heard: Sequence[Rows]) -> tuple[Float64, int]:
    """Probabilities of each clip by the model that never heard its speaker.

    Shape (n_clips, 9): the last column is 1 where no utterance was found. Equal
    probabilities would make every such clip neutral, the first label.
    """
    probabilities = np.zeros((len(clips), len(LABELS) + 1))
    n_lost = 0
    for fit in fits:
        places = np.flatnonzero(fit.is_test[clips])
        rows = [(n, row) for n, place in enumerate(places.tolist()) for row in heard[place]]
        answers = np.zeros((0, len(LABELS)))
        if rows:
            answers = fit.fitted.predict_proba(seen_by(fit.fitted, [row[0] for _, row in rows]))
        index = np.array([n for n, _ in rows], dtype=np.int64)
        speech_s = np.array([row[1] for _, row in rows])
        means, n_empty = mean_by_clip(answers, index, speech_s, len(places))
        probabilities[places, :-1] = means
        empty = places[~np.isin(np.arange(len(places)), index)]
        probabilities[empty] = np.eye(len(LABELS) + 1)[_NO_ANSWER]
        n_lost += n_empty
    return probabilities, n_lost


def _score(y: Int64, answers: Float64, speakers: Str) -> dict[str, Any]:
    """UAR with interval; a clip without an answer is always wrong."""
    return uar_with_interval(y, answers, speakers, len(LABELS) + 1)


def _identity(apply: Apply | None) -> str:
    """Key of a way of spoiling: its function, its arguments, and the code of both."""
    import joblib

    if apply is None:
        return ""
    functions: list[Callable[..., object]] = []
    # A function is hashed by its name and its code: joblib would take its module's name too.
    return f"{joblib.hash(_described(apply, functions))} {code_hash(*functions)}"


def _described(value: object, functions: list[Callable[..., object]]) -> object:
    """A way of spoiling in plain values; the functions in it are added to `functions`."""
    if isinstance(value, partial):
        arguments = {name: _described(one, functions) for name, one in value.keywords.items()}
        return _described(value.func, functions), value.args, arguments
    if inspect.isfunction(value):
        functions.append(value)
        return value.__qualname__
    return value
