"""The programs of docs/clusters.md run on two nodes, and print what the text says; an example does there what it does
here.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from python_distribution import python_environment
from ray_cluster import RayCluster

pytestmark = pytest.mark.any_engine

_ROOT = Path(__file__).parents[2]


def test_programs_of_the_guide(two_nodes: RayCluster, tmp_path: Path) -> None:
    text = (_ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    done = two_nodes.run_driver(script)
    promised = re.findall(r"# -> (.*)$", program, re.MULTILINE)
    assert (done.returncode, done.stdout.splitlines()) == (0, promised), done.stderr


def test_an_example_on_a_cluster(two_nodes: RayCluster) -> None:
    example = _ROOT / "examples" / "monte_carlo.py"
    there = two_nodes.run_driver(example, "4", "auto")
    here = two_nodes.run_driver(example, "4", **python_environment())
    assert (there.returncode, there.stdout) == (0, here.stdout), there.stderr
    assert here.stdout.startswith("the option is worth ")
