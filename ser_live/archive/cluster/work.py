"""Analysis of a recording as a worker of a cluster does it, with the model that it has itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ser_live import __version__
from ser_live.batch.files import analyze_file
from ser_live.batch.recording import Recording
from ser_live.config import Settings
from ser_live.model.emotion_model import EmotionModel
from ser_live.remote import Location
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analyzer import loaded
from ser_live.stream.roles import Roles

_LIBRARIES = ("numpy", "scipy", "onnxruntime", "soxr", "soundfile", "webrtcvad-wheels", "av")
"""Packages that the numbers in a row hang on."""


def versions() -> dict[str, str | None]:
    """Versions of all that the rows hang on; ``None`` for what is not there."""
    return {"ser-live": __version__, **{name: _version(name) for name in _LIBRARIES}}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


class UnlikeError(Exception):
    """A worker has another version or model than the program that gives it work."""


@dataclass(frozen=True, kw_only=True)
class ClusterWork:
    """All that a worker needs to know; the model it has itself, for models are large."""

    model: str | None
    """Name of a bundled model, or folder; ``None`` for the default one."""
    weights_sha256: str
    """Hash that the model must have at the worker."""
    settings: Settings
    channel: int | None
    roles: Roles | None
    profile: SpeakerProfile | None
    track: int | None
    versions: Mapping[str, str | None] = field(default_factory=versions)

    def __call__(self, path: Location) -> Recording:
        """Analyze a recording.

        Raises
        ------
        UnlikeError
            This worker's rows would not be those of the others.
        """
        return analyze_file(
            path,
            model=_model_like(self),
            settings=self.settings,
            channel=self.channel,
            roles=self.roles,
            profile=self.profile,
            track=self.track,
        )


def refusal(work: ClusterWork) -> str | None:
    """Say what makes a worker unfit for work, ``None`` where nothing does; run at the worker."""
    try:
        _model_like(work)
    except Exception as error:  # noqa: BLE001  whatever it lacks, it is named with it
        return str(error)
    return None


_lock = threading.Lock()
_loaded: dict[str, EmotionModel] = {}


def _model_like(work: ClusterWork) -> EmotionModel:
    """Give this worker's model, once it is known to give the same rows."""
    with _lock:  # threads of one worker share it
        if (model := _loaded.get(work.weights_sha256)) is not None:
            return model
        for name, theirs in versions().items():
            if theirs != (ours := work.versions.get(name)):
                raise UnlikeError(f"{name} {_said(theirs)} and not {_said(ours)}")
        # A folder begins with its root, so that it is no name of a bundled model.
        is_folder = work.model is not None and Path(work.model).is_absolute()
        model = loaded(Path(work.model) if is_folder and work.model else work.model)
        if model.card.weights_sha256 != work.weights_sha256:
            raise UnlikeError(
                f"the model {model.card.id} with the weights {model.card.weights_sha256[:12]} and "
                f"not {work.weights_sha256[:12]}"
            )
        _loaded.clear()
        _loaded[work.weights_sha256] = model
        return model


def _said(number: str | None) -> str:
    return number or "(none)"
