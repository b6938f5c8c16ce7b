"""The demo: its codec, its job on each path, and what it says when the result is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from dcp_evaluator.demo import picture
from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from python_distribution import python_folder

SIZE = 256


def run_demo(*arguments: str, folder: Path, python: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``python``: a folder with a Python distribution."""
    command = [sys.executable, "-m", "dcp_evaluator.demo", "--size", str(SIZE), "--sandboxes", "2", *arguments]
    environment = os.environ | {FOLDER_VARIABLE: str(python or folder / "nothing")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def expected_picture() -> np.ndarray:
    return picture.filter_with_numpy(picture.as_float(picture.make_picture(SIZE)), picture.gaussian())


def row_of_table(output: str, name: str) -> str:
    found = re.search(rf"^│ {re.escape(name)} +│ (.*?) *│$", output, re.MULTILINE)
    assert found, f"no row {name!r} in:\n{output}"
    return found[1]


@pytest.mark.parametrize("arguments", [(), ("--no-gpu",)], ids=["gpu", "javascript"])
def test_demo_agrees_with_numpy_and_writes_the_picture(tmp_path, arguments):
    done = run_demo(*arguments, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert row_of_table(done.stdout, "slices").startswith("64 in ")
    assert row_of_table(done.stdout, "numpy's result").startswith("agrees")
    assert row_of_table(done.stdout, "isolation in force")
    assert row_of_table(done.stdout, "slices in Python").startswith("none (no Python distribution is installed")
    if arguments:
        assert row_of_table(done.stdout, "adapter").startswith("not asked for")
        assert row_of_table(done.stdout, "GPU time a slice") == "not used"
    else:
        assert not row_of_table(done.stdout, "adapter").startswith("none")
        assert float(row_of_table(done.stdout, "GPU time a slice").split()[0]) > 0
    with Image.open(tmp_path / "out" / "demo.png") as written:
        pixels = np.asarray(written)
    assert pixels.shape == (SIZE, SIZE)
    assert np.abs(pixels - 255 * expected_picture()).max() < 0.51


def test_the_demo_measures_the_picture_in_python(tmp_path):
    done = run_demo("--no-gpu", folder=tmp_path, python=python_folder())
    assert done.returncode == 0, done.stdout + done.stderr
    assert row_of_table(done.stdout, "slices in Python").startswith("64 in ")
    before, after = re.findall(r"([0-9.]+)%", row_of_table(done.stdout, "fine detail"))
    assert float(before) > 10 * float(after)
    assert "numpy's result agrees" in " ".join(done.stdout.replace("│", " ").split())


def test_a_wrong_result_ends_with_status_1(tmp_path):
    done = run_demo("--no-gpu", "--no-python", "--tolerance", "0", folder=tmp_path)
    assert done.returncode == 1
    assert row_of_table(done.stdout, "numpy's result").startswith("DIFFERS")
    assert done.stderr.strip() == "demo: the sandboxes' result differs from numpy's"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sandboxes", "0"], "'0' is not a number from 1 to 1024"),
        (["--size", "63"], "'63' is not a number from 64 to 16384"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_wrong_options_end_with_status_2(tmp_path, arguments, message):
    done = run_demo(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_picture_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    done = run_demo("--no-gpu", folder=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"demo: cannot write out: .*\n", done.stderr)


@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 4095)))
def test_the_webassembly_module_unpacks_what_was_packed(levels):
    packed = picture.pack(levels)
    text = files("dcp_evaluator.demo").joinpath("decode.wat").read_text(encoding="utf-8")
    store = wasmtime.Store()
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, wasmtime.wat2wasm(text)), []).exports(store)
    memory, target = exports["memory"], 32768
    memory.write(store, packed, 0)
    assert exports["decode"](store, 0, target, *levels.shape) == len(packed)
    unpacked = np.frombuffer(memory.read(store, target, target + 4 * levels.size), np.float32)
    assert np.array_equal(unpacked.reshape(levels.shape), picture.as_float(levels))


@given(st.integers(64, 300), st.integers(1, 64))
def test_bands_cover_the_picture_once(size, count):
    bands = picture.Bands(picture.make_picture(size), count)
    assert len(bands) == len(list(bands)) == count
    assert sum(band["rows"] for band in bands) == size
    assert max(band["rows"] for band in bands) == bands.most_rows
