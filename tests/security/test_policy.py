"""--isolation strict, standard and none, where the kernel gives all layers and where it does not."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from public_copies import PublicCopies
from users import AS_ROOT_WITHOUT_NAMESPACES, STARTS

pytestmark = pytest.mark.any_engine

REMEDY = "allow user namespaces: sysctl user.max_user_namespaces=16384"


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "script.js"
    path.write_text("print(6 * 7)")
    return str(path)


def run(prefix: list[str], public: PublicCopies, *arguments: str, **variables: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*prefix, public.command, *arguments],
        env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def zygote(prefix: list[str], public: PublicCopies, *options: str) -> str:
    """What a zygote says first, and on stderr."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = subprocess.Popen(
            [*prefix, public.zygote, "--wasmtime", public.wasmtime, "--mode", "job", *options],
            close_fds=False,
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),  # noqa: PLW1509 - it only duplicates a descriptor
            env={},
        )
        ours.settimeout(20)
        said = ours.recv(1 << 16).decode()
        ours.close()
        process.wait(20)
    return said


@pytest.mark.parametrize("policy", ["strict", "standard", "none"])
@pytest.mark.parametrize("start", ["self", "ordinary"])
def test_a_whole_machine_suits_all(public: PublicCopies, start: str, policy: str) -> None:
    assert zygote(STARTS[start], public, "--isolation", policy) == "ready"


def test_root_without_namespaces_is_refused(public: PublicCopies, script: str) -> None:
    status, out, err = run(AS_ROOT_WITHOUT_NAMESPACES, public, "--shell", script)
    assert (status, out) == (1, "")
    assert re.fullmatch(
        r"dcp-evaluator: not isolated: it runs as root, and there is no pid namespace \(clone: .+\); remedy: "
        + REMEDY
        + ".*; or run it as an ordinary user, or with --isolation none\n",
        err,
    ), err


def test_none_runs_all_the_same_and_says_so(public: PublicCopies, script: str) -> None:
    status, out, err = run(AS_ROOT_WITHOUT_NAMESPACES, public, "--isolation", "none", "--shell", script)
    assert (status, out) == (0, "42\n")
    assert err.startswith("dcp-evaluator: untrusted code runs all the same: it runs as root, and there is no ")


def test_an_ordinary_user_needs_no_namespaces(public: PublicCopies) -> None:
    assert zygote(STARTS["no-namespaces"], public) == "ready"


def test_strict_wants_every_layer(public: PublicCopies) -> None:
    said = zygote(STARTS["no-namespaces"], public, "--isolation", "strict")
    assert said.startswith(
        "failed not isolated: --isolation strict wants every layer, and there is no user namespace ("
    )
    assert REMEDY in said
    assert said.endswith("; or --isolation standard")


def test_the_variable_says_the_same(public: PublicCopies, script: str) -> None:
    status, out, _ = run(AS_ROOT_WITHOUT_NAMESPACES, public, "--shell", script, DCP_EVALUATOR_ISOLATION="none")
    assert (status, out) == (0, "42\n")
    status, _, err = run([], public, "--shell", script, DCP_EVALUATOR_ISOLATION="some")
    assert status == 2
    assert err == "dcp-evaluator: DCP_EVALUATOR_ISOLATION is strict, standard or none, not 'some'\n"


def test_another_word_is_refused(public: PublicCopies, script: str) -> None:
    status, _, err = run([], public, "--isolation", "maximal", "--shell", script)
    assert status == 2
    assert "invalid choice: 'maximal'" in err


def test_the_probe_names_each_layer_with_its_remedy(public: PublicCopies) -> None:
    status, out, _ = run(AS_ROOT_WITHOUT_NAMESPACES, public, "--probe", "--json")
    assert status == 2  # no slice can run
    report = json.loads(out)
    assert "it runs as root" in report["slice"]["error"]
    for part in ("isolation", "gpu_isolation"):
        layers = {layer["layer"]: layer for layer in report[part]["layers"]}
        assert layers["network namespace"]["in_force"] is False
        assert layers["network namespace"]["remedy"].startswith(REMEDY)
        assert layers["seccomp"] == {
            "layer": "seccomp", "in_force": True, "reason": "ptrace ends the process", "remedy": "",
        }  # fmt: skip
    _, out, _ = run(AS_ROOT_WITHOUT_NAMESPACES, public, "--probe")
    assert re.search(r"network namespace   OFF: .*\n? +.*remedy", out), out
