"""What the bundle has beside the package and all that it needs."""

from __future__ import annotations

# What install.sh runs, and what benchmarks/gpu-check.sh needs for the project's own tests.
BESIDE = ("pip", "hypothesis", "jsonschema", "pytest", "pytest-timeout")
