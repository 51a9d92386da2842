"""Hearing sessions with the models of the folds, and the scores of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser_live.arrays import Float64, Int64, Str
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.evaluation import metrics
from ser_live.evaluation.folds import FoldFit, mean_by_clip
from ser_live.evaluation.judge import judged, rounded, sexes_compared, uar_with_interval
from ser_live.evaluation.sessions import MAKERS, N_SEEDS, Maker, Session, Speaker
from ser_live.model.fitted import Fitted, blend
from ser_live.model.speaker_shift import SpeakerShift
from ser_live.training.examples import Examples

PAST_EDGES = (0, 1, 2, 3, 5, 9, 17, 33)
"""Numbers of past utterances at which a point of the curve begins."""


@dataclass(frozen=True, eq=False)
class SessionAnswers:
    """Answers to the scored clips of sessions; all arrays have one entry a clip."""

    clips: Int64
    seeds: Int64
    n_past: Int64
    """Utterances of the speaker heard before, enrolled ones included."""
    probabilities: Float64
    unadapted: Float64
    """Probabilities by the same model for the clip alone."""

    @classmethod
    def joined(cls, parts: Sequence[SessionAnswers]) -> SessionAnswers:
        """All answers, one after the other."""
        none = np.zeros((0, len(LABELS)))
        return cls(
            np.concatenate([*(part.clips for part in parts), np.zeros(0, dtype=np.int64)]),
            np.concatenate([*(part.seeds for part in parts), np.zeros(0, dtype=np.int64)]),
            np.concatenate([*(part.n_past for part in parts), np.zeros(0, dtype=np.int64)]),
            np.concatenate([*(part.probabilities for part in parts), none]),
            np.concatenate([*(part.unadapted for part in parts), none]),
        )


def adapted_probabilities(
    fitted: Fitted, X: Float64, cold: Float64, shifts: Sequence[SpeakerShift]
) -> Float64:
    """Answers for many speakers at once, one utterance each, before caution.

    Parameters
    ----------
    fitted : Fitted
        With a warm ensemble.
    X : float64 array, shape (n, n_inputs)
    cold : float64 array, shape (n, 8)
        Answers of the cold ensemble to `X`.
    shifts : sequence of SpeakerShift, length n

    Returns
    -------
    float64 array, shape (n, 8)
    """
    if fitted.warm is None:
        return cold
    share = np.array([shift.share for shift in shifts])[:, None]
    knows = share[:, 0] > 0.0
    result = cold.copy()
    if knows.any():
        offsets = np.stack(
            [shift.offset for shift, known in zip(shifts, knows, strict=True) if known]
        )
        warm = fitted.warm.predict_proba(X[knows] - offsets)
        result[knows] = blend(cold[knows], warm, share[knows])
    return result


def hear(
    fitted: Fitted, tested: Examples, sessions: Sequence[Session], shares: Float64 | None = None
) -> SessionAnswers:
    """Run sessions utterance by utterance, all sessions in step.

    Each answer is given from the utterances before it alone; then the speaker's shift
    learns from the utterance and the answer. Every session starts from nothing.

    Parameters
    ----------
    fitted : Fitted
        With a warm ensemble and a shift.
    tested : Examples
        Whole utterances of all clips of the sessions.
    sessions : sequence of Session
    shares : float64 array, shape (n_labels,), or None
        Base rates, as in ``Fitted.predict_proba``.
    """
    if fitted.shift is None:
        raise ValueError("a model without a shift does not adapt: there is nothing to hear")
    cold = fitted.cold.predict_proba(tested.X)
    rows_of_clip: dict[int, list[int]] = {}
    for row, clip in enumerate(tested.clips):
        rows_of_clip.setdefault(int(clip), []).append(row)
    runs = [_Run(session, rows_of_clip, SpeakerShift(fitted.shift)) for session in sessions]
    for run in runs:
        for row in (row for clip in run.session.enrolled for row in rows_of_clip.get(clip, ())):
            # As `ser-live enroll` does: from the model's own answers to the reading.
            answer = fitted.predict_proba(tested.X[[row]].astype(np.float64), run.shift, shares)[0]
            run.shift.update(tested.X[row], answer)
    for step in range(max((len(run.rows) for run in runs), default=0)):
        active = [run for run in runs if step < len(run.rows)]
        rows = np.array([run.rows[step] for run in active])
        named = adapted_probabilities(
            fitted, tested.X[rows], cold[rows], [run.shift for run in active]
        )
        answers = fitted.considered(tested.X[rows], named, shares)
        for run, row, answer in zip(active, rows, answers, strict=True):
            run.answers.append(answer)
            run.shift.update(tested.X[row], answer)
    alone = fitted.considered(tested.X, cold, shares)
    return SessionAnswers.joined([run.heard(tested, alone) for run in runs])


class _Run:
    """One session while it is heard."""

    def __init__(
        self, session: Session, rows_of_clip: dict[int, list[int]], shift: SpeakerShift
    ) -> None:
        self.session = session
        self.shift = shift
        rows = [rows_of_clip.get(int(clip), []) for clip in session.clips]
        self.rows = [row for of_clip in rows for row in of_clip]
        self.place = np.repeat(np.arange(len(rows)), [len(of_clip) for of_clip in rows])
        n_enrolled = sum(len(rows_of_clip.get(clip, ())) for clip in session.enrolled)
        self.n_past = n_enrolled + np.searchsorted(self.place, np.arange(len(rows)))
        self.answers: list[Float64] = []

    def heard(self, tested: Examples, alone: Float64) -> SessionAnswers:
        rows = np.array(self.rows, dtype=np.int64)
        answers = np.array(self.answers).reshape(-1, len(LABELS))
        n_clips, scored = len(self.session.clips), self.session.is_scored
        adapted, _ = mean_by_clip(answers, self.place, tested.speech_s[rows], n_clips)
        clip_alone, _ = mean_by_clip(alone[rows], self.place, tested.speech_s[rows], n_clips)
        return SessionAnswers(
            self.session.clips[scored],
            np.full(int(scored.sum()), self.session.seed),
            self.n_past[scored],
            adapted[scored],
            clip_alone[scored],
        )


def hear_all(
    fits: Sequence[FoldFit],
    examples: Examples,
    recordings: Sequence[Recording],
    make: Maker,
    *,
    seed: int = 0,
    n_seeds: int = N_SEEDS,
    shares: Callable[[Fitted], Float64] | None = None,
) -> SessionAnswers:
    """One kind of session with every test speaker of every fold, in several orders.

    `shares` gives the base rates for a model; None: all labels are expected the same.
    """
    speakers = np.array([recording.speaker for recording in recordings])
    parts = []
    for fit in fits:
        sessions: list[Session] = []
        for name in np.unique(speakers[fit.is_test]):
            speaker = Speaker.of(np.flatnonzero(fit.is_test & (speakers == name)), recordings)
            for number in range(n_seeds):
                # Every speaker and order draws on its own, independent of what else is tested.
                identity = int.from_bytes(str(name).encode(), "big")
                rng = np.random.default_rng([seed, number, identity])
                sessions += make(speaker, number, rng)
        if sessions:
            expected = None if shares is None else shares(fit.fitted)
            parts.append(hear(fit.fitted, fit.tested(examples), sessions, expected))
    return SessionAnswers.joined(parts)


def adaptation_sections(
    fits: Sequence[FoldFit],
    examples: Examples,
    recordings: Sequence[Recording],
    *,
    seed: int = 0,
    n_seeds: int = N_SEEDS,
) -> dict[str, Any]:
    """``adapted`` and ``enrolled``, ready for JSON; both None for a model that does not adapt."""
    if any(fit.fitted.warm is None or fit.fitted.shift is None for fit in fits):
        return {"adapted": None, "enrolled": None}
    results, heard = {}, {}
    for kind, make in MAKERS.items():
        heard[kind] = hear_all(fits, examples, recordings, make, seed=seed, n_seeds=n_seeds)
        results[kind] = session_scores(heard[kind], recordings)
    return {
        "adapted": {
            "method": "causal: each clip is judged from the speaker's unlabelled past alone; "
            f"{n_seeds} random orders, every session starts from nothing",
            **(results["balanced"] or {}),
            "by_past": curve_by_past(heard["balanced"], recordings),
            "mostly_neutral": results["mostly_neutral"],
            "after_anger": results["after_anger"],
        },
        "enrolled": results["enrolled"],
    }


def session_scores(heard: SessionAnswers, recordings: Sequence[Recording]) -> dict[str, Any] | None:
    """Scores of one kind of session, None without any; `uar` is the mean over the orders."""
    if len(heard.clips) == 0:
        return None
    y, speakers, sexes = _truth(heard, recordings)
    per_seed = [
        metrics.uar(
            metrics.confusion_matrix(
                y[heard.seeds == seed],
                heard.probabilities[heard.seeds == seed].argmax(axis=1),
                len(LABELS),
            )
        )
        for seed in np.unique(heard.seeds)
    ]
    return {
        **judged(y, heard.probabilities, speakers),
        "uar": rounded(float(np.mean(per_seed))),
        "uar_std_over_orders": rounded(float(np.std(per_seed))),
        "n_orders": len(per_seed),
        "unadapted": uar_with_interval(y, heard.unadapted, speakers),
        "sexes": sexes_compared(y, heard.probabilities, speakers, sexes),
    }


def curve_by_past(heard: SessionAnswers, recordings: Sequence[Recording]) -> list[dict[str, Any]]:
    """UAR of clips by how many utterances of the speaker came before."""
    y, speakers, _ = _truth(heard, recordings)
    curve = []
    highest = int(heard.n_past.max(initial=0))
    for low, following in zip(PAST_EDGES, (*PAST_EDGES[1:], highest + 1), strict=True):
        mask = (heard.n_past >= low) & (heard.n_past < following)
        if mask.any():
            point = uar_with_interval(y[mask], heard.probabilities[mask], speakers[mask])
            curve.append({"from": low, "to": following - 1, **point})
    return curve


def _truth(heard: SessionAnswers, recordings: Sequence[Recording]) -> tuple[Int64, Str, Str]:
    chosen = [recordings[clip] for clip in heard.clips]
    return (
        np.array([LABELS.index(recording.label) for recording in chosen]),
        np.array([recording.speaker for recording in chosen]),
        np.array([recording.sex for recording in chosen]),
    )
