"""The package server: who may publish what, which files a module's name brings, and how they come by HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wheels_of_pyodide import distribution

from dcp_protocol import Connection, connect
from dcp_protocol.errors import RemoteError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.errors import RefusedError, SchedulerError
from dcp_scheduler.model.package import Package
from dcp_scheduler.packages.declarations import dependencies, joined
from dcp_scheduler.packages.descriptor import read_folder
from dcp_scheduler.packages.names import check_file, check_package, newest, read_module
from dcp_scheduler.packages.ownership import OPERATOR
from dcp_scheduler.packages.publishing import publish
from dcp_scheduler.packages.python_packages import read_distribution
from dcp_scheduler.server.server import Server

pytestmark = pytest.mark.any_engine

SQUARE = "module.declare(['./more/helper', 'other/thing', 'gone/gone'], function (require, exports) {});"
HELPER = "module.declare([{ top: '../top' }], (require, exports) => {});"
PLAIN = "module.declare([], (require, exports) => {});"
SHAPES = {"square.js": SQUARE, "more/helper.js": HELPER, "top.js": PLAIN, "unused.js": PLAIN}


@asynccontextmanager
async def served(folder: Path, key: PrivateKey | None = None) -> AsyncIterator[tuple[Server, Connection]]:
    """A network, and a peer of its package manager."""
    async with Server(folder) as server, peer(server, key) as connection:
        yield server, connection


@asynccontextmanager
async def peer(server: Server, key: PrivateKey | None = None) -> AsyncIterator[Connection]:
    async with await connect(f"{server.location}dcp/", key or PrivateKey.generate()) as connection:
        yield connection


def package(name: str, version: str = "1.0.0", **files: str) -> dict[str, Any]:
    return {"name": name, "version": version, "files": files or {"a.js": PLAIN}}


async def refusal(connection: Connection, data: Any, operation: str = "deployPackage") -> tuple[str, str]:
    with pytest.raises(RemoteError) as caught:
        await connection.request(operation, data)
    return caught.value.code, str(caught.value)


def test_a_module_comes_with_all_that_it_needs_under_the_names_that_sandboxes_have(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (server, connection):
            answer = await connection.request("deployPackage", package("shapes", **SHAPES))
            assert (answer["name"], list(answer["versions"])) == ("shapes", ["1.0.0"])
            await connection.request("deployPackage", package("other", **{"thing.js": PLAIN}))
            found = await connection.request("fetchModuleURL", {"modules": ["shapes/square", "shapes/top.js"]})
            names = {name: sorted(files) for name, files in found.items()}
            assert names == {"shapes": ["more/helper", "square", "top", "top.js"], "other": ["thing"]}
            async with aiohttp.ClientSession() as session, session.get(found["shapes"]["square"]) as response:
                assert await response.text() == SQUARE
            assert found["shapes"]["top"] == found["shapes"]["top.js"]
            assert found["shapes"]["top"].startswith(server.location)

    run(main())


def test_files_may_be_kept_for_ever(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (server, connection), aiohttp.ClientSession() as session:
            await connection.request("deployPackage", package("a", **{"é.js".replace("é", "e"): "// é\n"}))
            (url,) = (await connection.request("fetchModuleURL", {"modules": ["a/e"]}))["a"].values()
            digest = hashlib.sha256("// é\n".encode()).hexdigest()
            assert url == f"{server.location}packages/{digest}"
            async with session.get(url) as response:
                assert (response.status, await response.text()) == (200, "// é\n")
                assert response.headers["ETag"] == f'"{digest}"'
                assert "immutable" in response.headers["Cache-Control"]
                assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Access-Control-Allow-Origin"] == "*"
            async with session.get(url, headers={"If-None-Match": f'"{digest}"'}) as response:
                assert (response.status, await response.read()) == (304, b"")
            async with session.head(url) as response:
                assert (response.status, response.headers["Content-Length"]) == (200, "6")
            async with session.post(url) as response:
                assert response.status == 404

    run(main())


def test_contents_that_are_in_no_package_are_nobodys(run, tmp_path: Path) -> None:
    """Results and data of jobs lie in the same store."""

    async def main() -> None:
        async with served(tmp_path) as (server, _), aiohttp.ClientSession() as session:
            secret = server.database.contents.put(b"a result")
            for path in (secret, f"{secret}/", f"../contents/{secret[:2]}/{secret}", "%00", "a" * 64, ""):
                async with session.get(f"{server.location}packages/{path}") as response:
                    assert response.status == 404
            assert server.database.contents.get(secret) == b"a result"

    run(main())


def test_a_name_is_its_first_publishers(run, tmp_path: Path) -> None:
    key = PrivateKey.generate()

    async def main() -> None:
        async with served(tmp_path, key) as (server, owner), peer(server) as other:
            await owner.request("deployPackage", package("mine"))
            code, message = await refusal(other, package("mine", "2.0.0"))
            assert (code, message) == ("EPERM", "the package mine belongs to another identity; choose another name")
            await owner.request("deployPackage", package("mine"))  # again: an answer may be lost
            code, message = await refusal(owner, package("mine", **{"a.js": "// other"}))
            assert code == "EEXIST"
            assert "publish another" in message
            await owner.request("deployPackage", package("mine", "2.0.0", **{"a.js": "// other"}))
        async with served(tmp_path) as (server, connection):  # again, as it was
            (listed,) = (await connection.request("listModules", {"q": "min"}))["packages"]
            assert (listed["name"], listed["version"], listed["owner"]) == ("mine", "2.0.0", str(key.address))
            assert listed["files"] == {"a.js": 8}

    run(main())


def test_local_modules_are_everybodys_under_the_hash_that_they_have(run, tmp_path: Path) -> None:
    """npm's client publishes them at each exec: equal programs of two people have the same name."""
    digest = hashlib.md5(PLAIN.encode(), usedforsecurity=False).hexdigest()
    sideloader = package(f"dcp-pkg-v1-localhost-{digest}", **{"sideloader-v1.js": PLAIN})

    async def main() -> None:
        async with served(tmp_path) as (server, first), peer(server) as second:
            await second.request("deployPackage", sideloader)
            await first.request("deployPackage", sideloader)
            assert (await first.request("listModules", {}))["packages"] == []
            others = [
                sideloader | {"files": {"sideloader-v1.js": "// other"}},
                sideloader | {"files": {"sideloader-v1.js": PLAIN, "more.js": PLAIN}},
                sideloader | {"version": "1.0.1"},
            ]
            for other in others:
                assert (await refusal(first, other))[0] == "EINVAL"

    run(main())


