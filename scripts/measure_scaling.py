"""Measure what archives cost, and put the numbers into docs/scaling.md.

    python scripts/measure_scaling.py [costs | sizes | entries | page] [--n-files N ...]

``costs``: CPU seconds for an hour of audio, by model, and the same work in one process, two, on
Dask workers and in shards. ``sizes``: the program over many tiny files, and what it holds.
``entries``: a manifest of many recordings, simulated: plan, going on, merger, sums. Each stores
what it found in docs/scaling.json; ``page`` puts that into the tables of the page, as the others do
at their end.

CPU seconds are those of the program and all its children, memory that of its largest process. A
machine that does other things, too, makes the former a little more: ``costs`` tells its load.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "ser_live" / "demo.ogg"
RESULTS = ROOT / "docs" / "scaling.json"
PAGE = ROOT / "docs" / "scaling.md"

N_COPIES = 6
"""Recordings of a measurement of costs; an hour of audio would take too long for each way."""
MODELS = ("ear", "classic")
DASK_WORKERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Used:
    """What a command took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def used_by(arguments: Sequence[str]) -> Used:
    """Run a command and measure it and its children."""
    code = (
        "import json, resource, subprocess, sys, time\n"
        "began = time.monotonic()\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
        "if done.returncode not in (0, 1):\n"
        "    sys.exit(done.stderr.decode())\n"
        "use = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([use.ru_utime + use.ru_stime, time.monotonic() - began,\n"
        "                  use.ru_maxrss / 1024]))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, check=True
    )
    return Used(*json.loads(found.stdout))


def ser_live(*arguments: object) -> list[str]:
    """Command line of the program."""
    return [sys.executable, "-m", "ser_live", *map(str, arguments)]


