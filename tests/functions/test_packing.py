"""Functions of a program as values, and made again from these alone."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import functools
import importlib.util
import json
import linecache
import logging
import math
import random
import re
import sys
import traceback
import types
import xml.etree.ElementTree
from collections import Counter
from collections.abc import Callable, Iterator
from math import hypot
from pathlib import Path
from random import uniform
from typing import Any

import numpy as np
import own_helpers
import pytest
from numpy.linalg import norm
from own_helpers import Length, Side, Unit, counted_so_far, even, fibonacci, scaled

import dcp_evaluator as dcp
from dcp_evaluator import SliceError
from dcp_evaluator.functions.packing import packed
from dcp_evaluator.functions.scripts import is_script
from dcp_evaluator.guest import functions as guest_functions
from dcp_evaluator.guest import objects, registry

pytestmark = pytest.mark.any_engine
TABLE = {"weights": np.arange(3.0), "name": "table"}
PATTERN = re.compile(r"\d+", re.ASCII)
log = logging.getLogger("tests.work")
FREEZING = 273.25
FOOTING = Unit.METRE
GENERATOR = np.random.default_rng(1)
Point = collections.namedtuple("Point", "x y")
POINT = Point(1, 2)


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``build`` is for sandboxes; and classes that other tests have registered would come along."""
    before, modules = dict(linecache.cache), set(sys.modules)
    monkeypatch.setattr(registry, "_BY_NAME", {})
    monkeypatch.setattr(registry, "_BY_TYPE", {})
    yield
    linecache.cache.clear()
    linecache.cache.update(before)
    for name in sys.modules.keys() - modules:
        if sys.modules[name].__spec__ is None:  # as of no module that was imported
            del sys.modules[name]


def there(function: Any) -> Any:
    """The function that a sandbox makes of it: whatever comes is in the bytes that go."""
    return guest_functions.build(objects.loads(*objects.dumps(packed(function).value)))


def loaded(folder: Path, source: str, name: str = "own_module") -> types.ModuleType:
    """A module of the user's, in a file."""
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- What goes over ---


def test_a_function_with_all_kinds_of_parameters() -> None:
    def work(a: int, /, b: Any = TABLE, *rest: int, key: str = "k", **more: Any) -> Any:
        """What it is for."""
        return a, b["name"], rest, key, more

    again = there(work)
    assert again(1) == (1, "table", (), "k", {})
    assert again(1, {"name": 2}, 3, key="x", y=5) == (1, 2, (3,), "x", {"y": 5})
    assert (again.__doc__, again.__name__, again.__qualname__) == (work.__doc__, "work", work.__qualname__)


def test_lambdas_are_told_apart_on_one_line() -> None:
    first, second = (lambda x: x + 1), lambda x, y=2: "ä" * x + str([(lambda: y)() for _ in range(1)])
    assert (there(first)(1), there(second)(2)) == (2, "ää[2]")
    several = there(
        lambda x: (
            x,  # a comment
            "text of\n two lines",
        )
    )
    assert several(1) == (1, "text of\n two lines")


def test_what_a_function_uses_comes_along() -> None:
    offset = np.ones(2)

    def helper(x: float) -> float:
        return scaled(x) + len(TABLE)

    def work(x: float) -> Any:
        return helper(x), offset.sum(), TABLE["weights"].dtype.str, math.pi, hypot(3, 4), norm([3.0, 4.0])

    assert there(work)(4.0) == (8.0, 2.0, "<f8", math.pi, 5.0, 5.0)
    assert packed(work).imports >= {"math", "numpy.linalg"}
    assert packed(work).globals == {"TABLE": TABLE}


def test_functions_may_use_each_other_and_themselves() -> None:
    def down(n: int) -> int:
        return n if n == 0 else down(n - 1)

    assert there(down)(5) == 0
    assert there(lambda n: (even(n), fibonacci(n)))(10) == (True, 55)
    assert there(fibonacci)(30) == 832040


def test_functions_of_one_module_share_its_globals() -> None:
    again = there(counted_so_far)
    assert (again(), again(), own_helpers.calls) == (1, 2, 0)


