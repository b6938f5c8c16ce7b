"""``dcp-evaluator --probe``: the report, for people and for programs, on whole and on broken installations."""

from __future__ import annotations

import re
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import dcp_evaluator
from cli_driver import one_message, run, write
from dcp_evaluator.probe import features
from dcp_evaluator.settings import installation
from reports import probe, schema

Break = Callable[[Path], None]

pytestmark = pytest.mark.engine("quickjs", "it breaks the parts of the default engine")
Copy = tuple[Path, dict[str, str]]
LAYERS = {"pid namespace", "network namespace", "mount namespace", "no_new_privs", "seccomp", "rlimits", "descriptors"}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return probe()


def test_versions(report: dict[str, Any]) -> None:
    versions = report["versions"]
    assert versions["dcp-evaluator"] == dcp_evaluator.__version__
    assert versions["engine"].startswith("QuickJS-NG 0.17")
    assert versions["wasmtime"] == installation.package_version("wasmtime")
    assert versions["wgpu"] == installation.package_version("wgpu")
    assert versions["wgpu-native"].count(".") == 3
    assert versions["drivers"]


def test_machine(report: dict[str, Any]) -> None:
    machine = report["machine"]
    assert 1 <= machine["cpus_usable"] <= machine["cpus"]
    assert 0 < machine["memory_available_mib"] < machine["memory_mib"]
    assert machine["cpu"]
    assert machine["cpu_features"] == sorted(machine["cpu_features"]) and machine["cpu_features"]
    assert machine["os"]["name"] == report["versions"]["system"]
    assert machine["kernel"]["release"] == report["versions"]["kernel"]


def test_limits(report: dict[str, Any]) -> None:
    groups = report["limits"]["control_groups"]
    assert groups["in_force"] in (True, False)
    assert "/" in groups["reason"] or "mounted" in groups["reason"]
    assert report["limits"]["gpu_staging_mib"] == 512
    assert report["limits"]["gpu_timeout_s"] == 60
    assert report["limits"]["gpu_memory_mib"] is None
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    assert report["limits"]["processes"] in (processes, None)


def test_the_verdict_counts_what_sandboxes_get(report: dict[str, Any]) -> None:
    first, gpu, *_ = report["verdict"].split(", ")
    assert first == f"Ready: {report['machine']['cpus_usable']} CPU" + "s" * (report["machine"]["cpus_usable"] != 1)
    offered = [adapter for adapter in report["gpu"]["adapters"] if adapter["offered"]]
    hardware = [adapter for adapter in offered if adapter["type"] != "cpu"]
    assert gpu == (f"{len(hardware)} GPU" + "s" * (len(hardware) != 1) if hardware else "1 GPU (software)")


def test_a_slice_ran(report: dict[str, Any]) -> None:
    assert report["slice"]["ok"] is True
    assert 0 < report["slice"]["milliseconds"] < 10_000


def test_features_were_tried(report: dict[str, Any]) -> None:
    """A feature that works gives true, one that does not its reason."""
    javascript, webassembly = report["features"]["javascript"], report["features"]["webassembly"]
    assert javascript["BigInt"] is True
    assert javascript["Temporal"] == "ReferenceError: Temporal is not defined"
    assert len(javascript) > 20
    missing = {name for name, outcome in webassembly.items() if outcome is not True}
    assert missing <= {"JavaScript promise integration"}
    assert {"MVP", "SIMD", "threads", "exceptions", "garbage collection", "memory64"} <= set(webassembly)


def test_no_edition_of_ecmascript_misses_anything(report: dict[str, Any]) -> None:
    editions = report["features"]["ecmascript"]
    assert list(editions) == [f"ES{year}" for year in range(2016, 2026)]
    assert [edition for edition, found in editions.items() if found["missing"]] == []
    tried = {name for tests in features.ECMASCRIPT.values() for name in tests}
    assert set(report["features"]["javascript"]) == tried


def test_a_feature_that_is_missing_fails_its_test() -> None:
    """Of each test: over an engine that lacks what it names it gives no true."""
    script = "async (bodies) => { for (const name of NAMES) delete globalThis[name]; return await (" + (
        features.TRY_ALL + ")(bodies) }"
    )
    names = '["Set", "WeakRef", "BigInt", "Atomics", "SharedArrayBuffer", "structuredClone", "Float16Array"]'
    bodies = {name: body for tests in features.ECMASCRIPT.values() for name, body in tests.items()}
    datum = {"javascript": bodies, "webassembly": {}, "api": {}, "modules": {}}
    job = dcp_evaluator.compute_for([datum], script.replace("NAMES", names))
    outcomes = job.local_exec(1)[0]["javascript"]
    lost = {"Set methods", "WeakRef", "Atomics", "SharedArrayBuffer", "structuredClone", "Float16Array"}
    assert all(outcomes[name] is not True for name in lost)
    assert outcomes["Promise.try"] is True


