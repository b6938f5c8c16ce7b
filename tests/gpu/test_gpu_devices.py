"""GPUs are known by where they are plugged in or by their UUIDs, however many drivers show them and in which order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dcp_evaluator as dcp
from cli_driver import one_message, run, run_script, write
from dcp_evaluator.gpu import devices as gpu_devices
from dcp_evaluator.gpu.options import list_adapters
from dcp_evaluator.settings.settings import Settings
from gpu_driver import LAVAPIPE, gpu_driver, only
from gpu_script import identifier
from reports import probe

pytestmark = pytest.mark.any_engine

INFO = "(async () => print((await navigator.gpu.requestAdapter())?.info.device ?? null))()"
FIRST, SECOND = "0000:18:00.0", "0000:65:00.0"


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Manifests of two GPUs of one make."""
    one = gpu_driver(tmp_path, "GPU 1", bus=0x18, uuid=1, driver="same")
    return one, gpu_driver(tmp_path, "GPU 2", bus=0x65, uuid=2, driver="same")


def use(monkeypatch: pytest.MonkeyPatch, *manifests: Path) -> None:
    for name, value in only(*manifests).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("0000:65:00.0", "0000:65:00.0"),
        ("65:00.0", "0000:65:00.0"),
        ("00000000:AF:00.1", "0000:af:00.1"),  # nvidia-smi
        ("10001:01:00.0", "10001:01:00.0"),  # behind Intel's VMD
        ("GPU-6D657361-3232-2e33-2e36-000000000000", "6d657361-3232-2e33-2e36-000000000000"),
        ("6d657361-3232-2e33-2e36-000000000000", "6d657361-3232-2e33-2e36-000000000000"),
        ("10de:2335#1", "10de:2335#1"),
        ("0", None),
        ("65:00", None),
        ("65:00.8", None),
        ("GPU-1", None),
        ("H200", None),
        ("", None),
    ],
)
def test_what_names_a_gpu(text: str, identity: str | None) -> None:
    assert gpu_devices.canonical(text) == identity


def test_each_adapter_has_an_identity() -> None:
    for adapter in list_adapters(Settings()):
        assert gpu_devices.canonical(adapter["identity"]) == adapter["identity"]
        assert adapter["pci"] in (None, adapter["identity"])


def test_a_gpu_is_chosen_by_its_place_or_its_uuid(tmp_path: Path, two: tuple[Path, Path]) -> None:
    for text in (SECOND, "65:00.0", "GPU-02020202-0202-0202-0202-020202020202"):
        done = run_script(tmp_path, INFO, f"--gpu-devices={text}", environment=only(*two))
        assert (done.stdout, done.stderr) == ("gpu-2\n", "")


def test_an_index_stands_for_the_gpu_that_had_it_first(two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *two)
    names = [adapter["identity"] for adapter in list_adapters(Settings())]
    assert sorted(names) == [FIRST, SECOND]
    options = dcp.GpuOptions(devices=[0])
    assert options.visible(Settings()) == names[:1]
    gone, left = two if names[0] == FIRST else reversed(two)
    use(monkeypatch, left)
    assert gone not in list_adapters(Settings())
    assert adapter_of(options) is None
    use(monkeypatch, *two)
    assert adapter_of(options) == ("gpu-1" if names[0] == FIRST else "gpu-2")


def adapter_of(options: dcp.GpuOptions) -> Any:
    work = "async () => (await navigator.gpu.requestAdapter())?.info.device ?? null"
    with dcp.Evaluator(gpu=options) as evaluator:
        return dcp.compute_for([0], work).local_exec(sandboxes=1, evaluator=evaluator)[0]


def test_a_gpu_that_is_not_there_is_one_message(tmp_path: Path, two: tuple[Path, Path]) -> None:
    (script,) = write(tmp_path, script="")
    done = run("--shell", "--gpu-devices", "0000:01:00.0", script, folder=tmp_path, environment=only(two[0]))
    assert one_message(done, 2) == f"there is no GPU device 0000:01:00.0; there are 0 (GPU 1, {FIRST})"


