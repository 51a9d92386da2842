"""A call as records for programs: JSON, rows of CSV, and the field names of Call Analytics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from ser_live import __version__
from ser_live.calls.call import Side
from ser_live.calls.escalations import Change
from ser_live.calls.findings import Findings, worth_hearing
from ser_live.calls.measures import Span
from ser_live.calls.page import LIMITS
from ser_live.calls.voice import Voice
from ser_live.events import Hearing, Record
from ser_live.events.forms import finite

SCHEMA: Final = "ser-live-call"
SCHEMA_VERSION: Final = 1

_NON_TALK_S: Final = 3.0
"""Silence from which on the form of Call Analytics lists it."""

CSV_FIELDS: Final = (
    "type",
    "file",
    "role",
    "level",
    "channel",
    "duration_s",
    "talk_s",
    "talk_share",
    "n_turns",
    "longest_monologue_s",
    "n_interruptions",
    "n_interrupted",
    "n_backchannels",
    "reply_gap_s",
    "silence_share",
    "overlap_share",
    "n_long_silences",
    "n_utterances",
    "valence",
    "arousal",
    "valence_q1",
    "valence_q2",
    "valence_q3",
    "valence_q4",
    "arousal_q1",
    "arousal_q2",
    "arousal_q3",
    "arousal_q4",
    "n_escalations",
    "n_unrecovered",
    "first_escalation_s",
    "legal_ground",
    "note",
)
"""Columns of CSV, a row for each side of each call."""


def json_record(found: Findings) -> Record:
    """The whole call as one record; undefined is ``None``."""
    call, m = found.call, found.measures
    record: Record = {
        "type": "call",
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "model": call.model,
        "model_sha256": call.model_sha256,
        "file": call.file,
        "duration_s": call.duration_s,
        "sample_rate": call.sample_rate,
        "n_channels": call.n_channels,
        "roles": call.roles,
        "legal_ground": call.has_legal_ground,
        "skipped": list(call.skipped),
        "leaks": [
            {"role": voice, "into": other, "level_db": level_db}
            for (voice, other), level_db in call.leaks_db.items()
        ],
        "sides": [_side(found, side) for side in call.sides],
        "silence_s": m.silence_s,
        "silence_share": m.silence_share,
        "overlap_s": m.overlap_s,
        "overlap_share": m.overlap_share,
        "reply_gap_s": m.reply_gap_s,
        "long_silences": [_span(span) for span in m.long_silences],
        "interruptions": [asdict(interruption) for interruption in m.interruptions],
        "quarters": [asdict(quarter) for quarter in found.quarters],
        "worth_hearing": [sentence for _, _, sentence in worth_hearing(found)],
        "notes": list(found.notes),
        "error": call.error,
        "limits": LIMITS,
    }
    if call.skipped:
        # Of a call of which one side is not known, these would be numbers of the other alone.
        for name in ("silence_s", "silence_share", "overlap_s", "overlap_share", "reply_gap_s"):
            record[name] = None
        record["long_silences"] = None
    return rounded_record(record)


def _side(found: Findings, side: Side) -> Record:
    share = found.measures.shares[side.name]
    record: Record = {
        "role": side.name,
        "level": side.level.value,
        "channel": side.channel,
        "spans": [_span(span) for span in side.spans],
        **asdict(share),
    }
    if side.level is not Hearing.ANALYZE:
        return record
    baseline = found.baselines[side.name]
    return {
        **record,
        "voice": _voice(found.voices[side.name]),
        "baseline": None if baseline is None else asdict(baseline),
        "escalations": [
            {
                **_change(escalation.change),
                "recovery": None if escalation.recovery is None else _change(escalation.recovery),
            }
            for escalation in found.escalations[side.name]
        ],
        "utterances": [
            {
                name: value
                for name, value in result.as_record().items()
                if name not in ("type", "kind", "file", "stream", "channel", "role", "latency_ms")
            }
            for result in side.results
        ],
    }


def _span(span: Span) -> Record:
    return {"start_s": span[0], "end_s": span[1]}


def _voice(voice: Voice) -> Record:
    record = asdict(voice)
    for name in ("louder_db", "faster_per_s"):  # the whole against itself
        del record[name]
    return record


def _change(change: Change) -> Record:
    return {**asdict(change), "ids": list(change.ids)}


def csv_records(found: Findings) -> list[Record]:
    """A row for each side of the call."""
    call, m = found.call, found.measures
    note = " ".join([*([] if call.error is None else [f"damaged: {call.error}"]), *found.notes])
    rows = []
    for side in call.sides:
        share = m.shares[side.name]
        row: Record = {
            "type": "call",
            "file": call.file,
            "role": side.name,
            "level": side.level.value,
            "channel": side.channel,
            "duration_s": call.duration_s,
            "talk_s": share.talk_s,
            "talk_share": share.talk_share,
            "n_turns": share.n_turns,
            "longest_monologue_s": share.longest_turn_s,
            "n_interruptions": share.n_interruptions,
            "n_interrupted": share.n_interrupted,
            "n_backchannels": share.n_backchannels,
            "reply_gap_s": share.reply_gap_s,
            "silence_share": None if call.skipped else m.silence_share,
            "overlap_share": None if call.skipped else m.overlap_share,
            "n_long_silences": None if call.skipped else len(m.long_silences),
            "legal_ground": call.has_legal_ground,
            "note": note,
        }
        if side.level is Hearing.ANALYZE:
            row.update(_judged(found, side))
        rows.append(rounded_record(row))
    return rows


def _judged(found: Findings, side: Side) -> Record:
    voice, escalations = found.voices[side.name], found.escalations[side.name]
    is_known = found.baselines[side.name] is not None
    row: Record = {
        "n_utterances": voice.n_utterances,
        "valence": voice.valence,
        "arousal": voice.arousal,
        "n_escalations": len(escalations) if is_known else None,
        "n_unrecovered": sum(e.recovery is None for e in escalations) if is_known else None,
        "first_escalation_s": escalations[0].change.start_s if escalations else None,
    }
    for number, quarter in enumerate(found.quarters, start=1):
        row[f"valence_q{number}"] = quarter.voices[side.name].valence
        row[f"arousal_q{number}"] = quarter.voices[side.name].arousal
    return row


def aws_record(found: Findings) -> Record:
    """A call under the field names of Amazon Transcribe Call Analytics, as far as they hold.

    There is no transcript, and no sentiment of a text: what stands for the voice is called
    valence, from -1 to +1.
    """
    call, m = found.call, found.measures
    names = {side.name: side.name.upper() for side in call.sides}
    silences = [s for s in m.silences if s[1] - s[0] >= _NON_TALK_S and not call.skipped]
    interruptions: dict[str, list[Record]] = {}
    for found_one in m.interruptions:
        end_s = found_one.start_s + found_one.overlap_s
        interruptions.setdefault(names[found_one.by], []).append(_offsets(found_one.start_s, end_s))
    record: Record = {
        "JobStatus": "COMPLETED" if call.error is None else "FAILED",
        "Channel": "VOICE",
        "ContentMetadata": {"Input": call.file, "Output": f"ser-live {__version__}"},
        "Participants": [{"ParticipantRole": names[side.name]} for side in call.sides],
        "ConversationCharacteristics": {
            "TotalConversationDurationMillis": _ms(call.duration_s),
            "TalkTime": {
                "TotalTimeMillis": _ms(sum(share.talk_s for share in m.shares.values())),
                "DetailsByParticipant": {
                    names[name]: {"TotalTimeMillis": _ms(share.talk_s)}
                    for name, share in m.shares.items()
                },
            },
            "NonTalkTime": {
                "TotalTimeMillis": sum(_ms(e) - _ms(s) for s, e in silences),
                "Instances": [_offsets(*span) for span in silences],
            },
            "Interruptions": {
                "TotalCount": len(m.interruptions),
                "TotalTimeMillis": sum(_ms(i.overlap_s) for i in m.interruptions),
                "InterruptionsByInterrupter": interruptions,
            },
            "Valence": {
                "OverallValence": {
                    names[name]: voice.valence for name, voice in found.voices.items()
                },
                "ValenceByPeriod": {
                    "QUARTER": {
                        names[name]: [
                            {
                                "ValenceScore": quarter.voices[name].valence,
                                **_ends(quarter.start_s, quarter.end_s),
                            }
                            for quarter in found.quarters
                        ]
                        for name in found.voices
                    }
                },
            },
        },
    }
    return rounded_record(record)


def _ms(time_s: float) -> int:
    return round(time_s * 1000)


def _ends(start_s: float, end_s: float) -> Record:
    return {"BeginOffsetMillis": _ms(start_s), "EndOffsetMillis": _ms(end_s)}


def _offsets(start_s: float, end_s: float) -> Record:
    return {**_ends(start_s, end_s), "DurationMillis": _ms(end_s) - _ms(start_s)}


def rounded_record(record: Mapping[str, object]) -> Record:
    """A record with times and shares to the fourth digit, undefined as ``None``."""
    rounded = _rounded(finite(dict(record)))
    assert isinstance(rounded, dict)  # noqa: S101  as it was
    return rounded


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
