"""Requests for adapters (section 4.2), on whatever adapters this machine has."""

from __future__ import annotations

from pathlib import Path

from dcp_evaluator.gpu.options import list_adapters
from dcp_evaluator.settings.settings import Settings
from gpu_script import run


def test_every_preference_is_answered(tmp_path: Path) -> None:
    """Which of several adapters it gets: tests/native/gpu_host_parts_test.cpp."""
    found = run(
        tmp_path,
        """
        const ask = async (options) => (await navigator.gpu.requestAdapter(options))?.info.isFallbackAdapter ?? null;
        results.any = [await ask(), await ask({}), await ask({ powerPreference: undefined }),
          await ask({ powerPreference: "low-power" }), await ask({ powerPreference: "high-performance" }),
          await ask({ featureLevel: "core" }), await ask({ featureLevel: "compatibility" })];
        results.fallback = [await ask({ forceFallbackAdapter: true }),
          await ask({ forceFallbackAdapter: true, powerPreference: "high-performance" })];
        results.wrong = [await rejected(navigator.gpu.requestAdapter({ powerPreference: "most" })),
          await rejected(navigator.gpu.requestAdapter({ powerPreference: null })),
          await rejected(navigator.gpu.requestAdapter(1)),
          await rejected(GPU.prototype.requestAdapter.call({}))];
        const [first, second] = [await navigator.gpu.requestAdapter(), await navigator.gpu.requestAdapter()];
        results.apart = [first !== second, (await second.requestDevice()) instanceof GPUDevice,
          await rejected(second.requestDevice()), (await first.requestDevice()) instanceof GPUDevice];
        """,
    )
    software = [adapter["type"] == "cpu" for adapter in list_adapters(Settings())]
    assert found["any"][0] is software[0]
    assert set(found["any"]) <= set(software)
    assert found["fallback"] == [True if any(software) else None] * 2
    assert found["wrong"] == ["TypeError"] * 4
    assert found["apart"] == [True, True, "OperationError", True]
    assert found["stderr"] == ""
