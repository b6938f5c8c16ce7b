"""What is read of the machine: from trees of files as kernels have them."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from fake_files import write

from dcp_worker.configuration.rules import Rules, RuleSettings
from dcp_worker.monitors.disk import free_disk
from dcp_worker.monitors.gpus import Gpus, Memory
from dcp_worker.monitors.load import OtherLoad
from dcp_worker.monitors.nvml import Nvml
from dcp_worker.monitors.power import on_battery
from dcp_worker.monitors.pressure import memory_pressure
from dcp_worker.monitors.programs import Programs
from dcp_worker.monitors.sensors import Sensors
from dcp_worker.monitors.temperatures import cpu_temperature

pytestmark = pytest.mark.any_engine

SUPPLY = "sys/class/power_supply"
HWMON = "sys/class/hwmon"
ZONES = "sys/class/thermal"
PCI = "sys/bus/pci/devices"


# --- Battery ---


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({}, None),
        ({"AC/type": "Mains", "AC/online": 0}, None),
        ({"BAT0/type": "Battery", "BAT0/status": "Discharging", "AC/type": "Mains", "AC/online": 0}, True),
        ({"BAT0/type": "Battery", "BAT0/status": "Discharging", "AC/type": "Mains", "AC/online": 1}, False),
        ({"BAT0/type": "Battery", "BAT0/status": "Charging", "C1/type": "USB", "C1/online": 1}, False),
        ({"BAT0/type": "Battery", "BAT0/status": "Discharging", "C1/type": "USB", "C1/online": 0}, True),
        ({"BAT0/type": "Battery", "BAT0/status": "Full"}, False),
        ({"mouse/type": "Battery", "mouse/scope": "Device", "mouse/status": "Discharging"}, None),
    ],
)
def test_whether_the_machine_runs_on_battery(
    tmp_path: Path, supplies: dict[str, str | int], expected: bool | None
) -> None:
    write(tmp_path, {f"{SUPPLY}/{name}": text for name, text in supplies.items()})
    assert on_battery(tmp_path) is expected


# --- Temperatures ---


def test_the_hottest_sensor_of_the_cpu_counts(tmp_path: Path) -> None:
    assert cpu_temperature(tmp_path) is None
    write(
        tmp_path,
        {
            f"{HWMON}/hwmon0/name": "nvme",
            f"{HWMON}/hwmon0/temp1_input": 99000,
            f"{HWMON}/hwmon1/name": "coretemp",
            f"{HWMON}/hwmon1/temp1_input": 61000,
            f"{HWMON}/hwmon1/temp1_crit": 105000,
            f"{HWMON}/hwmon1/temp2_input": 64500,
            f"{ZONES}/thermal_zone0/type": "acpitz",
            f"{ZONES}/thermal_zone0/temp": 99000,
        },
    )
    assert cpu_temperature(tmp_path) == 64.5
    write(tmp_path, {f"{ZONES}/thermal_zone1/type": "x86_pkg_temp", f"{ZONES}/thermal_zone1/temp": 70000})
    assert cpu_temperature(tmp_path) == 70


def test_what_a_sensor_cannot_mean_is_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            f"{HWMON}/hwmon0/name": "k10temp",
            f"{HWMON}/hwmon0/temp1_input": "",
            f"{HWMON}/hwmon0/temp2_input": -128000,
            f"{HWMON}/hwmon0/temp3_input": 65261850,
        },
    )
    assert cpu_temperature(tmp_path) is None


# --- GPUs ---


def pci_gpu(address: str, vendor: str, driver: str, **more: str | int) -> dict[str, str | int]:
    folder = f"{PCI}/{address}"
    return {
        f"{folder}/class": "0x030000",
        f"{folder}/vendor": vendor,
        f"{folder}/device": "0x1234",
        f"{folder}/driver": f"->../drivers/{driver}",
        **{f"{folder}/{name}": value for name, value in more.items()},
    }


def render_node(address: str, number: int) -> dict[str, str | int]:
    return {f"{PCI}/{address}/drm/renderD{number}/dev": "226:128", f"dev/dri/renderD{number}": ""}


def test_gpus_and_how_hot_each_is(tmp_path: Path) -> None:
    amd = {"hwmon/hwmon3/name": "amdgpu", "hwmon/hwmon3/temp1_input": 51000, "hwmon/hwmon3/temp2_input": 58000}
    write(
        tmp_path,
        {
            **pci_gpu("0000:03:00.0", "0x1002", "amdgpu", **amd),
            **render_node("0000:03:00.0", 128),
            **pci_gpu("0000:00:02.0", "0x8086", "i915"),
            **render_node("0000:00:02.0", 129),
            **pci_gpu("0000:05:00.0", "0x1a03", "ast"),  # shows a picture, and has no render node
        },
    )
    gpus = Gpus(tmp_path)
    assert [(gpu.identity, gpu.temperature) for gpu in gpus.look()] == [
        ("0000:00:02.0", None),
        ("0000:03:00.0", 58),
    ]
    assert "amd" in gpus.look()[1].name


_LIBRARY = """
#include <string.h>
static int up, asked;
int nvmlInit_v2(void) { return INIT ? INIT : (up = 1, 0); }
int nvmlShutdown(void) { up = 0; return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char* address, void** device) {
  if (!up) return 1;
  *device = &asked;
  return strcmp(address, "0000:65:00.0") ? 6 : 0;
}
int nvmlDeviceGetTemperature(void* device, int sensor, unsigned* degrees) {
  if (!up || device != &asked || sensor != 0) return 2;
  *degrees = 73 + asked++;
  return 0;
}
int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* total_free_used) {
  if (!up || device != &asked) return 2;
  total_free_used[0] = 100, total_free_used[1] = 60, total_free_used[2] = 40;
  return 0;
}
"""


def nvml_library(folder: Path, init: int) -> str:
    """What the driver's library answers, as far as it is asked."""
    source, library = folder / f"nvml{init}.c", folder / f"libnvml{init}.so"
    source.write_text(_LIBRARY)
    subprocess.run(["cc", "-shared", "-fPIC", f"-DINIT={init}", "-o", library, source], check=True)
    return str(library)


