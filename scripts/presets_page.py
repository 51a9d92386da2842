"""Part of docs/commands.md about the presets: the settings, and what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ser_live.cli.presets import PRESETS, preset_rows

MEASURED = {
    "sensitivity": {
        "speech_found": ("speech of the meetings that is found", "{:.0%}"),
        "turns_found": ("turns of theirs that an utterance overlaps, of 46", "{:.0f}"),
        "silence_taken": ("silence of theirs that counts as speech", "{:.1%}"),
        "noise_a_minute": ("utterances a minute of noise without people", "{:.2f}"),
    },
    "pace": {
        "first_s": ("first answer after the begin of an utterance, s", "{:.1f}"),
        "after_s": ("final result after its end, s of sound", "{:.2f}"),
        "answers_a_minute": ("answers a minute, partial ones included", "{:.0f}"),
        "cost_ms_per_s": ("CPU for a second of sound, ms", "{:.0f}"),
    },
}

INTRODUCTION = """\
## Presets

`--sensitivity` and `--pace` of `listen`, `replay`, `demo` and `analyze` stand for the settings
below, and for nothing else. A setting that is given itself wins, whether on the command line, by a
variable or in a file.

Measured by `scripts/measure_presets.py` on seven cuts of English meetings (3.5 minutes, with
published turns) and on seven minutes of recorded noise without people. `low` and `high` were each
chosen on these recordings before one stronger set, so elsewhere they may do a little worse; nothing
else was tried for the paces.
Times are medians, without the time that a machine takes to compute; answers that come sooner have
heard less, and are less sure. The cost was measured beside other work: compare it within its row.
"""


def presets_section(path: Path) -> Iterator[str]:
    """Lines of the section, from the file that was measured."""
    measured = json.loads(path.read_text(encoding="utf-8"))
    yield INTRODUCTION
    for preset, words in PRESETS.items():
        yield f"### --{preset}\n"
        yield f"| | {' | '.join(words)} |\n| --- |{' --- |' * len(words)}"
        for name, option, values in preset_rows():
            if name == preset:
                yield f"| `{option}` | {' | '.join(f'{value:g}' for value in values)} |"
        for key, (text, form) in MEASURED[preset].items():
            cells = (form.format(measured[preset][word][key]) for word in words)
            yield f"| {text} | {' | '.join(cells)} |"
        yield ""
