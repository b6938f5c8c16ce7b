"""The programs of docs/clusters.md run on two nodes, and print what the text says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from python_distribution import python_environment
from ray_cluster import ray_cluster

pytestmark = pytest.mark.any_engine

_DOCUMENT = Path(__file__).parents[2] / "docs" / "clusters.md"


def test_programs_of_the_guide(temporary_folder: object, tmp_path: Path) -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    environment = {**os.environ, **python_environment()}
    with ray_cluster([{"num_cpus": 1}, {"num_cpus": 1}], environment) as cluster:
        done = cluster.run_driver("import runpy, sys; runpy.run_path(sys.argv[1])", str(script), **python_environment())
    promised = re.findall(r"# -> (.*)$", program, re.MULTILINE)
    assert (done.returncode, done.stdout.splitlines()) == (0, promised), done.stderr
