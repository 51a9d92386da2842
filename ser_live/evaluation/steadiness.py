"""Steadiness of the label that is shown while somebody speaks, on voices the model never heard.

Recordings are heard as live streams, partial results included. What is shown is compared with
what the same probabilities show without a memory: the most probable label where it is probable
enough. A step leads from one partial result of an utterance to its next; the final result,
which may always differ, is not part of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.arrays import Float64, Int64
from ser_live.config import Settings
from ser_live.datasets import emotale
from ser_live.datasets.conversations import find_conversations
from ser_live.datasets.indexed import find_recordings
from ser_live.emotions import EMOTIONS
from ser_live.evaluation.judge import rounded, rounded_pair
from ser_live.evaluation.metrics import bootstrap_rows_interval
from ser_live.events import EmotionResult, Kind, Verdict
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import read_recording
from ser_live.stream.analyzer import Analyzer
from ser_live.stream.steady import sure_label

CONVERSATION = "conversation"
"""Folder of meetings."""

REFUSALS = frozenset(map(str, Verdict)) - {str(Verdict.OK), str(Verdict.UNCERTAIN)}
"""States of results that were refused before any label was weighed."""


@dataclass(frozen=True)
class Talk:
    """A recording, and who is heard in it."""

    path: Path
    speaker: str


@dataclass(frozen=True)
class Shown:
    """Labels shown during one utterance."""

    speaker: str
    speech_s: tuple[float, ...]
    """Speech heard at each partial result and at the final one, in seconds."""
    labels: tuple[str, ...]
    """Emotion or state of each."""

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Labels before and after, from each partial result to the next."""
        return list(pairwise(self.labels[:-1]))

    @property
    def judged_steps(self) -> list[tuple[str, str]]:
        """The steps between two results of which neither was refused as ``not speech`` or so."""
        return [step for step in self.steps if not REFUSALS & set(step)]

    @property
    def n_as_final(self) -> int:
        """Partial results that showed the label of the final one."""
        return self.labels[:-1].count(self.labels[-1])

    @property
    def delay_s(self) -> float:
        """Speech from the first partial result until the final's label is shown for good."""
        place = len(self.labels) - 1
        while place > 0 and self.labels[place - 1] == self.labels[-1]:
            place -= 1
        return self.speech_s[place] - self.speech_s[0]


def talk_in(data: Path) -> dict[str, list[Talk]]:
    """Talk by the name of its folder, as far as `data` holds it; a meeting counts as a speaker.

    Nothing was trained or set on these recordings.
    """
    talk = {}
    if (data / emotale.CORPUS).is_dir():
        found = find_recordings(data / emotale.CORPUS, emotale.DECLARATION)
        talk[emotale.CORPUS] = [Talk(one.path, one.speaker) for one in found.recordings]
    if (data / CONVERSATION).is_dir():
        meetings = find_conversations(data / CONVERSATION)
        talk[CONVERSATION] = [Talk(one.path, one.name) for one in meetings]
    return talk


def steadiness_section(
    model: EmotionModel,
    talk: Mapping[str, Sequence[Talk]],
    settings: Settings | None = None,
    *,
    n_jobs: int = 1,
) -> dict[str, Any]:
    """Steadiness of what is shown, without a memory and with one, ready for JSON.

    Parameters
    ----------
    model : EmotionModel
    talk : mapping of a name to recordings
        A set that the model's card names as training data is left out.
    settings : Settings or None
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``sets`` by name: ``n_speakers``, ``n_utterances`` with a partial result, ``n_steps``;
        ``before`` and ``after``, each by measure with ``value`` and ``interval`` (95 %,
        speakers drawn with replacement).
    """
    from joblib import Parallel, delayed

    settings = settings or Settings()
    known = {corpus["name"] for corpus in model.card.raw.get("data", {}).get("corpora", ())}
    sets = {}
    for name, recordings in talk.items():
        if name in known:
            continue
        heard = Parallel(n_jobs=n_jobs)(
            delayed(shown_in)(recording, model, settings) for recording in recordings
        )
        sets[name] = compared([pair for pairs in heard for pair in pairs])
    return {"sets": sets}


def compared(pairs: Sequence[tuple[Shown, Shown]]) -> dict[str, Any]:
    """Measures of utterances, each as it was shown before and after."""
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return {
        "n_speakers": len({shown.speaker for shown in after}),
        "n_utterances": len(after),
        "n_steps": sum(len(shown.steps) for shown in after),
        "before": _measures(before),
        "after": _measures(after),
    }


def n_changes(steps: Sequence[tuple[str, str]]) -> int:
    """Count the steps at which the label changed."""
    return sum(before != after for before, after in steps)


Share = Callable[[Shown], tuple[float, float]]
"""Addition of an utterance to both sides of a fraction."""

MEASURES: Mapping[str, Share] = {
    "changes_per_step": lambda s: (n_changes(s.steps), len(s.steps)),
    "changes_per_judged_step": lambda s: (n_changes(s.judged_steps), len(s.judged_steps)),
    "changes_per_utterance": lambda s: (n_changes(s.steps), len(s.steps) > 0),
    "utterances_changed": lambda s: (n_changes(s.steps) > 0, len(s.steps) > 0),
    "partials_as_final": lambda s: (s.n_as_final, len(s.labels) - 1),
    "final_unseen": lambda s: (s.n_as_final == 0, 1),
    "delay_s": lambda s: (s.delay_s, 1),
}
"""Fractions of sums over utterances; those of changes leave out utterances without a step."""


def _measures(shown: Sequence[Shown]) -> dict[str, Any]:
    speakers = np.array([one.speaker for one in shown], dtype=np.str_)
    found = {}
    for name, share in MEASURES.items():
        sides = np.array([share(one) for one in shown], dtype=np.float64).reshape(-1, 2)

        def of(rows: Int64, sides: Float64 = sides) -> float:
            above, below = sides[rows].sum(axis=0)
            return float(above / below) if below else float("nan")

        found[name] = {
            "value": rounded(of(np.arange(len(shown)))),
            "interval": rounded_pair(bootstrap_rows_interval(of, speakers)),
        }
    return found


def shown_in(talk: Talk, model: EmotionModel, settings: Settings) -> list[tuple[Shown, Shown]]:
    """Labels shown without a memory and with one, of each utterance with a partial result."""
    analyzer = Analyzer(model=model, settings=settings)
    events = [*analyzer.push(read_recording(talk.path)), *analyzer.close()]
    results = [event for event in events if isinstance(event, EmotionResult)]
    _, min_confidence = model.thresholds(settings.reject)
    pairs = []
    for _, group in groupby(results, key=lambda result: result.id):
        *partials, final = group
        if partials and final.kind is Kind.FINAL:
            heard = [*partials, final]
            speech_s = tuple(result.speech_s for result in heard)
            raw = tuple(_without_memory(result, min_confidence) for result in heard)
            steady = tuple(str(result.emotion or result.state) for result in heard)
            pairs.append(
                (Shown(talk.speaker, speech_s, raw), Shown(talk.speaker, speech_s, steady))
            )
    return pairs


def _without_memory(result: EmotionResult, min_confidence: float) -> str:
    if result.probabilities is None:
        return str(result.state)
    label = sure_label(result.probabilities, min_confidence)
    return str(Verdict.UNCERTAIN if label is None else EMOTIONS[label])
