"""All corpora at once: which a folder holds, and which labels each of them offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ser_live.datasets import ased, crema_d, etts_ko, indexed, nemo, ravdess
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
    )
}

CORPORA = (ravdess.CORPUS, *_INDEXED)
"""Names of the corpora that can be read; also the names of their folders."""

LICENCES = {
    ravdess.CORPUS: ravdess.LICENCE,
    **{name: declaration.licence for name, declaration in _INDEXED.items()},
}
CITATIONS = {
    ravdess.CORPUS: ravdess.CITATION,
    **{name: declaration.citation for name, declaration in _INDEXED.items()},
}


def holds_corpora(folder: Path) -> bool:
    """Whether a folder is RAVDESS, or holds folders of corpora that are read by their names."""
    if not folder.is_dir():
        return False
    if any(_corpus_of_folder(path) for path in folder.iterdir() if path.is_dir()):
        return True
    return any(ravdess.is_ravdess_name(path.name) for path in folder.rglob("*"))


def recordings_in(folder: Path, corpora: Sequence[str] | None = None) -> list[Recording]:
    """Recordings of a folder with several corpora, or of RAVDESS alone.

    Parameters
    ----------
    folder : Path
    corpora : sequence of str or None
        Corpora to return in addition to RAVDESS, if the folder has them; None for all.

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
        if corpora is None or name in (ravdess.CORPUS, *corpora)
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
        A folder with corpus folders (``ravdess``, ``nemo``, ...; upper case and hyphens as in
        ``CREMA-D`` are understood), or itself the folder of one corpus.

    Raises
    ------
    DatasetError
        No such folder, no corpus in it, two folders for one corpus, or a corpus that
        cannot be read.
    """
    if not root.is_dir():
        raise DatasetError(
            f"{root} is not a folder: give one that holds {', '.join(CORPORA)}, or some of them."
        )
    folders: dict[str, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        name = _corpus_of_folder(folder)
        if name in folders:
            raise DatasetError(
                f"{root} holds {folders[name].name} and {folder.name}, both of them {name}: "
                "move one of them away."
            )
        if name:
            folders[name] = folder
    if not folders and (name := _corpus_of_folder(root.resolve()) or _corpus_of_files(root)):
        folders[name] = root
    if not folders:
        raise DatasetError(
            f"{root} holds no corpus: give a folder that holds {', '.join(CORPORA)}, or some of "
            "them, or the folder of one of them."
        )
    return {name: _find(name, folders[name]) for name in CORPORA if name in folders}


def _corpus_of_folder(folder: Path) -> str:
    """Corpus after which a folder is named, or empty."""
    name = folder.name.lower().replace("-", "_")
    return name if name in CORPORA else ""


def _corpus_of_files(folder: Path) -> str:
    """Corpus whose naming scheme the files below a folder follow, or empty."""
    if any(ravdess.is_ravdess_name(path.name) for path in folder.rglob("*")):
        return ravdess.CORPUS
    for name, declaration in _INDEXED.items():
        if indexed.is_folder_of(folder, declaration):
            return name
    return ""


def _find(name: str, folder: Path) -> Found:
    if name == ravdess.CORPUS:
        return Found(ravdess.find_recordings(folder))
    return indexed.find_recordings(folder, _INDEXED[name])
