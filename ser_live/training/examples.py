"""Training examples: recordings passed through the live path, cached on disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_live.arrays import Bool, Float32, Float64, Int64, Str
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.datasets.recording import Recording, content_hash
from ser_live.emotions import EMOTIONS
from ser_live.events import Kind, StreamId, Utterance, Verdict
from ser_live.model.inputs import InputLayout, InputMaker
from ser_live.sources import read_recording
from ser_live.speech.detector import is_confirming
from ser_live.stream.segmenting import SegmentingStage
from ser_live.training.augmentation import PLAIN, vary
from ser_live.training.code_hash import code_hash

if TYPE_CHECKING:
    from ser_live.model.encoder import SpeechEncoder


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of a training table; all arrays have one entry a row.

    One row is one utterance, or the beginning of one as a partial result sees it.
    """

    X: Float32
    """Input vectors (``ser_live.model.inputs``), shape (n_rows, n_inputs), NaN where undefined."""
    y: Int64
    """Index into ``EMOTIONS``."""
    speakers: Str
    clips: Int64
    """Index of the recording."""
    variants: Str
    """Change made to the recording, see ``augmentation.VARIANTS``."""
    is_final: Bool
    """Whole utterances; the others are beginnings."""
    speech_s: Float64
    """Speech heard, in seconds."""
    corpora: Str
    """Short name of the corpus."""
    intensity: Str
    """``normal`` or ``strong``, empty where the corpus does not say."""

    def __len__(self) -> int:
        return len(self.y)

    def where(self, mask: Bool) -> Examples:
        """The rows chosen by `mask`."""
        return Examples(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})


def make_examples(
    recordings: Sequence[Recording],
    variants: Sequence[str] = (PLAIN,),
    *,
    settings: Settings | None = None,
    encoder: Path | None = None,
    beginnings: Collection[str] | None = None,
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
    beginnings : collection of str or None
        Variants whose utterances come with their beginnings; None: all of them.
    n_jobs : int
        Processes.
    cache_dir : Path or None
        Where results are kept; None keeps none. Entries are found by the content of
        the recording, the variant and ``input_key``, never by name or date.
    on_progress : callable
        Called after each recording and variant.

    Raises
    ------
    AudioFileError
        A recording cannot be read.
    """
    from joblib import Parallel, delayed

    cached = _CachedRows(settings or Settings(), encoder, cache_dir, variants)
    tasks = [(clip, variant) for variant in variants for clip in range(len(recordings))]
    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(cached.of)(
            recordings[clip].path, variant, beginnings is None or variant in beginnings
        )
        for clip, variant in tasks
    )
    rows: list[_TableRow] = []
    for (clip, variant), found in zip(tasks, results, strict=True):
        on_progress()
        rows += [_TableRow(x, clip, variant, is_final, speech_s) for x, is_final, speech_s in found]
    layout = InputLayout.of(None if encoder is None else loaded_encoder(encoder))
    return _table(rows, recordings, layout.n_inputs)


class _TableRow(NamedTuple):
    x: Float32
    clip: int
    variant: str
    is_final: bool
    speech_s: float


def _table(rows: Sequence[_TableRow], recordings: Sequence[Recording], n_inputs: int) -> Examples:
    of_row = [recordings[row.clip] for row in rows]
    return Examples(
        X=np.array([row.x for row in rows], dtype=np.float32).reshape(-1, n_inputs),
        y=np.array([EMOTIONS.index(recording.emotion) for recording in of_row], dtype=np.int64),
        speakers=np.array([recording.speaker for recording in of_row], dtype=np.str_),
        clips=np.array([row.clip for row in rows], dtype=np.int64),
        variants=np.array([row.variant for row in rows], dtype=np.str_),
        is_final=np.array([row.is_final for row in rows], dtype=np.bool_),
        speech_s=np.array([row.speech_s for row in rows], dtype=np.float64),
        corpora=np.array([recording.corpus for recording in of_row], dtype=np.str_),
        intensity=np.array([recording.intensity for recording in of_row], dtype=np.str_),
    )


Row = tuple[Float32, bool, float]


def utterances_of(samples: Float32, settings: Settings) -> Iterator[Utterance]:
    """Utterances, and their beginnings, that the segmenter accepts in a recording.

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
    samples: Float32, settings: Settings, encoder: SpeechEncoder | None, kind: Kind
) -> list[Row]:
    """Input vector, finality and speech seconds of every utterance, or of its beginnings."""
    inputs = InputMaker(encoder)
    return [
        (inputs.of(utterance).astype(np.float32), kind is Kind.FINAL, utterance.speech_s)
        for utterance in utterances_of(samples, settings)
        if utterance.kind is kind
    ]


class _CachedRows:
    """Rows of recordings; whole utterances and beginnings are cached apart."""

    def __init__(
        self,
        settings: Settings,
        encoder: Path | None,
        cache_dir: Path | None,
        variants: Sequence[str],
    ) -> None:
        from joblib import Memory

        self._settings, self._encoder = settings, encoder
        # A closure cannot be cached; what decides the result goes in as arguments.
        self._rows = Memory(cache_dir, verbose=0).cache(
            _rows_of, ignore=["path", "settings", "encoder"]
        )
        self._keys = {
            variant: input_key(
                settings, *_MAKING_ROWS, *(() if variant == PLAIN else (vary,)), encoder=encoder
            )
            for variant in variants
        }

    def of(self, path: Path, variant: str, with_beginnings: bool) -> list[Row]:
        """Rows of one recording and variant."""
        content, key = content_hash(path), self._keys[variant]
        rows: list[Row] = []
        for kind in (Kind.PARTIAL, Kind.FINAL) if with_beginnings else (Kind.FINAL,):
            rows += self._rows(
                content, variant, kind.value, key, path, self._settings, self._encoder
            )
        return rows


def _rows_of(
    content: str,
    variant: str,
    kind: str,
    key: str,
    path: Path,
    settings: Settings,
    encoder: Path | None,
) -> list[Row]:
    """Inputs cached by the first four arguments, which say everything that decides them."""
    return rows_of_samples(
        vary(read_recording(path), variant, content),
        settings,
        None if encoder is None else loaded_encoder(encoder),
        Kind(kind),
    )


@cache
def loaded_encoder(path: Path) -> SpeechEncoder:
    """One encoder a process: workers of a pool cannot be handed a session."""
    from ser_live.model.encoder import SpeechEncoder

    return SpeechEncoder(path)


_MAKING_ROWS = (read_recording, rows_of_samples, loaded_encoder)
"""Functions that make rows of an unchanged recording; a varied one goes through ``vary`` too."""


def input_key(
    settings: Settings, *making: Callable[..., object], encoder: Path | None = None
) -> str:
    """Part of a cache's key: everything but the recording that decides about input vectors.

    Parameters
    ----------
    settings : Settings
    *making : functions
        They make the vectors; any change of the code that they can reach counts.
    encoder : Path or None
        Graph of the learned encoder, where it is asked.
    """
    # Of the settings, those of voice activity and segmenting alone decide.
    return (
        f"{code_hash(*making, without=(Settings,))} {settings.vad} {settings.segmenter} "
        f"{is_confirming(settings.vad)} "
        f"{'' if encoder is None else content_hash(encoder)}"
    )
