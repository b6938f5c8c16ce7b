"""``dcp-worker setup``, without Node and without a terminal."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from worker_command import Home

from dcp_protocol.keys.address import Address
from dcp_protocol.wallet.keystore import Keystore
from dcp_worker.commands import packages
from dcp_worker.configuration.settings import all_keys
from dcp_worker.configuration.toml_text import commented_file
from dcp_worker.configuration.values import leaves
from node import run_npm
from npm_packages import npm_packages

pytestmark = pytest.mark.any_engine

ADDRESS = str(Address("0x79df6ba3bb0d1f0b53cd23aca90ea3ed5ce0c5b9"))
LOCKS = Path(__file__).parents[2] / "npm"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of dcp-client 4.4.29 as the registry has them, fetched by npm."""
    folder = tmp_path_factory.mktemp("packed")
    names = [f"{package.name}@{package.version}" for package in packages.packages_of("4.4.29")]
    done = run_npm("pack", *names, "--ignore-scripts", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


class Registry:
    """Serves files as a registry of npm does; notes who asked for what."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[tuple[str, str | None]] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append((self.path, self.headers.get("Authorization")))
                data = registry.files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("localhost", 0), Handler)
        self.location = f"http://localhost:{self.server.server_port}/npm/"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def registry(packed: Path) -> Iterator[Registry]:
    files = {}
    for package in packages.packages_of("4.4.29"):
        name = f"{package.name}-{package.version}.tgz"
        files[f"/npm/{package.name}/-/{name}"] = (packed / name).read_bytes()
    served = Registry(files)
    yield served
    served.close()


def settings_of(home: Home) -> dict[str, Any]:
    return tomllib.loads((home.root / ".dcp/dcp-worker/dcp-config.toml").read_text())


def test_the_known_hashes_are_those_that_npm_has_locked() -> None:
    for version, group in (("4.4.29", "dcp"), ("5.6.1", "dcp5")):
        locked = json.loads((LOCKS / group / "package-lock.json").read_text())["packages"]
        for package in packages.packages_of(version):
            entry = locked[f"node_modules/{package.name}"]
            assert (entry["version"], entry["integrity"]) == (package.version, package.integrity)


def test_all_is_made_ready_from_a_registry(home: Home, registry: Registry) -> None:
    home.variables["npm_config_registry"] = registry.location
    shown = home.succeed("setup", "--dcp-scheduler", "http://scheduler.example/")
    client = home.root / ".dcp/dcp-worker/dcp-client-4.4.29/node_modules/dcp-client"
    assert f"start-up files  22, of dcp-client 4.4.29 in {client}\n" in shown
    assert "a slice ran in a sandbox (engine " in shown
    assert "worktimes map-basic 1.0.0, pyodide 0.26.0)" in shown
    assert sorted(path for path, _ in registry.asked) == sorted(registry.files)
    tree = settings_of(home)
    assert tree["scheduler"]["location"] == "http://scheduler.example/"
    assert [(path, value) for path, value in leaves(tree["node"]) if value != {}] == [(("startupFiles",), str(client))]
    for name in ("id.keystore", "default.keystore", "dcp-worker/dcp-config.toml"):
        assert stat.S_IMODE((home.root / ".dcp" / name).stat().st_mode) == 0o600
    keystore = Keystore.parse((home.root / ".dcp/default.keystore").read_bytes())
    assert f"account         {keystore.address}, new" in shown
    assert keystore.open("") is not None


def test_a_second_setup_changes_nothing(home: Home) -> None:
    home.variables["NODE_PATH"] = str(npm_packages("dcp"))
    home.succeed("setup", "--new-account")
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    shown = home.succeed("setup")
    assert "which stays as it is" in shown
    assert "it does not say" not in shown
    assert {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()} == before
    shown = home.succeed("setup", "--paymentAddress", ADDRESS)
    assert f'it does not say worker.paymentAddress = "{ADDRESS}": add that' in shown


@pytest.mark.parametrize("group", ["dcp", "dcp5"])
def test_an_installed_client_is_found(home: Home, group: str) -> None:
    home.variables["NODE_PATH"] = str(npm_packages(group))
    shown = home.succeed("setup", "--paymentAddress", ADDRESS.lower())
    assert f" in {npm_packages(group) / 'dcp-client'}" in shown
    assert "map-basic 1.0.0" in shown
    assert settings_of(home)["worker"]["paymentAddress"] == ADDRESS
    assert not (home.root / ".dcp/default.keystore").exists()


def test_start_up_files_from_files(home: Home, packed: Path) -> None:
    sources = [part for path in sorted(packed.iterdir()) for part in ("--from", path)]
    shown = home.succeed("setup", *sources)
    assert "start-up files  22" in shown
    assert home.fail("setup", *sources[:2]).startswith("there is no dcp-client in ")


def test_a_registry_that_gives_something_else_is_not_believed(home: Home, registry: Registry) -> None:
    (path,) = (path for path in registry.files if "/kvin/" in path)
    registry.files[path] += b"\0"
    told = home.fail("setup", "--registry", registry.location)
    assert told.startswith(f"kvin 1.2.17 from {registry.location.rstrip('/')} is not what it should be: its hash is ")
    assert not list(home.root.rglob("*.js"))


def test_a_registry_that_has_its_files_elsewhere(home: Home, registry: Registry) -> None:
    (path,) = (path for path in registry.files if "/bravojs/" in path)
    registry.files["/elsewhere.tgz"] = registry.files.pop(path)
    about = {"versions": {"1.0.16": {"dist": {"tarball": registry.location.replace("/npm/", "/elsewhere.tgz")}}}}
    registry.files["/npm/bravojs"] = json.dumps(about).encode()
    home.write(f"registry = {registry.location}\n//{registry.location[7:]}:_authToken=${{TOKEN}}\n", ".npmrc")
    home.variables["TOKEN"] = "secret"
    home.succeed("setup", "--paymentAddress", ADDRESS)
    tokens = dict(registry.asked)
    assert tokens["/npm/bravojs"] == "Bearer secret"
    assert tokens["/elsewhere.tgz"] is None


def test_without_any_registry_it_is_asked_for(home: Home) -> None:
    assert "say --registry URL, or --from FILE" in home.fail("setup")
    assert "is no URL of a registry" in home.fail("setup", "--registry", "nonsense")
    assert "cannot be fetched from http://localhost:1: " in home.fail("setup", "--registry", "http://localhost:1/")


def test_another_version_needs_its_hash(home: Home, registry: Registry) -> None:
    told = home.fail("setup", "--client-version", "4.4.28", "--registry", registry.location)
    assert told.startswith("the hash of dcp-client 4.4.28 is not known here: say --integrity sha512-")
    options = ["--client-version", "4.4.28", "--integrity", "sha512-x", "--registry", registry.location]
    assert "answers with status 404 for dcp-client 4.4.28" in home.fail("setup", *options)


def archive(*members: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, text in members:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"nonsense", "is no package of npm, or is damaged"),
        (archive(("package/../../evil", b"")), "the path leads out of the package"),
        (archive(("package/a.js", b"")), "there is no package.json in it that says which"),
        (archive(("package/package.json", b'{"name": "../x", "version": "1.0.0"}')), "there is no package.json"),
        (archive(("package/package.json", b'{"name": "kvin", "version": "1.0.0"}')), "there is no dcp-client in"),
    ],
    ids=["no archive", "a path out of it", "no package.json", "a bad name", "no dcp-client"],
)
def test_files_that_are_no_packages(home: Home, data: bytes, message: str) -> None:
    path = home.root / "some.tgz"
    path.write_bytes(data)
    assert message in home.fail("setup", "--from", path)


def test_an_account_with_a_passphrase(home: Home) -> None:
    home.variables["NODE_PATH"] = str(npm_packages("dcp"))
    home.write("open sesame\n", "passphrase")
    shown = home.succeed("setup", "--new-account", "--passphrase-file", "passphrase")
    keystore = Keystore.parse((home.root / ".dcp/default.keystore").read_bytes())
    assert keystore.open("") is None
    assert keystore.open("open sesame") is not None
    assert "whoever can read it can spend" not in shown


def test_an_account_that_is_there_is_kept(home: Home) -> None:
    home.variables["NODE_PATH"] = str(npm_packages("dcp"))
    home.succeed("setup")
    kept = home.root / "kept.keystore"
    (home.root / ".dcp/default.keystore").rename(kept)
    home.succeed("setup", "--payment-keystore", kept)
    mine, copied = (Keystore.parse(path.read_bytes()) for path in (kept, home.root / ".dcp/default.keystore"))
    assert mine.address == copied.address
    assert "not replaced" in home.run("setup", "--payment-keystore", kept).stderr


def test_on_a_terminal_it_asks_for_the_account(home: Home) -> None:
    home.variables["NODE_PATH"] = str(npm_packages("dcp"))
    question = "Which account is to be paid? Its address, or nothing for a new one: "
    status, shown = home.on_a_terminal("setup", answers=[(question, "nonsense"), (question, ADDRESS)])
    assert status == 0, shown
    assert not (home.root / ".dcp/default.keystore").exists()
    assert settings_of(home)["worker"]["paymentAddress"] == ADDRESS


def test_on_a_terminal_it_asks_for_the_passphrase_of_a_new_account(home: Home) -> None:
    home.variables["NODE_PATH"] = str(npm_packages("dcp"))
    answers = [("for a new one: ", ""), ("Enter a passphrase", "abc"), ("Please confirm", "abc")]
    status, shown = home.on_a_terminal("setup", answers=answers)
    assert status == 0, shown
    assert Keystore.parse((home.root / ".dcp/default.keystore").read_bytes()).open("abc") is not None


def test_start_up_files_that_are_gone(home: Home) -> None:
    home.write('node.startupFiles = "/gone"', ".dcp/dcp-config.toml")
    assert "dcp-worker setup --fetch" in home.fail("setup")


def test_the_commented_file_has_all_keys_and_says_nothing() -> None:
    text = commented_file({})
    assert [member for member in tomllib.loads(text).values() if not _is_empty(member)] == []
    for key in all_keys():
        assert f"#{key.path[-1]} =" in text


def test_each_default_in_the_commented_file_can_be_said() -> None:
    lines = [line.removeprefix("#") for line in commented_file({}).splitlines() if not line.startswith("# ")]
    said = tomllib.loads("\n".join(line for line in lines if not line.endswith("=")))
    for key in all_keys():
        if key.default is not None:
            value: Any = said
            for name in key.path:
                value = value[name]
            read = key.kind.read(value)
            assert read == (pytest.approx(key.default) if isinstance(read, float) else key.default), key.name


def _is_empty(tree: Any) -> bool:
    return isinstance(tree, dict) and all(map(_is_empty, tree.values()))
