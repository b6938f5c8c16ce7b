"""How much work a worker asks for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Room for slices: free cores, and GPUs of the worker (``targetLoad``)."""

    cpu: float
    gpu: float
