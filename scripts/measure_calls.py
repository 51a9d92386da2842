"""Measure how well the sides of a call are told apart, on calls made of RAVDESS speakers.

    SER_DATA=DIR python scripts/measure_calls.py [--pairs 6]

Each call has turns, interruptions and backchannels at known times; both voices leak into the
other's channel. Printed are, for each leak and line, how far starts and ends are off, how many
turns were missed, how many utterances of the customer are the agent's, and how many
interruptions were found. The page ``docs/calls.md`` quotes what it prints.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from made_calls import AGENT, CUSTOMER, RATE, MadeCall, Turn, as_telephone, made_call, trimmed

from ser_live.calls.call import Call
from ser_live.calls.hearing import hear_call
from ser_live.calls.measures import Span, clipped, measure
from ser_live.config import Settings
from ser_live.model.emotion_model import EmotionModel
from ser_live.stream.roles import parse_roles

LEAKS_DB = (None, -12.0, -16.0, -20.0, -30.0, -40.0)
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


def heard(made: MadeCall, line: str, model: EmotionModel, *, is_swapped: bool) -> Call:
    """Hear a call through a line."""
    samples = made.samples[:, ::-1] if is_swapped else made.samples
    rate = RATE
    if line != "16 kHz":
        samples, rate = as_telephone(samples, line)
    roles = (
        "left=customer,right=agent:activity"
        if is_swapped
        else ("left=agent:activity,right=customer")
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.wav"
        soundfile.write(path, samples, rate, subtype="PCM_16")
        return hear_call(path, parse_roles(roles), model=model, settings=Settings())


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
    n_pairs = parser.parse_args().pairs
    data = Path(os.environ["SER_DATA"])
    model = EmotionModel.load("classic")
    print("line    leak  off by (median, 95 %)  > .3 s  missed  agent's/customer's  interruptions")
    for line in LINES:
        for leak_db in LEAKS_DB:
            off: list[float] = []
            n_missed = n_turns = n_false = n_utterances = n_true_cuts = n_cuts = 0
            for pair in range(n_pairs):
                clips = voices(data, 2 * pair + 1, 2 * pair + 2)
                made = made_call(scene(clips, pair), leak_db=leak_db, voices=clips)
                call = heard(made, line, model, is_swapped=pair % 2 == 1)
                sides = {side.name: side for side in call.sides}
                for who, name in ((AGENT, "agent"), (CUSTOMER, "customer")):
                    for error in errors(made.spans[who], list(sides[name].spans)):
                        n_turns += 1
                        n_missed += error is None
                        off += () if error is None else error
                for result in sides["customer"].results:
                    span = (result.start_s, result.end_s)
                    n_utterances += 1
                    n_false += share(span, made.spans[CUSTOMER]) < 0.2
                names = {"agent": made.spans[AGENT], "customer": made.spans[CUSTOMER]}
                n_true_cuts += len(measure(names).interruptions)
                n_cuts += len(call.measures.interruptions)
            size = np.abs(off)
            print(
                f"{line:7} {leak_db if leak_db is not None else '-':>5} {np.median(size):10.2f} s"
                f" {np.percentile(size, 95):7.2f} s {np.mean(size > 0.3):7.1%}"
                f" {n_missed:5}/{n_turns} {n_false:9}/{n_utterances} {n_cuts:10}/{n_true_cuts}",
                flush=True,
            )


if __name__ == "__main__":
    main()
