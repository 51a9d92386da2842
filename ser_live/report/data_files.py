"""The data of a report for other programs: utterances as CSV, figures as JSON."""

from __future__ import annotations

import base64
import gzip
import io
import math
from collections.abc import Sequence
from typing import Any

from ser_live.records.csv_rows import CsvLines, emotion_fields
from ser_live.records.json_line import json_line
from ser_live.report.figures import Figures, Share
from ser_live.report.model_facts import ModelFacts
from ser_live.report.session_data import Judged, SessionData
from ser_live.report.shares import Estimate

MAX_PLAIN_BYTES = 150_000
"""Longest CSV that a page holds unpacked, as spreadsheets open it: 600 utterances or so."""


def utterances_csv(data: SessionData) -> str:
    """Every final result in a row, as `ser-live log export --to csv` has it but for wall time.

    ``session_s`` is the place on the session's clock, where streams follow each other.
    """
    text = io.StringIO()
    lines = CsvLines(text, ["session_s", *emotion_fields(data.labels)])
    for judged in data.utterances:
        lines.write({"session_s": round(judged.start_s, 3), **judged.result.as_record()})
    return text.getvalue()


def csv_address(data: SessionData) -> tuple[str, bool]:
    """The rows as a ``data:`` address, and whether they are packed."""
    content = utterances_csv(data).encode("utf-8", "backslashreplace")
    if len(content) <= MAX_PLAIN_BYTES:
        return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(content).decode()}", False
    # Without a time in it, so that equal sessions give equal pages.
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    return f"data:application/gzip;base64,{base64.b64encode(packed).decode()}", True


def figures_json(data: SessionData, figures: Figures, facts: ModelFacts) -> str:
    """Every figure of a report as one line of JSON; undefined is ``null``."""
    return json_line(figures_record(data, figures, facts)) + "\n"


def figures_record(data: SessionData, figures: Figures, facts: ModelFacts) -> dict[str, Any]:
    """Every figure of a report as JSON values by name."""
    started = data.started
    assert started is not None  # noqa: S101  a report is about a session that began
    return {
        "type": "session_report",
        "started_at": started.started_at,
        "speaker": started.speaker,
        "sources": [part.stream.source for part in data.parts],
        "model": started.model,
        "model_sha256": started.model_sha256,
        "licence": facts.licence,
        "end": None if data.ended is None else data.ended.reason.value,
        "heard_s": round(figures.heard_s, 3),
        "speech_s": round(figures.speech_s, 3),
        "named_s": round(figures.named_s, 3),
        "n_utterances": figures.n_utterances,
        "n_named": figures.n_named,
        "states": dict(figures.states),
        "block_s": figures.blocks.length_s,
        "n_blocks_with_speech": figures.blocks.n_with_speech,
        "shares": [_share_record(share) for share in figures.shares],
        "valence": estimate_record(figures.valence),
        "arousal": estimate_record(figures.arousal),
        "transitions": [
            {"from": one, "to": other, "n": n}
            for (one, other), n in sorted(figures.transitions.items())
        ],
        "features": [
            {
                "feature": f.name,
                "n_higher": f.n_higher,
                "n_lower": f.n_lower,
                "median_difference": _rounded(f.median),
            }
            for f in figures.features
        ],
        "strongest": _moments(figures.strongest),
        "least_certain": _moments(figures.least_certain),
        "missing": {
            cause: {"n": n, "duration_s": round(length_s, 3)}
            for cause, (n, length_s) in sorted(figures.causes.items())
        },
        "n_dropped": figures.n_dropped,
        **_of_people(data, figures),
    }


def _share_record(share: Share) -> dict[str, object]:
    return {
        "name": share.name,
        "is_label": share.is_label,
        "n": share.n,
        "time_s": round(share.time_s, 3),
        "of_heard": _rounded(share.of_heard),
        "of_named": estimate_record(share.of_named),
        "mean_probability": estimate_record(share.probability),
    }


def _of_people(data: SessionData, figures: Figures) -> dict[str, Any]:
    """Marks, notes and labels that people gave."""
    agreement = figures.agreement
    return {
        "remarks": [
            {
                "kind": r.kind,
                "start_s": _rounded(r.start_s, 3),
                "text": r.text,
                "source": r.source or None,
                "rating": r.rating,
            }
            for r in data.remarks
        ],
        "corrections": None
        if agreement is None
        else {
            "n_of_named": agreement.n,
            "n_same": agreement.n_same,
            "share": estimate_record(agreement.share),
            "n_of_unnamed": agreement.n_unnamed,
            "n_unknown": agreement.n_unknown,
        },
    }


def estimate_record(estimate: Estimate) -> dict[str, float | None]:
    """An estimate with its interval as JSON values by name."""
    return {
        "value": _rounded(estimate.value),
        "low": _rounded(estimate.low),
        "high": _rounded(estimate.high),
    }


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _moments(found: Sequence[Judged]) -> list[dict[str, object]]:
    return [
        {
            "stream": u.result.stream.number,
            "id": u.result.id,
            "session_s": round(u.start_s, 3),
            "emotion": u.result.emotion,
            "best": u.result.best,
            "confidence": _rounded(u.result.confidence),
        }
        for u in found
    ]
