"""Remedies for the errors of JavaScript that people who come from Python make again and again."""

from __future__ import annotations

import re

from ..errors import JobError, SliceError

_IS_PYTHON = re.compile(
    r"^\s*(async\s+)?def\s+\w+\s*\(|^\s*lambda\b|^\s*from\s+[\w.]+\s+import\s|^\s*import\s+\w+(\s+as\s+\w+)?\s*$", re.M
)
_DECLARED = re.compile(
    r"^\s*(?:(?:async\s+)?function\s*\*?\s*(\w+)"
    r"|(?:const|let|var)\s+(\w+)\s*=\s*(?:async\b|function\b|\(|\w+\s*=>))",
    re.M,
)
_NO_FUNCTION = re.compile(r"the work function is no function but \w+$")
_NOT_DEFINED = re.compile(r"^'?(\w+)'? is not defined$")
_BIGINT = re.compile(r"\bBigInt\b")
_CALL = re.compile(r"[\w$]+(?:\.[\w$]+)*(?=\s*\()")
_KEYWORDS = frozenset(("if", "for", "while", "switch", "catch", "function", "return", "await"))
_LONGEST_PLACE = 4096

_NO_NETWORK = "a sandbox has no network; send what it needs as inputs or arguments"
_NO_MODULES = "there are no modules in a sandbox; put the code into the source"
_NO_PAGE = "there is no web page in a sandbox; pixels travel as typed arrays"
_NO_NODE = "a sandbox is not Node; there are Uint8Array, TextEncoder and performance, but no files"
_NO_PYTHON = "this is JavaScript, not Python"
_INSTEAD = {
    **dict.fromkeys(("fetch", "XMLHttpRequest", "WebSocket", "Request", "Response", "Headers"), _NO_NETWORK),
    **dict.fromkeys(("require", "module", "exports", "importScripts"), _NO_MODULES),
    **dict.fromkeys(
        ("window", "document", "Image", "ImageData", "OffscreenCanvas", "HTMLCanvasElement", "createImageBitmap",
         "requestAnimationFrame", "localStorage", "FileReader"), _NO_PAGE,
    ),
    **dict.fromkeys(("process", "Buffer", "fs", "setImmediate", "__dirname"), _NO_NODE),
    **dict.fromkeys(("np", "numpy"), f"{_NO_PYTHON}: arrays are typed arrays, with map(), reduce(), subarray()"),
    **dict.fromkeys(("len", "range", "sum", "abs", "min", "max", "round", "int", "str", "sorted", "enumerate", "math"),
                    f"{_NO_PYTHON}: there are x.length, for loops, Math.abs() and its like, Number(), String()"),
    **dict.fromkeys(("None", "True", "False"), f"{_NO_PYTHON}: it has null, true and false"),
    "alert": "there is console.log() and print()",
    "Worker": "a sandbox has one thread; more slices run in more sandboxes",
}  # fmt: skip
_INT64 = (
    "numpy's int64 and uint64, its usual integers, are BigInt here; send array.astype(np.int32) or np.float64, "
    "or run with integers='number'"
)
_SKIPPED = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.S)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def message_of(error: JobError | SliceError, source: str, file_name: str) -> str:
    """With a remedy where there is one. ``source``: of the work function, which is in that file."""
    message = error.message
    remedy: str | None = None
    match error.name:
        case "ReferenceError" if found := _NOT_DEFINED.match(message):
            remedy = _INSTEAD.get(found[1])
        case "SyntaxError" if isinstance(error, JobError):
            remedy = _of_syntax(source, message)
        case "TypeError" if _NO_FUNCTION.search(message):
            remedy = _of_no_function(source)
        case "TypeError" if _BIGINT.search(message):
            remedy = _INT64
        case "TypeError" if message == "not a function":
            called = _called(source, file_name, error.stack)
            return message if called is None else f"{called} is not a function"
    return message if remedy is None else f"{message}; {remedy}"


def _called(source: str, file_name: str, stack: str) -> str | None:
    """What is called where the stack begins; QuickJS tells the place only, give or take a column."""
    place = re.search(re.escape(file_name) + r":(\d{1,9}):(\d{1,9})\)?$", stack.partition("\n")[0][-_LONGEST_PLACE:])
    lines = source.splitlines()
    if place is None or not 0 < int(place[1]) <= len(lines):
        return None
    at = int(place[2]) - 1
    for call in _CALL.finditer(lines[int(place[1]) - 1]):
        if call.start() - 1 <= at <= call.end() + 1 and call[0] not in _KEYWORDS:
            return call[0]
    return None


def _of_syntax(source: str, message: str) -> str | None:
    if _IS_PYTHON.search(source):
        return "this looks like Python, and a text is taken for JavaScript: give the Python function itself"
    if "return" in message:
        return "the source is no function: write (x) => { ... }, with the statements between the braces"
    if opened := _never_closed(source):
        bracket, line, column = opened
        return f"the {bracket} in line {line}, column {column} is never closed"
    return None


def _of_no_function(source: str) -> str:
    names = [function or variable for function, variable in _DECLARED.findall(source)]
    last = f", here perhaps: {names[-1]}" if names else ""
    return f"a declaration has no value: end the script with a line that is the work function's name{last}"


def _never_closed(source: str) -> tuple[str, int, int] | None:
    """The innermost bracket that is open at the end, with its line and column; regular expressions may mislead it."""
    opened: list[tuple[str, int]] = []
    blank = _SKIPPED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    for position, character in enumerate(blank):
        if character in _CLOSING:
            opened.append((character, position))
        elif character in ")]}":
            if not opened or _CLOSING[opened[-1][0]] != character:
                return None
            opened.pop()
    if not opened:
        return None
    bracket, position = opened[-1]
    start = blank.rfind("\n", 0, position) + 1
    return bracket, blank.count("\n", 0, position) + 1, position - start + 1