def test_closures_that_share_a_variable_share_it_there() -> None:
    def counter() -> tuple[Callable[[], int], Callable[[], int]]:
        count = 0

        def up() -> int:
            nonlocal count
            count += 1
            return count

        return up, lambda: count

    up, value = counter()

    def work() -> Any:
        return up(), up(), value()

    again = there(work)
    assert (again(), again(), value()) == ((1, 2, 2), (3, 4, 4), 0)


def test_a_decorated_function_goes_with_its_decorator() -> None:
    def twice(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any) -> Any:
            return function(*arguments) * 2

        return wrapper

    @twice
    @twice
    def work(x: float) -> float:
        return x + 1

    @contextlib.contextmanager
    def opened(x: float) -> Iterator[float]:
        yield x

    def with_context(x: float) -> float:
        with opened(x) as y:
            return y

    assert there(work)(1) == 8
    assert there(with_context)(3) == 3


def test_partials_patterns_loggers_and_library_objects_go_over() -> None:
    def work(gain: float, x: str, *, unit: str) -> Any:
        log.debug("here")
        return gain * int(PATTERN.findall(x)[0]), unit, Counter("aab"), isinstance(uniform(0, 1), float)

    assert there(functools.partial(work, 2.0, unit="m"))("ab12") == (24.0, "m", Counter("aab"), True)


def test_tables_of_functions_go_over() -> None:
    table = {"root": math.sqrt, ("own", 1): scaled, "number": 4.0}
    steps = [scaled, lambda x: table["root"](x) + 0]
    assert there(lambda x: [step(x) for step in steps] + [table["own", 1](x), table["number"]])(16.0) == [12, 4, 12, 4]
    with pytest.raises(dcp.FunctionError, match=r"the variable 'table' of the lambda function\['bad'\] is a method of"):
        table["bad"] = PARAMS.work
        packed(lambda: table)
    table["bad"] = [table]
    with pytest.raises(dcp.FunctionError, match=r"\['bad'\] cannot go to a sandbox: value\[0\]\['root'\]"):
        packed(lambda: table)
    assert packed(functools.partial(lambda step, x: step(x), scaled)).name == "<lambda>"


def test_async_functions_and_those_with_inner_classes_and_imports() -> None:
    async def work(x: int) -> Any:
        import json as text

        class Box:
            size = x

            def __init__(self) -> None:
                self.text = text.dumps([y * 2 for y in range(self.size)])

        await asyncio.sleep(0)
        return Box().text

    assert asyncio.run(there(work)(3)) == json.dumps([0, 2, 4])
    assert "json" in packed(work).imports


def test_modules_that_are_reached_through_another_are_named() -> None:
    def work() -> str:
        return xml.etree.ElementTree.fromstring("<a/>").tag

    assert packed(work).imports >= {"xml", "xml.etree", "xml.etree.ElementTree"}
    assert there(work)() == "a"

    def works_with_scipy() -> Any:
        from own_helpers import FACTOR  # which no template can have
        from scipy import optimize

        return optimize, FACTOR

    assert packed(works_with_scipy).imports == {"scipy", "scipy.optimize"}


def test_the_sandbox_has_a_dcp_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> str:
        return dcp.progress()

    guest = types.ModuleType("dcp")
    guest.progress = lambda: "in the sandbox"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dcp", guest)
    assert there(work)() == "in the sandbox"
    assert packed(work).imports == frozenset()


def test_what_a_loader_has_added_to_the_code_does_not_go_over() -> None:
    def work(x: int) -> int:
        assert x > 0, "which the loader of tests has rewritten"
        return x

    bound = packed(work).value["spaces"]
    assert (there(work)(1), bound[0]["bindings"]) == (1, {})


# --- Classes ---


def test_classes_go_over_with_their_bases_and_what_they_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(x: float) -> Any:
        length = Side(x, Unit.INCH.value)
        return length.in_metres(), repr(length), length.doubled.value, isinstance(length, Length), Length.__doc__

    parts = objects.loads(*objects.dumps(packed(work).value))
    monkeypatch.delitem(sys.modules, "own_helpers")  # a dataclass looks into its module, which no sandbox has
    again = guest_functions.build(parts)
    monkeypatch.delitem(sys.modules, "own_helpers")
    monkeypatch.undo()
    assert again is not None
    assert again(2.0) == work(2.0)
    assert "made" not in again(1.0)[1]