def test_a_gpu_of_nvidia_s_driver_is_asked_through_its_library(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            **pci_gpu("0000:65:00.0", "0x10de", "nvidia"),
            **pci_gpu("0000:66:00.0", "0x10de", "nvidia"),
            **{f"dev/{name}": "" for name in ("nvidiactl", "nvidia0", "nvidia1")},
        },
    )
    nvml = Nvml(nvml_library(tmp_path, 0))
    gpus = Gpus(tmp_path, nvml)
    assert [gpu.temperature for gpu in gpus.look()] == [73, None]
    assert [gpu.temperature for gpu in gpus.look()] == [74, None]
    assert gpus.memory() == {"0000:65:00.0": Memory(used=40, all=100)}
    nvml.close()
    nvml.close()


@pytest.mark.parametrize("library", ["libnvidia-ml-of-nobody.so.1", "libc.so.6", "refuses"])
def test_without_that_library_no_temperature_is_known(tmp_path: Path, library: str) -> None:
    nvml = Nvml(nvml_library(tmp_path, 999) if library == "refuses" else library)
    assert nvml.temperature("0000:65:00.0") is None
    assert nvml.memory("0000:65:00.0") is None
    nvml.close()


def test_memory_of_gpus_is_known_where_the_driver_tells_it(tmp_path: Path) -> None:
    sizes = {"mem_info_vram_used": 3 << 30, "mem_info_vram_total": 16 << 30}
    write(
        tmp_path,
        {
            **pci_gpu("0000:03:00.0", "0x1002", "amdgpu", **sizes),
            **render_node("0000:03:00.0", 128),
            **pci_gpu("0000:04:00.0", "0x8086", "i915"),
            **render_node("0000:04:00.0", 129),
            **pci_gpu("0000:05:00.0", "0x1002", "amdgpu", **sizes | {"mem_info_vram_used": "nonsense"}),
            **render_node("0000:05:00.0", 130),
            **pci_gpu("0000:06:00.0", "0x1002", "amdgpu", **sizes, **{"power/runtime_status": "suspended"}),
            **render_node("0000:06:00.0", 131),
        },
    )
    gpus = Gpus(tmp_path)
    assert len(gpus.look()) == 4
    assert gpus.memory() == {"0000:03:00.0": Memory(used=3 << 30, all=16 << 30)}


