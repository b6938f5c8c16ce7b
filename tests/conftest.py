"""What all tests share: an evaluator that stays warm, and the check that nothing is left when they are done."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import dcp_evaluator as dcp
from dcp_evaluator.settings import engines, settings
from dcp_evaluator.supervision.evaluator import default_evaluator
from descriptors import LASTING, open_descriptors
from priority import TIMELY
from process_tree import children, is_running, name_of, running
from zygote_control import wait_until

_PR_SET_CHILD_SUBREAPER = 36
_M_ARENA_MAX = -8
# Variables that change what programs write into a pipe.
_FOR_TERMINALS = ("CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTHON_COLORS", "TTY_COMPATIBLE")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=settings.ENGINES, help="JavaScript engine of all sandboxes")


def pytest_configure(config: pytest.Config) -> None:
    """Programs that tests start find the engine in their environment.

    They heed signals and may read the files of tests as other users, whoever runs the tests.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)  # which a program that is started does not inherit
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    # With an arena for each thread, malloc keeps tens of megabytes for nobody: some tests look at what is left.
    assert ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1) == 1
    for name in _FOR_TERMINALS:
        os.environ.pop(name, None)
    os.environ.update(TIMELY)
    too_slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("any speed", deadline=None, suppress_health_check=too_slow)
    hypothesis.settings.load_profile("any speed")
    if engine := config.getoption("--engine"):
        os.environ[settings.ENGINE_VARIABLE] = engine


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than there are CPUs, since tests wait for most of their time; each takes about 400 MB."""
    return min(8, len(os.sched_getaffinity(0)) + 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked for another engine than the one that is tested.

    A test that gets the engine under test, and is said to run on any, would run on one alone.
    """
    wrong = [item.nodeid for item in items if item.get_closest_marker("any_engine") and _depends_on_engine(item)]
    if wrong:
        raise pytest.UsageError(f"any_engine, and yet with an evaluator of the engine under test: {', '.join(wrong)}")
    tested = engines.chosen(settings.Settings())
    others = [item for item in items if (mark := item.get_closest_marker("engine")) and mark.args[0] != tested]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


def _depends_on_engine(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("engine") is not None or not {"engine", "evaluator"}.isdisjoint(fixtures)


@pytest.fixture(scope="session")
def engine() -> str:
    """``quickjs`` or ``v8``: where behaviour is the engine's own, a test says what each does."""
    return engines.chosen(settings.Settings())


@pytest.fixture(scope="session")
def evaluator() -> Iterator[dcp.Evaluator]:
    with dcp.Evaluator() as evaluator:
        yield evaluator


@pytest.fixture
def script(request: pytest.FixtureRequest) -> str:
    """The JavaScript of ``test_NAME``: ``js/NAME.js`` beside its module."""
    name = request.function.__name__.removeprefix("test_")
    return request.path.with_name("js").joinpath(f"{name}.js").read_text(encoding="utf-8")


@pytest.fixture
def missing(tmp_path: Path) -> Path:
    """A path of which nothing exists below the test's own folder."""
    return tmp_path / "missing"


@pytest.fixture
def new_processes() -> Callable[[str], list[int]]:
    """Gives the children of a name that run now and did not when the test began: those of other tests may wait."""
    before = set(children(os.getpid()))

    def new(name: str) -> list[int]:
        started = [pid for pid in children(os.getpid()) if pid not in before]
        # The kernel lets the parent go on a moment before a program that starts gets its name.
        wait_until(lambda: all(name_of(pid).startswith("dcp-") or not is_running(pid) for pid in started), "all start")
        return running(name, started)

    return new


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(temporary_folder: Path) -> Iterator[None]:
    """Fails when a process, a channel, shared memory or a temporary file outlives the tests."""
    # A process whose parent has ended becomes a child of this one, where it is seen.
    assert ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    descriptors = open_descriptors()
    yield
    default_evaluator().close()
    gc.collect()
    wait_until(lambda: not _running_children(), "all processes have ended")
    assert open_descriptors() - descriptors - LASTING == set()
    assert list(temporary_folder.iterdir()) == []


@pytest.fixture(scope="session")
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this process and its children put temporary files; pytest's own lie elsewhere."""
    tmp_path_factory.getbasetemp()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o1777)  # some tests run as another user
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        patch.setenv("DCP_EVALUATOR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield Path(folder)


def _running_children() -> list[int]:
    return [pid for pid in children(os.getpid()) if is_running(pid)]
