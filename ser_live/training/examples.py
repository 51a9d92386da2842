"""Training examples: recordings passed through the live path, cached on disk."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import ser_live
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.datasets.recording import Recording, content_hash
from ser_live.emotions import EMOTIONS
from ser_live.events import Kind, StreamId, Utterance, Verdict
from ser_live.features import FEATURE_SET_VERSION
from ser_live.inputs import InputLayout, InputMaker, embedding_and_level
from ser_live.sources import read_recording
from ser_live.stream.segmenting import SegmentingStage
from ser_live.training.augmentation import PLAIN, vary
from ser_live.vad import is_confirming

if TYPE_CHECKING:
    from ser_live.encoder import SpeechEncoder

_LIVE_PATH = (
    "audio.py",
    "segmenter.py",
    "vad.py",
    "silero.py",
    "shouting.py",
    "voicing.py",
    "features",
    "inputs.py",
    "sources/decoding.py",
    "sources/recording.py",
)
"""Modules that decide what an example looks like; a change of what any of them does empties
the cache. Of the pipeline only the segmenting stage counts; settings are keys of their own."""
_VARIATION = ("training/augmentation.py", "training/acoustics.py", "training/noises.py")
"""The same for recordings that were varied."""
_ENCODER = ("encoder.py",)
"""The same for embeddings."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of a training table; all arrays have one entry a row.

    One row is one utterance, or the beginning of one as a partial result sees it.
    """

    X: NDArray[np.float32]
    """Input vectors (``ser_live.inputs``), shape (n_rows, n_inputs), NaN where undefined."""
    y: NDArray[np.int64]
    """Index into ``EMOTIONS``."""
    speakers: NDArray[np.str_]
    clips: NDArray[np.int64]
    """Index of the recording."""
    variants: NDArray[np.str_]
    """How the recording was varied, see ``augmentation.VARIANTS``."""
    is_final: NDArray[np.bool_]
    """Whole utterances; the others are beginnings."""
    speech_s: NDArray[np.float64]
    """Speech heard, in seconds."""
    corpora: NDArray[np.str_]
    """Short name of the corpus."""
    intensity: NDArray[np.str_]
    """``normal`` or ``strong``, empty where the corpus does not say."""

    def __len__(self) -> int:
        return len(self.y)

    def where(self, mask: NDArray[np.bool_]) -> Examples:
        """The rows chosen by `mask`."""
        return Examples(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})


def make_examples(
    recordings: Sequence[Recording],
    variants: Sequence[str] = (PLAIN,),
    *,
    settings: Settings | None = None,
    encoder: Path | None = None,
    n_jobs: int = 1,
    cache_dir: Path | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Examples:
    """Examples of recordings in all variants, in the order of both.

    Parameters
    ----------
    recordings : sequence of Recording
    variants : sequence of str
    settings : Settings or None
        Voice activity and segmenting; None for the defaults.
    encoder : Path or None
        Graph of the learned encoder; None: hand-made features alone.
    n_jobs : int
        Processes.
    cache_dir : Path or None
        Where results are kept; None keeps none. Entries are found by the content of
        the recording, the variant, the settings, the feature-set version and the
        code of the live path, never by name or date.
    on_progress : callable
        Called after each recording and variant.

    Raises
    ------
    AudioFileError
        A recording cannot be read.
    """
    from joblib import Memory, Parallel, delayed

    settings = settings or Settings()
    # A closure cannot be cached; what decides the result goes in as arguments.
    memory = Memory(cache_dir, verbose=0)
    hand_made = memory.cache(_rows_of, ignore=["path", "settings"])
    learned = memory.cache(_embeddings_of, ignore=["path", "settings", "encoder"])
    key = (
        f"{FEATURE_SET_VERSION} {code_hash()} {settings.vad} {settings.segmenter} "
        f"{is_confirming(settings.vad)}"
    )
    keys = {
        variant: key if variant == PLAIN else f"{key} {code_hash(_VARIATION)}"
        for variant in variants
    }
    encoder_key = "" if encoder is None else f"{content_hash(encoder)} {code_hash(_ENCODER)}"
    tasks = [(index, variant) for variant in variants for index in range(len(recordings))]
    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_both)(
            hand_made,
            learned,
            (content_hash(recordings[index].path), variant, keys[variant]),
            (recordings[index].path, settings),
            encoder,
            encoder_key,
        )
        for index, variant in tasks
    )
    columns: dict[str, list[Any]] = {f.name: [] for f in fields(Examples)}
    for (index, variant), rows in zip(tasks, results, strict=True):
        on_progress()
        recording = recordings[index]
        for x, is_final, speech_s in rows:
            columns["X"].append(x.astype(np.float32))
            columns["y"].append(EMOTIONS.index(recording.emotion))
            columns["speakers"].append(recording.speaker)
            columns["clips"].append(index)
            columns["variants"].append(variant)
            columns["is_final"].append(is_final)
            columns["speech_s"].append(speech_s)
            columns["corpora"].append(recording.corpus)
            columns["intensity"].append(recording.intensity)
    layout = InputLayout.of(None if encoder is None else _encoder(encoder))
    return Examples(
        X=np.array(columns["X"], dtype=np.float32).reshape(-1, layout.n_inputs),
        y=np.array(columns["y"], dtype=np.int64),
        speakers=np.array(columns["speakers"], dtype=np.str_),
        clips=np.array(columns["clips"], dtype=np.int64),
        variants=np.array(columns["variants"], dtype=np.str_),
        is_final=np.array(columns["is_final"], dtype=np.bool_),
        speech_s=np.array(columns["speech_s"], dtype=np.float64),
        corpora=np.array(columns["corpora"], dtype=np.str_),
        intensity=np.array(columns["intensity"], dtype=np.str_),
    )


Row = tuple[NDArray[np.float64], bool, float]


def utterances_of(samples: NDArray[np.float32], settings: Settings) -> Iterator[Utterance]:
    """What the segmenter accepts of a recording: utterances and their beginnings.

    Parameters
    ----------
    samples : float32 array, shape (n,)
        Mono, 16 kHz; heard as a stream of its own.
    settings : Settings
    """
    stage = SegmentingStage(
        settings,
        stream=StreamId(number=1, source="recording"),
        sample_rate=SAMPLE_RATE_HZ,
        n_channels=1,
    )
    for event in [*stage.push(samples[:, None]), *stage.flush()]:
        if isinstance(event, Utterance) and event.state is Verdict.OK:
            yield event


def rows_of_samples(
    samples: NDArray[np.float32], settings: Settings, encoder: SpeechEncoder | None = None
) -> list[Row]:
    """Input vector, finality and speech seconds of every utterance and its beginnings."""
    inputs = InputMaker(encoder)
    return [
        (inputs.of(utterance), utterance.kind is Kind.FINAL, utterance.speech_s)
        for utterance in utterances_of(samples, settings)
    ]


def _both(
    hand_made: Any,
    learned: Any,
    identity: tuple[str, str, str],
    source: tuple[Path, Settings],
    encoder: Path | None,
    encoder_key: str,
) -> list[Row]:
    """Rows of one recording and variant, both halves from their own cache."""
    rows: list[Row] = hand_made(*identity, *source)
    if encoder is None:
        return rows
    embeddings = learned(*identity, encoder_key, *source, encoder)
    return [
        (np.concatenate([x, embedding]), is_final, speech_s)
        for (x, is_final, speech_s), embedding in zip(rows, embeddings, strict=True)
    ]


def _rows_of(content: str, variant: str, key: str, path: Path, settings: Settings) -> list[Row]:
    """Cached by `content`, `variant` and `key`, which say everything that counts."""
    return rows_of_samples(vary(read_recording(path), variant, content), settings)


def _embeddings_of(
    content: str,
    variant: str,
    key: str,
    encoder_key: str,
    path: Path,
    settings: Settings,
    encoder: Path,
) -> list[NDArray[np.float32]]:
    """Embedding and level of the same utterances, cached likewise and by the encoder."""
    samples = vary(read_recording(path), variant, content)
    return [
        embedding_and_level(utterance.samples, _encoder(encoder)).astype(np.float32)
        for utterance in utterances_of(samples, settings)
    ]


@cache
def _encoder(path: Path) -> SpeechEncoder:
    """One encoder a process."""
    from ser_live.encoder import SpeechEncoder

    return SpeechEncoder(path)


@cache
def code_hash(names: Sequence[str] = _LIVE_PATH) -> str:
    """Hash of what the code does that decides what an example looks like.

    Comments, documentation and layout do not count.
    """
    package = Path(ser_live.__file__).parent
    sources = [inspect.getsource(SegmentingStage)]
    for name in names:
        entry = package / name
        paths = sorted(entry.rglob("*.py")) if entry.is_dir() else [entry]
        sources += [path.read_text(encoding="utf-8") for path in paths]
    digest = hashlib.sha256()
    for source in sources:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def _is_text(node: ast.AST) -> bool:
    """A string that stands alone: documentation."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
