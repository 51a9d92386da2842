"""Calls of known turns heard end to end: times, roles, leaks, what is skipped, telephones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_calls import (
    AGENT,
    CUSTOMER,
    RATE,
    MadeCall,
    Turn,
    alternating,
    as_telephone,
    clips,
    made_call,
)

from ser_live.calls.call import Call
from ser_live.calls.findings import Findings
from ser_live.calls.forms import json_record
from ser_live.calls.hearing import hear_call
from ser_live.calls.measures import Span, clipped
from ser_live.calls.speakers import read_speakers
from ser_live.config import Settings
from ser_live.errors import LogError, UsageError
from ser_live.model.emotion_model import EmotionModel
from ser_live.stream.roles import parse_roles

ROLES = "left=agent:activity,right=customer"


@pytest.fixture(scope="module")
def model() -> EmotionModel:
    """The quick one of the bundled models."""
    return EmotionModel.load("classic")


def heard(
    folder: Path,
    samples: np.ndarray,
    model: EmotionModel,
    roles: str = ROLES,
    rate: int = RATE,
    subtype: str = "PCM_16",
) -> Call:
    """A call heard from a file."""
    path = folder / "call.wav"
    soundfile.write(path, samples, rate, subtype=subtype)
    return hear_call(path, parse_roles(roles), model=model, settings=Settings())


def sides(call: Call) -> dict[str, list[Span]]:
    """Stretches of speech by role."""
    assert call.error is None
    return {side.name: list(side.spans) for side in call.sides}


def assert_times(found: list[Span], truth: list[Span]) -> None:
    """Every true turn begins and ends within .3 s of what was found, and nothing else was."""
    for start, end in truth:
        own = clipped(found, start - 0.3, end + 0.3)
        assert own, (start, found)
        assert abs(own[0][0] - start) <= 0.3, (start, own)
        assert abs(own[-1][1] - end) <= 0.3, (end, own)
    for start, end in found:
        inside = sum(e - s for s, e in clipped(truth, start, end))
        assert inside >= 0.8 * (end - start), (start, end)


def assert_customer_alone(call: Call, made: MadeCall) -> None:
    """Every utterance that was judged lies in the customer's own speech."""
    (customer,) = call.analyzed
    assert customer.results
    for result in customer.results:
        inside = clipped(made.spans[CUSTOMER], result.start_s, result.end_s)
        assert sum(e - s for s, e in inside) > 0.5 * (result.end_s - result.start_s)


@pytest.mark.parametrize("leak_db", [None, -12.0, -20.0, -40.0])
def test_times_are_right_and_roles_never_mixed(
    leak_db: float | None, tmp_path: Path, model: EmotionModel
) -> None:
    """Also where each voice leaks into the other's channel."""
    made = made_call(alternating(8), leak_db=leak_db)
    call = heard(tmp_path, made.samples, model)
    found = sides(call)
    assert_times(found["agent"], made.spans[AGENT])
    assert_times(found["customer"], made.spans[CUSTOMER])
    assert_customer_alone(call, made)
    assert call.measures.overlap_s < 0.2


def test_swapped_channels_with_swapped_roles_give_the_same(
    tmp_path: Path, model: EmotionModel
) -> None:
    """Which side is which hangs on the roles alone."""
    made = made_call(alternating(4), leak_db=-20.0)
    call = heard(tmp_path, made.samples, model)
    swapped = heard(tmp_path, made.samples[:, ::-1], model, "right=agent:activity,left=customer")
    assert sides(call) == sides(swapped)
    assert [r.probabilities for r in call.analyzed[0].results] == [
        r.probabilities for r in swapped.analyzed[0].results
    ]


@pytest.mark.parametrize("codec", ["ULAW", "GSM610"])
def test_telephones_are_heard(codec: str, tmp_path: Path, model: EmotionModel) -> None:
    """8 kHz and their codings."""
    made = made_call(alternating(4), leak_db=-20.0)
    samples, rate = as_telephone(made.samples, codec)
    call = heard(tmp_path, samples, model, rate=rate)
    found = sides(call)
    assert_times(found["agent"], made.spans[AGENT])
    assert_times(found["customer"], made.spans[CUSTOMER])
    assert_customer_alone(call, made)