def test_worktimes_of_the_python_api(report: dict[str, Any]) -> None:
    expected = {"local": [{"name": "map-basic", "versions": ["1.0.0"]}], "files": None, "capabilities": None}
    assert report["worktimes"] == {**expected, "error": None}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("onreadln((line) => { writeln('MSG:\"describe\"'); die(); });", "dcp-evaluator printed something unknown"),
        ("onreadln((line) => { writeln('MSG:{\"describe\": 1}'); });", "their answer is not one of DCP's"),
        ("onreadln((line) => { writeln('MSG:' + '['.repeat(1e5) + '\"describe\"'); });", "dcp-evaluator failed (.*)"),
        ("onreadln((line) => die(3));", r"dcp-evaluator failed \(exit 3\)"),
    ],
)
def test_start_up_files_that_are_not_dcps_have_no_worktimes(tmp_path: Path, source: str, reason: str) -> None:
    (name,) = write(tmp_path, start=source)
    worktimes = probe(0, str(tmp_path / name))["worktimes"]
    assert (worktimes["files"], worktimes["capabilities"]) == (None, None)
    assert re.fullmatch(f"the start-up files tell no worktimes: {reason}", worktimes["error"]), worktimes["error"]


def test_a_start_up_file_that_cannot_be_read_is_an_error() -> None:
    assert one_message(run("--probe", "--json", "a.js"), 2) == "cannot read 'a.js': No such file or directory"


def test_the_schema_is_one_and_refuses_a_wrong_report(report: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema("probe-1"))
    broken = {**report, "slice": {"ok": "yes", "error": None, "milliseconds": 1}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema("probe-1"))


def test_adapters_computed(report: dict[str, Any]) -> None:
    assert report["gpu"]["error"] is None
    offered = [adapter for adapter in report["gpu"]["adapters"] if adapter["offered"]]
    assert offered, "there is no Vulkan driver: install one (Debian: mesa-vulkan-drivers)"
    for adapter in offered:
        assert (adapter["compute"]["ok"], adapter["compute"]["error"]) == (True, "")
        assert 0 < adapter["compute"]["seconds"] < 60
        assert adapter["backend"] == "vulkan"
        assert adapter["type"] in ("cpu", "integrated", "discrete", "unknown")
        assert adapter["device"] and adapter["vendor"] and adapter["driver"]
        assert adapter["limits"]["maxBufferSize"] >= 1 << 28
        assert isinstance(adapter["features"], list)


def test_every_layer_says_whether_it_is_in_force_and_why(report: dict[str, Any]) -> None:
    assert report["isolation"]["error"] is None
    layers = {layer["layer"]: layer for layer in report["isolation"]["layers"]}
    assert set(layers) >= LAYERS
    assert all(isinstance(layer["in_force"], bool) and layer["reason"] for layer in layers.values())


def test_people_read_the_same(report: dict[str, Any]) -> None:
    done = run("--probe")
    assert (done.returncode, done.stderr) == (0, "")
    verdict, *headings = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert verdict == report["verdict"]
    assert headings == [
        "Versions",
        "Machine",
        "Limits",
        "Slice",
        "Engines",
        "JavaScript",
        "WebAssembly",
        "Python in sandboxes",
        "GPU",
        "Isolation of sandboxes",
        "Isolation of GPU hosts",
        "Worktimes, the environments that jobs ask for by name",
    ]
    assert max(map(len, done.stdout.splitlines())) <= 120
    text = " ".join(done.stdout.split())
    assert report["gpu"]["adapters"][0]["device"] in text
    assert "compute check passed" in text
    assert "Temporal: ReferenceError" in text
    assert all(layer["layer"] in text for layer in report["isolation"]["layers"])


# --- What may be missing or broken ---


@pytest.fixture
def copied(tmp_path: Path) -> Copy:
    """A copy of the installed package, and the environment in which the command runs it."""
    source = Path(dcp_evaluator.__file__).parent
    shutil.copytree(source, tmp_path / "dcp_evaluator", ignore=shutil.ignore_patterns("__pycache__", "demo"))
    native = installation._native.__file__
    assert native is not None and Path(native).is_relative_to(source)
    return tmp_path, {"PYTHONPATH": str(tmp_path)}


