"""The options of ``dcp-worker``: npm's, in yargs' spellings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from worker_command import Home

from dcp_worker.commands.options import build
from dcp_worker.commands.parser import spellings

pytestmark = pytest.mark.any_engine

NPMS = [
    "--paymentAddress", "--defaultPaymentAddressToDCP", "--cores", "-c", "--utilization", "-u",
    "--maxSandboxes", "-m", "--verbose", "-v", "--outputMode", "-o", "--output", "--hostname", "-H", "--port",
    "-p", "--job-id", "-j", "--join", "-g", "--joinKeystore", "--leavePublicGroup", "--publicGroupFallback",
    "--identityKey", "--identityKeystore", "--reportInterval", "--showConfig", "--dumpConfig", "--logfile",
    "--syslogAddress", "--syslogFacility", "--syslogTransport", "--syslogPort", "--allowedOrigins", "-a",
    "--watchdogInterval", "-W", "--pidFile", "-f", "--dcp-scheduler", "--identity", "-i", "--identity-file",
    "-I", "--default-bank-account", "--default-bank-account-file", "--dcpConfig", "--dcp-options",
    "--configScope", "--help", "-h", "--show-hidden", "--no-leavePublicGroup",
]  # fmt: skip
"""Of dcp-worker 3.3.19 and its dcp-client (bin/dcp-worker, common/cli.js)."""


def shown(home: Home, name: str, *options: str) -> Any:
    return json.loads(home.succeed("--showConfig", name, *options))


@pytest.mark.parametrize("name", NPMS)
def test_npms_options_are_known_in_all_spellings(name: str) -> None:
    known = build()._option_string_actions
    assert {name, *spellings(name)} <= known.keys()


def test_the_document_says_of_each_what_it_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "worker.md").read_text(encoding="utf-8")
    table = text.partition("| npm's dcp-worker | here |")[2].partition("\n\n")[0]
    told = set(re.findall(r"-[\w-]+", table))
    told |= {"--help", "--show-hidden", "--no-leavePublicGroup"}
    for name in NPMS:
        names = set(build()._option_string_actions[name].option_strings)
        assert names & told or name.startswith("--syslog"), name


def test_spellings() -> None:
    assert spellings("--pidFile") == ["--pidFile", "--pid-file"]
    assert spellings("--job-id") == ["--job-id", "--jobId"]
    assert spellings("--defaultPaymentAddressToDCP")[1] == "--default-payment-address-to-dcp"
    assert spellings("-c") == ["-c"]


@pytest.mark.parametrize(
    ("options", "cores"),
    [
        (["-c", "7,1"], {"cpu": 7, "gpu": 1}),
        (["-c7"], {"cpu": 7, "gpu": 2}),
        (["-c=7"], {"cpu": 7, "gpu": 2}),
        (["--cores", ",0"], {"cpu": 5, "gpu": 0}),
        (["--cores=1.5,"], {"cpu": 1.5, "gpu": 2}),
        ([], {"cpu": 5, "gpu": 2}),
    ],
)
def test_cores(home: Home, options: list[str], cores: dict[str, float]) -> None:
    home.write("worker.cores = { cpu = 5, gpu = 2 }", ".dcp/dcp-config.toml")
    assert shown(home, "worker.cores", *options) == cores


def test_utilization_and_sandboxes(home: Home) -> None:
    worker = shown(home, "worker", "-u", "0.8", "-m", "3", "-W", "2", "--engine", "quickjs")
    assert worker["utilization"] == {"cpu": 0.8, "gpu": 0.75}
    assert (worker["maxSandboxes"], worker["watchdogInterval"]) == (3, 2)


def test_groups_are_added_to_the_configured_ones(home: Home) -> None:
    home.write("{ worker: { computeGroups: [{ joinKey: 'a', joinSecret: 'b' }] } }")
    hashed = "eh1-" + "0" * 64
    options = ["-g", "c,d,e", f"f,{hashed}", "--join", ",nothing"]
    names = [(path, home.succeed("--showConfig", f"worker.computeGroups{path}", *options).strip()) for path in (
        "[0].joinKey", "[0].joinSecret", "[1].joinKey", "[1].joinSecret", "[2].joinHash"
    )]  # fmt: skip
    assert [value for _, value in names] == ["a", "b", "c", "d,e", hashed]
    assert len(shown(home, "worker.computeGroups", *options)) == 3


def test_jobs_and_origins_are_added(home: Home) -> None:
    home.write("{ worker: { jobAddresses: ['x'], allowOrigins: { any: ['http://a.example'] } } }")
    worker = shown(home, "worker", "-j", "y", "z", "--job-id=w", "-a", "http://b.example")
    assert worker["jobAddresses"] == ["x", "y", "z", "w"]
    assert worker["allowOrigins"]["any"] == ["http://a.example", "http://b.example"]


@pytest.mark.parametrize(
    ("options", "leave"),
    [
        (["--leavePublicGroup"], True),
        (["--leave-public-group", "false"], False),
        (["--leavePublicGroup=true"], True),
        (["--no-leavePublicGroup"], False),
        ([], "fallback"),
    ],
)
def test_the_public_group(home: Home, options: list[str], leave: bool | str) -> None:
    home.write("{ worker: { leavePublicGroup: 'fallback' } }")
    assert home.succeed("--showConfig", "worker.leavePublicGroup", *options).strip().lower() == str(leave).lower()


@pytest.mark.parametrize(
    ("options", "location"),
    [
        (["-H", "other"], "http://other:7000/"),
        (["-p", "7001"], "http://there:7001/"),
        (["-H", "::1", "--port=1"], "http://[::1]:1/"),
        ([], "http://there:7000/"),
    ],
)
def test_an_evaluator_elsewhere(home: Home, options: list[str], location: str) -> None:
    home.write("{ evaluator: { location: 'http://there:7000' } }")
    assert home.succeed("--showConfig", "evaluator.location", *options).strip().rstrip("/") == location.rstrip("/")


def test_the_default_port_is_npms(home: Home) -> None:
    assert home.succeed("--showConfig", "evaluator.location", "-H", "other").strip() == "http://other:9000/"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pidfil"], "there is no option --pidfil (is it --pidFile?); see dcp-worker --help"),
        (["--Cores", "1"], "there is no option --Cores (is it --cores?)"),
        (["--quite-another=tiger"], "there is no option --quite-another; see"),
        (["-qtiger"], "there is no option -q; see"),
        (["tiger"], "arguments too many: 1"),
        (["confi"], "there is no such command (is it config?); see dcp-worker --help"),
        (["-c", "x"], "argument -c/--cores: 'x' is not CPU,GPU, such as 7,1 or 7 or ,1"),
        (["-c", "1,2,3"], "is not CPU,GPU"),
        (["-m", "0"], "'0' is not a number from 1 to 100000"),
        (["-m", "1.5"], "'1.5' is not a whole number"),
        (["-p"], "expected one argument"),
        (["-o", "paper"], 'there is no output "paper"'),
        (["--dcp-scheduler", "here"], "option --dcp-scheduler: this is no URL of a server"),
        (["--paymentAddress", "0x12", "--showConfig", "x"], "worker.paymentAddress: an address has 40"),
        (
            ["--showConfig", "worker.maxSandbox"],
            "there is nothing called worker.maxSandbox in the configuration",
        ),
    ],
)
def test_wrong_lines(home: Home, options: list[str], message: str) -> None:
    told = home.fail(*options)
    assert message in told
    assert "tiger" not in told


def test_wrong_values_of_files_are_told_line_by_line(home: Home) -> None:
    path = home.write("[worker]\nmaxSandboxes = 0\ncleanupTimeout = -1\n", ".dcp/dcp-config.toml")
    done = home.run("--dumpConfig")
    assert done.returncode == 1
    assert [line.partition(": it is")[0] for line in done.stderr.splitlines()] == [
        f"dcp-worker: {path}:2: worker.maxSandboxes",
        f"dcp-worker: {path}:3: worker.cleanupTimeout",
    ]


def test_names_that_are_nearly_right_are_told(home: Home) -> None:
    home.write("{ worker: { maxsandbox: 3 } }")
    done = home.run("--showConfig", "worker.maxSandboxes")
    assert (done.returncode, done.stdout) == (0, "undefined\n")
    assert "worker.maxsandbox is not known, and has no effect; is it worker.maxSandboxes?" in done.stderr


def test_the_dump_has_no_secrets(home: Home) -> None:
    home.write("{ worker: { computeGroups: [{ joinKey: 'scott', joinSecret: 'tiger' }], bannedGPUs: { a: /b/i } } }")
    text = home.succeed("--dumpConfig", "--dcp-scheduler", "http://a.example")
    tree = json.loads(text)
    assert tree["worker"]["computeGroups"] == [{"joinKey": "scott", "joinSecret": "(hidden)"}]
    assert tree["worker"]["bannedGPUs"]["a"] == "/b/i"
    assert tree["scheduler"]["location"] == "http://a.example/"
    assert "tiger" not in home.succeed("--showConfig", "worker")
    assert home.succeed("--showConfig", "worker.computeGroups[0].joinSecret") == "tiger\n"


def test_a_scheduler_that_does_not_answer_is_told(home: Home) -> None:
    home.variables["DCP_CONFIG_LOCATION"] = "http://localhost:1/"
    done = home.run("--showConfig", "worker.cleanupTimeout")
    assert (done.returncode, done.stdout) == (0, "60\n")
    assert "warning: without what the scheduler says: http://localhost:1/: " in done.stderr


def test_help_shows_what_is_seldom_needed_when_asked(home: Home) -> None:
    short, long = home.succeed("--help"), home.succeed("--help", "--dcp-options")
    assert "--cores" in short
    assert "--identityKey" not in short
    assert "--identityKey" in long
    assert not re.search(r"--join\b", short)
    assert re.fullmatch(r"dcp-worker \d+\.\d+\.\d+\n", home.succeed("--version"))


def test_scopes(home: Home) -> None:
    home.write("worker.maxSandboxes = 9", ".dcp/scope/lab.toml")
    assert home.succeed("--showConfig", "worker.maxSandboxes", "--configScope", "lab") == "9\n"
