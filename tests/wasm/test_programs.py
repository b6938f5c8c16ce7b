"""Programs that tool chains made - Emscripten, wasm-bindgen - run as work functions, with answers that are known."""

from __future__ import annotations

from pathlib import Path

import dcp_evaluator as dcp
from npm_program import files_of, run_in_node, run_in_sandbox

GROUP = "webassembly"


# --- sql.js: SQLite, C through Emscripten ---

SQL = """async (load, files) => {
  const initSqlJs = load("sql.js/dist/sql-wasm.js");
  const SQL = await initSqlJs({ wasmBinary: files["sql.js/dist/sql-wasm.wasm"] });
  const db = new SQL.Database();
  db.run("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, score REAL, data BLOB)");
  const insert = db.prepare("INSERT INTO t (name, score, data) VALUES (?, ?, ?)");
  db.run("BEGIN");
  for (let i = 0; i < 2000; i++) insert.run([`n\\u00e9${i % 10}`, i / 4, Uint8Array.of(i & 255, i >> 8)]);
  db.run("COMMIT");
  insert.free();
  const rows = (text, ...parameters) => db.exec(text, ...parameters)[0].values;
  const answers = {};
  answers.count = rows("SELECT count(*), sum(score), min(name), max(length(data)) FROM t")[0];
  answers.groups = rows("SELECT name, count(*) FROM t GROUP BY name ORDER BY name LIMIT 2");
  answers.blob = [...rows("SELECT data FROM t WHERE id = ?", [1000])[0][0]];
  answers.recursive = rows(
    "WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f LIMIT 60) SELECT max(a) FROM f")[0][0];
  db.create_function("twice", (x) => 2 * x);
  answers.fromJavaScript = rows("SELECT twice(21)")[0][0];
  db.create_function("fails", () => { throw new Error("own"); });
  const message = (text) => { try { db.exec(text); } catch (error) { return error.message; } };
  answers.errors = [message("SELECT fails()"), message("SELECT * FROM nowhere")];
  const again = new SQL.Database(db.export());
  answers.copied = again.exec("SELECT count(*) FROM t")[0].values[0][0];
  answers.magic = new TextDecoder().decode(db.export().subarray(0, 15));
  return answers;
}"""


def test_sqlite(evaluator: dcp.Evaluator) -> None:
    files = files_of(GROUP, "sql.js/dist/sql-wasm.js", "sql.js/dist/sql-wasm.wasm")
    assert run_in_sandbox(evaluator, SQL, files) == {
        "count": [2000, sum(range(2000)) / 4, "n\u00e90", 2],
        "groups": [["n\u00e90", 200], ["n\u00e91", 200]],
        "blob": [999 & 255, 999 >> 8],
        "recursive": 956722026041,
        "fromJavaScript": 42,
        "errors": ["own", "no such table: nowhere"],
        "copied": 2000,
        "magic": "SQLite format 3",
    }


# --- argon2-browser: the reference implementation of Argon2, C through an old Emscripten ---

ARGON2 = """async (load, files) => {
  globalThis.loadArgon2WasmBinary = async () => new Uint8Array(files["argon2-browser/dist/argon2.wasm"]);
  globalThis.loadArgon2WasmModule = async () => (0, eval)(files["argon2-browser/dist/argon2.js"]);
  const argon2 = load("argon2-browser/lib/argon2.js");
  const fill = (length, value) => new Uint8Array(length).fill(value);
  const hash = async (type) => (await argon2.hash({ pass: fill(32, 1), salt: fill(16, 2), secret: fill(8, 3),
    ad: fill(12, 4), time: 3, mem: 32, parallelism: 4, hashLen: 32, type })).hashHex;
  const { encoded } = await argon2.hash({ pass: "p\\u00e4ss", salt: "somesalt", type: argon2.ArgonType.Argon2id });
  const verify = (pass) => argon2.verify({ pass, encoded }).then(() => true, (error) => error.code);
  return [await hash(0), await hash(1), await hash(2), await verify("p\\u00e4ss"), await verify("pass")];
}"""