def test_members_of_an_enum_are_those_of_the_class_there() -> None:
    def work(unit: Unit, other: Unit = Unit.INCH) -> Any:
        return unit is Unit.METRE, other is Unit.INCH, FOOTING is Unit.METRE, unit

    parts = packed(work).value
    dcp.register(Unit)
    again = guest_functions.build(packed(work).value)
    assert again is not None
    assert parts["functions"][0]["defaults"] == [["member", ["class", 0], "INCH"]]
    unit = objects.loads(*objects.dumps([Unit.METRE]))[0]
    assert again(unit)[:3] == (True, True, True)


def test_a_class_within_a_function_uses_what_is_around_it() -> None:
    def made(factor: float) -> Any:
        class Base:
            def times(self, x: float) -> float:
                return factor * x

        class Box(Base):
            """What it is for."""

            @staticmethod
            def make() -> Any:
                return Box()

            def times(self, x: float) -> float:
                return super().times(x) + 1

        return lambda x: (Box.make().times(x), Box.__doc__, Base().times(x))

    assert there(made(2.0))(3) == (7.0, "What it is for.", 6.0)

    def simple(factor: float) -> Any:
        class Box:
            def times(self, x: float) -> float:
                return factor * x if x else Box().times(1)

        return lambda x: Box().times(x)

    assert (there(simple(2.0))(3), there(simple(2.0))(0)) == (6.0, 2.0)

    def decorated(decorator: Any) -> Any:
        @decorator
        class Box:
            size = 1

        return lambda: Box.size

    with pytest.raises(dcp.FunctionError, match=r"the class .*Box needs decorator of the function around it"):
        packed(decorated(lambda kind: kind))


def test_a_class_in_a_notebook_goes_over_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = types.ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", notebook)
    cells = [
        "from dataclasses import dataclass\n@dataclass\nclass Pair:\n    x: int\n",
        "@dataclass\nclass Pair:\n    x: int\n    y: int = 2\n",
        "def work(x):\n    return repr(Pair(x))\n",
    ]
    for number, cell in enumerate(cells):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), vars(notebook))
    assert there(notebook.work)(1) == "Pair(x=1, y=2)"


def test_instances_of_registered_classes_are_instances_there(monkeypatch: pytest.MonkeyPatch) -> None:
    dcp.register(Length, "length")
    limits = {"most": Length(3.0)}
    parts = objects.loads(*objects.dumps(packed(lambda length: length.value < limits["most"].value).value))
    sent = objects.dumps([Length(2.0, notes=["a"]), Side(1.0)])
    monkeypatch.setattr(registry, "_BY_NAME", {})  # as in a sandbox
    monkeypatch.setattr(registry, "_BY_TYPE", {})
    work = guest_functions.build(parts)
    assert work is not None
    first, second = objects.loads(*sent)
    assert work(first) is True
    assert (type(first).__name__, first.notes, type(first) is Length) == ("Length", ["a"], False)
    assert second == {"value": 1.0, "unit": 1.0, "notes": []}
    assert objects.dumps(first)[0] == objects.dumps(first)[0]


def test_a_registered_class_does_not_stop_other_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import pytest\nclass Odd:\n    def made(self):\n        return pytest.approx(1)\n"
    module = loaded(tmp_path, source, "odd")
    dcp.register(module.Odd, fields=vars, make=module.Odd)
    assert packed(lambda x: x).value["classes"] == []  # not every sandbox has that package
    dcp.register(Point, fields=vars, make=Point)
    assert there(lambda x: x)(1) == 1  # nor its source
    odd = module.Odd
    assert [kind["name"] for kind in packed(lambda x: odd()).value["classes"]] == ["Odd"]


def test_a_class_may_be_registered_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """from dataclasses import dataclass
from dcp_evaluator import register

@register
@dataclass
class Pair:
    left: int
    right: int

def work(x):
    return Pair(x, x + 1)
"""
    guest = types.ModuleType("dcp")
    guest.register = objects.register  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dcp", guest)
    module = loaded(tmp_path, source, "pairs")
    monkeypatch.setitem(sys.modules, "pairs", module)
    value = objects.dumps(there(module.work)(1))
    assert registry.registered_name("Pair").kind is not module.Pair  # the sandbox's own
    dcp.register(module.Pair)
    assert objects.loads(*value) == module.Pair(1, 2)


