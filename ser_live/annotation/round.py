"""A round of labelling: utterances in an order, answers, and steps back."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from ser_live.annotation.kept_audio import KeptAudio
from ser_live.events import EmotionResult, Kind, SessionStarted
from ser_live.records.corrections import (
    Correction,
    UtteranceKey,
    add_correction,
    read_corrections,
)
from ser_live.records.session_log import read_log

_SEED = 20


class Order(str, Enum):
    """Order in which utterances are heard."""

    UNCERTAIN = "uncertain"
    """Least certain first: where a label of one's own tells most."""
    RANDOM = "random"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Item:
    """An utterance that can be heard."""

    result: EmotionResult
    recording: Path

    @property
    def key(self) -> UtteranceKey:
        """Numbers of its stream and itself."""
        return self.result.stream.number, self.result.id

    @property
    def most_probable(self) -> str:
        """The label that the model finds most probable, named or not."""
        assert self.result.probabilities is not None  # noqa: S101  others are left out
        return max(zip(self.result.probabilities, self.result.labels, strict=True))[1]

    @property
    def probability(self) -> float:
        """Probability of that label."""
        assert self.result.probabilities is not None  # noqa: S101  others are left out
        return max(self.result.probabilities)


class Round:
    """Labels of one person for one session, each stored as it is given.

    Parameters
    ----------
    log : Path
        The session's log, which is not changed.
    by : str
        The person.
    order : Order
        Order of the utterances.
    again : bool
        Hear those too that this person has labelled before.
    on_cut : callable, optional
        See `read_log`.

    Raises
    ------
    LogError
        The log or the labels beside it cannot be read.
    """

    def __init__(
        self,
        log: Path,
        *,
        by: str,
        order: Order = Order.UNCERTAIN,
        again: bool = False,
        on_cut: Callable[[str], None] | None = None,
    ) -> None:
        self.log = log
        self.by = by
        self.labels: tuple[str, ...] = ()
        """Labels to choose from: the model's."""
        self.n_unjudged = 0
        """Utterances that the model said nothing about, such as too short ones."""
        self.n_unheard = 0
        """Utterances whose audio was not kept, or cannot be told from another's."""
        self.has_folder = False
        """Whether the session kept audio at all."""
        corrections = read_corrections(log)
        self.n_passed_over = corrections.n_passed_over
        self.given: dict[UtteranceKey, str] = dict(corrections.by_person.get(by, {}))
        """Labels that hold, those of earlier rounds included."""
        self.every = self._heard(log, on_cut)
        """Utterances that can be heard, in order of time."""
        left = [item for item in self.every if again or item.key not in self.given]
        self.items = _ordered(left, order)
        """Utterances of this round."""
        self.place = 0
        """Number of the utterance that is asked about."""

    def _heard(self, log: Path, on_cut: Callable[[str], None] | None) -> list[Item]:
        kept = KeptAudio(log)
        self.has_folder = kept.folder is not None
        found = []
        for entry in read_log(log, on_cut=on_cut):
            if isinstance(entry, SessionStarted):
                self.labels = entry.labels
            if not isinstance(entry, EmotionResult) or entry.kind is not Kind.FINAL:
                continue
            if entry.probabilities is None:
                self.n_unjudged += 1
                continue
            recording = kept.of(entry)
            if recording is None:
                self.n_unheard += 1
            else:
                found.append(Item(entry, recording))
        return found

    @property
    def current(self) -> Item | None:
        """The utterance that is asked about; ``None`` after the last."""
        return self.items[self.place] if self.place < len(self.items) else None

    def answer(self, label: str) -> None:
        """Store a label for the current utterance, and go on to the next.

        Raises
        ------
        LogError
            It cannot be written; the round stays where it is.
        """
        item = self.current
        assert item is not None  # noqa: S101  nobody is asked after the last
        self._store(item, label)
        self.given[item.key] = label
        self.place += 1

    def skip(self) -> None:
        """Go on without a label; one that was given in this place before is taken back."""
        item = self.current
        assert item is not None  # noqa: S101  nobody is asked after the last
        if item.key in self.given:
            self._store(item, None)
            del self.given[item.key]
        self.place += 1

    def undo(self) -> bool:
        """Go back to the utterance before; False where there is none."""
        if self.place == 0:
            return False
        self.place -= 1
        return True

    def pairs(self) -> list[tuple[str, str]]:
        """The person's labels with the most probable ones, for all that were labelled so far."""
        return [
            (self.given[item.key], item.most_probable)
            for item in self.every
            if item.key in self.given
        ]

    def _store(self, item: Item, label: str | None) -> None:
        stream, number = item.key
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        add_correction(
            self.log, Correction(stream=stream, id=number, emotion=label, by=self.by, at=at)
        )


def _ordered(items: Sequence[Item], order: Order) -> list[Item]:
    found = list(items)
    if order is Order.UNCERTAIN:
        found.sort(key=lambda item: item.probability)
    elif order is Order.RANDOM:
        random.Random(_SEED).shuffle(found)  # noqa: S311  an order, not a secret
    return found
