"""The text of a WGSL shader as tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<blank> [\s\x85\u200e\u200f\u2028\u2029]+ | //[^\n\v\f\r\x85\u2028\u2029]* )
  | (?P<comment> /\* )
  | (?P<number> 0[xX][\da-fA-F]*\.?[\da-fA-F]*(?:[pP][+-]?\d+)?[iufh]? | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]? )
  | (?P<word> [^\W\d]\w* )
  | (?P<sign> << | . )
    """,
    re.VERBOSE,
)
_COMMENT_PART = re.compile(r"/\*|\*/")
_LINE_BREAK = re.compile(r"\r\n|[\n\v\f\r\x85\u2028\u2029]")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class WgslError(ValueError):
    """A shader that cannot be read, or that declares what cannot be used here. ``line``, ``column``: from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"WGSL line {line}:{column}: {message}")
        self.line = line
        self.column = column


class Token(NamedTuple):
    """``kind``: ``"word"``, ``"number"``, ``"sign"`` or, behind the last one, ``"end"``."""

    kind: str
    text: str
    position: int


class Text:
    """``tokens``, and for those that are brackets of ``( [ {`` the token that closes them. Raises WgslError."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.tokens: list[Token] = []
        self.closing: dict[int, int] = {}
        self._split()
        self._pair()

    def error(self, message: str, at: int) -> WgslError:
        """One that names the line of the token ``at``."""
        return self._error_at(message, self.tokens[min(at, len(self.tokens) - 1)].position)

    def line(self, at: int) -> int:
        """Of a token, from 1."""
        return sum(1 for _ in _LINE_BREAK.finditer(self.code, 0, self.tokens[at].position)) + 1

    def _split(self) -> None:
        at = 0
        while at < len(self.code):
            found = _TOKEN.match(self.code, at)
            if found is None or found.lastgroup is None:
                raise self._error_at("this is no WGSL", at)
            if found.lastgroup == "comment":
                at = self._end_of_comment(at)
                continue
            if found.lastgroup != "blank":
                self.tokens.append(Token(found.lastgroup, found[0], at))
            at = found.end()
        self.tokens.append(Token("end", "", len(self.code)))

    def _end_of_comment(self, begin: int) -> int:
        depth = 0
        for part in _COMMENT_PART.finditer(self.code, begin):
            depth += 1 if part[0] == "/*" else -1
            if depth == 0:
                return part.end()
        raise self._error_at("this comment does not end", begin)

    def _pair(self) -> None:
        open_brackets: list[int] = []
        for at, token in enumerate(self.tokens):
            if token.kind != "sign":
                continue
            if token.text in _CLOSING:
                open_brackets.append(at)
            elif token.text in _CLOSING.values():
                if not open_brackets or _CLOSING[self.tokens[open_brackets[-1]].text] != token.text:
                    raise self.error(f'nothing opens this "{token.text}"', at)
                self.closing[open_brackets.pop()] = at
        if open_brackets:
            raise self.error(f'nothing closes this "{self.tokens[open_brackets[-1]].text}"', open_brackets[-1])

    def _error_at(self, message: str, position: int) -> WgslError:
        breaks = list(_LINE_BREAK.finditer(self.code, 0, position))
        begin = breaks[-1].end() if breaks else 0
        return WgslError(message, len(breaks) + 1, position - begin + 1)
