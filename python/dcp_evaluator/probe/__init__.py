"""``dcp-evaluator --probe``: what this machine offers to sandboxes."""

from pathlib import Path

SCHEMA_FILE = Path(__file__).parents[1] / "schemas" / "probe-1.json"
"""The report as a JSON schema (2020-12)."""
