"""Labels of a person's own from many sessions, each beside the answer of one model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ser_live.annotation.kept_audio import KeptAudio
from ser_live.arrays import Float64, Int64
from ser_live.config import BALANCED, EVERYDAY
from ser_live.errors import ModelError, UsageError
from ser_live.events import EmotionResult, Kind, SessionStarted
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.inputs import whole_input
from ser_live.records.corrections import UtteranceKey, corrections_file, read_corrections
from ser_live.records.log_entries import LogContinued
from ser_live.records.session_list import logged_sessions
from ser_live.records.session_log import read_log
from ser_live.speaker.memory import SpeakerMemory

MIN_CORRECTIONS, MIN_SESSIONS = 30, 3
"""Fewest labels, and sessions with any, that a model is adapted to."""

_MIN_HASH = 12
"""Characters of a hash that are enough to know a model by."""

_OTHER_PRIOR = "of sessions under another prior"
_NO_AUDIO = "of another model's sessions, without audio of their own to hear again"
_OTHER_LABEL = "with a label that the model does not have"
_NOT_JUDGED = "of utterances that the log does not judge"


@dataclass(frozen=True, slots=True)
class Collected:
    """Labels of one person with the answers of one model to the same utterances."""

    by: str
    labels: tuple[str, ...]
    """Those of the model."""
    prior: str
    """Prior that the answers were given under."""
    probabilities: Float64
    """Answers, shape (n, n_labels)."""
    y: Int64
    """Place of the person's label among those of the model, shape (n,)."""
    sessions: Int64
    """Number of the session of each, shape (n,)."""
    n_heard_again: int
    """Answers that were made again from kept audio, since another model judged the session."""
    left_out: dict[str, int]
    """Number of labels not among them, by reason."""
    n_passed_over: int
    """Lines beside the logs that hold no label."""

    @property
    def n_sessions(self) -> int:
        """Number of sessions with a label."""
        return len(np.unique(self.sessions))

    def __str__(self) -> str:
        counts = Counter(self.labels[place] for place in self.y)
        said = f"{len(self.y)} corrections in {self.n_sessions} sessions"
        if counts:
            said += ": " + ", ".join(f"{n} {label}" for label, n in counts.most_common())
        if self.left_out:
            said += "; left out: " + ", ".join(f"{n} {why}" for why, n in self.left_out.items())
        return said


@dataclass
class _Found:
    """Yield of one log."""

    log: Path
    before: Path | None
    """Log that it goes on from, where a disk was full."""
    prior: str
    answers: list[tuple[Float64, str]] = field(default_factory=list)
    n_heard_again: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def logs_with_corrections() -> list[Path]:
    """Session logs on this machine beside which somebody gave labels, newest first."""
    return [log for log in logged_sessions() if corrections_file(log).exists()]


def collect(
    logs: Sequence[Path],
    model: EmotionModel,
    *,
    by: str | None = None,
    weights_sha256: str | None = None,
    on_cut: Callable[[str], None] | None = None,
    on_log: Callable[[], None] = lambda: None,
) -> Collected:
    """Labels beside session logs, with the answers of a model.

    Where the model itself judged the session, its logged answers are taken. Where another did,
    the kept audio is judged again, utterance after utterance as in the session.

    Parameters
    ----------
    logs : sequence of Path
    model : EmotionModel
    by : str, optional
        The person; the only one by default.
    weights_sha256 : str, optional
        Hash by which logs name the model; that of its card by default.
    on_cut : callable, optional
        See `read_log`.
    on_log : callable
        Called after each log.

    Raises
    ------
    UsageError
        Nobody gave labels, or several did and none is named.
    LogError
        A log or the labels beside it cannot be read.
    """
    sha256 = model.card.weights_sha256 if weights_sha256 is None else weights_sha256
    beside = {log: read_corrections(log) for log in dict.fromkeys(logs)}
    person = _person(by, Counter(one.by for found in beside.values() for one in found.given))
    every = []
    for log, corrections in beside.items():
        given = corrections.by_person.get(person, {})
        if given:
            every.append(_answered(log, dict(given), model, sha256, on_cut))
        on_log()
    priors = Counter[str]()
    for found in every:
        priors[found.prior] += len(found.answers)
    prior = max(priors, key=lambda name: priors[name]) if priors else EVERYDAY
    left_out: Counter[str] = Counter()
    taken = []
    for found in every:
        left_out.update(found.left_out)
        if found.prior == prior:
            taken.append(found)
        else:
            left_out[_OTHER_PRIOR] += len(found.answers)
    labels = model.card.labels
    before = {found.log: found.before for found in every}
    roots = {found.log: _first(found.log, before) for found in taken if found.answers}
    places = {root: place for place, root in enumerate(sorted(set(roots.values())))}
    rows = [(answer, places[roots[f.log]]) for f in taken for answer in f.answers]
    return Collected(
        by=person,
        labels=labels,
        prior=prior,
        probabilities=np.array([p for (p, _), _ in rows]).reshape(len(rows), len(labels)),
        y=np.array([labels.index(label) for (_, label), _ in rows], dtype=np.int64),
        sessions=np.array([place for _, place in rows], dtype=np.int64),
        n_heard_again=sum(found.n_heard_again for found in taken),
        left_out={why: n for why, n in left_out.items() if n},
        n_passed_over=sum(found.n_passed_over for found in beside.values()),
    )


