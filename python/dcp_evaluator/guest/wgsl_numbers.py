"""Whole numbers of a WGSL text: sizes of arrays and of workgroups, as expressions of constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .wgsl_text import Text, WgslError

# By how tightly they bind. ">>" does not come here: in a template list its signs would end it.
_LEVELS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"<<": lambda a, b: a * 2.0**b},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: a // b if float(a).is_integer() else a / b, "%": lambda a, b: a % b},
)
_DEEPEST = 64
_LARGEST = 1 << 32


class Numbers:
    """``values``: of constants and overrides, the tokens that stand for them. ``given``: overrides that are set."""

    def __init__(self, text: Text, values: Mapping[str, tuple[int, int]], given: Mapping[str, float]) -> None:
        self._text = text
        self._values = values
        self._given = given
        self._depth = 0

    def whole(self, begin: int, end: int) -> int:
        """What the tokens from ``begin`` to in front of ``end`` say. Raises WgslError."""
        value = self._value(begin, end)
        if value != int(value) or not 0 <= value < _LARGEST:
            raise self._text.error(f"a whole number is wanted, not {value:g}", begin)
        return int(value)

    def _value(self, begin: int, end: int) -> float:
        if begin < end and self._text.tokens[end - 1].text == ",":
            end -= 1
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise self._text.error("a constant that is made of itself", begin)
            value, at = self._binary(begin, end, 0)
        except (ArithmeticError, ValueError) as error:
            if isinstance(error, WgslError):
                raise
            raise self._text.error(f"this number cannot be calculated: {error}", begin) from None
        finally:
            self._depth -= 1
        if at != end:
            raise self._unknown(at)
        return value

    def _binary(self, at: int, end: int, level: int) -> tuple[float, int]:
        if level == len(_LEVELS):
            return self._operand(at, end)
        value, at = self._binary(at, end, level + 1)
        while at < end and (operation := _LEVELS[level].get(self._text.tokens[at].text)):
            other, at = self._binary(at + 1, end, level + 1)
            value = operation(value, other)
            if abs(value) > _LARGEST:
                raise self._text.error(f"this number is larger than {_LARGEST}", at - 1)
        return value, at

    def _operand(self, at: int, end: int) -> tuple[float, int]:
        if at >= end:
            raise self._text.error("a number is missing", at)
        token = self._text.tokens[at]
        if token.text == "-":
            value, behind = self._operand(at + 1, end)
            return -value, behind
        if token.text == "(":
            closing = self._text.closing[at]
            return self._value(at + 1, closing), closing + 1
        if token.kind == "number":
            return _literal(token.text), at + 1
        if token.text in ("u32", "i32", "f32") and self._text.tokens[at + 1].text == "(":
            closing = self._text.closing[at + 1]
            return self._value(at + 2, closing), closing + 1
        if token.text in self._given:
            return self._given[token.text], at + 1
        begin, behind = self._values.get(token.text, (0, 0))
        if begin == behind:
            raise self._unknown(at)
        return self._value(begin, behind), at + 1

    def _unknown(self, at: int) -> WgslError:
        text = self._text.tokens[at].text
        if text in self._values:
            return self._text.error(f"the override {text} has no value; give one in constants", at)
        return self._text.error(f'"{text}" in a number that must be known here; write the number itself', at)


def _literal(text: str) -> float:
    hexadecimal = text[:2] in ("0x", "0X")
    text = text.rstrip("iu" if hexadecimal else "iufh")
    if hexadecimal:
        return int(text, 16)
    return int(text) if text.isdigit() else float(text)