def test_what_worktimes_load_is_the_operators(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (server, connection):
            code, message = await refusal(connection, package("pyodide-0.26.4-numpy"))
            assert code == "EPERM"
            assert "operator" in message
            ours = Package("pyodide-0.26.4-numpy", "1.0.0", {"a.js": PLAIN.encode()})
            await publish(server.database, ours, OPERATOR)
            assert await connection.request("fetchModuleURL", {"modules": ["pyodide-0.26.4-numpy/a"]})

    run(main())


def test_versions_are_chosen_by_range(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (_, connection):
            for version in ("1.0.0", "1.2.0", "1.10.0", "2.0.0-beta.1"):
                await connection.request("deployPackage", package("a", version, **{"m.js": f"// {version}"}))
            asked = {"a/m": "1.10.0", "a@^1.0.0/m": "1.10.0", "a@~1.2/m": "1.2.0", "a@2.0.0-beta.1/m": "2.0.0-beta.1"}
            for name, version in asked.items():
                label, file = name.split("/")
                found = await connection.request("fetchModuleURL", {"modules": [name]})
                digest = hashlib.sha256(f"// {version}".encode()).hexdigest()
                assert found[label][file].endswith(digest), name
            code, message = await refusal(connection, {"modules": ["a@^3/m"]}, "fetchModuleURL")
            assert (code, "in the versions ^3 of a" in message) == ("ENOENT", True)

    run(main())


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("gone/a", "no module a in the package gone"),
        ("there/b", "no module b in the package there"),
        ("there", "asked for as PACKAGE/FILE"),
        ("there/../../etc/passwd", "asked for as PACKAGE/FILE"),
        ("there@not a range!/a", "asked for as PACKAGE/FILE"),
    ],
)
def test_a_module_that_there_is_not(run, tmp_path: Path, asked: str, part: str) -> None:
    async def main() -> None:
        async with served(tmp_path) as (_, connection):
            await connection.request("deployPackage", package("there"))
            code, message = await refusal(connection, {"modules": ["there/a", asked]}, "fetchModuleURL")
            assert code == "ENOENT"
            assert part in message

    run(main())


