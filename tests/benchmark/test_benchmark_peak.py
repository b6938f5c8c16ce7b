"""What an adapter can compute at most, on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dcp_evaluator.benchmark import peak
from dcp_evaluator.probe.machine import machine

pytestmark = pytest.mark.any_engine

MACHINE = {"cores": 4, "cpus_usable": 8, "cpu_features": ["avx2", "fma"]}


def of(device: str, kind: str = "discrete", **changes: Any) -> float | None:
    return peak.peak_gflops({"device": device, "type": kind}, {**MACHINE, **changes})


@pytest.mark.parametrize(
    ("device", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 66.9), ("NVIDIA H100 PCIe", 51.2), ("NVIDIA A100-SXM4-80GB", 19.5),
        ("NVIDIA A10", 31.2), ("NVIDIA L4", 30.3), ("NVIDIA L40S", 91.6), ("NVIDIA GeForce RTX 4090", 82.6),
    ],
)  # fmt: skip
def test_gpus_are_known_by_their_names(device: str, teraflops: float) -> None:
    assert of(device) == pytest.approx(1000 * teraflops)


@pytest.mark.parametrize("device", ["NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA A1000", "", "AMD Radeon Graphics"])
def test_what_is_not_known_has_none(device: str) -> None:
    assert of(device) is None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The kernel tells clocks of 2.6 and 3 GHz."""
    (tmp_path / "cpuinfo").write_text("cpu MHz\t\t: 2600.000\nflags: fma\ncpu MHz\t\t: 3000.000\n")
    monkeypatch.setattr(peak, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(peak, "_MOST", tmp_path / "cpuinfo_max_freq")
    return tmp_path


def test_in_software_it_is_that_of_the_cores(clock: Path) -> None:
    assert of("llvmpipe (LLVM 15.0.6, 256 bits)", "cpu") == pytest.approx(4 * 3 * 8 * 2 * 2)
    assert of("llvmpipe (LLVM 15.0.6, 256 bits)", "cpu", cores=None) == pytest.approx(8 * 3 * 8 * 2 * 2)
    assert of("SwiftShader Device (Subzero)", "cpu") == pytest.approx(4 * 3 * 4 * 2 * 2)
    assert of("llvmpipe (LLVM 15.0.6, 256 bits)", "cpu", cpu_features=["sse4_2"]) is None
    assert of("another", "cpu") is None
    (clock / "cpuinfo_max_freq").write_text("4200000\n")
    assert of("llvmpipe (LLVM 15.0.6, 256 bits)", "cpu") == pytest.approx(4 * 4.2 * 8 * 2 * 2)
    (clock / "cpuinfo_max_freq").unlink()
    (clock / "cpuinfo").unlink()
    assert of("llvmpipe (LLVM 15.0.6, 256 bits)", "cpu") is None


def test_this_machine_tells_what_it_takes() -> None:
    assert {"cores", "cpus_usable", "cpu_features"} <= set(machine())
