"""Caches are emptied by the code that decides their content, and by no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_live.config import Settings
from ser_live.evaluation import onset, robustness
from ser_live.evaluation.folds import Fitted, FoldFit, fit_folds
from ser_live.sources import read_recording
from ser_live.synthesis.corruptions import telephone, white_noise
from ser_live.training.augmentation import vary
from ser_live.training.code_hash import Place, hash_of, modules_reached, reachable_code
from ser_live.training.examples import loaded_encoder, rows_of_samples
from ser_live.training.recipe import RECIPES, Recipe

TOY = {
    "__init__.py": "",
    "entry.py": '''\
"""Documentation."""
from __future__ import annotations
from typing import TYPE_CHECKING
from toy import loud
from toy.low import level

if TYPE_CHECKING:
    from toy.types import Samples

def measure(samples: Samples) -> float:
    from toy.late import scale
    return scale(level(samples)) + loud.peak(samples)

def unused():
    from toy.aside import ignored
    return ignored
''',
    "low.py": """\
from toy.constants import FLOOR

def level(samples):
    return max(FLOOR, sum(samples))
""",
    "constants.py": "FLOOR = 1\nUNUSED = 2\n",
    "late.py": "def scale(value):\n    return 2 * value\n",
    "loud.py": "def peak(samples):\n    return max(samples)\n\ndef other():\n    return 0\n",
    "aside.py": "ignored = 1\n",
    "types.py": "Samples = list\n",
}


def write(folder: Path, modules: dict[str, str]) -> Path:
    package = folder / "toy"
    for name, source in modules.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return package


def toy_hash(folder: Path, modules: dict[str, str], entry: str = "toy.entry") -> str:
    return hash_of(reachable_code([Place(entry, "measure")], write(folder, modules)).values())


def test_what_an_entry_reaches(tmp_path: Path) -> None:
    """Through imports of modules and of names, local ones too; not for type checkers."""
    reached = reachable_code([Place("toy.entry", "measure")], write(tmp_path, TOY))
    assert reached.keys() == {"toy.entry", "toy.low", "toy.constants", "toy.late", "toy.loud"}
    assert [len(statements) for statements in reached.values()] == [1] * 5


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("constants.py", "FLOOR = 1", "FLOOR = 3"),
        ("low.py", "max(FLOOR", "min(FLOOR"),
        ("late.py", "2 * value", "3 * value"),
        ("loud.py", "max(samples)", "min(samples)"),
        ("entry.py", ") + loud", ") - loud"),
        ("low.py", "\ndef level", "\nprint('imported')\n\ndef level"),
    ],
)
def test_a_changed_line_anywhere_below_counts(
    tmp_path: Path, module: str, old: str, new: str
) -> None:
    """Of a module imported by an imported one, of a local import, of an imported module."""
    before = toy_hash(tmp_path / "before", TOY)
    assert old in TOY[module]
    assert toy_hash(tmp_path / "after", TOY | {module: TOY[module].replace(old, new)}) != before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("constants.py", "UNUSED = 2", "UNUSED = 3"),
        ("loud.py", "return 0", "return 1"),
        ("aside.py", "1", "2"),
        ("types.py", "list", "tuple"),
        ("entry.py", '"""Documentation."""', '"""Other words."""'),
        ("entry.py", "samples: Samples) -> float", "samples)"),
        ("low.py", "    return max", "    # a comment\n    return   max"),
        ("low.py", "\n\ndef level", "\nimport math\n\ndef level"),
        ("low.py", "\n\ndef level", "\n'Documentation.'\n\ndef level"),
    ],
)
def test_what_cannot_be_reached_or_says_nothing_does_not_count(
    tmp_path: Path, module: str, old: str, new: str
) -> None:
    """Other names of a module, words, annotations, layout and imports."""
    before = toy_hash(tmp_path / "before", TOY)
    assert old in TOY[module]
    assert toy_hash(tmp_path / "after", TOY | {module: TOY[module].replace(old, new)}) == before


def test_a_module_can_be_moved_and_renamed(tmp_path: Path) -> None:
    """Into folders, with rewritten imports, passed on by the folder, under another name."""
    moved = {
        "__init__.py": "",
        "types.py": TOY["types.py"],
        "aside.py": TOY["aside.py"],
        "front/__init__.py": "",
        "front/entrance.py": TOY["entry.py"]
        .replace("from toy import loud", "from toy.signal import peaks")
        .replace("toy.low", "toy.signal")
        .replace("toy.late", "..signal.later")
        .replace("loud.peak", "peaks.peak"),
        "signal/__init__.py": "from .quiet import level\n",
        "signal/quiet.py": TOY["low.py"].replace("toy.constants", ".numbers"),
        "signal/numbers.py": TOY["constants.py"],
        "signal/later.py": TOY["late.py"],
        "signal/peaks.py": TOY["loud.py"],
    }
    before = toy_hash(tmp_path / "before", TOY)
    assert toy_hash(tmp_path / "after", moved, "toy.front.entrance") == before


def test_a_definition_left_out_is_not_followed(tmp_path: Path) -> None:
    """Neither it nor what it alone reaches."""
    package = write(tmp_path, TOY)
    without = [Place("toy.low", "level")]
    reached = reachable_code([Place("toy.entry", "measure")], package, without)
    assert reached.keys() == {"toy.entry", "toy.late", "toy.loud"}


def homes(*things: object) -> set[str]:
    """Modules in which classes and functions are defined, wherever they lie today."""
    return {thing.__module__ for thing in things}


def test_examples_hang_on_the_whole_live_path() -> None:
    """Every module that decides what an utterance is and what is measured of it."""
    from ser_live.audio import FrameCutter
    from ser_live.events import Utterance
    from ser_live.features import extract, formants, pitch, prosodic, spectral, voice_quality
    from ser_live.model.encoder import SpeechEncoder, speech_level_db
    from ser_live.model.inputs import InputMaker
    from ser_live.onnx_graph import load_graph
    from ser_live.sources.decoding import open_recording
    from ser_live.speech.detector import VoiceActivityDetector
    from ser_live.speech.segmenter import Segmenter
    from ser_live.speech.shouting import Shouting
    from ser_live.speech.silero import SileroVad
    from ser_live.speech.voicing import periodicity
    from ser_live.stream.segmenting import SegmentingStage
    from ser_live.synthesis.acoustics import room
    from ser_live.synthesis.noises import steady

    plain = modules_reached(read_recording, rows_of_samples)
    assert plain >= homes(
        *(FrameCutter, Utterance, extract, InputMaker, load_graph, SegmentingStage, Segmenter),
        *(Shouting, SileroVad, open_recording, VoiceActivityDetector, periodicity, Settings),
        *(read_recording, rows_of_samples, speech_level_db),
    )
    families = (formants, pitch, prosodic, spectral, voice_quality)
    assert plain >= {module.__name__ for module in families}
    assert not plain & homes(vary, room, Recipe, FoldFit)
    assert modules_reached(vary) >= homes(vary, room, steady)
    assert modules_reached(loaded_encoder) >= homes(SpeechEncoder, load_graph)


def test_spoilt_sound_and_beginnings_hang_on_the_live_path_too() -> None:
    """Whatever is heard anew is heard by the same code."""
    live = modules_reached(read_recording, rows_of_samples, without=(Settings,))
    for making in (onset._beginnings, robustness._rows_of):
        assert modules_reached(making, without=(Settings,)) >= live


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_fits_hang_on_training_and_on_the_arithmetic_of_a_model(recipe: Recipe) -> None:
    """And not on what has become of the recordings by then: the rows are part of the key."""
    from ser_live.model.classifier import Classifier
    from ser_live.model.ensemble import Ensemble
    from ser_live.model.speech_check import SpeechCheck
    from ser_live.model.strangers import Strangers
    from ser_live.speech.segmenter import Segmenter
    from ser_live.training.classic import Scaling
    from ser_live.training.heads import Moments

    reached = modules_reached(recipe.fit)
    assert reached >= homes(Classifier, Ensemble, Fitted, SpeechCheck, Strangers, Scaling, Moments)
    assert reached >= homes(recipe.fit)
    assert not reached & homes(Segmenter)


def test_each_way_of_spoiling_has_its_own_code_in_its_key() -> None:
    """Arguments and functions tell ways apart; where they are defined does not."""
    from functools import partial

    from ser_live.evaluation.robustness_suite import drawn

    ways = [
        None,
        telephone,
        white_noise,
        partial(white_noise, snr_db=10),
        partial(white_noise, snr_db=20),
        partial(drawn, corrupt=white_noise, argument="snr_db", values=(10, 20)),
        partial(drawn, corrupt=telephone, argument="snr_db", values=(10, 20)),
    ]
    identities = [robustness._identity(way) for way in ways]
    assert len(set(identities)) == len(ways)
    assert robustness._identity(partial(white_noise, snr_db=10)) == identities[3]


def test_a_kept_fit_that_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    """As one whose class has moved since: its pickle names a module that is gone."""
    import numpy as np
    from synthetic_examples import nearest_centre, synthetic_corpus

    n_fits = []

    def fit(examples: object, seed: int) -> Fitted:
        n_fits.append(seed)
        return nearest_centre(examples, seed)  # type: ignore[arg-type]

    examples, recordings = synthetic_corpus(2)
    speakers = np.array([recording.speaker for recording in recordings])
    masks = [("one", speakers == speakers[0])]
    recipe = Recipe("nearest", "Nearest centre.", ("plain",), fit)

    def probabilities() -> np.ndarray:
        (made,) = fit_folds(recipe, examples, masks, seed=0, fits_dir=tmp_path)
        return made.fitted.predict_proba(examples.X)

    first = probabilities()
    assert np.array_equal(probabilities(), first)
    assert len(n_fits) == 1
    (kept,) = tmp_path.rglob("output.pkl")
    home = Fitted.__module__.encode()
    assert home in kept.read_bytes()
    kept.write_bytes(kept.read_bytes().replace(home, b"x" * len(home)))
    assert np.array_equal(probabilities(), first)
    assert len(n_fits) == 2
    assert np.array_equal(probabilities(), first)
    assert len(n_fits) == 2