def test_packages_are_listed_page_by_page(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (_, connection):
            for name in ("a-3", "a-1", "a-2", "b", "a_4"):
                await connection.request("deployPackage", package(name))
            first = await connection.request("listModules", {"q": "a", "limit": 2})
            assert [each["name"] for each in first["packages"]] == ["a-1", "a-2"]
            last = await connection.request("listModules", {"q": "a", "skip": first["next"], "limit": 2})
            assert [each["name"] for each in last["packages"]] == ["a-3", "a_4"]
            assert "next" not in last
            none = await connection.request("listModules", {"q": "a%"})
            assert none["packages"] == []

    run(main())


REFUSED = [
    package("a", "1.0"), package("a", "1.0.0" + "0" * 100), package(""), package("../a"), package("a/b"),
    package("a\0"), package("__proto__"), package("a" * 129), package("a") | {"files": {}},
    package("a") | {"files": {"a.js": 5}}, package("a") | {"files": ["a"]}, package("a") | {"name": None},
    package("a", **{"../a.js": ""}), package("a", **{"/etc/passwd": ""}), package("a", **{"a\0.js": ""}),
    package("a", **{"a//b": ""}), package("a", **{"b/__proto__": ""}), package("a", **{"a\\b": ""}),
    package("a", **{f"{n}.js": "" for n in range(1001)}), package("a", **{"a.js": "\ud800"}), None, [],
]  # fmt: skip


def test_packages_that_are_refused_leave_nothing(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (_, connection):
            for data in REFUSED:
                code, message = await refusal(connection, data)
                assert code in ("EINVAL", "E2BIG"), data
                assert message
            assert (await connection.request("listModules", {}))["packages"] == []

    run(main())
    assert not [path for path in (tmp_path / "contents").rglob("*") if path.is_file()]


@given(st.one_of(st.text(), st.from_regex(r"[a-z./\\%@\x00-]{1,20}"), st.lists(st.sampled_from("ab./\\%\0@ -"))))
def test_names_that_are_taken_mean_nothing_but_themselves(made: Any) -> None:
    name = "".join(made)
    for check in (check_package, check_file):
        try:
            check(name)
        except RefusedError:
            continue
        assert name
        assert ".." not in name
        assert not name.startswith((".", "/"))
        assert not set(name) & set("\0\\%?#: \n\"'<>&")
        assert Path("/base", name).resolve() == Path("/base") / name
    module = read_module(name)
    if module is not None:
        assert f"{module.label}/{module.file}" == name
        check_package(module.package)
        check_file(module.file)


@given(st.lists(st.sampled_from(["1.0.0", "1.2.0", "2.0.0-a", "0.1.0"]), unique=True), st.text(max_size=20))
def test_any_range_chooses_a_version_that_there_is(versions: list[str], wanted: str) -> None:
    assert newest(versions, wanted) in (*versions, None)
    assert (newest(versions, "") is None) == (not versions)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("module.declare(['a/b', \"./c\"], function () {})", ["a/b", "./c"]),
        ("module.declare(\n[ /* one */ 'a/b', // and\n 'c/d',\n]\n, () => {})", ["a/b", "c/d"]),
        ("module.declare([{ label: 'a/b', 'other': './c' }, 'd/e'], f)", ["a/b", "./c", "d/e"]),
        ("module.declare(function () { require('a/b'); })", []),
        ("module.declare(['a/b', name, 'c/d'], f)", ["a/b", "c/d"]),
        ("module.declare(['a/b', f('x')], f)", ["a/b"]),
        ("module.declare(['a/b'", ["a/b"]),
        ("module.declare([[['a/b']]], f); ['no/no']", ["a/b"]),
    ],
)
def test_declarations(text: str, found: list[str]) -> None:
    assert dependencies(text) == found


@given(st.text(alphabet="[]{}'\",:/*\\ \nab", max_size=200))
def test_any_text_has_some_declarations(text: str) -> None:
    assert all(isinstance(name, str) for name in dependencies(f"module.declare([{text}"))


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        ("a/b", "./c", "a/c"), ("a/b/c", "../d", "a/d"), ("a/b", "../c/d", "c/d"), ("a/b", "../../c", None),
        ("a@^1/b", "./c", "a@^1/c"), ("a/b", ".//c", "a/c"),
    ],
)  # fmt: skip
def test_relative_names(module: str, name: str, found: str | None) -> None:
    assert joined(module, name) == found


