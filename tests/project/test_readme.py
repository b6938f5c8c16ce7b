"""The programs of README.md run, and print what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from python_distribution import python_folder

README = Path(__file__).parents[2] / "README.md"


def test_the_first_programs(tmp_path):
    chapter = README.read_text(encoding="utf-8").partition("## From Python\n")[2]
    programs = re.findall(r"^```python\n(.*?)^```$", chapter, re.DOTALL | re.MULTILINE)
    (promised,) = re.findall(r"^```text\n(.*?)^```$", chapter, re.DOTALL | re.MULTILINE)
    path = tmp_path / "program.py"
    path.write_text("".join(programs))
    environment = os.environ | {FOLDER_VARIABLE: str(python_folder())}
    done = subprocess.run(
        [sys.executable, path], env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert len(programs) == 2  # one in Python, one in JavaScript, which do the same
    assert (done.returncode, sorted(done.stdout.splitlines())) == (0, sorted(2 * promised.splitlines())), done.stderr
