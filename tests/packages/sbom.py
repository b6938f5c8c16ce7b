"""The parts of the packages, as CycloneDX has them: what is pinned, what is compiled in, and what sandboxes load."""

from __future__ import annotations

import base64
import json
import re
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beside import BESIDE
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType, Pedigree
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from native_parts import Library
from packageurl import PackageURL
from pinned import Pin, names_of, needed, needs, read_pins

from dcp_evaluator.distribution.releases import RELEASES
from dcp_worker.commands.packages import DEFAULT_VERSION, packages_of

_QUICKJS = Path("native", "engine", "quickjs")
_PORTAL = Path("packaging", "portal")
_HEADERS = "pybind11"


def sbom(root: Path, time_of_commit: int, libraries: Iterable[Library]) -> str:
    """JSON: the same text for the same commit and libraries. ``root``: of the project."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = read_pins((root / "requirements" / "make.txt").read_text(encoding="utf-8"))
    own = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        description=project["description"],
        licenses=[LicenseExpression(project["license"])],
        purl=_purl("pypi", project["name"], project["version"]),
        bom_ref=project["name"],
    )
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{own.purl}+{time_of_commit}"))
    bom.metadata.component = own
    bom.metadata.timestamp = datetime.fromtimestamp(time_of_commit, UTC)
    parts = [*_compiled_in(root, pins, libraries), *_in_browsers(root), *_added()]
    direct = _add_packages(bom, project, pins)
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(own, [*direct, *parts])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _add_packages(bom: Bom, project: dict[str, Any], pins: list[Pin]) -> list[Component]:
    """Adds those that pip installs with a wheel, and the bundle's. Returns those that the project names."""
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    scopes = dict.fromkeys(needed(pins, BESIDE), ComponentScope.EXCLUDED)
    scopes |= dict.fromkeys(needed(pins, extras), ComponentScope.OPTIONAL)
    scopes |= dict.fromkeys(needed(pins, project["dependencies"]), ComponentScope.REQUIRED)
    components: dict[str, list[Component]] = {}
    for pin, scope in scopes.items():
        how = "in the bundle, to install and to check it" if scope is ComponentScope.EXCLUDED else "installed beside"
        components.setdefault(pin.name, []).append(_package(pin, scope, how))
    for name, names in needs(scopes).items():
        for component in components[name]:
            bom.components.add(component)
            bom.register_dependency(component, [each for need in names for each in components[need]])
    return [each for name in names_of([*project["dependencies"], *extras]) for each in components[name]]


def _compiled_in(root: Path, pins: list[Pin], libraries: Iterable[Library]) -> Iterator[Component]:
    (quickjs,) = read_pins((root / _QUICKJS / "quickjs.lock").read_text(encoding="utf-8").replace(" --", " \\\n    --"))
    patches = sorted(path.name for path in (root / _QUICKJS / "patches").glob("*.patch"))
    changed = _package(quickjs, ComponentScope.REQUIRED, "compiled in")
    changed.pedigree = Pedigree(notes=f"changed by {', '.join(patches)} of {_QUICKJS / 'patches'}")
    yield changed
    for pin in pins:
        if pin.name == _HEADERS:
            yield _package(pin, ComponentScope.REQUIRED, "compiled in")
    for library in libraries:
        qualifiers = {"arch": library.architecture}
        yield Component(
            name=library.name,
            version=library.version,
            scope=ComponentScope.REQUIRED,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=library.sha256)],
            licenses=[LicenseExpression(library.licence)],
            purl=(purl := PackageURL("deb", "debian", library.package, library.version, qualifiers)),
            bom_ref=str(purl),
            properties=[Property(name="dcp:how", value="linked statically")],
        )


def _in_browsers(root: Path) -> Iterator[Component]:
    """The portal's, which wheels have."""
    lock = json.loads((root / _PORTAL / "package-lock.json").read_text(encoding="utf-8"))
    for place, package in lock["packages"].items():
        if name := place.removeprefix("node_modules/"):
            digest = base64.b64decode(package["integrity"].removeprefix("sha512-")).hex()
            namespace, _, short = name.rpartition("/")
            purl = PackageURL("npm", namespace or None, short, package["version"])
            yield Component(
                name=name,
                version=package["version"],
                scope=ComponentScope.REQUIRED,
                hashes=[HashType(alg=HashAlgorithm.SHA_512, content=digest)],
                licenses=[LicenseExpression(package["license"])],
                purl=purl,
                bom_ref=str(purl),
                properties=[Property(name="dcp:how", value="run by browsers")],
            )


def _added() -> Iterator[Component]:
    """What sandboxes load: dcp-client's start-up files, and Pyodide. The bundle has them, dcp-worker fetches them."""
    for package in packages_of(DEFAULT_VERSION):
        digest = base64.b64decode(package.integrity.removeprefix("sha512-")).hex()
        yield _optional("npm", package.name, package.version, HashType(alg=HashAlgorithm.SHA_512, content=digest))
    for release in RELEASES:
        if carrier := release.carrier:
            digest = HashType(alg=HashAlgorithm.SHA_256, content=carrier.sha256)
            component = _optional("pypi", carrier.name, carrier.version, digest)
            component.description = f"Pyodide {release.version}, CPython {release.python} for sandboxes"
            yield component


def _package(pin: Pin, scope: ComponentScope, how: str) -> Component:
    purl = _purl("pypi", pin.name, pin.version)
    return Component(
        name=pin.name,
        version=pin.version,
        scope=scope,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in pin.hashes],
        purl=purl,
        bom_ref=str(purl),
        properties=[Property(name="dcp:how", value=how)],
    )


def _optional(kind: str, name: str, version: str, digest: HashType) -> Component:
    purl = _purl(kind, name, version)
    how = Property(name="dcp:how", value="loaded by sandboxes")
    return Component(
        name=name, version=version, scope=ComponentScope.OPTIONAL, hashes=[digest], purl=purl, bom_ref=str(purl),
        properties=[how],
    )  # fmt: skip


def _purl(kind: str, name: str, version: str) -> PackageURL:
    return PackageURL(kind, None, re.sub(r"[-_.]+", "-", name), version)