def test_argon2(evaluator: dcp.Evaluator) -> None:
    """The test vectors of RFC 9106, section 5."""
    files = files_of(GROUP, "argon2-browser/lib/argon2.js", "argon2-browser/dist")
    files |= files_of(GROUP, "argon2-browser/dist/argon2.wasm")
    assert run_in_sandbox(evaluator, ARGON2, files) == [
        "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb",
        "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8",
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
        True,
        -35,  # ARGON2_VERIFY_MISMATCH
    ]


# --- zstd-wasm: Zstandard, C through Emscripten; a memory that grows ---

ZSTD = """async (load, files) => {
  const { Module } = load("@bokuweb/zstd-wasm/dist/common/zstd.js");
  const ready = new Promise((resolve) => { Module.onRuntimeInitialized = resolve; });
  Module.init(files["@bokuweb/zstd-wasm/dist/common/zstd.wasm"]);
  await ready;
  const { compress } = load("@bokuweb/zstd-wasm/dist/common/simple/compress.js");
  const { decompress } = load("@bokuweb/zstd-wasm/dist/common/simple/decompress.js");
  const data = new Uint8Array(24 << 20);
  for (let i = 0; i < data.length; i += 4096) data[i] = i >> 12;
  const packed = compress(data, 3);
  const back = decompress(packed);
  const text = decompress(new Uint8Array(files["hello.zst"]));
  return { magic: [...packed.subarray(0, 4)], small: packed.length < data.length / 100,
    same: back.length === data.length && back.every((value, i) => value === data[i]),
    text: new TextDecoder().decode(text) };
}"""


def test_zstandard(evaluator: dcp.Evaluator) -> None:
    files = files_of(GROUP, "@bokuweb/zstd-wasm/dist/common", "@bokuweb/zstd-wasm/dist/common/zstd.wasm")
    # A frame of RFC 8878 written by hand: single segment of 5 bytes, one last raw block.
    files["hello.zst"] = bytes.fromhex("28b52ffd 20 05 290000") + b"hello"
    assert run_in_sandbox(evaluator, ZSTD, files) == {
        "magic": [0x28, 0xB5, 0x2F, 0xFD],
        "small": True,
        "same": True,
        "text": "hello",
    }


# --- wasmoon: Lua 5.4, C through Emscripten; longjmp travels as a JavaScript exception through wasm frames ---

LUA = Path(__file__).with_name("js").joinpath("lua.js").read_text(encoding="utf-8")


def test_lua(evaluator: dcp.Evaluator, tmp_path: Path) -> None:
    files = files_of(GROUP, "wasmoon/dist/index.js", "wasmoon/dist/glue.wasm")
    answers = run_in_sandbox(evaluator, LUA, files)
    assert answers == {
        "version": "Lua 5.4",
        "pcall": [False, "thrown", False, answers["pcall"][3]],
        "coroutine": [5050, False, answers["coroutine"][2], "dead"],
        "integers": [True, True, 3, 2, 2**53],
        "host": [42, False, "from the host"],
        "error": answers["error"],
        "overflow": [False, "stack overflow"],
        "work": 20000 // 7,
    }
    assert "attempt to index a nil value" in answers["pcall"][3]
    assert "deep" in answers["error"]
    assert run_in_node(tmp_path, LUA, files) == answers


# --- resvg: an SVG renderer, Rust through wasm-bindgen; JavaScript objects by table and externref ---

SVG = """async (load, files) => {
  const { initWasm, Resvg } = load("@resvg/resvg-wasm/index.js");
  await initWasm(files["@resvg/resvg-wasm/index_bg.wasm"]);
  const picture = (shapes) => `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48">${shapes}</svg>`;
  const render = (shapes) => new Resvg(picture(shapes)).render();
  const plain = render('<rect width="64" height="24" fill="#ff8000"/>');
  const { pixels } = plain;
  const drawn = render('<defs><radialGradient id="g"><stop offset="0" stop-color="#fff"/><stop offset="1"/>'
    + '</radialGradient></defs><circle cx="30" cy="20" r="17.5" fill="url(#g)" stroke="red" stroke-width="1.25"/>'
    + '<path d="M2 40 C 20 10, 40 60, 60 5" fill="none" stroke="#0a0" opacity="0.6"/>');
  let failure = "nothing";
  try { new Resvg("no picture"); } catch (error) { failure = String(error); }
  return { size: [plain.width, plain.height], above: [...pixels.slice(0, 4)], below: [...pixels.slice(-4)],
    png: [...drawn.asPng()], failure };
}"""