@pytest.mark.parametrize("leak_db", [None, -25.0])
def test_interruptions_and_backchannels_are_counted_apart(
    leak_db: float | None, tmp_path: Path, model: EmotionModel
) -> None:
    """One long start over the other is an interruption, a short sound within is none."""
    first_s = len(clips(AGENT)[0]) / RATE
    turns = [
        Turn(AGENT, 1.0, 0),
        Turn(CUSTOMER, 1.0 + first_s - 1.2, 1),
        Turn(AGENT, 8.0, 2),
        Turn(CUSTOMER, 9.0, 3, 0.42),
        Turn(CUSTOMER, 13.0, 2),
    ]
    made = made_call(turns, leak_db=leak_db)
    call = heard(tmp_path, made.samples, model)
    shares = call.measures.shares
    assert (shares["customer"].n_interruptions, shares["agent"].n_interruptions) == (1, 0)
    assert shares["customer"].n_backchannels == 1
    (interruption,) = call.measures.interruptions
    assert abs(interruption.start_s - made.spans[CUSTOMER][0][0]) <= 0.3


def test_a_skipped_channel_changes_nothing_at_all(tmp_path: Path, model: EmotionModel) -> None:
    """NaN, clicks, silence or another voice in it: every byte of the result stays."""
    made = made_call(alternating(4))
    rng = np.random.default_rng(3)
    n = len(made.samples)
    clicks = np.where(rng.random(n) < 0.01, 500.0, 0.0)
    poisons = [np.zeros(n), np.full(n, np.nan), np.full(n, np.inf), clicks, made.samples[:, 1]]
    found = []
    for poison in poisons:
        samples = made.samples.copy()
        samples[:, AGENT] = poison
        call = heard(tmp_path, samples, model, "left=agent:skip,right=customer", subtype="FLOAT")
        assert call.error is None
        found.append(json_record(Findings(call)))
    assert found[0]["sides"]
    assert all(record == found[0] for record in found)


def test_the_way_in_which_an_active_channel_speaks_changes_nothing(
    tmp_path: Path, model: EmotionModel
) -> None:
    """Louder, shakier, sharper at the same times: the customer stays as judged."""
    made = made_call(alternating(4), leak_db=None)
    excited = made.samples.astype(np.float64)
    time_s = np.arange(len(excited)) / RATE
    voice = excited[:, AGENT]
    sharper = np.concatenate([voice[:1], voice[1:] - 0.5 * voice[:-1]])
    excited[:, AGENT] = 1.4 * (1.0 + 0.3 * np.sin(2 * np.pi * 5.5 * time_s)) * sharper
    calls = [heard(tmp_path, s.astype(np.float32), model) for s in (made.samples, excited)]
    before, after = (json_record(Findings(call)) for call in calls)
    agent = before["sides"][0]  # type: ignore[index]
    assert not {"voice", "baseline", "utterances", "escalations"} & set(agent)
    for name in ("spans", "voice", "baseline", "utterances", "escalations", "longest_turn_s"):
        assert before["sides"][1][name] == after["sides"][1][name]  # type: ignore[index]
    for one, other in zip(calls[0].sides[0].spans, calls[1].sides[0].spans, strict=True):
        assert np.allclose(one, other, atol=0.061)  # two frames


def test_one_sound_on_both_channels_is_refused_as_mono(tmp_path: Path, model: EmotionModel) -> None:
    """In one sentence, and nobody is judged; also with opposite polarity."""
    voice = made_call(alternating(2)).samples.sum(axis=1)
    call = heard(tmp_path, np.stack([voice, voice], axis=1), model)
    assert "carry the same sound" in (call.error or "")
    assert not call.was_heard
    turned = heard(tmp_path, np.stack([voice, -voice], axis=1), model)
    assert "opposite polarity" in (turned.error or "")