def test_a_class_that_is_registered_with_functions_takes_them_along(monkeypatch: pytest.MonkeyPatch) -> None:
    class Temperature:
        def __init__(self, degrees: float) -> None:
            self.degrees = degrees

    def fields(temperature: Temperature) -> dict[str, Any]:
        return {"kelvin": temperature.degrees + FREEZING}

    objects.register(Temperature, "temperature", fields=fields, make=lambda kelvin: Temperature(kelvin - FREEZING))
    parts, sent = packed(lambda x: x.degrees + 1).value, objects.dumps([Temperature(20.0)])
    monkeypatch.setattr(registry, "_BY_NAME", {})
    monkeypatch.setattr(registry, "_BY_TYPE", {})
    work = guest_functions.build(objects.loads(*objects.dumps(parts)))
    assert work is not None
    assert [work(temperature) for temperature in objects.loads(*sent)] == [21.0]

    class Box:
        def __init__(self, size: int) -> None:
            self.size = size

    dcp.register(Box, fields=vars, make=Box)  # the class itself makes it
    assert there(lambda: Box(3))().size == 3


# --- Tracebacks ---


def test_tracebacks_show_the_file_and_the_lines(tmp_path: Path) -> None:
    source = """import math

class Outer:
    def made():
        offset = 1
        def work(x):
            y = (lambda z: 1 / z)(x)  # deep
            return y + offset
        return work

work = Outer.made()
"""
    module = loaded(tmp_path, source)
    again = there(module.work)
    (tmp_path / "own_module.py").unlink()
    with pytest.raises(ZeroDivisionError) as raised:
        again(0)
    *_, outer, inner = traceback.extract_tb(raised.tb)
    assert (outer.filename, outer.lineno, outer.name) == (str(tmp_path / "own_module.py"), 7, "work")
    assert (inner.lineno, inner.line) == (7, "y = (lambda z: 1 / z)(x)  # deep")
    assert inner.colno == source.splitlines()[6].index("1 / z")


def test_source_that_the_sandbox_cannot_read_is_told_with_its_line() -> None:
    value, first_line = packed(scaled).value, packed(scaled).first_line
    value["functions"][0]["source"] = "def scaled(x):\n    return match x\n"
    with pytest.raises(SyntaxError) as raised:
        guest_functions.build(value)
    assert (raised.value.filename, raised.value.lineno) == (own_helpers.__file__, first_line + 1)


def test_a_module_that_the_sandbox_does_not_have_is_told() -> None:
    value = packed(lambda: math.pi).value
    value["spaces"][0]["bindings"]["math"] = ["module", "no_such.module", []]
    with pytest.raises(ModuleNotFoundError, match=r"no module named 'no_such' in the sandbox.*add it to job\.modules"):
        guest_functions.build(value)


# --- What does not go over ---


@dataclasses.dataclass
class Params:
    gain: float = 1.0

    def work(self, x: float) -> float:
        return x * self.gain


PARAMS = Params()
BOUND = PARAMS.work


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (PARAMS.work, r"work\(\) is a method of Params.*write a function that takes what it needs"),
        (Params, "Params is a class; write a function"),
        (generator, r"generator\(\) is a generator.*return a list"),
        (len, r"len\(\) is not written in Python.*write lambda x: len\(x\)"),
        (math.sqrt, r"write lambda x: math\.sqrt\(x\)"),
        (np.sin, r"write lambda x: numpy\.sin\(x\)"),
        (5, "must be a function, not int"),
        (np.vectorize(scaled), "instance of vectorize"),
        (lambda: PARAMS.gain, "global variable 'PARAMS' of the lambda function is an instance of Params.*use a dict"),
        (lambda: Point(1, 2), "global variable 'Point' .* is the class Point, whose source is not there"),
        (lambda: POINT.x, "global variable 'POINT' .* is an instance of Point"),
        (lambda: BOUND(1), "global variable 'BOUND' .* is a method of Params"),
        (lambda: GENERATOR.normal(1), "global variable 'GENERATOR' .* cannot go to a sandbox: value: a value of type"),
        (functools.partial(generator), r"generator\(\) is a generator"),
        (lambda: SliceError(1, "", ""), r"is SliceError\(\) of dcp_evaluator, which the sandbox does not have"),
        (lambda: own_helpers.scaled(1), "is the module own_helpers, which is a file of yours.*from own_helpers import"),
        (lambda x=sys.stdin: x, "the default of 'x' of the lambda function cannot go"),
        (functools.partial(scaled, [object()]), r"argument 0 of the partial cannot go .*value\[0\]"),
    ],
)
def test_a_refusal_says_what_it_is_about(function: Any, message: str) -> None:
    with pytest.raises(dcp.FunctionError, match=message):
        packed(function)


