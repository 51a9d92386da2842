"""Notices about the signal of a stream: which, where, and the same whatever the blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from channel_signals import RATE, syllables
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_live.config import Settings, VadSettings
from ser_live.events import Cause, StreamId, StreamNotice
from ser_live.mixing import Finding
from ser_live.sources import Lost, SignalNotice
from ser_live.stream.segmented import Segmented
from ser_live.stream.segmenting import SegmentingStage
from ser_live.stream.signal_notices import SignalNotices

FILE = StreamId(number=1, source="x.wav", file="x.wav")
MICROPHONE = StreamId(number=1, source="microphone")


def stage(stream: StreamId = FILE, rate: int = RATE, n_channels: int = 2) -> SegmentingStage:
    without_network = Settings(vad=VadSettings(confirm="off"))
    return SegmentingStage(without_network, stream=stream, sample_rate=rate, n_channels=n_channels)


def told(events: list[Segmented]) -> list[str]:
    return [event.message for event in events if isinstance(event, StreamNotice)]


@settings(max_examples=10, deadline=None)
@given(size=st.integers(300, 30_000), rate=st.sampled_from([16_000, 44_100]))
def test_notices_stand_at_their_place_whatever_the_blocks(size: int, rate: int) -> None:
    """Opposite polarity is told at the same sample, between the same events, also after a gap."""
    voice = syllables(2.0, rate)
    signal = np.stack([voice, -voice], axis=1)

    def hear(n: int) -> list[object]:
        one = stage(rate=rate)
        events = [*one.start(), *one.push(Lost(rate // 2, Cause.DEVICE))]
        for at in range(0, len(signal), n):
            events += one.push(signal[at : at + n])
        events += one.close()
        return [
            (event.sample, event.message) if isinstance(event, StreamNotice) else type(event)
            for event in events
        ]

    whole = hear(len(signal))
    assert hear(size) == whole
    (sample, _message) = next(event for event in whole if isinstance(event, tuple))
    assert RATE // 2 < sample < 2 * RATE


def test_samples_far_beyond_full_scale_are_told_once() -> None:
    """Numbers that come as they are from 16 bits are told where the first of them is."""
    one = stage(MICROPHONE, n_channels=1)
    block = np.full((4800, 1), 0.5, np.float32)
    block[1000] = -3000
    events = [*one.push(block), *one.push(block), *one.close()]
    (notice,) = [event for event in events if isinstance(event, StreamNotice)]
    assert notice.sample == 1001
    assert "divide 16-bit numbers by 32768" in notice.message


def test_the_notice_of_a_source_is_passed_on() -> None:
    """A source that has something to say is heard."""
    assert told(stage().push(SignalNotice(message="it was stored as it should not be."))) == [
        "it was stored as it should not be."
    ]


@pytest.mark.parametrize(
    ("stream", "gain", "said"),
    [
        (FILE, 10 ** (-58 / 20), "no speech found; the loudest sample is at -58 dBFS: amplify"),
        (FILE, 0.5, "no speech found; the loudest sample is at -6 dBFS."),
        (FILE, 0.0, "no speech found; there are only zeros."),
        (
            StreamId(number=1, source="x", file="x", channel=1),
            0.5,
            "no speech found in channel 2; the loudest sample is at -6 dBFS.",
        ),
        (MICROPHONE, 0.5, ""),
    ],
)
def test_a_recording_without_speech_tells_its_peak(
    stream: StreamId, gain: float, said: str
) -> None:
    """Where nothing was found the loudest sample is told; of a microphone nothing is."""
    one = stage(stream)
    click = np.zeros((RATE, 2), np.float32)
    click[5000] = (gain, -gain)
    messages = told([*one.push(click), *one.close()])
    assert messages[0].startswith(said) if said else messages == []


def test_a_very_quiet_recording_is_told() -> None:
    """Speech that is found, but 40 dB too low, is worth a word; at a usual level it is not."""
    notices = SignalNotices(FILE, RATE)
    assert notices.at_end(RATE, 0.2, n_utterances=2) == []
    (notice,) = notices.at_end(RATE, 0.002, n_utterances=2)
    assert notice.message == (
        "too quiet to judge much of it; the loudest sample is at -54 dBFS: amplify the recording "
        "by about 48 dB."
    )
    assert notices.at_end(0, 0.0, n_utterances=0) == []


def test_notices_wait_for_the_clock() -> None:
    """A notice is given once its sample was passed, with what was lost before counted."""
    notices = SignalNotices(FILE, 8_000)
    notices.add([Finding(800, "one."), Finding(1600, "two.")], n_lost=100)
    assert notices.due(1799) == []
    assert [notice.sample for notice in notices.due(1800)] == [1800]
    assert [notice.message for notice in notices.due(math.inf)] == ["two."]
