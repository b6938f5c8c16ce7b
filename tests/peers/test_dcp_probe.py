"""``dcp-evaluator --probe`` with DCP's own start-up files."""

from __future__ import annotations

from dcp_programs import start_up_files

from reports import probe


def test_worktimes_and_capabilities_of_dcps_start_up_files() -> None:
    worktimes = probe(0, *start_up_files())["worktimes"]
    assert worktimes["error"] is None
    assert worktimes["files"] == [
        {"name": "map-basic", "versions": ["1.0.0"]},
        {"name": "pyodide", "versions": ["0.26.0"]},
    ]
    assert worktimes["capabilities"]["environment"] == {"webgpu": True, "offscreenCanvas": False, "fdlibm": True}