def test_a_gpu_that_is_gone_is_told_and_no_other_taken(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dcp_evaluator.gpu.pool._told", set())
    use(monkeypatch, *two)
    options = dcp.GpuOptions(devices=[SECOND])
    options.visible(Settings())
    use(monkeypatch, two[0])
    assert adapter_of(options) is None
    assert capfd.readouterr().err.count(f"GPU {SECOND} is gone; sandboxes get no other in its place") == 1


def test_a_gpu_that_is_withheld_is_not_offered_until_it_is_again(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evaluator goes on; GPU hosts that wait from the last job are not used."""
    use(monkeypatch, *two)
    options = dcp.GpuOptions()
    work = "async () => (await navigator.gpu.requestAdapter())?.info.device ?? null"
    with dcp.Evaluator(gpu=options) as evaluator:
        for withheld, offered in (
            ({FIRST}, ["gpu-2"]), ({SECOND}, ["gpu-1"]), ({FIRST, SECOND}, [None]), ((), ["gpu-1", "gpu-2"])
        ):  # fmt: skip
            options.withheld = frozenset(withheld)
            assert dcp.compute_for([0], work).local_exec(sandboxes=1, evaluator=evaluator)[0] in offered


def test_one_gpu_of_two_drivers_is_offered_once(tmp_path: Path) -> None:
    first = gpu_driver(tmp_path, "Twin (one)", bus=0x65, uuid=1, driver="one")
    second = gpu_driver(tmp_path, "Twin (two)", bus=0x65, uuid=2, driver="two")
    environment = only(first, second)
    report = probe(**environment)["gpu"]["adapters"]
    one, two = [adapter for adapter in report if adapter["backend"] == "vulkan"]
    assert (one["index"], one["offered"], one["identity"]) == (0, True, SECOND)
    assert (two["index"], two["offered"], two["identity"]) == (None, False, SECOND)
    assert two["refusal"] == "the same GPU through another driver"
    assert "not offered: the same GPU through another driver" in run("--probe", environment=environment).stdout
    done = run_script(tmp_path, INFO, "--gpu-devices", SECOND, environment=environment)
    assert done.stdout == f"{identifier(one['device'])}\n"
    (script,) = write(tmp_path, script="")
    done = run("--shell", "--gpu-devices=1", script, folder=tmp_path, environment=environment)
    assert one_message(done, 2).startswith("there is no GPU device 1; ")


def test_a_driver_whose_gpus_are_not_offered_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a laptop's discrete GPU, which would wake."""
    assert LAVAPIPE is not None
    folder = tmp_path / "vulkan/icd.d"
    folder.mkdir(parents=True)
    sleeps = gpu_driver(folder, "Sleeping GPU", bus=0x65)
    used = gpu_driver(folder, "Used GPU", bus=0, uuid=2, kind="integrated")
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path}:/usr/local/share:/usr/share")
    everything = [adapter["device"] for adapter in list_adapters(Settings())]
    assert everything[:2] == ["Sleeping GPU", "Used GPU"]

    banned = dcp.GpuOptions(allow=["^Used"])
    banned.visible(Settings())
    assert banned.environment()["VK_DRIVER_FILES"] == banned.environment()["VK_ICD_FILENAMES"] == str(used)
    assert adapter_of(banned) == "used-gpu"
    software = dcp.GpuOptions(devices=[2, 1])
    software.visible(Settings())
    assert software.environment()["VK_DRIVER_FILES"].split(":") == [str(used), str(LAVAPIPE)]

    for options in ({"ban": ["llvmpipe"]}, {"devices": [0, 1]}, {"ban": ["."]}):
        offered = dcp.GpuOptions(**options)  # type: ignore[arg-type]
        offered.visible(Settings())
        assert "VK_DRIVER_FILES" not in offered.environment()
    use(monkeypatch, sleeps, used)
    named = dcp.GpuOptions(allow=["^Used"])
    named.visible(Settings())
    assert named.environment()["VK_DRIVER_FILES"] == only(sleeps, used)["VK_DRIVER_FILES"]


def test_the_probe_shows_identities() -> None:
    shown = json.loads(run("--probe", "--json").stdout)["gpu"]["adapters"]
    for adapter in shown:
        assert (adapter["identity"] is None) == (adapter["backend"] != "vulkan")
        assert adapter["identity"] is None or adapter["identity"] in run("--probe").stdout
