"""Escalations and recoveries of a voice, and what is told of a call of made-up results."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

import pytest

from ser_live.calls.call import Call, Side
from ser_live.calls.escalations import MIN_BASELINE_S, baseline_of, escalations_of
from ser_live.calls.findings import Findings, worth_hearing
from ser_live.calls.forms import CSV_FIELDS, aws_record, csv_records, json_record
from ser_live.calls.html import html_of
from ser_live.calls.page import page_of
from ser_live.emotions import LABELS
from ser_live.events import EmotionResult, Hearing, Kind, StreamId, Verdict

STREAM = StreamId(number=1, source="call.wav", channel=1, role="customer", file="call.wav")
CALM, UPSET, BETWEEN = (0.1, 0.1), (-0.5, 0.7), (-0.24, 0.44)


def result(
    number: int, at: tuple[float, float] | None, speech_s: float = 4.0, rate: float = 4.0
) -> EmotionResult:
    """A final result; every one lasts five seconds."""
    valence, arousal = at or (None, None)
    label = "angry" if valence is not None and valence < 0 else "neutral"
    shares = tuple(0.72 if name == label else 0.04 for name in LABELS)
    return EmotionResult(
        stream=STREAM,
        id=number,
        kind=Kind.FINAL,
        start_sample=number * 80_000,
        end_sample=(number + 1) * 80_000,
        emotion=None if at is None else label,
        state=Verdict.TOO_SHORT if at is None else Verdict.OK,
        probabilities=None if at is None else shares,
        valence=valence,
        arousal=arousal,
        speech_s=speech_s,
        level_dbfs=-20.0 if label == "angry" else -26.0,
        snr_db=30.0,
        syllables_per_s=rate,
    )


def results(places: Sequence[tuple[float, float] | None]) -> list[EmotionResult]:
    """Results one after the other."""
    return [result(number, place) for number, place in enumerate(places)]


def found(places: Sequence[tuple[float, float] | None]) -> list[tuple[tuple[int, ...], object]]:
    """Utterances of each escalation and of its recovery."""
    all_results = results(places)
    baseline = baseline_of(all_results)
    assert baseline is not None
    return [
        (e.change.ids, None if e.recovery is None else e.recovery.ids)
        for e in escalations_of(all_results, baseline)
    ]


def test_a_stretch_beyond_a_deviation_is_an_escalation_and_its_end_a_recovery() -> None:
    """Three upset utterances among twelve, then calm again."""
    assert found([CALM] * 5 + [UPSET] * 3 + [CALM] * 4) == [((5, 6, 7), (8, 9, 10, 11))]


def test_one_utterance_or_little_speech_is_none() -> None:
    """Two are needed, and ten seconds of speech."""
    assert found([CALM] * 8 + [UPSET] + [CALM] * 3) == []
    short = results([CALM] * 10 + [UPSET] * 2 + [CALM] * 2)
    short[10:12] = [result(n, UPSET, speech_s=4.9) for n in (10, 11)]
    baseline = baseline_of(short)
    assert baseline is not None
    assert escalations_of(short, baseline) == ()
    short[10:12] = [result(n, UPSET, speech_s=5.1) for n in (10, 11)]
    assert len(escalations_of(short, baseline)) == 1


def test_hysteresis_keeps_what_lies_between_within_one_escalation() -> None:
    """A step back that does not reach the usual is no end, and alone begins nothing."""
    assert found([CALM] * 8 + [UPSET, BETWEEN, UPSET, UPSET] + [CALM] * 4) == [
        ((8, 9, 10, 11), (12, 13, 14, 15))
    ]
    assert found([CALM] * 10 + [BETWEEN] + [CALM] * 2) == []


def test_without_a_way_back_there_is_no_recovery() -> None:
    """The call ends upset, or with less calm speech than a recovery needs."""
    assert found([CALM] * 9 + [UPSET] * 3) == [((9, 10, 11), None)]
    assert found([CALM] * 9 + [UPSET] * 3 + [CALM]) == [((9, 10, 11), None)]


def test_what_was_not_judged_neither_begins_nor_ends_one() -> None:
    """A cough in the middle is passed over."""
    assert found([CALM] * 8 + [UPSET, None, UPSET, UPSET] + [CALM] * 4) == [
        ((8, 10, 11), (12, 13, 14, 15))
    ]


def test_too_little_judged_speech_has_no_baseline() -> None:
    """Six utterances and thirty seconds are needed."""
    assert baseline_of(results([CALM] * 5)) is None
    assert baseline_of([result(n, CALM, speech_s=MIN_BASELINE_S / 8) for n in range(7)]) is None
    assert baseline_of(results([CALM] * 8)) is not None


def call_of(places: Sequence[tuple[float, float] | None], **more: object) -> Call:
    """A call with an agent of whom only the activity is known."""
    customer = results(places)
    values: dict[str, object] = {
        "file": "=calls/a\x1b[31m.wav",
        "model": "ear",
        "model_sha256": "0" * 12,
        "roles": "1=agent:activity,2=customer:analyze",
        "duration_s": 5.0 * len(places) + 15.0,
        "sample_rate": 8000,
        "n_channels": 2,
        "sides": (
            Side(name="agent", level=Hearing.ACTIVITY, channel=0, spans=((0.0, 2.0),)),
            Side(
                name="customer",
                level=Hearing.ANALYZE,
                channel=1,
                spans=tuple((r.start_s + 0.2, r.end_s - 0.5) for r in customer),
                results=tuple(customer),
            ),
        ),
    }
    return Call(**{**values, **more})  # type: ignore[arg-type]


def test_a_call_worth_hearing_is_told_with_its_moment_and_never_for_the_agent() -> None:
    """Unrecovered first; what the agent did is no reason."""
    upset = Findings(call_of([CALM] * 9 + [UPSET] * 3))
    calmed = Findings(call_of([CALM] * 5 + [UPSET] * 3 + [CALM] * 4))
    plain = Findings(call_of([CALM] * 8))
    assert worth_hearing(upset)[0][0] < worth_hearing(calmed)[0][0]
    assert worth_hearing(upset)[0][2] == "customer sounds upset from 00:45, and not calmer later"
    assert worth_hearing(calmed)[0][2] == "customer sounds upset from 00:25, calmer from 00:40"
    assert worth_hearing(plain) == []
    for findings in (upset, calmed):
        assert not any("agent" in sentence for _, _, sentence in worth_hearing(findings))


def test_a_page_is_safe_and_fits_and_shows_the_escalation() -> None:
    """No control character, 80 columns, ASCII where nothing else can be shown."""
    page = page_of(Findings(call_of([CALM] * 5 + [UPSET] * 3 + [CALM] * 4)))
    assert max(map(len, page.splitlines())) <= 80
    assert "\x1b" not in page
    assert "escalation 00:25-00:40: 3 utterances, 12 s of speech" in page
    assert "recovery 00:40-01:00" in page
    assert "trained on acted speech" in page
    assert page_of(Findings(call_of([CALM] * 8)), ascii_only=True).isascii()


def test_numbers_of_an_unknown_side_are_not_made_up() -> None:
    """With a skipped side silence, overlap and reply gaps are undefined, and it is said."""
    call = call_of([CALM] * 8, skipped=("agent",))
    call = Call(**{**vars(call), "sides": call.sides[1:]})
    record = json_record(Findings(call))
    for name in ("silence_share", "overlap_share", "reply_gap_s", "long_silences"):
        assert record[name] is None
    assert any("agent was skipped" in note for note in record["notes"])  # type: ignore[attr-defined]
    assert csv_records(Findings(call))[0]["silence_share"] is None
    assert "silence" not in page_of(Findings(call))


def test_forms_hold_no_nan_and_say_who_was_not_analyzed() -> None:
    """JSON is JSON, CSV has its columns, nothing but times stands for the agent."""
    findings = Findings(call_of([CALM, None, UPSET], has_legal_ground=True))
    record = json_record(findings)
    json.dumps(record, allow_nan=False)
    agent, customer = record["sides"]  # type: ignore[misc]
    assert "voice" not in agent
    assert customer["baseline"] is None
    assert record["legal_ground"] is True
    for row in csv_records(findings):
        assert set(row) <= set(CSV_FIELDS)
    first, second = csv_records(findings)
    assert "valence" not in first
    assert second["n_escalations"] is None  # nobody looked, so there is no 0
    text = json.dumps(aws_record(findings), allow_nan=False)
    assert "Sentiment" not in text
    assert "ValenceScore" in text


def test_the_voice_is_told_against_its_own_call() -> None:
    """Louder by six decibels where upset, weighted with speech; faster by syllables."""
    calm = [result(n, CALM, rate=4.0) for n in range(6)]
    upset = [result(n, UPSET, rate=6.0) for n in range(6, 8)]
    call = call_of([CALM] * 8)
    customer = Side(**{**vars(call.sides[1]), "results": (*calm, *upset)})
    findings = Findings(
        Call(**{**vars(call), "sides": (call.sides[0], customer), "duration_s": 40.0})
    )
    last = findings.quarters[-1].voices["customer"]
    assert last.louder_db == pytest.approx(6.0 - 1.5)
    assert last.faster_per_s == pytest.approx(2.0 - 0.5)
    assert math.isnan(Findings(call_of([None])).quarters[0].voices["customer"].valence)


def test_a_page_of_html_holds_both_lanes_and_fetches_nothing() -> None:
    """Names from outside are harmless, the agent has times alone, nothing is loaded."""
    call = call_of([CALM] * 5 + [UPSET] * 3 + [CALM] * 4)
    customer = Side(**{**vars(call.sides[1]), "name": "<script>x</script>"})
    sides = (call.sides[0], customer)
    page = html_of(Findings(Call(**{**vars(call), "file": "<b>&.wav", "sides": sides})))
    assert "<script>x" not in page
    assert "<b>&.wav" not in page
    assert "&lt;b&gt;&amp;.wav" in page
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert page.count('class="talk"') == 1 + len(customer.spans)
    assert page.count('class="upset"') == 1
    assert page.count('class="better"') == 1
    assert "trained on acted speech" in page


def test_a_page_of_html_of_a_call_without_speech_is_whole() -> None:
    """No utterance, no baseline, nothing undefined drawn."""
    page = html_of(Findings(call_of([])))
    assert "was judged to know what is usual" in page
    assert page.rstrip().endswith("</html>")
