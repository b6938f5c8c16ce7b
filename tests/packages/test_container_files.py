"""The files for Compose, Kubernetes and seccomp say the same as the image."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from image import USER

from dcp_scheduler.commands.parser import parse

pytestmark = pytest.mark.any_engine

_ROOT = Path(__file__).parents[2]
_FILES = _ROOT / "packaging" / "container"
_FOLDERS = {"/var/lib/dcp", "/var/cache/dcp", "/tmp"}
# Calls that put layers of isolation in force.
_NEEDED = {"clone", "mount", "mount_setattr", "move_mount", "open_tree", "pivot_root", "setdomainname", "sethostname"}
_NEEDED |= {"landlock_restrict_self", "seccomp", "umount2", "unshare"}


def service(file: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((_FILES / file).read_text(encoding="utf-8"))["services"][name]
    return found


def worker() -> dict[str, Any]:
    return service("compose.yaml", "worker")


def scheduler() -> dict[str, Any]:
    return service("scheduler.yaml", "scheduler")


def pod() -> dict[str, Any]:
    documents = yaml.safe_load_all((_FILES / "daemonset.yaml").read_text(encoding="utf-8"))
    [found] = [document for document in documents if document["kind"] == "DaemonSet"]
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def test_they_name_the_image_of_this_version() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    containers = [*pod()["initContainers"], *pod()["containers"]]
    assert {one["image"] for one in (worker(), scheduler(), *containers)} == {f"dcp-evaluator:{project['version']}"}


def test_kubernetes_gives_the_folders_to_the_images_user() -> None:
    folders, *others = [*pod()["initContainers"], *pod()["containers"]]
    assert {f"--owner={USER}", f"--group={USER}", "/var/lib/dcp", "/var/cache/dcp"} <= set(folders["command"])
    assert {one["securityContext"]["runAsUser"] for one in others} == {USER}


def test_what_is_written_has_a_place_and_the_rest_is_read_only() -> None:
    assert worker()["read_only"]
    assert {volume.split(":")[1] for volume in worker()["volumes"]} | set(worker()["tmpfs"]) == _FOLDERS
    for one in [*pod()["initContainers"], *pod()["containers"]]:
        assert one["securityContext"]["readOnlyRootFilesystem"]
        assert {mount["mountPath"] for mount in one["volumeMounts"]} == _FOLDERS


def test_a_scheduler_keeps_its_state_and_has_options_that_there_are() -> None:
    given = scheduler()
    assert given["read_only"]
    program, *options = given["command"]
    assert (program, given["cap_drop"]) == ("dcp-scheduler", ["ALL"])
    parsed = parse(options)
    places = [volume.split(":")[1] for volume in given["volumes"]]
    assert [str(parent) for parent in parsed.state.parents if str(parent) in places] == places
    _, outside, inside = given["ports"][0].split(":")
    assert parsed.listen == ("0.0.0.0", int(inside))
    assert parsed.public.endswith(f":{outside}/")


def test_the_profile_leaves_what_isolation_needs() -> None:
    profile = json.loads((_FILES / "seccomp.json").read_text(encoding="utf-8"))
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    refused = [name for rule in profile["syscalls"] if "args" not in rule for name in rule["names"]]
    assert len(refused) == len(set(refused))
    assert not _NEEDED & set(refused)
