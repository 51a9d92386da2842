"""All corpora at once: which a folder holds, and which labels each of them offers.

A corpus may lie in two folders, ``nemo`` and ``nemo_more``; either alone will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ser_live.datasets import ased, crema_d, emotale, etts_ko, iesc, indexed, nemo, ravdess
from ser_live.datasets.indexed import Found
from ser_live.datasets.recording import Recording
from ser_live.errors import DatasetError

_INDEXED = {
    declaration.corpus: declaration
    for declaration in (
        nemo.DECLARATION,
        crema_d.DECLARATION,
        etts_ko.DECLARATION,
        ased.DECLARATION,
        iesc.DECLARATION,
        emotale.DECLARATION,
    )
}
_CHANNELS = {
    ravdess.CORPUS: ravdess.VocalChannel.SPEECH,
    ravdess.SONG_CORPUS: ravdess.VocalChannel.SONG,
}

CORPORA = (*_CHANNELS, *_INDEXED)
"""Names of the corpora that can be read; also the names of their folders."""
FURTHER = "_more"
"""Ending of the name of a corpus's second folder."""
CORPORA_APART = tuple(name for name in CORPORA if name != ravdess.SONG_CORPUS)
"""Those that share no speaker: each can be held out while the others are trained on. The song
of RAVDESS has the actors of the speech, and is never unheard where that was heard."""

LICENCES = {
    **dict.fromkeys(_CHANNELS, ravdess.LICENCE),
    **{name: declaration.licence for name, declaration in _INDEXED.items()},
}
CITATIONS = {
    **dict.fromkeys(_CHANNELS, ravdess.CITATION),
    **{name: declaration.citation for name, declaration in _INDEXED.items()},
}


def holds_corpora(folder: Path) -> bool:
    """Whether a folder is RAVDESS, or holds folders of corpora that are read by their names."""
    if not folder.is_dir():
        return False
    names = [_plain_name(path) for path in folder.iterdir() if path.is_dir()]
    if any(name.removesuffix(FURTHER) in CORPORA for name in names):
        return True
    return any(ravdess.is_ravdess_name(path.name) for path in folder.rglob("*"))


def recordings_in(folder: Path, corpora: Sequence[str] | None = None) -> list[Recording]:
    """Recordings of a folder with several corpora, or of RAVDESS alone.

    Parameters
    ----------
    folder : Path
    corpora : sequence of str or None
        Corpora to return in addition to RAVDESS, if the folder has them; None for
        ``CORPORA_APART``.

    Raises
    ------
    DatasetError
        The folder holds nothing usable.
    """
    names = [path.name.lower() for path in folder.iterdir()] if folder.is_dir() else []
    if ravdess.CORPUS not in names:
        return ravdess.find_recordings(folder)
    return [
        recording
        for name, found in find_corpora(folder).items()
        if name in (ravdess.CORPUS, *(CORPORA_APART if corpora is None else corpora))
        for recording in found
    ]


def find_corpora(root: Path) -> dict[str, list[Recording]]:
    """Recordings by corpus; see `survey_corpora`, which also tells what was left out."""
    return {name: found.recordings for name, found in survey_corpora(root).items()}


def survey_corpora(root: Path) -> dict[str, Found]:
    """The corpora a folder holds, in the order of ``CORPORA``.

    Parameters
    ----------
    root : Path
        A folder with corpus folders (``ravdess``, ``nemo``, ``nemo_more``, ...; upper case and
        hyphens as in ``CREMA-D`` are understood), or itself the folder of one corpus.

    Raises
    ------
    DatasetError
        No such folder, no corpus in it, two folders of one name, or a corpus that cannot be
        read.
    """
    if not root.is_dir():
        raise DatasetError(
            f"{root} is not a folder: give one that holds {', '.join(CORPORA)}, or some of them."
        )
    folders: dict[str, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        name = _plain_name(folder)
        if name.removesuffix(FURTHER) not in CORPORA:
            continue
        if name in folders:
            raise DatasetError(
                f"{root} holds {folders[name].name} and {folder.name}, both of them {name}: "
                "move one of them away."
            )
        folders[name] = folder
    if not folders and (name := _corpus_of(root)):
        folders[name] = root
    if not folders:
        raise DatasetError(
            f"{root} holds no corpus: give a folder that holds {', '.join(CORPORA)}, or some of "
            "them, or the folder of one of them."
        )
    parts = {
        name: [folders[part] for part in (name, name + FURTHER) if part in folders]
        for name in CORPORA
    }
    return {
        name: indexed.merged([_find(name, folder) for folder in own])
        for name, own in parts.items()
        if own
    }


def _plain_name(folder: Path) -> str:
    """Name of a folder in the spelling of ``CORPORA``."""
    return folder.name.lower().replace("-", "_")


def _corpus_of(folder: Path) -> str:
    """Corpus after which a folder is named, or whose names its files have; or empty."""
    if (name := _plain_name(folder.resolve()).removesuffix(FURTHER)) in CORPORA:
        return name
    if any(ravdess.is_ravdess_name(path.name) for path in folder.rglob("*")):
        return ravdess.CORPUS
    for name, declaration in _INDEXED.items():
        if indexed.is_folder_of(folder, declaration):
            return name
    return ""


def _find(name: str, folder: Path) -> Found:
    if name in _CHANNELS:
        return Found(ravdess.find_recordings(folder, _CHANNELS[name]))
    return indexed.find_recordings(folder, _INDEXED[name])
