"""A recording heard as a call: each side by itself, on one clock."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ser_live.batch.recording import BLOCK_S, play
from ser_live.calls.call import Call, Side
from ser_live.calls.speakers import SpeakerTimes, play_speakers
from ser_live.config import Settings
from ser_live.errors import InvalidAudioError, SerLiveError, UsageError
from ser_live.events import (
    Activity,
    EmotionResult,
    StreamEnded,
    StreamEvent,
    StreamNotice,
    StreamStarted,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import FileSource
from ser_live.stream.lanes import Demixer
from ser_live.stream.roles import Roles


def hear_call(
    path: str | os.PathLike[str],
    roles: Roles | None,
    *,
    model: EmotionModel,
    settings: Settings,
    track: int | None = None,
    speakers: SpeakerTimes | None = None,
) -> Call:
    """Hear a call as far as it can be read; an error becomes a part of it.

    Parameters
    ----------
    path : str or path
    roles : Roles or None
        Who speaks on each channel; ``None`` with `speakers`.
    model : EmotionModel
    settings : Settings
    track : int or None
        Audio track to hear, counted from 1.
    speakers : SpeakerTimes or None
        Who speaks when, where one channel carries all of them.
    """
    heard = _Heard()
    source = FileSource(path, speed=0, block_s=BLOCK_S, track=track, roles=roles)
    failure: SerLiveError | None = None
    try:
        if speakers is not None:
            times = speakers.of(Path(path))
            heard.sides = [Side(name=s.name, level=s.level, spans=s.spans) for s in times.heard]
            heard.take_all(play_speakers(source, times, model=model, settings=settings))
        elif roles is not None:
            heard.sides = [
                Side(name=role.name, level=role.level, channel=channel)
                for channel, role in roles.heard
            ]
            heard.take_all(
                play(
                    source,
                    roles,
                    model=model,
                    settings=settings,
                    speaker=None,
                    with_partials=False,
                    on_demixer=heard.demixers.append,
                )
            )
            if same := heard.sameness(source.name):
                raise InvalidAudioError(same)
            if source.n_channels == 1:
                heard.notes.append(
                    "it has one channel, where speakers cannot be told apart: everybody in it is "
                    f"taken for the {heard.sides[0].name}."
                )
        else:
            raise UsageError(_no_roles(source.name))
    except SerLiveError as error:
        failure = error
    return heard.call(path, model, roles, speakers, [*heard.notes, *source.notes], failure)


def _no_roles(name: str) -> str:
    return (
        f"No role is given for {name}, but who speaks on which channel is needed: add --roles "
        "left=agent:activity,right=customer."
    )


class _Heard:
    """All that came of a call so far."""

    def __init__(self) -> None:
        self.sides: list[Side] = []
        self.demixers: list[Demixer] = []
        self.notes: list[str] = []
        self._spans: dict[str, list[tuple[float, float]]] = {}
        self._results: dict[str, list[EmotionResult]] = {}
        self._duration_s = 0.0
        self._sample_rate = self._n_channels = 0

    def take_all(self, events: Iterable[StreamEvent]) -> None:
        """Take the events of all sides in."""
        for event in events:
            name = event.stream.role or ""
            if isinstance(event, StreamStarted):
                self._sample_rate, self._n_channels = event.sample_rate, event.n_channels
            elif isinstance(event, Activity):
                self._spans.setdefault(name, []).append((event.start_s, event.end_s))
            elif isinstance(event, EmotionResult):
                self._results.setdefault(name, []).append(event)
            elif isinstance(event, StreamNotice):
                self.notes.append(f"{name}: {event.message}")
            elif isinstance(event, StreamEnded):
                self._duration_s = max(self._duration_s, event.duration_s)

    def sameness(self, name: str) -> str:
        """Sentence where two channels carry one sound; empty where none do."""
        return self.demixers[0].sameness.message(name) if self.demixers else ""

    def call(
        self,
        path: str | os.PathLike[str],
        model: EmotionModel,
        roles: Roles | None,
        speakers: SpeakerTimes | None,
        notes: Sequence[str],
        failure: SerLiveError | None,
    ) -> Call:
        """Make the call of it; one that is refused has no sides."""
        is_heard = self._sample_rate > 0 and not isinstance(failure, InvalidAudioError | UsageError)
        sides = tuple(
            Side(
                name=side.name,
                level=side.level,
                channel=side.channel,
                spans=side.spans or tuple(self._spans.get(side.name, ())),
                results=tuple(self._results.get(side.name, ())),
            )
            for side in self.sides
        )
        given = roles or speakers
        return Call(
            file=os.fspath(path),
            model=model.card.id,
            model_sha256=model.card.weights_sha256,
            sides=sides if is_heard else (),
            skipped=() if given is None else given.skipped,
            roles="" if given is None else str(given),
            has_legal_ground=given is not None and given.has_legal_ground,
            leaks_db=self._leaks_db(),
            knows_leaks=bool(self.demixers) and self.demixers[0].bleed is not None,
            duration_s=self._duration_s,
            sample_rate=self._sample_rate,
            n_channels=self._n_channels,
            notes=tuple(notes),
            error=None if failure is None else str(failure),
        )

    def _leaks_db(self) -> dict[tuple[str, str], float]:
        bleed = self.demixers[0].bleed if self.demixers else None
        if bleed is None:
            return {}
        found = {
            (voice.name, other.name): bleed.measured_db(a, b)
            for a, voice in enumerate(self.sides)
            for b, other in enumerate(self.sides)
            if a != b
        }
        return {pair: level for pair, level in found.items() if level is not None}
