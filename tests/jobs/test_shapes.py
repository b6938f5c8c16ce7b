"""Arrays keep their shapes on the way into a sandbox and back, and int64 may travel as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp

LARGE = 40_000  # elements, which travel in shared memory


def run(evaluator: dcp.Evaluator, inputs: Any, work_function: str, *arguments: Any, **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, work_function, *arguments).local_exec(2, evaluator=evaluator, **options)


@pytest.mark.parametrize("columns", [4, LARGE])
@pytest.mark.parametrize("make", [np.asarray, list, lambda a: [x.copy(order="F") for x in a]])
def test_the_work_function_knows_the_shape(evaluator, columns, make):
    images = np.arange(2 * 3 * columns, dtype=np.float32).reshape(2, 3, columns)
    source = "(image) => [image.shape, image[image.shape[1]], Object.keys(image).includes('shape')]"
    assert list(run(evaluator, make(images), source)) == [[[3, columns], float(image[1, 0]), False] for image in images]


def test_shared_arrays_have_a_shape_too(evaluator):
    images = dcp.shared_empty((2, 3, LARGE), np.int16)
    images[1, 2, 1] = 7
    assert list(run(evaluator, images, "(image) => [image.shape, image[2 * image.shape[1] + 1]]")) == [
        [[3, LARGE], 0],
        [[3, LARGE], 7],
    ]


def test_other_arrays_know_theirs_as_well(evaluator):
    source = "(x, table, { scalar, flat }) => [table.shape, scalar.shape, flat.shape ?? 'none', x.a[0].shape]"
    job = dcp.compute_for(
        [{"a": [np.zeros((2, 1, 5))]}], source, np.zeros((2, 3)), scalar=np.array(2.5), flat=np.zeros(3)
    )
    assert job.local_exec(1, evaluator=evaluator)[0] == [[2, 3], [], "none", [2, 1, 5]]


@pytest.mark.parametrize("columns", [4, LARGE])
@pytest.mark.parametrize("make", [np.asarray, list])
def test_a_result_of_the_same_size_has_the_same_shape(evaluator, columns, make):
    images = np.arange(2 * 3 * columns, dtype=np.float64).reshape(2, 3, columns)
    results = run(evaluator, make(images), "(image) => Float32Array.from(image, (x) => -x)")
    assert results[0].dtype == np.float32
    np.testing.assert_array_equal(np.stack(list(results)), -images)


def test_results_of_another_size_are_flat(evaluator):
    images = np.zeros((2, 3, 4))
    assert [value.shape for value in run(evaluator, images, "(image) => image.slice(0, 6)")] == [(6,), (6,)]
    assert run(evaluator, images, "() => 5").values() == [5, 5]


@pytest.mark.parametrize("rows", [2, LARGE])
def test_arrays_that_the_work_function_labels(evaluator, rows):
    source = """(rows) => {
      const flat = Uint8Array.from({ length: 3 * rows }, (_, i) => i);
      const label = work.array(flat, [rows, 3]);
      return { same: label === flat, inner: [label], empty: work.array(new Int8Array(0), [0, 7]), flat: flat.slice() };
    }"""
    result = run(evaluator, [rows], source)[0]
    expected = np.arange(3 * rows).astype(np.uint8)
    assert result["same"] is True
    np.testing.assert_array_equal(result["inner"][0], expected.reshape(rows, 3))
    assert result["empty"].shape == (0, 7)
    assert result["flat"].shape == (3 * rows,)


def test_an_array_passes_through_with_its_shape(evaluator):
    results = run(evaluator, [np.arange(6).reshape(2, 3)], "(x) => ({ x, list: [x] })")
    assert results[0]["x"].tolist() == results[0]["list"][0].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("new Float32Array(5), [2, 3]", "work.array: 2 x 3 are 6 elements, the array has 5"),
        ("[1, 2], [2]", "work.array: the first argument is no typed array"),
        ("new Float32Array(6), 6", "work.array: the shape is no array of sizes, for example [2, 3]"),
        ("new Float32Array(6), [-2, -3]", "work.array: a size is no whole number from 0 on"),
        ("new Float32Array(1), [1, '1']", "work.array: a size is no whole number from 0 on"),
    ],
)
def test_labels_that_do_not_fit(evaluator, call, message):
    assert run(evaluator, [0], f"() => work.array({call})").wait().errors[0].message == message


def test_too_many_dimensions(evaluator):
    array = np.zeros((1,) * 32)
    assert run(evaluator, [array], "(x) => x.shape.length").values() == [32]
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        error = run(evaluator, [np.zeros((1,) * 33)], "(x) => 1").wait().errors[0]
        assert error.code == "EINPUT"
        assert "33 dimensions cannot be sent; reshape it" in error.message


# --- int64 ---

TYPE = "(x, y, z) => [x, y, z].map((each) => each?.constructor.name)"


def test_int64_is_bigint_unless_told_otherwise(evaluator):
    rows, other = np.arange(6).reshape(2, 3), np.arange(3, dtype=np.uint64)
    assert run(evaluator, rows, TYPE, other)[0] == ["BigInt64Array", "BigUint64Array", None]
    results = run(evaluator, rows, TYPE, other, [{"a": 5}], integers="number")
    assert results[1] == ["Float64Array", "Float64Array", "Array"]
    results = run(evaluator, rows, "(x) => x.map((v) => 2 * v)", integers="number")
    np.testing.assert_array_equal(np.stack(list(results)), 2.0 * rows)
    assert run(evaluator, [{"a": [rows, True, np.int64(3), "t"]}], "(x) => x.a", integers="number")[0][1:] == [
        True,
        3,
        "t",
    ]


def test_numbers_that_would_not_be_exact_fail_their_slice(evaluator):
    rows = np.array([[2**53, 0], [0, -(2**53) - 1]])
    results = run(evaluator, rows, "(x) => x[0]", integers="number").wait()
    assert results[0] == 2**53
    assert results.errors[1].code == "EINPUT"
    assert "-9007199254740993 is no exact number in JavaScript" in results.errors[1].message
    flat = run(evaluator, np.array([1, 2**60]), "(x) => x", integers="number").wait()
    assert (flat[0], flat.errors[1].code) == (1, "EINPUT")


def test_integers_are_one_of_two():
    with pytest.raises(ValueError, match='integers must be "bigint" or "number", not \'float\''):
        dcp.compute_for([1], TYPE).local_exec(integers="float")