def remove(program: Path) -> None:
    program.unlink()


def garble(program: Path) -> None:
    program.write_bytes(b"\x7fELF no program")


def forbid(program: Path) -> None:
    program.chmod(0o600)


def crash(program: Path) -> None:
    program.write_text("#!/bin/sh\necho 'deep in a driver' >&2\nkill -SEGV $$\n")


def babble(program: Path) -> None:
    program.write_bytes(b"#!/bin/sh\nprintf '\\377\\376 no JSON'\n")


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (remove, "the program dcp-gpu-host is missing"),
        (garble, "dcp-gpu-host cannot be run: Exec format error"),
        (forbid, "the program dcp-gpu-host is missing"),
        (crash, "dcp-gpu-host failed (signal 11 (SIGSEGV)): deep in a driver"),
        (babble, "dcp-gpu-host failed (exit 0)"),
    ],
)
def test_a_broken_gpu_host_costs_the_gpu_alone(copied: Copy, break_it: Break, reason: str) -> None:
    folder, environment = copied
    break_it(folder / "dcp_evaluator" / "bin" / "dcp-gpu-host")
    report = probe(**environment)
    assert report["slice"]["ok"] is True
    assert report["gpu"]["adapters"] == []
    assert report["gpu"]["error"].startswith(reason)
    shown = run("--probe", environment=environment)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert reason in shown.stdout


@pytest.mark.parametrize("break_it", [remove, garble, forbid, crash])
def test_a_broken_zygote_means_that_no_slice_can_run(copied: Copy, break_it: Break) -> None:
    folder, environment = copied
    break_it(folder / "dcp_evaluator" / "bin" / "dcp-zygote")
    report = probe(2, **environment)
    assert report["slice"]["ok"] is False
    assert "dcp-zygote" in report["slice"]["error"] or "zygote" in report["slice"]["error"]
    assert "dcp-zygote" in report["isolation"]["error"]
    assert report["gpu"]["error"] is None
    shown = run("--probe", environment=environment)
    assert shown.returncode == 2
    assert "CANNOT RUN: " in shown.stdout
    assert "Traceback" not in shown.stderr


def fake_package(folder: Path, package: str, version: str, library: str | None) -> dict[str, str]:
    """Puts a package of that version before the installed one; ``library``: its shared library, which is none."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")
    (folder / f"{package}-{version}.dist-info").mkdir()
    if library is not None:
        file = folder / package / library
        file.parent.mkdir()
        file.write_bytes(b"no library")
    return {"PYTHONPATH": str(folder)}


WGPU_LIBRARY = "resources/libwgpu_native-release.so"


@pytest.mark.parametrize(
    ("library", "reason"), [(None, "has no library for this machine"), (WGPU_LIBRARY, "cannot open wgpu-native")]
)
def test_an_unreadable_gpu_library(tmp_path: Path, library: str | None, reason: str) -> None:
    report = probe(**fake_package(tmp_path, "wgpu", installation.package_version("wgpu"), library))
    assert report["slice"]["ok"] is True
    assert report["versions"]["wgpu-native"] is None
    assert reason in report["gpu"]["error"]


@pytest.mark.parametrize(("package", "field"), [("wgpu", "gpu"), ("wasmtime", "slice")])
def test_another_version_than_the_one_built_for(tmp_path: Path, package: str, field: str) -> None:
    report = probe(0 if field == "gpu" else 2, **fake_package(tmp_path, package, "1.2.3", None))
    assert f"{package} 1.2.3 is installed, but this build was generated for {package} " in report[field]["error"]


def test_an_unreadable_webassembly_library(tmp_path: Path) -> None:
    relative = Path(installation.wasmtime_library()).relative_to(Path(installation.wasmtime_library()).parents[1])
    environment = fake_package(tmp_path, "wasmtime", installation.package_version("wasmtime"), str(relative))
    report = probe(2, **environment)
    assert str(tmp_path) in report["slice"]["error"]


def test_a_native_module_that_does_not_load(copied: Copy) -> None:
    folder, environment = copied
    (module,) = (folder / "dcp_evaluator").glob("_native*.so")
    module.write_bytes(b"no library")
    done = run("--probe", environment=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("dcp-evaluator: this installation is broken: ")
    assert len(done.stderr.splitlines()) == 1
