"""Measure the speech gate on everything in a data root; writes JSON.

python scripts/measure_rejection.py --data corpora --out rejection.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ser_live.datasets.corpora import find_corpora
from ser_live.evaluation.rejection import rejection_section
from ser_live.model import find_encoder
from ser_live.training.augmentation import VARIANTS
from ser_live.training.examples import make_examples
from ser_live.training.speech_gate import make_sounds


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--cache-dir", type=Path, help="where examples are kept")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    given = parser.parse_args()
    encoder = find_encoder()
    recordings = [r for corpus in find_corpora(given.data).values() for r in corpus]
    speech = make_examples(recordings, given.variants, encoder=encoder, cache_dir=given.cache_dir)
    sounds = make_sounds(encoder, given.data, variants=given.variants)
    section = rejection_section(speech, sounds)
    given.out.write_text(json.dumps(section, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
