"""Shaders that reach beyond what is bound touch nothing else."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_a_shader_that_reaches_beyond_its_buffer_touches_no_other(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["error"] is None
    assert found["around"] is True
    assert found["rest"] is True
    assert found["seen"] is False
    assert found["stderr"] == ""