def test_modules_that_need_each_other(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (_, connection):
            circle = {"a.js": "module.declare(['./b'], f)", "b.js": "module.declare(['./a', './b'], f)"}
            await connection.request("deployPackage", package("circle", **circle))
            found = await connection.request("fetchModuleURL", {"modules": ["circle/a"]})
            assert sorted(found["circle"]) == ["a", "b"]

    run(main())


def test_modules_that_need_too_many(run, tmp_path: Path) -> None:
    """Two packages with a thousand modules each, of which five others need all, and 500 a second time."""
    many = {f"m{n}.js": PLAIN for n in range(1000)}
    needed = [f"'many{part % 2}/m{n}{'.js' * (part > 3)}'" for part in range(5) for n in range(500)]
    roots = {f"r{n}.js": f"module.declare([{','.join(needed[n::5])}], f)" for n in range(5)}

    async def main() -> None:
        async with served(tmp_path) as (_, connection):
            for name, files in {"many0": many, "many1": many, "roots": roots}.items():
                await connection.request("deployPackage", package(name, **files))
            found = await connection.request("fetchModuleURL", {"modules": ["roots/r0", "roots/r1"]})
            assert sum(map(len, found.values())) > 500
            asked = [*(f"roots/r{n}" for n in range(5)), *(f"many{n}/m{m}" for n in (0, 1) for m in range(990))]
            code, message = await refusal(connection, {"modules": asked}, "fetchModuleURL")
            assert code == "EMODULETOOBIG"
            assert "more than 2000" in message

    run(main())


def test_a_folder_with_a_descriptor(tmp_path: Path) -> None:
    (tmp_path / "square.js").write_text(PLAIN)
    descriptor = tmp_path / "package.dcp"
    descriptor.write_text(json.dumps({"name": "shapes", "version": "1.0.0", "files": {"./square.js": "sq.js"}}))
    for path in (tmp_path, descriptor):
        assert read_folder(path) == Package("shapes", "1.0.0", {"sq.js": PLAIN.encode()})
    faults = {
        "[]": "describes no package", '{"name": "a"}': "describes no package", "{": "describes no package",
        '{"name": "a", "version": "1.0.0", "files": {"gone.js": "a"}}': "gone.js cannot be read: No such file",
        '{"name": "a", "version": "1.0.0", "files": {"square.js": "a", "./square.js": "a"}}': "one name to two files",
    }  # fmt: skip
    for text, message in faults.items():
        descriptor.write_text(text)
        with pytest.raises(SchedulerError, match=message):
            read_folder(tmp_path)
    (tmp_path / "picture.js").write_bytes(b"\xff\xfe")
    descriptor.write_text('{"name": "a", "version": "1.0.0", "files": {"picture.js": "a"}}')
    with pytest.raises(SchedulerError, match="no text of UTF-8"):
        read_folder(tmp_path)
    descriptor.unlink()
    with pytest.raises(SchedulerError, match=r"package\.dcp cannot be read: No such file"):
        read_folder(tmp_path)


def test_two_who_publish_a_name_at_once(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (server, first), peer(server) as second:
            asked = [each.request("deployPackage", package("mine")) for each in (first, second) * 4]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            refused = [isinstance(answer, RemoteError) and answer.code == "EPERM" for answer in answers]
            assert refused in ([False, True] * 4, [True, False] * 4)

    run(main())


def test_packages_of_a_distribution_are_for_the_worktimes_that_can_load_them(tmp_path: Path) -> None:
    contents = distribution(tmp_path)
    found = list(read_distribution(tmp_path))
    assert {package.name for package in found} == {
        "pyodide-0.26.4-numpy", "pyodide-0.26.4-six", "pyodide-0.28.2-six"
    }  # fmt: skip
    for package in found:
        assert package.version == "0.27.7"
        ((file, text),) = package.files.items()
        assert file == f"{package.name}.js"
        assert base64.b64encode(contents[package.name.split("-")[2]]) in text
    distribution(tmp_path, abi="2099_0")
    with pytest.raises(SchedulerError, match=r"ABI 2099_0.*--worktime"):
        list(read_distribution(tmp_path))
    assert len(list(read_distribution(tmp_path, ["9.9.9"]))) == 2


def test_what_is_no_distribution_is_told(tmp_path: Path) -> None:
    lock = tmp_path / "pyodide-lock.json"

    def refused(message: str) -> None:
        with pytest.raises(SchedulerError, match=message):
            list(read_distribution(tmp_path))

    refused("cannot be read: No such file.*has one")
    for text, message in {"{": "is no JSON", "[]": "describes no distribution", "{}": "describes no"}.items():
        lock.write_text(text)
        refused(message)
    distribution(tmp_path)
    (wheel,) = tmp_path.glob("six*")
    wheel.write_bytes(b"another")
    refused("six.*is damaged.*install it again")
    for wheel in tmp_path.glob("*.whl"):
        wheel.unlink()
    refused("none of its packages")
