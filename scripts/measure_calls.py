"""Measure how well the sides of a call are told apart, on calls made of RAVDESS speakers.

    SER_DATA=DIR python scripts/measure_calls.py [--pairs 6] [--lines "16 kHz"] [--leaks -20]

Each call has turns, interruptions and backchannels at known times; both voices leak into the
other's channel. Printed are, for each leak and line, how far starts and ends are off, how many
turns were missed, how many utterances of the customer are the agent's, and how many
interruptions were found. The page ``docs/calls.md`` quotes what it prints.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from made_calls import AGENT, CUSTOMER, RATE, MadeCall, Turn, as_telephone, made_call, trimmed  # type: ignore[import-not-found]

from ser_live.calls.measures import Span, clipped, measure
from ser_live.config import Settings
from ser_live.events import Activity, Kind, StreamId, Utterance, seconds
from ser_live.sources import ArraySource
from ser_live.stream.drive import drive
from ser_live.stream.lanes import Demixer, Lanes
from ser_live.stream.roles import parse_roles
from ser_live.stream.segmenting import SegmentingStage

LEAKS_DB = (None, -12.0, -16.0, -20.0, -30.0, -40.0)
ROLES = "left=agent:activity,right=customer"
LINES = ("16 kHz", "ULAW", "GSM610")


def voices(data: Path, first: int, second: int) -> list[list[np.ndarray]]:
    """Clips of two actors: all emotions, both sentences."""
    found = []
    for actor in (first, second):
        files = sorted(
            (data / "ravdess" / f"Actor_{actor:02d}").glob("03-01-0[1345678]-01-0?-01-*")
        )
        found.append([trimmed(soundfile.read(f, dtype="float32")[0]) for f in files])
    return found


def scene(clips: list[list[np.ndarray]], seed: int) -> list[Turn]:
    """Thirty turns; some are begun before the other ends, some have a backchannel inside."""
    rng = np.random.default_rng(seed)
    turns: list[Turn] = []
    at_s, speaker = 1.0, AGENT
    for _ in range(30):
        clip = int(rng.integers(len(clips[speaker])))
        length_s = len(clips[speaker][clip]) / RATE
        turns.append(Turn(speaker, at_s, clip))
        kind = rng.uniform()
        if kind < 0.15 and length_s > 1.2:
            other = int(rng.integers(len(clips[1 - speaker])))
            turns.append(Turn(1 - speaker, at_s + 0.4, other, 0.35))
        gap_s = -0.8 if 0.15 <= kind < 0.3 else rng.uniform(0.3, 1.5)
        at_s += max(0.5, length_s + gap_s)
        speaker = 1 - speaker
    return turns


def heard(
    made: MadeCall, line: str, *, is_swapped: bool
) -> tuple[dict[str, list[Span]], list[Span]]:
    """Stretches of speech by role, and utterances of the customer, through a line."""
    samples = made.samples[:, ::-1] if is_swapped else made.samples
    rate = RATE
    if line != "16 kHz":
        samples, rate = as_telephone(samples, line)
    text = "left=customer,right=agent:activity" if is_swapped else ROLES
    roles = parse_roles(text)
    demixer = Demixer(roles, rate, 2)
    lanes = Lanes(
        demixer,
        [
            SegmentingStage(
                Settings(),
                stream=StreamId(number=channel + 1, source="call", channel=channel, role=role.name),
                sample_rate=rate,
                n_channels=2,
                level=role.level,
                with_activity=True,
                revise=demixer.reviser(channel),
            )
            for channel, role in roles.heard
        ],
    )
    spans: dict[str, list[Span]] = {"agent": [], "customer": []}
    utterances: list[Span] = []
    for event in drive(ArraySource(samples, rate), lambda _: lanes):
        if isinstance(event, Activity):
            spans[str(event.stream.role)].append((event.start_s, event.end_s))
        elif isinstance(event, Utterance) and event.kind is Kind.FINAL:
            utterances.append((seconds(event.start_sample), seconds(event.end_sample)))
    return spans, utterances


def share(span: Span, spans: list[Span]) -> float:
    """Share of a stretch that lies in others."""
    inside = sum(end - start for start, end in clipped(spans, *span))
    return inside / (span[1] - span[0])


def errors(truth: list[Span], found: list[Span]) -> Iterator[tuple[float, float] | None]:
    """Errors at start and end of each true stretch longer than a second; ``None`` if missed."""
    for start, end in truth:
        if end - start < 1.0:
            continue
        own = [s for s in found if s[1] > start + 0.2 and s[0] < end - 0.2]
        yield (own[0][0] - start, own[-1][1] - end) if own else None


def main() -> None:
    """Measure and print one line for each leak and line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--lines", nargs="+", default=LINES, choices=LINES)
    parser.add_argument("--leaks", nargs="+", type=float, help="dB; without it none to -40")
    asked = parser.parse_args()
    n_pairs = asked.pairs
    data = Path(os.environ["SER_DATA"])
    print("line    leak  off by (median, 95 %)  > .3 s  missed  agent's/customer's  interruptions")
    for line in asked.lines:
        for leak_db in asked.leaks or LEAKS_DB:
            off: list[float] = []
            n_missed = n_turns = n_false = n_utterances = n_true_cuts = n_cuts = 0
            for pair in range(n_pairs):
                clips = voices(data, 2 * pair + 1, 2 * pair + 2)
                made = made_call(scene(clips, pair), leak_db=leak_db, voices=clips)
                spans, utterances = heard(made, line, is_swapped=pair % 2 == 1)
                for who, name in ((AGENT, "agent"), (CUSTOMER, "customer")):
                    for error in errors(made.spans[who], spans[name]):
                        n_turns += 1
                        n_missed += error is None
                        off += () if error is None else error
                for span in utterances:
                    n_utterances += 1
                    n_false += share(span, made.spans[CUSTOMER]) < 0.2
                names = {"agent": made.spans[AGENT], "customer": made.spans[CUSTOMER]}
                n_true_cuts += len(measure(names).interruptions)
                n_cuts += len(measure(spans).interruptions)
            size = np.abs(off)
            print(
                f"{line:7} {leak_db if leak_db is not None else '-':>5} {np.median(size):10.2f} s"
                f" {np.percentile(size, 95):7.2f} s {np.mean(size > 0.3):7.1%}"
                f" {n_missed:5}/{n_turns} {n_false:9}/{n_utterances} {n_cuts:10}/{n_true_cuts}",
                flush=True,
            )


if __name__ == "__main__":
    main()