# --- Memory, disk ---


def test_how_long_programs_wait_for_memory(tmp_path: Path) -> None:
    assert memory_pressure(tmp_path) is None
    write(
        tmp_path,
        {
            "proc/pressure/memory": "some avg10=12.34 avg60=1.00 avg300=0.10 total=1\n"
            "full avg10=99.00 avg60=0.50 avg300=0.05 total=1"
        },
    )
    assert memory_pressure(tmp_path) == 12.34


def test_how_much_disk_is_free(tmp_path: Path) -> None:
    told = os.statvfs(tmp_path)
    free = free_disk(tmp_path)
    assert free is not None
    assert 0 <= free <= told.f_blocks * told.f_frsize
    assert free_disk(tmp_path / "missing") is None


# --- Programs ---


def process(number: int, comm: str, *arguments: str) -> dict[str, str | int]:
    return {f"proc/{number}/comm": comm, f"proc/{number}/cmdline": "\0".join([*arguments, ""])}


def test_programs_are_found_by_name_and_by_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/stat": "cpu 1",
            **process(1, "init", "/sbin/init"),
            **process(2, "kthreadd"),
            **process(10, "steam", "/home/u/.steam/steam", "-x"),
            **process(11, "Main Thread", "C:\\Games\\Quake\\Quake.exe"),
            **process(12, "a-program-with-", "/usr/bin/a-program-with-a-long-name"),
            **process(13, "python3", "/usr/bin/python3", "/usr/bin/blender"),
        },
    )
    names = ["Steam", "quake.exe", "a-program-with-a-long-name", "blender", "kthreadd", "nobody"]
    assert Programs(names, tmp_path).running() == {"Steam", "quake.exe", "a-program-with-a-long-name", "kthreadd"}
    assert Programs([], tmp_path).running() == frozenset()


def test_processes_of_this_machine() -> None:
    name = Path("/proc/self/exe").readlink().name
    comm = Path("/proc/self/comm").read_text().strip()
    found = Programs([name, comm, "no-such-program"]).running()
    assert comm in found
    assert "no-such-program" not in found


def test_a_program_that_comes_later_or_becomes_another_is_found(tmp_path: Path) -> None:
    write(tmp_path, {**process(1, "init"), **process(9, "launcher")})
    programs = Programs(["game", "launcher"], tmp_path)
    assert programs.running() == {"launcher"}
    write(tmp_path, process(9, "bash"))
    for _ in range(20):
        assert not programs.running()
    write(tmp_path, process(10, "game"))
    assert programs.running() == {"game"}
    (tmp_path / "proc/10/comm").unlink()
    assert not programs.running()
    write(tmp_path, process(9, "game"))
    assert {"game"} in [programs.running() for _ in range(6)]
    assert programs.running() == {"game"}


# --- Load ---


