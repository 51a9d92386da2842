"""``ser-live train --add corrections``: a model adapted to labels of one's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.annotation.collected import Collected
    from ser_live.evaluation.corrected import Measured, Verdict
    from ser_live.model.correction import CorrectionRule

_SHOWN_SHARE = 0.2
"""Least share of another word that is worth a line."""


def adapt(out: Path, *, model_name: str, sessions: Sequence[str], by: str | None) -> None:
    """Adapt a model to corrections and write its folder, unless it is no better than before."""
    from ser_live.annotation.collected import (
        check_enough,
        collect,
        logs_with_corrections,
        unadapted,
    )
    from ser_live.cli.training_options import progress_bars
    from ser_live.evaluation.corrected import measure_corrections
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.records.session_list import session_log_named
    from ser_live.training.corrected_model import check_place, copy_encoder, write_corrected
    from ser_live.training.correcting import chosen_rule, folds_of_sessions

    source = check_place(out, model_name)
    logs = [session_log_named(name) for name in sessions] if sessions else logs_with_corrections()
    model, weights_sha256 = unadapted(EmotionModel.load(model_name))
    with progress_bars() as bars:
        bars.expect(len(logs), 0)
        found = collect(
            logs,
            model,
            by=by,
            weights_sha256=weights_sha256,
            on_cut=lambda sentence: echo(f"ser-live: {sentence}", err=True),
            on_log=bars.example,
        )
        _say_found(found)
        check_enough(found)
        bars.expect(len(logs), int(folds_of_sessions(found.sessions).max()) + 1)
        verdict = measure_corrections(
            found.probabilities, found.y, found.sessions, on_fold=bars.fold
        )
    for sentence in _sentences(verdict):
        echo(sentence)
    rule, freedom = chosen_rule(found.probabilities, found.y, found.sessions)
    if not verdict.is_better or rule is None or freedom is None:
        echo("That is no better than before beyond doubt, so the model stays as it is and nothing "
             "was written. More corrections may show more.")  # fmt: skip
        return
    for sentence in _words(rule, found.labels):
        echo(f"  {sentence}")
    copy_encoder(source, out, model)
    card = write_corrected(
        out, model, weights_sha256, rule, _as_record(found, verdict, freedom.name)
    )
    weights = card["weights"]
    echo(f"Wrote {out} ({weights['n_bytes'] / 1e6:.1f} MB, SHA-256 {weights['sha256'][:12]}): "
         f"listen with `ser-live --model {out}`.")  # fmt: skip


def _say_found(found: Collected) -> None:
    echo(f"Found {found}.", err=True)
    if found.n_heard_again:
        echo(f"ser-live: {found.n_heard_again} of them were judged by another model in their "
             "session; their kept audio was judged again.", err=True)  # fmt: skip
    if found.n_passed_over:
        echo(f"ser-live: {found.n_passed_over} lines beside the logs hold no label.", err=True)


def _sentences(verdict: Verdict) -> list[str]:
    """The measurement for people."""
    agreement, kappa, loss = verdict.agreement, verdict.kappa, verdict.loss
    return [
        f"Each session was judged by a model adapted without it ({verdict.n_corrections} "
        f"corrections, {verdict.n_sessions} sessions; intervals of 95 % over sessions):",
        f"  you and the model agree   {agreement.before:.0%} before, {agreement.after:.0%} after "
        f"({_difference(agreement, 100, 'points')})",
        f"  beyond chance (kappa)     {kappa.before:.2f} before, {kappa.after:.2f} after "
        f"({_difference(kappa, 1, '')})",
        f"  log loss (less is better) {loss.before:.2f} before, {loss.after:.2f} after "
        f"({_difference(loss, 1, '')})",
    ]


def _words(rule: CorrectionRule, labels: Sequence[str]) -> list[str]:
    """Sentences on what the person calls by another word than the model does."""
    return [
        f"what it calls {labels[own]} you call {labels[other]} in {rule.mixing[own, other]:.0%}"
        for own in range(len(labels))
        for other in range(len(labels))
        if own != other and rule.mixing[own, other] >= _SHOWN_SHARE
    ]


def _difference(measured: Measured, scale: int, unit: str) -> str:
    found = measured.difference
    if math.isnan(found.value):
        return "undefined, as one label is all there is"
    digits = 0 if scale == 100 else 2
    value, low, high = (f"{scale * x:+.{digits}f}" for x in (found.value, found.low, found.high))
    interval = "" if math.isnan(found.low) else f", {low} to {high}"
    return f"{value}{f' {unit}' if unit else ''}{interval}"


def _as_record(found: Collected, verdict: Verdict, choice: str) -> dict[str, Any]:
    """Part of the card about corrections: counts and measurements, no name and no audio."""
    counts = {label: int((found.y == place).sum()) for place, label in enumerate(found.labels)}
    return {
        "n_corrections": verdict.n_corrections,
        "n_sessions": verdict.n_sessions,
        "n_by_label": counts,
        "n_heard_again": found.n_heard_again,
        "left_out": dict(found.left_out),
        "prior": found.prior,
        "choice": choice,
        "protocol": "sessions left out, every choice made without them",
        "interval": {"level": 0.95, "method": "jackknife over sessions, Student's t"},
        **{
            name: _measured_record(getattr(verdict, name))
            for name in ("agreement", "kappa", "loss")
        },
    }


def _measured_record(measured: Measured) -> dict[str, float | None]:
    found = measured.difference
    values = {
        "before": measured.before,
        "after": measured.after,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
    }
    return {name: round(v, 4) if math.isfinite(v) else None for name, v in values.items()}
