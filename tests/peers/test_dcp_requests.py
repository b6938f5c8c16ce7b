"""What a sandbox asks its supervisor for - modules, packages of Python, resources of the web - and is asked by it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dcp_programs import results, run_slices


def test_a_work_function_requires_modules(port: int) -> None:
    """The modules of a group require each other, are made once for all slices, and ``module.exports`` is theirs."""
    group = {
        "shapes": {
            "circle.js": """module.declare(["./numbers.js"], function (require, exports, module) {
              exports.area = (r) => require("./numbers.js").tau / 2 * r * r;
              exports.made = 0;
            });""",
            "numbers.js": "module.declare([], (require, exports, module) => { module.exports = { tau: 6 }; });",
        }
    }
    source = """(r) => {
      progress();
      const circle = require("shapes/circle.js");
      circle.made += 1;
      return [circle.area(r), circle.made];
    }"""
    job = {"workFunction": source, "dependencies": ["shapes/circle.js"]}
    report = run_slices(port, job, [1, 2], modules=[[["shapes/circle.js"], group]])
    assert results(report) == [[3, 1], [12, 2]]


def test_a_module_may_be_asked_for_while_a_slice_is_worked(port: int) -> None:
    group = {"late": {"late.js": "module.declare([], (require, exports) => { exports.answer = 42; });"}}
    source = """async () => {
      progress();
      await new Promise((resolve) => module.provide(["late/late.js"], resolve));
      return require("late/late.js").answer;
    }"""
    assert results(run_slices(port, {"workFunction": source}, [0], modules=[[["late/late.js"], group]])) == [42]


class Web:
    """A web server of this machine, and what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str | None]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                web.requests.append((self.command, self.path, self.headers.get("X-Asked")))
                self.send_response(404 if self.path == "/absent" else 200)
                self.send_header("X-Answered", "yes")
                self.end_headers()
                self.wfile.write(bytes(range(256)))

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("localhost", 0), Handler)
        self.origin = f"http://localhost:{self.server.server_port}"


@contextmanager
def web() -> Iterator[Web]:
    served = Web()
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        served.server.shutdown()
        served.server.server_close()
        thread.join()


FETCH = """async (url, init) => {
  progress();
  const response = await fetch(url, init);
  const body = new Uint8Array(await response.arrayBuffer());
  return [response.status, response.ok, response.headers.get("x-answered"), ...body];
}"""


def test_the_supervisor_fetches_for_the_work_function(port: int) -> None:
    init = {"method": "POST", "headers": {"X-Asked": "it"}}  # a body dcp-client 4.4.29 leaves out, on any evaluator
    with web() as served:
        url = f"{served.origin}/resource"
        report = run_slices(port, {"workFunction": FETCH, "arguments": [init]}, [url], allowOrigins=[url])
    assert served.requests == [("POST", "/resource", "it")]
    assert results(report) == [[200, True, "yes", *range(256)]]


def test_a_response_that_is_an_error_is_no_exception(port: int) -> None:
    with web() as served:
        url = f"{served.origin}/absent"
        ((status, ok, *_),) = results(run_slices(port, {"workFunction": FETCH}, [url], allowOrigins=[url]))
    assert (status, ok) == (404, False)


def test_what_may_not_or_cannot_be_fetched_is_an_exception_in_the_work_function(port: int) -> None:
    source = """async (url) => {
      progress();
      return fetch(url).then(() => "answered", (error) => [error instanceof Error, error.name, error.message]);
    }"""
    with web() as served:
        closed = "http://localhost:9/"
        report = run_slices(port, {"workFunction": source}, [served.origin, closed], allowOrigins=[closed])
    refused, failed = results(report)
    assert served.requests == []
    assert refused == [True, "DCPError", f"Not allowed to fetch from '{served.origin}'"]
    assert failed[:2] == [True, "TypeError"]


def test_eval_requests(port: int) -> None:
    """As ``worker-info.js`` sends them: in the global scope, and a promise is awaited."""
    sources = ["var kept = 6; kept * 7", "Promise.resolve(kept)", "null.x", "const = 1", "worktimes.length"]
    report = run_slices(port, None, [], evaluate=sources)
    done, awaited, threw, invalid, after = report["evaluated"]
    assert (done, awaited, after) == ({"result": 42}, {"result": 6}, {"result": 2})
    assert "null" in threw["failed"]
    assert "failed" in invalid


def test_a_sandbox_is_used_again_with_its_state_reset(port: int) -> None:
    """What the work function keeps stays, what it has told of its progress does not; then comes another sandbox."""
    source = """(x) => {
      progress(x);
      globalThis.count = (globalThis.count ?? 0) + 1;
      return globalThis.count;
    }"""
    report = run_slices(port, {"workFunction": source}, [0.9, 0.1, 0.5], uses=2)
    assert results(report) == [1, 2, 1]
    assert [outcome["progress"] for outcome in report["slices"]] == [[90], [10], [50]]
    first, second, third = (outcome["sandbox"] for outcome in report["slices"])
    assert first == second != third


def test_what_a_slice_leaves_behind_does_not_run_on(port: int) -> None:
    """A timer and a loop of promises of one slice: the sandbox answers the next request all the same."""
    source = """async (x) => {
      progress();
      if (x === 0) setInterval(() => { globalThis.ticks = (globalThis.ticks ?? 0) + 1; }, 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return x === 0 ? globalThis.ticks > 0 : x;
    }"""
    assert results(run_slices(port, {"workFunction": source}, [0, 1, 2])) == [True, 1, 2]
