"""Write the software bill of materials: CycloneDX JSON of all that comes with ser-live.

Listed are the packages in requirements.lock that users get, extras included, for every
system and Python, with the hashes of their files and what asks for what; and the bundled
models. Equal input gives equal bytes. Usage: ``make_sbom.py SECONDS-SINCE-1970 FILE``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from check_licences import declared_licence
from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from locked import LOCK, ROOT_PACKAGE, Locked, needed_to_run, read_lock
from packageurl import PackageURL

from ser_live import __version__

MODELS = Path(__file__).parents[1] / "models"

MODEL_LICENCES = {"encoder.onnx": "MIT", "silero_vad_16k_products.onnx": "MIT"}
"""Licences of graphs that others trained; a card says that of weights trained here."""

_HASHES = HashTypeFactory()


def make_sbom(built_at_s: int) -> str:
    """The bill of this version, as JSON; `built_at_s` is its date in seconds since the epoch."""
    licences = LicenseFactory()
    root = Component(
        name="ser-live",
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref="ser-live",
        licenses=[licences.make_from_string("MIT AND CC-BY-NC-SA-4.0")],  # models, acted speech
        purl=PackageURL("pypi", None, "ser-live", __version__),
    )
    needed = needed_to_run(read_lock())
    packages = {(p.name, p.version): _package(p, licences) for p in needed}
    models = [
        _model(path, licences)
        for path in sorted([*MODELS.glob("*/*.npz"), *MODELS.glob("*/*.onnx")])
    ]
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, f"ser-live {__version__} {LOCK.read_text()}"),
        metadata=BomMetaData(
            component=root, timestamp=datetime.fromtimestamp(built_at_s, timezone.utc)
        ),
        components=[*packages.values(), *models],
    )
    asked: dict[str, list[Component]] = {}
    for package in needed:
        for asker in package.via:
            asked.setdefault(asker, []).append(packages[package.name, package.version])
    bom.register_dependency(root, [*asked.get(ROOT_PACKAGE, []), *models])
    for package in needed:
        component = packages[package.name, package.version]
        bom.register_dependency(component, asked.get(package.name, []))
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _package(package: Locked, licences: LicenseFactory) -> Component:
    purl = PackageURL("pypi", None, package.name, package.version)
    try:
        is_here = version(package.name) == package.version
    except PackageNotFoundError:
        is_here = False
    licence = declared_licence(package.name) if is_here else ""  # others' are not known
    hashes = [_HASHES.from_composite_str(text) for text in package.hashes]
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=[licences.make_from_string(licence)] if licence else [],
        # One for each file there is of it: a wheel a system, and the source.
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(purl)), hashes=hashes
            )
        ],
        properties=[Property(name="ser-live:marker", value=package.marker)]
        if package.marker
        else [],
    )


def _model(path: Path, licences: LicenseFactory) -> Component:
    card = path.with_name("card.json")
    if path.name in MODEL_LICENCES:
        licence = licences.make_from_string(MODEL_LICENCES[path.name])
    else:
        licence = licences.make_with_name(json.loads(card.read_text(encoding="utf-8"))["licence"])
    name = f"models/{path.parent.name}/{path.name}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Component(
        name=name,
        version=digest[:12],
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=name,
        licenses=[licence],
        hashes=[_HASHES.from_composite_str(f"sha256:{digest}")],
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(make_sbom(int(sys.argv[1])), encoding="utf-8")
