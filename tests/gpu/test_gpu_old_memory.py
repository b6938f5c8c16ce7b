"""Nothing that was in memory before can be read: what nothing has written is zero."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_nothing_old_is_readable(tmp_path: Path, script: str) -> None:
    found = run(tmp_path, script)
    assert found["old"] == {}
    assert found["cases"] == 160
    assert found["stderr"] == ""
    # As docs/webgpu.md has it; the specification has zeros, and only the slice that was discarded is zero.
    assert (found["loop"], found["slices"]) == (7, [0, 0, 0, 0])
