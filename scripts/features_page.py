"""The page about features: the patterns of their names, and what each part of a name means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ser_live.features import FEATURE_SET_VERSION, describe
from ser_live.features.description import Description
from ser_live.features.feature_set import BLOCKS, CONTOURS, FULL, REGIONS, SCALARS, Block
from ser_live.features.functionals import FUNCTIONALS

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_N_LISTED = 4
"""Number of values that are all written down."""


def page(notice: str) -> str:
    """The whole page, with `notice` below its heading."""
    blocks = "\n".join(_block_row(block) for block in BLOCKS)
    functionals = "\n".join(
        f"| `{name}` | {functional.unit.format('x')} | {functional.text.format('x')} |"
        for name, functional in FUNCTIONALS.items()
    )
    regions = "\n".join(f"- *{name}*: {text}" for name, text in REGIONS.items())
    return _PAGE.format(
        notice=notice.strip(),
        version=FEATURE_SET_VERSION,
        n_features=len(describe()),
        blocks=blocks,
        n_scalars=len(SCALARS),
        regions=regions,
        functionals=functionals,
        contours=_table(CONTOURS),
        scalars=_table(SCALARS),
    )


_PAGE = """\
# Features

{notice}

Feature set {version}: {n_features} features per utterance, as `ser-live features` prints them.
Undefined is empty (CSV) or `null` (JSON), never 0. From Python, `describe()` in
`ser_live.features` gives unit, definition and source of each.

A name is read from left to right: a contour with its unit, the region of frames where it is not the
usual one, a functional. `spectral_centroid_hz_voiced_p80` is the 80th percentile of the spectral
centroid over voiced frames, in hertz.

## Patterns

| name | contours | over frames | functionals | features |
| --- | --- | --- | --- | --- |
{blocks}
| a name of its own | [below](#features-with-a-name-of-their-own) | | | {n_scalars} |

{regions}

## Functionals

Of a contour *x*, frames without a value left out.

| ending | unit | definition |
| --- | --- | --- |
{functionals}

## Appendix: contours

Numbers in braces stand for a contour each.

| contour | number | unit | definition | source |
| --- | --- | --- | --- | --- |
{contours}

## Features with a name of their own

Where a name has several braces, each pair is there once: the number says how many there are.

| feature | number | unit | definition | source |
| --- | --- | --- | --- | --- |
{scalars}
"""


def _block_row(block: Block) -> str:
    patterns = [pattern for pattern, _ in _families({n: CONTOURS[n] for n in block.contours})]
    contours = ", ".join(f"`{pattern}`" for pattern in patterns)
    endings = "all" if block.functionals == FULL else _listed(block.functionals)
    ending = "functional" if block.functionals == FULL else "one of these"
    return (
        f"| *contour*`{block.infix}_`*{ending}* | {contours} | {block.region} | {endings} "
        f"| {len(block.names())} |"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(described: Mapping[str, Description]) -> str:
    rows = []
    for pattern, names in _families(described):
        about = described[names[0]]
        text = merged([described[name].text for name in names]).replace("|", r"\|")
        rows.append(f"| `{pattern}` | {len(names)} | {about.unit} | {text} | {about.source} |")
    return "\n".join(rows)


def _families(described: Mapping[str, Description]) -> list[tuple[str, list[str]]]:
    """Names that differ in numbers alone, as their definitions do, under one pattern."""
    families: dict[tuple[str, ...], list[str]] = {}
    for name, about in described.items():
        words = (name, about.text, about.unit, about.source)
        families.setdefault(tuple(_NUMBER.sub("#", word) for word in words), []).append(name)
    return [(merged(names), names) for names in families.values()]


def merged(texts: Sequence[str]) -> str:
    """One text for several that differ in numbers alone: those that differ stand in braces."""
    between = _NUMBER.split(texts[0])
    columns = list(zip(*(_NUMBER.findall(text) for text in texts), strict=True))
    numbers = [_braced(list(dict.fromkeys(column))) for column in columns]
    return between[0] + "".join(n + rest for n, rest in zip(numbers, between[1:], strict=True))


def _braced(values: list[str]) -> str:
    if len(values) == 1:
        return values[0]
    if len(values) <= _N_LISTED:
        return f"{{{', '.join(values)}}}"
    ordered = sorted(values, key=float)
    return f"{{{ordered[0]} … {ordered[-1]}}}"
