"""Silero's speech detector: a small recurrent network, one probability per 30 ms frame.

It hears windows of 576 samples: 512 new ones after 64 of context. Here the windows
end where the frames of this program end, so each brings 480 new samples after 96 of
context, and a decision never waits for sound beyond its frame. The probabilities change far
less by that than decisions depend on (``docs/adr/0002-finding-speech.md``). Of a window it makes
four spectra; the pieces under them are cut here, for all frames at once, so that the graph
begins with a product of matrices.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.arrays import Float32
from ser_live.bundled import bundled_models
from ser_live.config import FRAME_S, FRAME_SAMPLES
from ser_live.errors import ModelError
from ser_live.onnx_graph import load_graph

SILERO_FILE = "silero-vad/silero_vad_16k_products.onnx"
"""Path of the graph in the folder of bundled models."""

SILERO_SHA256 = "5467fcc9db1f49c570b078b154664d55d7a17ad23776a965c954004cce6bc646"
"""Hash of the graph that ``scripts/arrange_silero.py`` makes of that in silero-vad 6.2.3."""

MAX_BYTES = 8 << 20
"""Largest graph that is read."""

WINDOW_SAMPLES = 576
_CONTEXT = WINDOW_SAMPLES - FRAME_SAMPLES
_N_PIECES = 4
_PIECE_SAMPLES = 256
_PIECE_HOP = 128
_MIRRORED = 64
"""Samples at the end of a window that its last piece hears again, mirrored."""
_STATE_SHAPE = (1, 1, 128)


class SileroVad:
    """Speech probabilities of the frames of one stream, in order.

    The state runs from frame to frame; the network behind it is shared in the process.

    Parameters
    ----------
    path : Path, optional
        The graph; by default the one that comes with the program.

    Raises
    ------
    ModelError
        onnxruntime is missing, or the graph is missing or altered.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._session = _session(path or bundled_graph())
        self.reset()

    def reset(self) -> None:
        """Start again as if nothing had been heard."""
        self._h = np.zeros(_STATE_SHAPE, np.float32)
        self._c = np.zeros(_STATE_SHAPE, np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def probabilities(self, samples: Float32) -> Float32:
        """Probabilities of the next whole frames.

        Parameters
        ----------
        samples : ndarray of float32, shape (480 n,)
            Nominal range [-1, 1].

        Returns
        -------
        ndarray of float32, shape (n,)
            Probability of speech in each frame, 0 to 1.
        """
        heard = np.concatenate((self._context, samples))
        feeds = {"pieces": pieces_of(heard), "h": self._h, "c": self._c}
        probabilities, self._h, self._c = self._session.run(None, feeds)
        self._context = heard[-_CONTEXT:]
        return np.asarray(probabilities, dtype=np.float32)


def pieces_of(heard: Float32) -> Float32:
    """Pieces of the windows of whole frames, four a frame.

    Parameters
    ----------
    heard : ndarray of float32, shape (96 + 480 n,)
        The frames after their context.

    Returns
    -------
    ndarray of float32, shape (4 n, 256)
    """
    windows = np.lib.stride_tricks.sliding_window_view(heard, WINDOW_SAMPLES)[::FRAME_SAMPLES]
    pieces = np.empty((len(windows), _N_PIECES, _PIECE_SAMPLES), np.float32)
    for index in range(_N_PIECES - 1):
        begin = index * _PIECE_HOP
        pieces[:, index] = windows[:, begin : begin + _PIECE_SAMPLES]
    pieces[:, -1, :-_MIRRORED] = windows[:, (_N_PIECES - 1) * _PIECE_HOP :]
    pieces[:, -1, -_MIRRORED:] = windows[:, -2 : -2 - _MIRRORED : -1]
    return pieces.reshape(-1, _PIECE_SAMPLES)


class Confirmer:
    """The network, run only when something could be speech.

    A loud frame wakes it for `AWAKE_S`. It then hears the last `LOOK_BACK_S` from a fresh
    start, and again every second while it hears no speech: long noise would make it deaf to
    faint voices.
    """

    AWAKE_S = 1.0
    LOOK_BACK_S = 2.0
    RESTART_S = 1.0
    HEARD = 0.15
    """Least probability at which something was heard."""

    def __init__(self) -> None:
        self._network = SileroVad()
        self._n_look_back = round(self.LOOK_BACK_S / FRAME_S)
        self._n_restart = round(self.RESTART_S / FRAME_S)
        self._recent: deque[Float32] = deque(maxlen=self._n_look_back)
        self._n_awake = 0
        self._n_unheard = 0
        """Frames since something was heard; a fresh start lowers it."""

    def process(self, frame: Float32, is_loud: bool) -> float:
        """Probability of speech in the next frame; 0 while asleep."""
        return self.process_all(frame[np.newaxis], [is_loud])[0]

    def process_all(self, frames: Float32, are_loud: Sequence[bool]) -> list[float]:
        """Probabilities of speech in the next frames; 0 while asleep.

        Parameters
        ----------
        frames : ndarray of float32, shape (n, 480)
        are_loud : sequence of bool
            Which of them could be speech.
        """
        probabilities = [0.0] * len(frames)
        starts = [self._wake(is_loud) for is_loud in are_loud]
        at = 0
        while at < len(frames):
            if starts[at] is None:
                self._recent.append(frames[at].copy())
                at += 1
                continue
            # What is not heard begins anew only after so many frames more: these go together.
            is_anew = starts[at] or self._n_unheard == self._n_look_back
            n_unheard = self._n_look_back - self._n_restart if is_anew else self._n_unheard
            end = at + 1
            most = min(len(frames), at + self._n_look_back - n_unheard)
            while end < most and starts[end] is False:
                end += 1
            probabilities[at:end] = self._hear(frames[at:end], is_anew)
            at = end
        return probabilities

    def _wake(self, is_loud: bool) -> bool | None:
        """Whether a frame wakes the network; ``None`` where it sleeps."""
        if not is_loud and self._n_awake == 0:
            return None
        is_waking = self._n_awake == 0
        if is_loud:
            self._n_awake = round(self.AWAKE_S / FRAME_S)
        self._n_awake -= 1
        return is_waking

    def _hear(self, frames: Float32, is_anew: bool) -> list[float]:
        """Probabilities of speech in frames that the network hears in one go."""
        before = [*self._recent][-(self._n_look_back - 1) :] if is_anew else []
        if is_anew:
            self._network.reset()
            self._n_unheard = self._n_look_back - self._n_restart
        found = self._network.probabilities(np.concatenate([*before, frames.reshape(-1)]))
        self._recent.extend(frames.copy())
        probabilities: list[float] = found[len(before) :].tolist()
        for probability in probabilities:
            self._n_unheard = 0 if probability >= self.HEARD else self._n_unheard + 1
        return probabilities


def is_runnable() -> bool:
    """Whether onnxruntime is installed; does not import it."""
    try:
        return find_spec("onnxruntime") is not None
    except (ValueError, ImportError):  # blocked by None in sys.modules, or by a hook
        return False


def bundled_graph() -> Path:
    """Path of the graph that comes with the program."""
    return bundled_models() / SILERO_FILE


def read_graph(path: Path) -> bytes:
    """Bytes of the graph; raises ``ModelError`` unless they are the known ones."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"the speech detector {path} cannot be read ({error.strerror}): install ser-live "
            "again, or do without it by --vad-confirm off."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != SILERO_SHA256:
        raise ModelError(
            f"the speech detector {path} has SHA-256 {found[:12]}…, but {SILERO_SHA256[:12]}… is "
            "needed: the file was altered or cut off, install ser-live again."
        )
    return content


@lru_cache(maxsize=1)
def _session(path: Path) -> Any:
    """The loaded network; its ``run`` keeps no state and may be called from any thread."""
    return load_graph(
        read_graph(path),
        "the network that confirms speech",
        "do without the network by --vad-confirm off",
    )
