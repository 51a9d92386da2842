"""Sessions with one speaker, heard in order: what is gained by learning the voice while listening.

The model is not given the speaker: the speaker's difference is learned from the utterances
before, unlabelled, with the model's own probabilities, as the live path does it. A session
starts from nothing. Kinds of sessions:

- ``balanced``: every clip of the speaker once, in random order.
- ``mostly neutral``: four of five utterances are neutral.
- ``after anger``: twenty angry utterances in a row, then a balanced session.
- ``enrolled``: a balanced session of someone who read one statement neutrally beforehand; it is
  learned from as ``ser-live enroll`` does, by the model's own probabilities.

No clip is scored that was heard before in its session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Bool, Int64
from ser_live.datasets.ravdess import is_ravdess_name, parse_name
from ser_live.datasets.recording import Recording
from ser_live.emotions import EMOTIONS, LABELS, Emotion

N_SEEDS = 10
"""Random orders of every session."""
NEUTRAL_SHARE = 0.8
N_MOSTLY_NEUTRAL = 60
"""Utterances of a mostly neutral session."""
N_ANGRY = 20
"""Angry utterances in a row before the session that is scored."""

_NEUTRAL = EMOTIONS.index(Emotion.NEUTRAL)
_ANGRY = EMOTIONS.index(Emotion.ANGRY)


@dataclass(frozen=True, eq=False)
class Session:
    """One speaker's clips in the order they are heard."""

    seed: int
    clips: Int64
    """Index of the recording; a clip may come again."""
    is_scored: Bool
    """Shape of `clips`; never true for a clip that came before."""
    enrolled: tuple[int, ...] = ()
    """Clips read neutrally beforehand."""


@dataclass(frozen=True, eq=False)
class Speaker:
    """The clips of one speaker."""

    clips: Int64
    labels: Int64
    """Index into ``EMOTIONS``."""
    statements: Int64
    """1 or 2, 0 where unknown."""

    @classmethod
    def of(cls, clips: Int64, recordings: Sequence[Recording]) -> Speaker:
        """The speaker of these clips."""
        return cls(
            clips,
            np.array([LABELS.index(recordings[clip].label) for clip in clips]),
            np.array([_statement(recordings[clip]) for clip in clips]),
        )


Maker = Callable[[Speaker, int, np.random.Generator], Iterator[Session]]


def balanced(speaker: Speaker, seed: int, rng: np.random.Generator) -> Iterator[Session]:
    """Every clip once, in random order."""
    clips = rng.permutation(speaker.clips)
    yield Session(seed, clips, np.ones(len(clips), dtype=bool))


def mostly_neutral(speaker: Speaker, seed: int, rng: np.random.Generator) -> Iterator[Session]:
    """Sessions of 60 utterances, 80 % neutral; together they score every emotional clip once.

    The neutral utterances come from few clips, again and again, and are not scored; one more
    neutral clip, heard once, is.
    """
    neutral = rng.permutation(speaker.clips[speaker.labels == _NEUTRAL])
    others = rng.permutation(speaker.clips[speaker.labels != _NEUTRAL])
    n_neutral = round(NEUTRAL_SHARE * N_MOSTLY_NEUTRAL)
    size = N_MOSTLY_NEUTRAL - n_neutral
    if len(neutral) == 0:
        return
    for number, start in enumerate(range(0, len(others), size)):
        scored = others[start : start + size]
        filler = neutral
        if len(neutral) > 1:
            judged = neutral[number % len(neutral)]
            filler, scored = neutral[neutral != judged], np.append(scored, judged)
        clips = np.concatenate([rng.choice(filler, n_neutral), scored])
        is_scored = np.arange(len(clips)) >= n_neutral
        order = rng.permutation(len(clips))
        yield Session(seed, clips[order], is_scored[order])


def after_anger(speaker: Speaker, seed: int, rng: np.random.Generator) -> Iterator[Session]:
    """Twenty angry utterances, then the rest in random order.

    The twenty are half of the angry clips, again and again; the other half is scored with
    the rest.
    """
    angry = rng.permutation(speaker.clips[speaker.labels == _ANGRY])
    if len(angry) == 0:
        return
    heard = angry[: (len(angry) + 1) // 2]
    rest = rng.permutation(speaker.clips[~np.isin(speaker.clips, heard)])
    clips = np.concatenate([rng.choice(heard, N_ANGRY), rest])
    yield Session(seed, clips, np.arange(len(clips)) >= N_ANGRY)


def enrolled(speaker: Speaker, seed: int, rng: np.random.Generator) -> Iterator[Session]:
    """The neutral clips of one statement first, the others scored; statements take turns."""
    statements = np.unique(speaker.statements)
    statement = statements[seed % len(statements)]
    is_read = (speaker.labels == _NEUTRAL) & (speaker.statements == statement)
    if not is_read.any():
        return
    clips = rng.permutation(speaker.clips[~is_read])
    yield Session(
        seed, clips, np.ones(len(clips), dtype=bool), tuple(speaker.clips[is_read].tolist())
    )


MAKERS: Mapping[str, Maker] = {
    "balanced": balanced,
    "mostly_neutral": mostly_neutral,
    "after_anger": after_anger,
    "enrolled": enrolled,
}


def _statement(recording: Recording) -> int:
    name = recording.path.name
    return parse_name(name).statement if is_ravdess_name(name) else 0