def analyze(source: Path, out: Path, model: str, *options: object) -> list[str]:
    """Command line that makes an archive."""
    return ser_live("analyze", source, "--out", out, "-q", "--model", model, *options)


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder that is removed after."""
    with tempfile.TemporaryDirectory(prefix="ser-live-scaling-") as name:
        yield Path(name)


def speech(top: Path, n_copies: int) -> float:
    """Make copies of the demo as recordings of plain samples; hours of audio in them."""
    import soundfile

    samples, rate = soundfile.read(DEMO, dtype="int16")
    top.mkdir()
    for number in range(n_copies):
        soundfile.write(top / f"{number:03d}.wav", samples, rate)
    return float(n_copies * len(samples) / rate / 3600)


def costs(_: Sequence[int]) -> dict[str, Any]:
    """CPU seconds of an hour of audio, by model and by the way of sharing the work."""
    rows: list[dict[str, Any]] = []
    load_before = os.getloadavg()[0]
    with folder() as top:
        hours = speech(top / "calls", N_COPIES)
        (top / "none").mkdir()
        for number in range(max(DASK_WORKERS)):
            (top / "none" / f"{number}.wav").write_bytes(b"none")
        for model in MODELS:
            for name, runs in _ways():
                used = _used_by_way(top / "calls", model, runs)
                # The same over files that are none: shards begin as single processes do.
                start = _used_by_way(top / "none", model, runs if len(runs) == 1 else [()])
                cpu_s = sum(one.cpu_s for one in used)
                rows.append(
                    {
                        "model": model,
                        "way": name,
                        "cpu_s_per_hour": cpu_s / hours,
                        "without_start": (cpu_s - start[0].cpu_s * len(runs)) / hours,
                        "wall_s": sum(one.wall_s for one in used),
                        "peak_mb": max(one.peak_mb for one in used),
                    }
                )
                print(rows[-1], flush=True)
    return {"hours": hours, "load_before": load_before, "rows": rows}


Options = tuple[object, ...]


def _ways() -> Iterator[tuple[str, list[Options]]]:
    """Ways of sharing the work, each as the options of its runs."""
    yield "1 process", [()]
    yield "2 processes", [("-j", 2)]
    yield "3 shards", [("--shard", f"{n}/3") for n in (1, 2, 3)]
    for n in DASK_WORKERS:
        yield f"Dask, {n} worker{'s' * (n > 1)}", [("--dask", f"local:{n}")]


def _used_by_way(source: Path, model: str, runs: Sequence[Options]) -> list[Used]:
    with folder() as top:
        return [used_by(analyze(source, top / "parts", model, *options)) for options in runs]


def sizes(n_files: Sequence[int]) -> dict[str, Any]:
    """The program over many tiny files."""
    rows = []
    for n in n_files or (10_000, 100_000):
        with folder() as top:
            _stubs(top / "in", n)
            used = used_by(analyze(top / "in", top / "parts", "classic"))
            again = used_by(analyze(top / "in", top / "parts", "classic"))
            merged = used_by(ser_live("merge", top / "parts", "-o", top / "rows.parquet"))
            row = {"n_files": n, "analyze": used, "again": again, "merge": merged}
        rows.append({k: asdict(v) if isinstance(v, Used) else v for k, v in row.items()})
        print(rows[-1], flush=True)
    return {"rows": rows}


def _stubs(top: Path, n_files: int) -> None:
    """Recordings of a twentieth of a second, each a file of its own: links would be one."""
    top.mkdir()
    with wave.open(str(top / "0.wav"), "wb") as stub:
        stub.setnchannels(1)
        stub.setsampwidth(2)
        stub.setframerate(16_000)
        stub.writeframes(bytes(n * 37 % 251 for n in range(1600)))
    data = (top / "0.wav").read_bytes()
    (top / "0.wav").unlink()
    for number in range(n_files):
        if number % 1000 == 0:
            (top / f"{number // 1000:05d}").mkdir()
        (top / f"{number // 1000:05d}" / f"{number % 1000:03d}.wav").write_bytes(data)


def entries(n_files: Sequence[int]) -> dict[str, Any]:
    """Manifests of many recordings that exist nowhere, of two utterances each."""
    rows = []
    for n in n_files or (10_000, 100_000, 1_000_000):
        with folder() as top:
            row: dict[str, Any] = {"n_files": n}
            for step in ("plan", "write", "resume", "merge", "summarize"):
                row[step] = asdict(
                    used_by([sys.executable, __file__, f"step-{step}", str(top), str(n)])
                )
                print(n, step, row[step], flush=True)
            row["manifest_mb"] = sum(f.stat().st_size for f in top.rglob("*.jsonl")) / 1e6
        rows.append(row)
    return {"rows": rows}


def _sources(n_files: int) -> Iterator[Any]:
    from ser_live.archive.plan import Source

    for n in range(n_files):
        name = f"/archive/calls/{n // 1000:05d}/{n % 1000:03d}.wav"
        yield Source(name, 300_044, 1_700_000_000_000_000_000 + n)


def _form() -> Any:
    from ser_live.archive.table import Form
    from ser_live.emotions import LABELS

    return Form(LABELS, {"--model": "simulated"})


def step(name: str, top: Path, n_files: int) -> None:
    """One step of `entries`, in a process of its own so that its memory is its own."""
    if name == "plan":
        from ser_live.archive.asked import Asked

        assert sum(1 for _ in Asked(_sources(n_files)).ends())
    elif name == "write":
        _write(top / "parts", n_files)
    elif name == "resume":
        from ser_live.archive.asked import Asked
        from ser_live.archive.parts import Parts
        from ser_live.archive.plan import WHOLE

        asked = Asked(_sources(n_files))
        with Parts(top / "parts", _form(), WHOLE, on_told=asked.note):
            assert asked.n_done == n_files
    elif name == "merge":
        from ser_live.archive.merge import merge

        assert merge([top / "parts"], top / "rows.parquet").n_files == n_files
    elif name == "summarize":
        from ser_live.cli import main

        sys.argv = ["ser-live", "summarize", str(top / "rows.parquet"), "--by", "emotion"]
        main()


def _write(parts_folder: Path, n_files: int) -> None:
    """Write one part as the program does, and the others as that one with other names of files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ser_live.archive.parts import Heard, Parts
    from ser_live.archive.plan import MOST_FILES_OF_A_PART, WHOLE, grouped

    summary = {"duration_s": 9.4, "speech_s": 6.0, "n_utterances": 2, "state": "ok",
               "emotion": "neutral", "confidence": 0.7, "note": None}  # fmt: skip
    rows = [
        {"type": "emotion", "id": n, "start_s": 1.0 * n, "end_s": n + 0.5, "emotion": "neutral",
         "state": "ok", "confidence": 0.7, "valence": 0.1, "arousal": 0.2, "speech_s": 0.4,
         "probabilities": dict.fromkeys(_form().labels, 0.125), "file": "", "stream": 1}
        for n in range(2 * MOST_FILES_OF_A_PART)
    ]  # fmt: skip
    sources = _sources(n_files)
    with Parts(parts_folder, _form(), WHOLE) as parts:
        for group in grouped(_sources(n_files)):
            heard = [Heard.of(next(sources), rows[:2], None, summary) for _ in group]
            if group[0] == 0:
                parts.add(heard, rows)
                first = next(parts_folder.glob("part-*.parquet"))
                like = pq.read_table(first)
                first.unlink()
                (parts_folder / "manifest-1-of-1.jsonl").write_bytes(b"")
            names = pa.array([one.source.file for one in heard for _ in range(2)])
            place = like.schema.get_field_index("file")
            table = like.slice(0, len(names)).set_column(place, like.schema.field("file"), names)
            name = f"part-{group[0]:024x}-1-of-1.parquet"
            pq.write_table(table, parts_folder / name, compression="zstd")
            told = {"part": name, "files": [one.as_record() for one in heard]}
            parts._manifest.add(json.dumps(told).encode() + b"\n")