class Ticks:
    """/proc of a machine with one worker, process 5, its child 6, which has the child 7, and all others."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.busy = {5: 0, 6: 0, 7: 0}
        self.others = self.idle = 0
        self.pass_by()

    def pass_by(self, *, others: int = 0, idle: int = 0, **own: int) -> None:
        self.others, self.idle = self.others + others, self.idle + idle
        for name, ticks in own.items():
            self.busy[int(name.removeprefix("own"))] += ticks
        busy = self.others + sum(self.busy.values())
        self.files = {"proc/stat": f"cpu {busy} 0 0 {self.idle} 0 0 0 0 0 0\ncpu0 1"}
        below = {5: "6", 6: "7", 7: ""}
        for number, ticks in self.busy.items():
            fields = ["S", "1", *["0"] * 9, str(ticks), "0", "0", "0", "20"]
            self.files[f"proc/{number}/stat"] = f"{number} (a) b) {' '.join(fields)}"
            self.files[f"proc/{number}/task/{number}/children"] = below[number]
        write(self.root, self.files)  # type: ignore[arg-type]


def test_the_load_of_others_is_what_the_worker_and_all_below_it_have_not_used(tmp_path: Path) -> None:
    ticks = Ticks(tmp_path)
    load = OtherLoad(5, tmp_path)
    assert load.percent() is None
    ticks.pass_by(others=30, idle=20, own5=5, own6=5, own7=40)
    assert load.percent() == 30
    ticks.pass_by(idle=50, own7=50)
    assert load.percent() == 0
    ticks.pass_by(others=100)
    assert load.percent() == 100


def test_the_load_of_this_machine() -> None:
    load = OtherLoad()
    load.percent()
    time.sleep(0.2)
    told = load.percent()
    assert told is not None
    assert 0 <= told <= 100


# --- All of them ---


@pytest.fixture
def nothing_wanted() -> dict[str, Any]:
    return {"battery": False, "metered": False}


def test_only_what_rules_ask_for_is_looked_at(tmp_path: Path, nothing_wanted: dict[str, Any]) -> None:
    write(
        tmp_path,
        {
            f"{SUPPLY}/BAT0/type": "Battery",
            f"{SUPPLY}/BAT0/status": "Discharging",
            f"{HWMON}/hwmon1/name": "coretemp",
            f"{HWMON}/hwmon1/temp1_input": 61000,
            "proc/pressure/memory": "some avg10=12.34 avg60=1.00 avg300=0.10 total=1",
            **process(1, "init", "/sbin/init"),
            "proc/stat": "cpu  1 0 0 1 0 0 0 0 0 0",
            f"proc/{os.getpid()}/task/{os.getpid()}/children": "",
        },
    )
    none = RuleSettings(**nothing_wanted)
    seen = Sensors(Rules(cpu=none, gpu=none), tmp_path, tmp_path).look()
    assert (seen.on_battery, seen.memory_pressure, seen.free_disk) == (None,) * 3
    assert seen.temperature == 61, "which is shown even without a rule"
    every = RuleSettings(temperature=80, memory_pressure=5, free_disk=1, programs=("init",), other_load=50)
    seen = Sensors(Rules(cpu=every, gpu=none), tmp_path, tmp_path).look()
    assert (seen.on_battery, seen.temperature, seen.memory_pressure) == (True, 61, 12.34)
    assert seen.free_disk == pytest.approx(free_disk(tmp_path), rel=0.5)
    assert seen.programs == {"init"}
    assert not seen.unwatched


def test_what_cannot_be_seen_is_told(tmp_path: Path) -> None:
    rules = Rules(cpu=RuleSettings(memory_pressure=5, free_disk=1, programs=("a",), other_load=50))
    first = Sensors(rules, None, tmp_path).look().unwatched
    write(tmp_path, {"proc/stat": "cpu  1 0 0 1 0 0 0 0 0 0"})
    second = Sensors(rules, None, tmp_path).look().unwatched
    (hidden,), (old,) = ([one.text for one in told if one.rule == "otherLoad"] for told in (first, second))
    assert "stat is hidden here" in hidden
    assert "CONFIG_PROC_CHILDREN" in old
    assert [reason.rule for reason in second] == ["memoryPressure", "freeDisk", "otherLoad", "programs"]
