"""Numbers of a call from who spoke when, beside call-ai-metrics on the same segments."""

from __future__ import annotations

import random

import pytest

from ser_live.calls.measures import clipped, measure, merged

NAMES = ("agent", "customer")


def made_segments(seed: int) -> list[tuple[float, float, str]]:
    """Segments of both in any order: short, long, touching, equal, overlapping."""
    rng = random.Random(seed)
    rows = []
    for _ in range(rng.randint(0, 40)):
        start = rng.choice([rng.uniform(0, 60), round(rng.uniform(0, 60) * 4) / 4])
        length = rng.choice([rng.uniform(0, 0.6), rng.uniform(0, 8), 0.5, 0.25])
        rows.append((start, start + length, rng.choice(NAMES)))
    return rows


def test_numbers_are_those_of_the_peer_on_the_same_segments() -> None:
    """Identical, not close: talk, shares, turns, interruptions, backchannels, gaps, silence."""
    pytest.importorskip("call_ai_metrics", reason="the peer is not installed")
    from call_ai_metrics._metrics import measure as peer_measure
    from call_ai_metrics._segments import build_timeline

    n_interruptions = 0
    for seed in range(300):
        rows = made_segments(seed)
        timeline = build_timeline(rows, list(NAMES))
        peer = peer_measure(timeline, grace_s=0.5, max_turn_pause_s=3.0)
        own = measure({name: [(s, e) for s, e, who in rows if who == name] for name in NAMES})
        for name in NAMES:
            theirs, ours = peer.parties[name], own.shares[name]
            assert (
                theirs.talk_time,
                theirs.talk_share,
                theirs.turns,
                theirs.longest_turn,
                theirs.interruptions,
                theirs.interrupted,
                theirs.backchannels,
                theirs.latency,
                theirs.replies,
            ) == (
                ours.talk_s,
                ours.talk_share,
                ours.n_turns,
                ours.longest_turn_s,
                ours.n_interruptions,
                ours.n_interrupted,
                ours.n_backchannels,
                ours.reply_gap_s,
                ours.n_replies,
            ), (seed, name)
        assert (peer.silence, peer.silence_share, peer.overlap, peer.overlap_share) == (
            own.silence_s,
            own.silence_share,
            own.overlap_s,
            own.overlap_share,
        ), seed
        assert peer.latency == own.reply_gap_s
        assert [(i.time, i.by, i.of, i.overlap) for i in peer.interruptions] == [
            (i.start_s, i.by, i.of, i.overlap_s) for i in own.interruptions
        ]
        n_interruptions += len(own.interruptions)
    assert n_interruptions > 200


def test_a_short_sound_within_is_a_backchannel_and_a_long_one_interrupts() -> None:
    """Half a second is the grace: up to it nothing is interrupted."""
    spans = {"agent": [(0.0, 10.0)], "customer": [(2.0, 2.5), (5.0, 5.6)]}
    measures = measure(spans)
    assert measures.shares["customer"].n_backchannels == 1
    (interruption,) = measures.interruptions
    assert (interruption.by, interruption.of, interruption.start_s) == ("customer", "agent", 5.0)
    assert measures.overlap_s == pytest.approx(1.1)


def test_silence_counts_between_first_and_last_speech() -> None:
    """Ringing before and the rest after do not count; long stretches are listed."""
    measures = measure({"agent": [(5.0, 6.0), (18.0, 20.0)], "customer": [(7.0, 8.0)]})
    assert measures.silences == ((6.0, 7.0), (8.0, 18.0))
    assert measures.long_silences == ((8.0, 18.0),)
    assert measures.longest_silence == (8.0, 18.0)
    assert measures.silence_share == pytest.approx(11 / 15)


def test_nobody_speaking_has_numbers_too() -> None:
    """All zero, and no gap."""
    measures = measure({"agent": [], "customer": [(3.0, 3.0)]})
    assert measures.shares["customer"].talk_s == 0.0
    assert measures.reply_gap_s is None
    assert measures.longest_silence is None


def test_stretches_are_merged_and_clipped() -> None:
    """What overlaps counts once; what lies outside not at all."""
    assert merged([(3.0, 4.0), (0.0, 2.0), (1.0, 3.0), (5.0, 5.0)]) == ((0.0, 4.0),)
    assert clipped([(0.0, 4.0), (6.0, 7.0)], 3.0, 6.0) == ((3.0, 4.0),)
