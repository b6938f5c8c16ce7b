"""JSON of strings: stretches that need no look, and what comes between them."""

from __future__ import annotations

from pathlib import Path

from cli_driver import run_script


def test_strings_of_json_are_quoted_and_read(tmp_path: Path, script: str) -> None:
    """Whatever comes after however many plain units, in both forms in which an engine keeps strings."""
    done = run_script(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0 []\n"
