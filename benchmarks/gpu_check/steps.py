"""All steps, in order: cheap facts first, then the drivers without and inside the seal, then what they compute."""

from __future__ import annotations

from . import drivers, facts, faults, speed, works
from .step import Step

STEPS = (
    Step("facts", "Facts about this machine", 30, facts.facts),
    Step("first-host", "The first host, the second, and one after a while", 90, drivers.first_host),
    Step("unsealed", "Drivers without the seal", 60, drivers.unsealed),
    Step("sealed", "Drivers inside the seal", 60, drivers.sealed),
    Step("each-driver", "Each driver alone", 60, drivers.each_driver),
    Step("which-layer", "With each layer of the seal off", 60, drivers.which_layer),
    Step("which-call", "What the seal refuses to drivers", 45, drivers.which_call),
    Step("probe", "dcp-evaluator --probe", 75, works.probe),
    Step("explain", "dcp-evaluator --probe --explain-gpu", 90, works.explain),
    Step("f32", "Matrix product, f32", 40, speed.product_f32),
    Step("f16", "Matrix product, f16", 40, speed.product_f16),
    Step("transfers", "Upload and readback", 30, speed.transfers),
    Step("round-trip", "Round trip", 20, speed.round_trip),
    Step("benchmark", "The GPU part of dcp-evaluator --benchmark", 60, speed.benchmark),
    Step("four-hosts", "Four hosts at once", 40, speed.four_hosts),
    Step("memory-limit", "A host with a memory limit of 1 GiB", 20, speed.memory_limit),
    Step("long-shader", "A shader of 15 seconds", 60, faults.long_shader),
    Step("timeout", "A shader beyond --gpu-timeout", 30, faults.timeout),
    Step("killed-host", "A host that is killed while it works", 30, faults.killed_host),
    Step("kernel-log", "What the kernel wrote meanwhile", 15, drivers.kernel_log),
    Step("tests", "The project's own tests that take an adapter", 130, works.own_tests),
)
