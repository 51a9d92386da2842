"""Place of the models that come with the program."""

from __future__ import annotations

from pathlib import Path

import ser_live


def bundled_models() -> Path:
    """Folder of the bundled models: inside the installed package, next to it in a checkout."""
    package = Path(ser_live.__file__).parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"
