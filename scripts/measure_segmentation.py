"""Measure on real recordings how well speech is found; print the tables, write them as JSON.

Needs a folder with ravdess/, conversation/, noise/ and optionally other corpora, in the
environment variable SER_DATA or as the argument. Settings were tuned on odd actors and
on every second noise file (sorted by name, the second, fourth ...); --half chooses one half.
The meetings were looked at while tuning. With --json both the confirmed detector and the
cheap gate alone are measured and written.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ser_live.arrays import Bool, Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.datasets.conversations import find_conversations
from ser_live.evaluation import segmentation as sg
from ser_live.synthesis.disturbances import CLATTER, clatter, music
from ser_live.synthesis.noises import pink_noise

Finder = Callable[[Float32], sg.Segmentation]
Row = dict[str, Any]

# Sounds of people: an utterance there is not a false alarm.
HUMAN = ("baby cry", "sneeze", "snoring", "Babble", "Cafe", "miaowing", "dude")
# Long mixed recordings whose content is not described; people may be heard in them.
UNKNOWN = ("speechbrain", "MetroSubway", "kitchen")


def read(path: Path) -> Float32:
    """16 kHz mono samples of a file."""
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != SAMPLE_RATE_HZ or samples.ndim != 1:
        raise SystemExit(f"{path} has {rate} Hz, {samples.ndim} dimensions; 16 kHz mono is needed.")
    return np.asarray(samples, dtype=np.float32)


def actors(folder: Path, half: str) -> list[Path]:
    """RAVDESS clips of one half of the actors."""
    parity = {"tuned": [1], "held-out": [0], "all": [0, 1]}[half]
    return [
        p for p in sorted((folder / "ravdess").glob("*/*.flac")) if int(p.stem[-2:]) % 2 in parity
    ]


def measure_clips(folder: Path, half: str, find: Finder) -> dict[str, Row]:
    """Every clip alone: whether it is found, whole, as one utterance."""
    print("\nClips alone, as a stream then flushed: utterances per clip; onset of the first")
    print("corpus         clips   none  one    more  too-short  cut>50ms  onset p1/p50/p99 s")
    sets = {"ravdess": actors(folder, half)}
    for name in ("ravdess_song", "nemo", "crema_d", "etts_ko", "ased", "vocal_bursts"):
        if (folder / name).is_dir():
            sets[name] = sorted((folder / name).rglob("*.flac"))
    busy_s = audio_s = 0.0
    rows: dict[str, Row] = {}
    for name, paths in sets.items():
        counts, errors, n_short, none = [], [], 0, []
        for path in paths:
            samples = read(path)
            begin = time.process_time()
            found = find(samples)
            busy_s += time.process_time() - begin
            audio_s += len(samples) / SAMPLE_RATE_HZ
            counts.append(len(found.accepted))
            n_short += len(found.utterances) - len(found.accepted)
            if counts[-1] == 0:
                none.append(path.name)
            else:
                truth = sg.speech_by_energy(samples)
                errors.append(sg.onset_error_s(truth, found.accepted))
        n, e = np.array(counts), np.array([x for x in errors if np.isfinite(x)])
        p1, p50, p99 = np.percentile(e, [1, 50, 99])
        print(
            f"{name:13s} {len(n):6d} {np.sum(n == 0):6d}  {np.mean(n == 1):.3f} {np.sum(n > 1):5d}"
            f" {n_short:8d} {np.mean(e > 0.05) * 100:9.2f}%   {p1:+.2f} {p50:+.2f} {p99:+.2f}"
        )
        if none:
            print("              none in:", ", ".join(none[:12]), "..." if len(none) > 12 else "")
        rows[name] = {
            "clips": len(n),
            "none": int(np.sum(n == 0)),
            "exactly_one": float(np.mean(n == 1)),
            "too_short": n_short,
            "cut_over_50_ms": float(np.mean(e > 0.05)),
            "onset_s_p1_p50_p99": [float(p1), float(p50), float(p99)],
        }
    print(f"cost of detector and segmenter: {1000 * busy_s / audio_s:.2f} ms per second of audio")
    return rows


def sentence_stream(
    paths: list[Path], rng: np.random.Generator, level_dbfs: float | None
) -> tuple[Float64, Bool, list[tuple[int, int]]]:
    """Sentences with 0.8-2 s between them; `level_dbfs` sets the level of their speech."""
    audio, truth, spans = [np.zeros(2 * SAMPLE_RATE_HZ)], [np.zeros(200, np.bool_)], []
    position = 2 * SAMPLE_RATE_HZ
    for path in paths:
        samples = read(path)
        samples = samples[: len(samples) // sg.STEP_SAMPLES * sg.STEP_SAMPLES]
        mask = sg.speech_by_energy(samples)
        clip = samples.astype(np.float64)
        if level_dbfs is not None:
            speech = clip[np.repeat(mask, sg.STEP_SAMPLES)]
            clip *= 10 ** (level_dbfs / 20) / np.sqrt(np.mean(np.square(speech)))
        steps = np.flatnonzero(mask)
        spans.append(
            (
                position + int(steps[0]) * sg.STEP_SAMPLES,
                position + int(steps[-1] + 1) * sg.STEP_SAMPLES,
            )
        )
        n_gap = int(rng.uniform(80, 200))
        audio += [clip, np.zeros(n_gap * sg.STEP_SAMPLES)]
        truth += [mask, np.zeros(n_gap, np.bool_)]
        position += len(clip) + n_gap * sg.STEP_SAMPLES
    return np.concatenate(audio), np.concatenate(truth), spans


def noises(folder: Path, n: int, rng: np.random.Generator) -> Iterator[tuple[str, Float64 | None]]:
    """Name and noise to add, RMS relative to speech."""
    yield "clean, as recorded", None
    for snr_db in (20, 10, 5, 0):
        yield f"pink {snr_db} dB", pink_noise(n, rng) * 10 ** (-snr_db / 20)
    yield "white 10 dB", rng.standard_normal(n) * 10 ** (-10 / 20)
    for name, snr_db in (("Car", 5), ("ACVacuum", 5), ("CafeRestaurant", 10), ("Babble", 10)):
        path = folder / "noise" / f"nastar_{name}_test.flac"
        if path.exists():
            one = read(path).astype(np.float64)
            noise = np.resize(one, n)
            yield f"{name} {snr_db} dB", noise / np.sqrt(np.mean(noise**2)) * 10 ** (-snr_db / 20)


def measure_streams(folder: Path, half: str, find: Finder) -> dict[str, Row]:
    """Sentences in a row, clean and in noise."""
    print(
        "\n48 RAVDESS sentences with gaps (room noise -70 dBFS); in noise each sentence at -26 dBFS"
    )
    print(
        "                    frames: miss  false  F1   | utterances: miss  false  F1   "
        "| found cut false"
    )
    paths = actors(folder, half)
    chosen = np.random.default_rng(8).permutation(len(paths))[:48]
    rng = np.random.default_rng(9)
    raw, truth, spans = sentence_stream([paths[i] for i in chosen], np.random.default_rng(10), None)
    even, _, _ = sentence_stream([paths[i] for i in chosen], np.random.default_rng(10), -26.0)
    room = 10 ** (-70 / 20) * pink_noise(len(raw), rng)
    rows = {}
    for name, noise in noises(folder, len(raw), rng):
        mixed = raw + room if noise is None else even + room + 10 ** (-26 / 20) * noise
        mixed *= min(1.0, 0.99 / np.abs(mixed).max())
        rows[name] = measure_stream(name, mixed.astype(np.float32), truth, spans, find)
    return rows


def measure_stream(
    name: str,
    samples: Float32,
    truth: Bool,
    spans: list[tuple[int, int]],
    find: Finder,
) -> Row:
    """One line of frame and utterance errors."""
    found = find(samples)
    ends = [(u.start_sample, u.end_sample) for u in found.accepted]
    frames = sg.frame_errors(truth, sg.steps_of_frames(found.speech))
    whole = sg.frame_errors(truth, sg.steps_of_spans(ends, len(samples)))
    hit = sum(any(a < e and b > s for a, b in ends) for s, e in spans)
    cut = sum(not any(a <= s + 800 and b > s for a, b in ends) for s, e in spans)
    false = sum(not any(a < e and b > s for s, e in spans) for a, b in ends)
    print(
        f"{name:20s}       {frames.miss * 100:5.1f}  {frames.false_alarm * 100:5.1f}"
        f"  {frames.f1:.3f}"
        f" |           {whole.miss * 100:5.1f}  {whole.false_alarm * 100:5.1f}  {whole.f1:.3f} |"
        f" {hit}/{len(spans)} {cut - (len(spans) - hit):3d} {false:3d}"
    )
    return {
        "frames": asdict(frames),
        "utterances": asdict(whole),
        "found": hit,
        "of": len(spans),
        "cut_over_50_ms": cut - (len(spans) - hit),
        "false_utterances": false,
    }


def measure_conversation(folder: Path, find: Finder) -> dict[str, Row]:
    """Meetings against their annotation, and all of them together."""
    print("\nMeetings (found/cut: turns by their overlap with an utterance)")
    rows, truths, founds = {}, [], []
    for conversation in find_conversations(folder / "conversation"):
        name, spans = conversation.name, list(conversation.turns)
        samples = read(conversation.path)
        truth = sg.steps_of_spans(spans, len(samples))
        rows[name] = measure_stream(name, samples, truth, spans, find)
        found = sg.steps_of_frames(find(samples).speech)
        truths.append(truth[: len(found)])
        founds.append(found[: len(truth)])
    every = sg.frame_errors(np.concatenate(truths), np.concatenate(founds))
    print(f"all frames: {every.miss * 100:.1f} {every.false_alarm * 100:.1f} {every.f1:.3f}")
    rows["all"] = {"frames": asdict(every)}
    return rows


def measure_noise(folder: Path, half: str, find: Finder) -> dict[str, Row]:
    """Utterances where nobody speaks."""
    print("\nFalse utterances by class: accepted + too short / minutes (bursts ignored)")
    totals: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0])
    with (folder / "noise" / "index.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    for index, row in enumerate(rows):
        if half != "all" and (index % 2 == 1) != (half == "tuned"):
            continue
        name = row["notes"].split(";")[0].replace("noise class: ", "").replace("noise: ", "")
        add(totals[name], read(folder / "noise" / row["file"]), find)
    rng = np.random.default_rng(3)
    for kind in CLATTER:
        add(totals[f"{kind} (made)"], clatter(kind, 120.0, rng), find)
    add(totals["music (made)"], music(120.0, rng), find)
    groups: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, total in sorted(totals.items(), key=lambda item: -item[1][0] / item[1][2]):
        group = "people" if any(w in name for w in HUMAN) else "not described"
        if group != "people" and not any(w in name for w in UNKNOWN):
            group = "made" if "(made)" in name else "no people"
        groups[group] = [a + b for a, b in zip(groups[group], total, strict=True)]
        print(
            f"  {name[:34]:34s} {total[0]:3.0f} +{total[1]:3.0f} / {total[2]:4.1f} min"
            f" ({total[3]:.0f})"
        )
    for name, total in groups.items():
        print(
            f"{name}: {total[0] / total[2]:.2f} accepted,"
            f" {total[1] / total[2]:.2f} too short a minute"
        )
    return {
        name: {"accepted": total[0], "too_short": total[1], "minutes": total[2]}
        for name, total in (totals | groups).items()
    }


def add(total: list[float], samples: Float32, find: Finder) -> None:
    """Add accepted, too short, minutes, ignored of one recording."""
    found = find(samples)
    total[0] += len(found.accepted)
    total[1] += len(found.utterances) - len(found.accepted)
    total[2] += len(samples) / SAMPLE_RATE_HZ / 60
    total[3] += found.n_ignored


def measure_cost(folder: Path, find: Finder) -> dict[str, float]:
    """CPU milliseconds per second of audio, detector and segmenter together."""
    print("\nCPU, ms per second of audio")
    n = 60 * SAMPLE_RATE_HZ
    noise = pink_noise(n, np.random.default_rng(1))
    speech = np.concatenate([read(p)[8000:40000] for p in actors(folder, "all")[::48]])
    sounds = {
        "zeros": np.zeros(n),
        "room noise -70 dBFS": 10 ** (-70 / 20) * noise,
        "fan -40 dBFS": 10 ** (-40 / 20) * noise,
        "continuous speech": np.resize(speech, n),
    }
    find(np.resize(speech, SAMPLE_RATE_HZ).astype(np.float32))  # loads what is loaded once
    rows = {}
    for name, sound in sounds.items():
        begin = time.process_time()
        find(sound.astype(np.float32))
        rows[name] = 1000 * (time.process_time() - begin) / 60
        print(f"  {name:20s} {rows[name]:5.1f}")
    return rows


def parse_settings(pairs: list[str]) -> Settings:
    """Settings with the named fields of the detector or the segmenter changed."""
    settings = Settings()
    for pair in pairs:
        name, value = pair.split("=")
        for part in ("vad", "segmenter"):
            group = getattr(settings, part)
            if name in {field.name for field in fields(group)}:
                kind = type(getattr(group, name))
                settings = replace(settings, **{part: replace(group, **{name: kind(value)})})
    return settings


def main() -> None:
    """Print the tables, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("SER_DATA"))
    parser.add_argument("--half", choices=("tuned", "held-out", "all"), default="held-out")
    parser.add_argument("--only", choices=("clips", "streams", "conversation", "noise", "cost"))
    parser.add_argument("--json", type=Path, help="e.g. docs/evaluation/segmentation.json")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--no-voicing", action="store_true", help="speech counts as voiced")
    args = parser.parse_args()
    if args.data is None:
        raise SystemExit("no recordings named: give their folder or set SER_DATA.")
    folder, settings = Path(args.data), parse_settings(args.set)
    variants = {"as set": settings}
    if args.json is not None:
        variants = {
            confirm: replace(settings, vad=replace(settings.vad, confirm=confirm))
            for confirm in ("on", "off")
        }
    report: dict[str, Any] = {"half": args.half, "settings": asdict(settings)}
    for variant, chosen in variants.items():
        print(f"\n=== confirm: {variant}")
        find = partial(sg.segment, settings=chosen)
        parts: dict[str, Callable[[], object]] = {
            "clips": partial(measure_clips, folder, args.half, find),
            "streams": partial(measure_streams, folder, args.half, find),
            "conversation": partial(measure_conversation, folder, find),
            "noise": partial(measure_noise, folder, args.half, find),
            "cost": partial(measure_cost, folder, find),
        }
        report[variant] = {
            name: measure() for name, measure in parts.items() if args.only in (None, name)
        }
    if args.json is not None:
        args.json.write_text(json.dumps(rounded(report), indent=1) + "\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Numbers to four digits; NaN, which JSON has not, as null."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    return value


if __name__ == "__main__":
    main()
