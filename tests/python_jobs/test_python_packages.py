"""Packages of the distribution do real work in sandboxes: held against numpy and sqlite here, and against formulas."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp

ALL = [
    "pandas", "pillow", "PIL.Image", "scikit-learn", "sklearn.cluster.KMeans", "sklearn.linear_model.LinearRegression",
    "scipy.integrate", "scipy.optimize", "scipy.sparse.linalg.spsolve", "sqlite3",
]  # fmt: skip
"""And each submodule that a function imports: so one template serves all."""
RNG = np.random.default_rng(7)


@pytest.fixture
def run(pythons: dcp.Evaluator) -> Callable[..., Any]:
    """run(datum, work_function): in a sandbox of the one template that has all packages."""

    def run(datum: Any, work_function: Callable[[Any], Any]) -> Any:
        job = dcp.compute_for([datum], work_function)
        job.modules = ALL
        return job.local_exec(sandboxes=1, evaluator=pythons)[0]

    return run


# The first one waits until the modules of all packages are compiled, which are kept then.
pytestmark = [pytest.mark.timeout(600), pytest.mark.any_engine]


def test_numpy(run):
    matrix = RNG.normal(size=(40, 40))

    def solve(a):
        u, s, vt = np.linalg.svd(a)
        return np.linalg.inv(a), s, np.allclose(u * s @ vt, a), np.fft.ifft(np.fft.fft(a)).real

    inverse, singular, is_same, there_and_back = run(matrix, solve)
    np.testing.assert_allclose(inverse @ matrix, np.eye(40), atol=1e-9)
    np.testing.assert_allclose(singular, np.linalg.svd(matrix, compute_uv=False))
    np.testing.assert_allclose(there_and_back, matrix, atol=1e-12)
    assert is_same


def test_pandas(run):
    values, groups = RNG.normal(size=1000), RNG.integers(0, 7, 1000)

    def sums(columns):
        import pandas as pd

        grouped = pd.DataFrame(columns).groupby("group").value
        return grouped.sum().to_dict(), grouped.size().to_numpy()

    sums_by_group, sizes = run({"group": groups, "value": values}, sums)
    assert sums_by_group == pytest.approx({g: values[groups == g].sum() for g in range(7)})
    np.testing.assert_array_equal(sizes, np.bincount(groups))


def test_scipy(run):
    def work(a):
        from scipy import integrate, optimize, sparse
        from scipy.sparse.linalg import spsolve

        least = optimize.minimize(optimize.rosen, [1.3, 0.7, 0.8])
        root = optimize.brentq(lambda x: x * x - 2, 0, 2)
        area, _ = integrate.quad(np.sin, 0, np.pi)
        return least.x, root, area, spsolve(sparse.csc_matrix(a), np.ones(len(a)))

    matrix = np.diag([2.0] * 30) + np.diag([-1.0] * 29, 1) + np.diag([-1.0] * 29, -1)
    least, root, area, solution = run(matrix, work)
    np.testing.assert_allclose(least, np.ones(3), atol=1e-4)
    assert (root, area) == pytest.approx((2**0.5, 2.0))
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, np.ones(30)))


def test_scikit_learn(run):
    x = RNG.normal(size=(200, 3))
    y = x @ [1.0, -2.0, 0.5] + 3

    def fit(data):
        from sklearn.cluster import KMeans
        from sklearn.linear_model import LinearRegression

        x, y = data
        model = LinearRegression().fit(x, y)
        labels = KMeans(2, n_init=1, random_state=0).fit_predict([[0], [0.1], [9], [9.1]])
        return model.coef_, model.intercept_, model.predict(x), labels

    coefficients, intercept, predicted, labels = run((x, y), fit)
    np.testing.assert_allclose(coefficients, [1.0, -2.0, 0.5])
    assert intercept == pytest.approx(3)
    np.testing.assert_allclose(predicted, y)
    assert labels[0] == labels[1] != labels[2] == labels[3]


def test_pillow(run):
    pixels = RNG.integers(0, 256, (16, 24, 3), dtype=np.uint8)

    def work(pixels):
        from PIL import Image

        image = Image.fromarray(pixels)
        file = io.BytesIO()
        image.save(file, "PNG")
        return np.asarray(Image.open(io.BytesIO(file.getvalue()))), np.asarray(
            image.transpose(Image.Transpose.ROTATE_90)
        )

    through_png, turned = run(pixels, work)
    np.testing.assert_array_equal(through_png, pixels)
    np.testing.assert_array_equal(turned, np.rot90(pixels))


def test_sqlite(run):
    rows = [(i, f"name {i % 5}") for i in range(100)]
    query = "SELECT name, count(*), sum(id) FROM things GROUP BY name ORDER BY name"

    def ask(rows):
        with sqlite3.connect(":memory:") as base:
            base.execute("CREATE TABLE things (id INTEGER, name TEXT)")
            base.executemany("INSERT INTO things VALUES (?, ?)", rows)
            return base.execute(query).fetchall()

    assert run(rows, ask) == ask(rows)