def test_a_variable_of_a_closure_is_named() -> None:
    lock = object()

    def inner() -> Any:
        return lock

    with pytest.raises(dcp.FunctionError, match=r"the variable 'lock' of inner\(\) cannot go to a sandbox"):
        packed(lambda: [inner()])


def test_a_function_without_source_is_refused() -> None:
    space: dict[str, Any] = {}
    exec("def work(x): return x", space)
    with pytest.raises(dcp.FunctionError, match=r"the source of work\(\) is not there \(its file is <string>\)"):
        packed(space["work"])


def test_a_file_that_has_changed_since_is_noticed(tmp_path: Path) -> None:
    module = loaded(tmp_path, "def work(x):\n    return x + 1\n")
    assert packed(module.work).source == "def work(x):\n    return x + 1\n"
    for text in ("def work(x):\n    return x + 22\n", "\ndef work(x):\n    return x + 1\n", "def work(x:\n"):
        (tmp_path / "own_module.py").write_text(text)
        with pytest.raises(dcp.FunctionError, match="the file has changed since it was loaded"):
            packed(module.work)


def test_a_class_within_a_function_is_no_change(tmp_path: Path) -> None:
    module = loaded(
        tmp_path, "def work(x):\n    class Box:\n        def size(self): return x\n    return Box().size()\n"
    )
    assert there(module.work)(3) == 3


def test_a_relative_import_and_super_are_refused(tmp_path: Path) -> None:
    module = loaded(
        tmp_path,
        "def work():\n    from . import other\n\nclass A:\n    def method(self):\n        return super().x\n",
    )
    with pytest.raises(dcp.FunctionError, match="relative import"):
        packed(module.work)
    with pytest.raises(dcp.FunctionError, match=r"uses super\(\)"):
        packed(module.A.method)


# --- Scripts ---

SCRIPT = "import dcp, numpy.linalg\nfrom scipy import stats\ndcp.set_slice_handler(lambda x: x)\n"


def test_a_script_is_told_from_javascript() -> None:
    assert is_script(SCRIPT)
    assert is_script("work.py")
    assert is_script(Path("work.py"))
    assert not any(map(is_script, ("(x) => x", "work.js", Path("work.js"), scaled)))


def test_a_script_runs_as_the_main_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[Any] = []
    guest = types.ModuleType("dcp")
    guest.set_slice_handler = handlers.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dcp", guest)
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    path = tmp_path / "work.py"
    path.write_text("import dcp\nif __name__ == '__main__':\n    dcp.set_slice_handler(lambda x: x / 0)\n")
    for form in (path, str(path), path.read_text()):
        assert guest_functions.build(packed(form).value) is None
    with pytest.raises(ZeroDivisionError) as raised:
        handlers[0](1)
    last = traceback.extract_tb(raised.tb)[-1]
    assert (last.filename, last.lineno) == (str(path), 3)
    assert packed(SCRIPT).imports == {"numpy.linalg", "scipy", "scipy.stats"}


def test_a_script_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "work.py"
    with pytest.raises(FileNotFoundError):
        packed(path)
    path.write_text("x = 1\n")
    with pytest.raises(dcp.FunctionError, match=r"sets no work function; end it with dcp\.set_slice_handler"):
        packed(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="not UTF-8"):
        packed(path)
    assert packed("dcp.set_slice_handler(\n").imports == frozenset()  # the sandbox's Python tells the line
    assert random.random() < 1  # ``uniform`` is bound to an instance of this module
