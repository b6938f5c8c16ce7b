"""``make demo-network``: both pictures are right, and nothing is left, also where Ctrl-C ends it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcp_worker.demo.network.pictures import JULIA, MANDELBROT, steps_with_numpy, write_picture
from node import node
from npm_packages import npm_packages

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240), pytest.mark.long_network]

SIZE = 64


def start(folder: Path) -> subprocess.Popen[str]:
    options = ["--size", str(SIZE), "--deadline", "200", "--node", str(node())]
    environment = os.environ | {"NODE_PATH": str(npm_packages("dcp5")), "TMPDIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "dcp_worker.demo.network", *options], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def left_of(session: int) -> list[str]:
    """Commands that are still there of a session."""
    done = subprocess.run(["ps", "-s", str(session), "-o", "args="], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def test_both_pictures_agree_with_numpy(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        output, errors = demo.communicate()
    assert demo.returncode == 0, errors
    assert len(re.findall(rf"{SIZE} of {SIZE}", output)) == 2
    assert output.count("agrees") == 2
    for name, view in (("python", MANDELBROT), ("npm", JULIA)):
        expected = write_picture(steps_with_numpy(view, SIZE), tmp_path / "expected.png")
        with Image.open(tmp_path / "out" / f"network-{name}.png") as made, Image.open(expected) as right:
            assert np.array_equal(np.asarray(made), np.asarray(right))
    assert left_of(demo.pid) == []


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        try:
            while not list(tmp_path.glob("dcp-demo-*/worker1/worker.log")):
                assert demo.poll() is None
                time.sleep(0.1)
        finally:
            demo.send_signal(signal.SIGINT)
            _, errors = demo.communicate()
    assert demo.returncode == 130, errors
    assert left_of(demo.pid) == []
    assert list(tmp_path.glob("dcp-demo-*")) == []
