"""Recordings in folders, one after the other or side by side, without threads or display."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ser_live.config import RejectSettings, Settings
from ser_live.emotions import EMOTIONS, Emotion, State
from ser_live.errors import SerLiveError, UsageError
from ser_live.events import EmotionResult, StreamEnded, seconds
from ser_live.model import EmotionModel
from ser_live.pipeline import analyze_source
from ser_live.sources import AUDIO_SUFFIXES, FileSource

T = TypeVar("T")


def find_audio_files(paths: Sequence[Path]) -> list[Path]:
    """Audio files named or lying anywhere below the folders named, sorted per folder.

    Raises
    ------
    UsageError
        When a folder holds no audio file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
        if not inside:
            raise UsageError(
                f"Found no audio file below {path}: "
                f"name a folder with {', '.join(sorted(AUDIO_SUFFIXES))} files."
            )
        found.extend(inside)
    return found


@dataclass(frozen=True)
class FileAnalysis:
    """What was found in one file, or why nothing could be."""

    file: str
    results: list[EmotionResult] = field(default_factory=list)
    """Final results in order."""
    duration_s: float = 0.0
    error: str | None = None
    """One sentence where the file could not be analyzed."""

    def as_record(self, settings: RejectSettings) -> dict[str, Any]:
        """One row for the whole file.

        The probabilities are the mean over its classified utterances, weighted by
        their speech time; ``emotion`` is empty where that mean is too uncertain.
        """
        classified = [r for r in self.results if r.probabilities is not None]
        weights = [r.speech_s for r in classified]
        probabilities: dict[str, float] | None = None
        emotion: Emotion | None = None
        confidence: float | None = None
        state = self.results[0].state if self.results else State.NO_SPEECH
        if classified:
            mean = np.average([r.probabilities for r in classified], axis=0, weights=weights)
            best = int(np.argmax(mean))
            confidence = round(float(mean[best]), 4)
            sure = mean[best] >= settings.min_confidence
            emotion = EMOTIONS[best] if sure else None
            state = State.OK if sure else State.UNCERTAIN
            probabilities = {
                e.value: round(float(p), 4) for e, p in zip(EMOTIONS, mean, strict=True)
            }
        return {
            "type": "file",
            "file": self.file,
            "emotion": None if emotion is None else emotion.value,
            "state": state.value,
            "confidence": confidence,
            "probabilities": probabilities,
            "duration_s": round(self.duration_s, 3),
            "speech_s": round(sum(r.speech_s for r in self.results), 3),
            "n_utterances": len(self.results),
        }


def analyze_file(
    path: Path, model: EmotionModel, settings: Settings, channel: int | None
) -> FileAnalysis:
    """Analyze one file; errors become part of the result."""
    results: list[EmotionResult] = []
    duration_s = 0.0
    try:
        source = FileSource(path, speed=0)
        for event in analyze_source(source, model, settings, channel=channel):
            if isinstance(event, EmotionResult):
                results.append(event)
            elif isinstance(event, StreamEnded):
                duration_s = seconds(event.n_samples)
    except SerLiveError as error:
        return FileAnalysis(str(path), results, duration_s, str(error))
    return FileAnalysis(str(path), results, duration_s)


def map_files(work: Callable[[Path], T], paths: Sequence[Path], n_jobs: int) -> Iterator[T]:
    """Results of `work` in the order of `paths`, from `n_jobs` processes."""
    if n_jobs == 1:
        yield from map(work, paths)
        return
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=n_jobs, return_as="generator")(delayed(work)(p) for p in paths)
