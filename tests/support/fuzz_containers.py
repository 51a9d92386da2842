"""Containers whose structure is spoilt, each heard by ser-live and beside it by ffmpeg.

    python tests/support/fuzz_containers.py [N] [--first NUMBER] [--jobs N] [--state FILE]
        [--only TARGET ...]
    python tests/support/fuzz_containers.py --show TARGET NUMBER

The rule of comparison is in `beside_ffmpeg`. What is lost without a word is an escape like any
other: its number makes its input again (``--show`` writes it into the folder at hand). A run with
``--state`` stores what each piece of it gave, and goes on behind those that are stored.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import fuzz_structures
from beside_ffmpeg import (
    Hearing,
    beyond_its_file_s,
    heard_by_ffmpeg,
    heard_by_library,
    heard_by_ser_live,
    silently_lost_s,
)
from fuzzing import Target, fuzz

TOLERANCE_S = 0.1
"""One frame of the longest kind among the inputs (72 ms), and the edges of what is a tone."""


def hear_beside_ffmpeg(
    data: bytes,
    folder: Path,
    hear: Callable[[Path], Hearing] = heard_by_ser_live,
    *,
    kind: str = "",
) -> None:
    """Hear one input; where nothing is said of a loss, ffmpeg must not hear more.

    `kind` is the container of the seeds, of which it is known what ffmpeg makes up.
    """
    from ser_live.errors import AudioFileError

    path = folder / "input"
    path.write_bytes(data)
    ours = hear(path)
    if ours.tells_loss:
        # It makes no difference what ffmpeg hears, and starting that takes longest.
        raise AudioFileError(ours.error or ours.notes[0])
    for theirs in _peers(path, data):
        lost_s = silently_lost_s(ours, theirs, of_tone=True)
        if lost_s > TOLERANCE_S:
            lost_s -= beyond_its_file_s(theirs, data, kind)
        if lost_s > TOLERANCE_S:
            raise AssertionError(
                f"silent loss of {lost_s:.2f} s: {ours.seconds:.2f} s heard, {ours.tonal_s:.2f} s "
                f"of them tone, {ours.lost_s:.2f} s told as gaps; by ffmpeg {theirs.seconds:.2f} "
                f"s, {theirs.tonal_s:.2f} s of them tone; notes {ours.notes}"
            )


def _peers(path: Path, data: bytes) -> Iterator[Hearing]:
    """What ffmpeg hears: its libraries, and its program in some cases, or where they are missing.

    The libraries are those that ser-live may use itself; the program is another version of them.
    """
    has_libraries = importlib.util.find_spec("av") is not None
    if has_libraries:
        yield heard_by_library(path)
    if not has_libraries or zlib.crc32(data) % EVERY_BY_PROGRAM == 0:
        yield heard_by_ffmpeg(path)


def _refusals() -> tuple[type[BaseException], ...]:
    from ser_live.errors import SerLiveError

    return (SerLiveError,)


TARGETS = {
    mutate.__name__: Target(
        mutate.__name__,
        partial(hear_beside_ffmpeg, kind=mutate.__name__),
        _refusals(),
        module="fuzz_containers",
        corpus_of=f"containers/{mutate.__name__}",
        mutate=mutate,
    )
    for mutate in (
        fuzz_structures.wav,
        fuzz_structures.ogg,
        fuzz_structures.mp3,
        fuzz_structures.flac,
        fuzz_structures.mp4,
    )
}

EVERY_BY_PROGRAM = 20
"""One input in so many is heard by the program as well: starting it takes longest."""

PIECE = 250
"""Inputs between two stored tallies."""


def run_pieces(
    n_inputs: int, names: Sequence[str], n_jobs: int, state: Path | None, *, first: int = 0
) -> Counter[str]:
    """Give the targets so many inputs in all, and tell the tally of what was found.

    `first` is the number of the first one: inputs that were never tried come from a high one.
    """
    done = _stored(state)
    tally: Counter[str] = Counter()
    for piece in done.values():
        _add(tally, piece)
    wanted = [piece for piece in _pieces(n_inputs, names, first) if piece not in done]
    began_s = time.monotonic()
    with ThreadPoolExecutor(n_jobs) as pool:
        running = [pool.submit(_run_piece, *piece) for piece in wanted]
        for future in as_completed(running):
            piece = future.result()
            _add(tally, piece)
            if state is not None:
                with state.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(piece) + "\n")
            for number, what in piece["escapes"]:
                print(f"{piece['target']} {number}: {what}", flush=True)
            print(f"{_told(tally)}, {time.monotonic() - began_s:.0f} s", flush=True)
    return tally


def _pieces(n_inputs: int, names: Sequence[str], first: int) -> Iterator[tuple[str, int, int]]:
    n_each = n_inputs // len(names)
    for n_before in range(0, n_each, PIECE):
        for name in names:
            yield name, first + n_before, min(PIECE, n_each - n_before)


def _run_piece(name: str, first: int, n_inputs: int) -> dict[str, Any]:
    outcome = fuzz(TARGETS[name], n_inputs, first=first)
    return {
        "target": name,
        "first": first,
        "asked": n_inputs,
        "inputs": outcome.n_inputs,
        "results": outcome.n_results,
        "refused": outcome.n_refused,
        "escapes": [(escape.number, escape.what) for escape in outcome.escapes],
    }


def _stored(state: Path | None) -> dict[tuple[str, int, int], dict[str, Any]]:
    if state is None or not state.exists():
        return {}
    found = {}
    for line in state.read_text(encoding="utf-8").splitlines():
        try:
            piece = json.loads(line)
        except ValueError:
            continue  # the run ended while it was written: this piece is run again
        found[piece["target"], piece["first"], piece["asked"]] = piece
    return found


def _add(tally: Counter[str], piece: dict[str, Any]) -> None:
    for name in ("inputs", "results", "refused"):
        tally[name] += piece[name]
    for _, what in piece["escapes"]:
        tally["silent losses" if "silent loss" in what else "escapes"] += 1


def _told(tally: Counter[str]) -> str:
    names = ("inputs", "results", "refused", "silent losses", "escapes")
    return ", ".join(f"{tally[name]} {name}" for name in names)


def main() -> int:
    """Run the targets, or write one input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("n_inputs", type=int, nargs="?", default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER")
    parser.add_argument("--only", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--show", nargs=2, metavar=("TARGET", "NUMBER"))
    arguments = parser.parse_args()
    if arguments.show:
        name, number = arguments.show
        path = Path(f"{name}-{number}.{name}")
        path.write_bytes(TARGETS[name].make_input(int(number), TARGETS[name].seeds()))
        print(path, heard_by_ser_live(path), heard_by_ffmpeg(path), sep="\n")
        return 0
    tally = run_pieces(
        arguments.n_inputs,
        arguments.only,
        arguments.jobs,
        arguments.state,
        first=arguments.first,
    )
    print(_told(tally))
    return 1 if tally["silent losses"] or tally["escapes"] else 0


if __name__ == "__main__":
    sys.exit(main())