def check_enough(found: Collected) -> None:
    """Refuse too few labels, or labels of too few sessions.

    Raises
    ------
    UsageError
        It says what is missing.
    """
    n, n_sessions = len(found.y), found.n_sessions
    missing = [
        f"{short} more {what}{'s' * (short > 1)}"
        for short, what in (
            (MIN_CORRECTIONS - n, "correction"),
            (MIN_SESSIONS - n_sessions, "session"),
        )
        if short > 0
    ]
    if missing:
        left = ", ".join(f"{count} {why}" for why, count in found.left_out.items())
        raise UsageError(
            f"Found {n} correction{'s' * (n != 1)} in {n_sessions} session"
            f"{'s' * (n_sessions != 1)}{f' (left out: {left})' if left else ''}, but at least "
            f"{MIN_CORRECTIONS} in {MIN_SESSIONS} sessions are needed, so {' and '.join(missing)}: "
            "give labels with `ser-live annotate`."
        )


def _person(by: str | None, counts: Counter[str]) -> str:
    """The person whose labels are meant."""
    people = ", ".join(f"{name} ({n})" for name, n in counts.most_common())
    if by is not None and by not in counts:
        raise UsageError(
            f"Found no corrections of '{by}', and some are needed; there are some of: "
            f"{people or 'nobody'}."
        )
    if by is None and len(counts) > 1:
        raise UsageError(
            f"Found corrections of several people, {people}, but a model is adapted to one: name "
            "them with --by."
        )
    if not counts:
        raise UsageError(
            f"Found 0 corrections in 0 sessions, but at least {MIN_CORRECTIONS} in "
            f"{MIN_SESSIONS} sessions are needed: record with --save-audio, then give labels with "
            "`ser-live annotate`."
        )
    return by if by is not None else next(iter(counts))


def _first(log: Path, before: Mapping[Path, Path | None]) -> Path:
    """The log in which the session of a log began, as far as it is known."""
    seen = {log}
    while (earlier := before.get(log)) is not None and earlier not in seen:
        log = earlier
        seen.add(log)
    return log


def _answered(
    log: Path,
    given: dict[UtteranceKey, str],
    model: EmotionModel,
    sha256: str,
    on_cut: Callable[[str], None] | None,
) -> _Found:
    """The labels of one log that can be learned from, with the model's answers."""
    found = _Found(log.resolve(), None, EVERYDAY)
    again: _HeardAgain | None = None
    for entry in read_log(log, on_cut=on_cut):
        if isinstance(entry, LogContinued):
            found.before = Path(entry.path)
        if isinstance(entry, SessionStarted):
            found.prior = str(entry.settings.get("prior", BALANCED))
            if not _is_same(entry.model_sha256, sha256) or entry.labels != model.card.labels:
                again = _HeardAgain(log, model, entry)
        if not isinstance(entry, EmotionResult) or entry.kind is not Kind.FINAL:
            continue
        if entry.probabilities is None:
            continue
        answer = None
        if again is not None:  # the unlabelled ones too: the voice is learned from all
            answer = again.judged(entry)
        label = given.pop((entry.stream.number, entry.id), None)
        if label is None:
            continue
        if label not in model.card.labels:
            found.left_out[_OTHER_LABEL] += 1
        elif again is None:
            found.answers.append((np.array(entry.probabilities), label))
        elif answer is None:
            found.left_out[_NO_AUDIO] += 1
        else:
            found.answers.append((answer, label))
            found.n_heard_again += 1
    found.left_out[_NOT_JUDGED] += len(given)
    return found


def _is_same(logged: str, sha256: str) -> bool:
    """Whether a log names these weights; older logs kept the beginning of a hash."""
    return len(logged) >= _MIN_HASH and sha256.startswith(logged)


class _HeardAgain:
    """The utterances of a session, judged by another model than judged them then."""

    def __init__(self, log: Path, model: EmotionModel, began: SessionStarted) -> None:
        self._kept = KeptAudio(log)
        self._model = model
        self._adapts = began.settings.get("adapt") is not False
        self._prior = str(began.settings.get("prior", BALANCED))
        self._speakers: dict[int, SpeakerMemory] = {}

    def judged(self, result: EmotionResult) -> Float64 | None:
        """The model's answer; ``None`` without audio."""
        import soundfile

        path = self._kept.of(result)
        if path is None:
            return None
        try:
            samples, _ = soundfile.read(str(path), dtype="float32")
        except (OSError, soundfile.SoundFileError):
            return None
        x = whole_input(samples, self._model.encoder)
        memory = self._speakers.setdefault(
            result.stream.number, SpeakerMemory(self._model, adapt=self._adapts)
        )
        answer = self._model.predict_proba(x, memory.shift, self._model.shares(self._prior))
        memory.learn(x, answer)
        return answer


def unadapted(model: EmotionModel) -> tuple[EmotionModel, str]:
    """A model without corrections it was adapted to, and the hash of those weights.

    Raises
    ------
    ModelError
        Its card does not say what it was adapted from.
    """
    if model.fitted.correction is None:
        return model, model.card.weights_sha256
    before = model.card.raw.get("adapted_from", {})
    if not isinstance(before, dict) or not isinstance(before.get("weights_sha256"), str):
        raise ModelError(
            f"model {model.card.id} was adapted to corrections, but its card does not say from "
            "what: adapt the model that it was made of."
        )
    plain = EmotionModel(model.card, replace(model.fitted, correction=None), model.encoder)
    return plain, before["weights_sha256"]