def page() -> None:
    """Put the stored numbers into the tables of the page."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (
        ("costs", _costs_table),
        ("sizes", _sizes_table),
        ("entries", _entries_table),
    ):
        if name in stored:
            before, mark, rest = text.partition(f"<!-- {name} -->\n")
            text = (
                f"{before}{mark}{table(stored[name])}\n<!-- end -->"
                + rest.partition("<!-- end -->")[2]
            )
    PAGE.write_text(text, encoding="utf-8")


def _costs_table(found: dict[str, Any]) -> str:
    lines = [
        f"Measured {found['measured_on']} on {found['machine']} (load average before it: "
        f"{found['load_before']:.1f}), over {found['hours'] * 60:.0f} minutes of acted speech with "
        "pauses (the demo, several times).",
        "",
        "| model | way | CPU s per hour of audio | with all starts | largest process, MB |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r['model']} | {r['way']} | {r['without_start']:.0f} | {r['cpu_s_per_hour']:.0f} | "
        f"{r['peak_mb']:.0f} |"
        for r in found["rows"]
    ]
    lines += ["", "Worked out from one process, in CPU hours:", ""]
    lines += [
        "| model | 10,000 hours of audio | 1,000,000 hours of audio |",
        "| --- | ---: | ---: |",
    ]
    for row in found["rows"]:
        if row["way"] == "1 process":
            one = row["without_start"] / 3600
            lines.append(f"| {row['model']} | {one * 1e4:,.0f} | {one * 1e6:,.0f} |")
    return "\n".join(lines)


def _sizes_table(found: dict[str, Any]) -> str:
    lines = [
        f"Measured {found['measured_on']} on {found['machine']}.",
        "",
        "| files | first run | run again | merge |",
        "| ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r['n_files']:,} | {_said(r['analyze'])} | {_said(r['again'])} | {_said(r['merge'])} |"
        for r in found["rows"]
    ]
    return "\n".join(lines)


def _entries_table(found: dict[str, Any]) -> str:
    lines = [
        f"Measured {found['measured_on']} on {found['machine']}.",
        "",
        "| recordings | manifest, MB | plan | go on | merge | summarize |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r['n_files']:,} | {r['manifest_mb']:,.0f} | {_said(r['plan'])} | "
        f"{_said(r['resume'])} | {_said(r['merge'])} | {_said(r['summarize'])} |"
        for r in found["rows"]
    ]
    return "\n".join(lines)


def _said(used: dict[str, float]) -> str:
    return f"{used['cpu_s']:,.1f} s, {used['peak_mb']:,.0f} MB"


def main() -> None:
    """Measure what is asked for."""
    if len(sys.argv) == 4 and sys.argv[1].startswith("step-"):
        step(sys.argv[1].removeprefix("step-"), Path(sys.argv[2]), int(sys.argv[3]))
        return
    measures = {"costs": costs, "sizes": sizes, "entries": entries}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="*", choices=[*measures, "page"])
    parser.add_argument("--n-files", type=int, nargs="+", default=())
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    for name in arguments.what or measures:
        if name != "page":
            found = measures[name](arguments.n_files)
            stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
            machine = (
                f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
            )
            stored[name] = {"measured_on": date.today().isoformat(), "machine": machine, **found}
            RESULTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
        page()


if __name__ == "__main__":
    main()