def test_svg_renderer_of_rust(evaluator: dcp.Evaluator, tmp_path: Path) -> None:
    files = files_of(GROUP, "@resvg/resvg-wasm/index.js", "@resvg/resvg-wasm/index_bg.wasm")
    answers = run_in_sandbox(evaluator, SVG, files)
    assert answers["size"] == [64, 48]
    assert answers["above"] == [255, 128, 0, 255]
    assert answers["below"] == [0, 0, 0, 0]
    assert answers["failure"] != "nothing"
    assert bytes(answers["png"][:8]) == b"\x89PNG\r\n\x1a\n"
    assert run_in_node(tmp_path, SVG, files) == answers


# --- pyodide: CPython, C through Emscripten; 10 MB, dynamic linking, legacy exception handling instructions ---

PYTHON = """async (load, files) => {
  // What pyodide asks of a worker.
  globalThis.WorkerGlobalScope = class { static [Symbol.hasInstance](value) { return value === globalThis; } };
  Object.defineProperty(navigator, "userAgent", { value: "a job", configurable: true });
  const file = (name) => files[String(name).replace("job:/", "pyodide/")];
  globalThis.fetch = async (name) => ({ ok: true, status: 200, arrayBuffer: async () => file(name),
    json: async () => JSON.parse(new TextDecoder().decode(file(name))) });
  // Its module, as a script: a job has no module loader.
  globalThis.importFile = async () => ({ default: createModule });
  const script = (name) => files[name].replaceAll("import(", "importFile(");
  const createModule = new Function(script("pyodide/pyodide.asm.mjs").replaceAll("import.meta.url", '"job:/"')
    .replace("export default", "return"))();
  (0, eval)(script("pyodide/pyodide.js"));
  const output = [];
  const python = await loadPyodide({ indexURL: "job:/", stdout: (line) => output.push(line) });
  const run = (text) => python.runPython(text);
  const answers = {};
  answers.version = run("import sys; sys.version_info[:2]").toJs();
  answers.bigint = String(run("2 ** 100"));
  answers.library = run("import hashlib, json; json.dumps(hashlib.sha256(b'abc').hexdigest()[:8])");
  answers.caught = run("try:\\n  1 / 0\\nexcept ZeroDivisionError as error:\\n  why = str(error)\\nwhy");
  answers.overflow = run(
    "def f(): return f() + 1\\ntry:\\n  f()\\nexcept RecursionError as error:\\n  why = type(error).__name__\\nwhy");
  try { run("raise KeyError('x')"); } catch (error) { answers.error = error.message.trim().split("\\n").at(-1); }
  answers.host = run("import js; js.Math.max(1, 7)");
  answers.back = run("lambda x, y: x * y")(6, 7);
  answers.generator = run("def g():\\n  yield from range(5)\\nlist(g())").toJs();
  run("print('from Python')");
  run("with open('/tmp/f', 'w+') as f:\\n  f.write('hello'); f.seek(1); print(f.read())");
  answers.output = output;
  return answers;
}"""


def test_python(evaluator: dcp.Evaluator) -> None:
    """Its exceptions are those of the legacy instructions, which binary/legacy_exceptions.hpp translates."""
    names = ("pyodide.js", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
    files = files_of(GROUP, *(f"pyodide/{name}" for name in names))
    assert run_in_sandbox(evaluator, PYTHON, files) == {
        "version": [3, 14],
        "bigint": str(2**100),
        "library": '"ba7816bf"',
        "caught": "division by zero",
        "overflow": "RecursionError",
        "error": "KeyError: 'x'",
        "host": 7,
        "back": 42,
        "generator": [0, 1, 2, 3, 4],
        "output": ["from Python", "ello"],
    }
