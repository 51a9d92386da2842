"""Fail unless everything a user gets with ser-live has a permissive licence.

Looks at the packages that requirements.lock brings to users, extras included, as they are
installed here, and at what their own metadata declare. It needs no network.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from license_expression import (
    AND,
    ExpressionError,
    LicenseExpression,
    LicenseWithExceptionSymbol,
    get_spdx_licensing,
)
from locked import Locked, needed_to_run, read_lock
from packaging.markers import Marker

PERMISSIVE = frozenset(
    [
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "HPND", "ISC"),
        *("MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib"),
    ]
)
"""SPDX identifiers of licences that ask for a notice at most."""

ACCEPTED = {
    "partd": ("BSD", "the licence of three clauses, by its text"),
    "python-osc": ("Freely Distributable", "public domain: its text is that of the Unlicense"),
    "certifi": ("MPL-2.0", "a list of certificates, passed on unchanged; nothing here opens it"),
    "soxr": ("LGPL-2.1-or-later", "a library of its own, loaded unchanged and replaceable"),
}
"""The only other licences accepted, by package, and why."""

SPELLINGS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Words of older metadata for an SPDX identifier; "BSD License" may be 2 or 3 clauses."""

_SPDX: Any = get_spdx_licensing()


def declared_licence(package: str) -> str:
    """SPDX expression that an installed package declares, empty where it declares none.

    The field made for it counts first, then the classifiers, then the free text.
    """
    found: Any = metadata(package)
    if expression := found.get("License-Expression"):
        return str(expression)
    classifiers = [text for text in found.get_all("Classifier", []) if text.startswith("License")]
    names = [text.rpartition(":: ")[2] for text in classifiers]
    if not names and found.get("License"):
        names = [found["License"].strip()]
    return " AND ".join(SPELLINGS.get(name, name) for name in names)


def is_permissive(expression: str) -> bool:
    """Whether an SPDX expression can be fulfilled with permissive licences alone."""
    try:
        parsed = _SPDX.parse(expression, validate=True)
    except ExpressionError:
        return False
    return parsed is not None and _allows(parsed)


def _allows(node: LicenseExpression) -> bool:
    if node.args:
        together = all if isinstance(node, AND) else any
        return together(_allows(part) for part in node.args)
    if isinstance(node, LicenseWithExceptionSymbol):  # an exception only permits more
        node = node.license_symbol
    return node.key in PERMISSIVE


def complaint(package: Locked) -> str:
    """Fault of an installed package; empty where there is none."""
    try:
        found = metadata(package.name)["Version"]
    except PackageNotFoundError:
        return f"{package.name} is not installed: run `make setup`"
    if found != package.version:
        return f"{package.name} {found} is installed, {package.version} is locked: `make setup`"
    licence = declared_licence(package.name)
    if is_permissive(licence) or ACCEPTED.get(package.name, ("",))[0] == licence:
        return ""
    return (
        f"{package.name} {package.version} declares {licence or 'no licence'!r}, but a permissive "
        "licence is needed: use something else, or accept it with a reason in "
        "scripts/check_licences.py"
    )


def main() -> None:
    """Print what was looked at; fail where something is not as it should be."""
    needed = needed_to_run(read_lock())
    here = [p for p in needed if not p.marker or Marker(p.marker).evaluate()]
    elsewhere = {p.name for p in needed} - {p.name for p in here}
    complaints = [text for text in map(complaint, here) if text]
    for text in complaints:
        print(f"licences: {text}.", file=sys.stderr)
    for name, (licence, why) in ACCEPTED.items():
        print(f"licences: {name} has {licence}: {why}.")
    if elsewhere:
        print(f"licences: not looked at, only for other systems: {', '.join(sorted(elsewhere))}.")
    if complaints:
        sys.exit(1)
    print(f"licences: the other {len(here) - len(ACCEPTED)} packages are permissively licensed.")


if __name__ == "__main__":
    main()
