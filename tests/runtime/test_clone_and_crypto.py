"""structuredClone, crypto and performance in a sandbox."""

from __future__ import annotations

from pathlib import Path

from web_script import values

# --- structuredClone ---


def test_structured_clone_keeps_types_and_identity(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const buffer = new ArrayBuffer(8);
        const original = {
          map: new Map([[{ key: 1 }, new Set([1n])]]), date: new Date(5), pattern: /a/gi, box: Object("s"),
          hole: [1, , 3], view: new Uint16Array(buffer, 2, 2), data: new DataView(buffer, 1), nan: NaN, u: undefined,
          error: new RangeError("far", { cause: { z: 1 } }), dom: new DOMException("m", "AbortError"),
        };
        original.self = original;
        original.view[0] = 7;
        const copy = structuredClone(original);
        results.fresh = copy !== original && copy.self === copy && copy.view.buffer !== buffer;
        results.map = [...copy.map].map(([key, value]) => [key.key, value instanceof Set, String([...value])]);
        results.simple = [copy.date.getTime(), String(copy.pattern), copy.box + "!", 1 in copy.hole, copy.hole.length];
        results.views = [copy.view[0], copy.view.byteOffset, copy.data.byteOffset,
          copy.view.buffer === copy.data.buffer];
        results.error = [copy.error instanceof RangeError, copy.error.message, copy.error.cause.z, copy.dom.name];
        results.undefined = "u" in copy;
        let deep = {};
        for (let i = 0; i < 50000; i++) deep = { deep };
        results.deep = typeof structuredClone(deep);
        """,
    ) == {
        "fresh": True,
        "map": [[1, True, "1"]],
        "simple": [5, "/a/gi", "s!", False, 3],
        "views": [7, 2, 1, True],
        "error": [True, "far", 1, "AbortError"],
        "undefined": True,
        "deep": "object",
    }


def test_structured_clone_transfers_or_refuses(tmp_path: Path) -> None:
    refused = "DataCloneError 25"
    assert values(
        tmp_path,
        """
        const buffer = new Uint8Array([1, 2, 3]).buffer;
        const view = new Uint8Array(buffer, 1);
        results.failed = attempt(() => structuredClone({ view, f() {} }, { transfer: [buffer] }));
        results.untouched = buffer.byteLength;
        const moved = structuredClone({ view }, { transfer: [buffer] });
        results.moved = [buffer.byteLength, view.length, [...moved.view], moved.view.byteOffset];
        results.detached = attempt(() => structuredClone(buffer));
        results.twice = attempt(() => structuredClone(0, { transfer: [moved.view.buffer, moved.view.buffer] }));
        const values = [() => {}, Symbol(), new WeakMap(), Promise.resolve(), new Event("x"), new EventTarget()];
        results.refused = values.map((value) => attempt(() => structuredClone(value)));
        """,
    ) == {
        "failed": refused,
        "untouched": 3,
        "moved": [0, 0, [2, 3], 1],
        "detached": refused,
        "twice": refused,
        "refused": [refused] * 6,
    }


# --- crypto and performance ---


def test_crypto(tmp_path: Path) -> None:
    found = values(
        tmp_path,
        """
        const fill = (array) => attempt(() => crypto.getRandomValues(array) === array);
        results.filled = fill(new Uint8Array(65536));
        results.different = [...crypto.getRandomValues(new Uint32Array(64))].filter(Boolean).length > 32;
        results.quota = fill(new Uint8Array(65537));
        results.floats = fill(new Float64Array(1));
        results.noView = fill([]);
        results.uuids = [crypto.randomUUID(), crypto.randomUUID()];
        """,
    )
    first, second = found.pop("uuids")
    assert first != second and first[14] == "4" and first[19] in "89ab" and len(first) == 36
    assert found == {
        "filled": True,
        "different": True,
        "quota": "QuotaExceededError 22",
        "floats": "TypeMismatchError 17",
        "noView": "TypeError",
    }


def test_random_values_fill_only_their_view(tmp_path: Path) -> None:
    script = """
        const buffer = new ArrayBuffer(96);
        crypto.getRandomValues(new Uint8Array(buffer, 32, 32));
        const nonZero = (from) => new Uint8Array(buffer, from, 32).some((byte) => byte !== 0);
        results.zones = [nonZero(0), nonZero(32), nonZero(64)];
        """
    assert values(tmp_path, script) == {"zones": [False, True, False]}


def test_performance_clock(tmp_path: Path) -> None:
    found = values(
        tmp_path,
        """
        let last = performance.now();
        results.steps = 0;
        results.backwards = 0;
        for (let i = 0; i < 20000; i++) {
          const now = performance.now();
          if (now < last) results.backwards++;
          if (now > last) results.steps++;
          last = now;
        }
        // The least of some: any two readings may lie far apart on a busy machine.
        const offsets = Array.from({ length: 20 }, () => performance.timeOrigin + performance.now() - Date.now());
        results.offset = Math.min(...offsets.map(Math.abs));
        results.start = performance.now();
        results.json = Object.keys(JSON.parse(JSON.stringify(performance)));
        """,
    )
    assert found["backwards"] == 0 and found["steps"] > 10
    assert found["offset"] < 5
    assert 0 < found["start"] < 60_000
    assert found["json"] == ["timeOrigin"]