def test_one_channel_is_refused_with_the_way_out(tmp_path: Path, model: EmotionModel) -> None:
    """Speakers of a mono recording cannot be told apart."""
    voice = made_call(alternating(2)).samples.sum(axis=1)
    call = heard(tmp_path, voice, model)
    assert "cannot be told apart" in (call.error or "")
    assert "--speakers" in (call.error or "")
    assert not call.was_heard


def rttm(path: Path, made: MadeCall) -> Path:
    """The truth of a call as a diarizer writes it."""
    lines = [
        f"SPEAKER call 1 {start:.3f} {end - start:.3f} <NA> <NA> {label} <NA> <NA>"
        for label, channel in (("A", AGENT), ("B", CUSTOMER))
        for start, end in made.spans[channel]
    ]
    path.write_text("\n".join(["; made", *lines]) + "\n")
    return path


def test_a_diarizer_stands_in_for_channels(tmp_path: Path, model: EmotionModel) -> None:
    """One channel and a list of times: the times are the list's, the customer's voice alone."""
    turns = [*alternating(4), Turn(AGENT, 8.4, 4)]  # which overlaps the customer's first turn
    made = made_call(turns)
    path = tmp_path / "call.wav"
    times = read_speakers(rttm(tmp_path / "t.rttm", made), "A=agent:activity,B=customer")
    records = []
    for gain in (1.0, 0.0, 3.0):
        mono = made.samples[:, CUSTOMER].copy()
        n = round(made.spans[CUSTOMER][0][0] * RATE) - 16  # the list is in milliseconds
        mono[:n] += np.float32(gain) * made.samples[:n, AGENT]
        soundfile.write(path, mono, RATE, subtype="FLOAT")
        call = hear_call(path, None, model=model, settings=Settings(), speakers=times)
        assert call.error is None
        assert_customer_alone(call, made)
        records.append(json_record(Findings(call)))
    assert call.sides[0].spans[0] == pytest.approx(made.spans[AGENT][0], abs=0.001)
    assert records[0] == records[1] == records[2]


@pytest.mark.parametrize(
    ("text", "roles", "error", "said"),
    [
        ("", "A=agent:activity,B=customer", LogError, "no SPEAKER line"),
        ("SPEAKER call 1 x 1 <NA> <NA> A\n", "A=customer", LogError, "Line 1"),
        ("SPEAKER call 1 1\n", "A=customer", LogError, "Line 1"),
        ("SPEAKER call 1 -1 1 <NA> <NA> A\n", "A=customer", LogError, "Line 1"),
        ("SPEAKER call 1 1 1 <NA> <NA> A\n", "A=agent", UsageError, "Art. 5"),
        ("SPEAKER call 1 1 1 <NA> <NA> A\n", "A=a,A=b", UsageError, "A twice"),
    ],
)
def test_bad_lists_of_speakers_are_refused(
    text: str, roles: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    """Each in one sentence."""
    path = tmp_path / "list.rttm"
    path.write_text(text)
    with pytest.raises(error, match=said):
        read_speakers(path, roles)


def test_a_list_without_the_recording_or_the_role_is_said(
    tmp_path: Path, model: EmotionModel
) -> None:
    """It names what it has instead."""
    path = tmp_path / "list.rttm"
    path.write_text("SPEAKER one 1 1 1 <NA> <NA> A\nSPEAKER two 1 1 1 <NA> <NA> A\n")
    soundfile.write(tmp_path / "call.wav", np.zeros(RATE), RATE)
    times = read_speakers(path, "A=customer")
    call = hear_call(tmp_path / "call.wav", None, model=model, settings=Settings(), speakers=times)
    assert "lists no speakers of call (but of one, two)" in (call.error or "")
    soundfile.write(tmp_path / "one.wav", np.zeros(RATE), RATE)
    times = read_speakers(path, "B=customer")
    call = hear_call(tmp_path / "one.wav", None, model=model, settings=Settings(), speakers=times)
    assert "names B" in (call.error or "")
