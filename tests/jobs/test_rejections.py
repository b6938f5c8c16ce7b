"""Promise rejections that nobody handles in time are told; those that somebody does are not, however many they are."""

from __future__ import annotations

from pathlib import Path

from line_peer import stdio

COUNT = 100_000
KEPT = 10_000
# A search for each of them through all others would take minutes.
LATE = f"""
const promises = Array.from({{ length: {COUNT} }}, (_, i) => Promise.reject(i));
for (let i = {COUNT} - 1; i >= 0; i--) if (i % {KEPT} !== 7) promises[i].catch(() => {{}});
onreadln(() => writeln("served"));
"""


def test_many_rejections_that_are_handled_late(tmp_path: Path) -> None:
    script = tmp_path / "late.js"
    script.write_text(LATE, encoding="utf-8")
    done = stdio(str(script), lines=b"line\n")
    told = [f"LOG:Uncaught (in promise) {i}" for i in range(7, COUNT, KEPT)]
    assert done.stdout.decode().splitlines() == [*told, "served"]


def test_one_that_is_handled_after_it_was_told(tmp_path: Path) -> None:
    script = tmp_path / "later.js"
    script.write_text(
        "const promise = Promise.reject(new TypeError('late'));\n"
        "onreadln(() => { promise.catch((error) => writeln(`handled: ${error.message}`)); Promise.reject(2); });",
        encoding="utf-8",
    )
    told, *rest = stdio(str(script), lines=b"line\n").stdout.decode().splitlines()
    assert told.startswith("LOG:Uncaught (in promise) TypeError: late")
    assert rest == ["handled: late", "LOG:Uncaught (in promise) 2"]
