"""What a WGSL shader declares: its bindings with their types, its overrides, its compute entry points.

Only declarations are read. Whether the shader is right is for the compiler of the GPU to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .wgsl_numbers import Numbers
from .wgsl_text import Text, WgslError
from .wgsl_types import Array, Matrix, Member, Opaque, Scalar, Struct, Type, Vector, natural_alignment, round_up

__all__ = ["Binding", "EntryPoint", "Shader", "WgslError"]

_SCALARS = {name: Scalar(name) for name in ("f32", "i32", "u32", "f16")}
_SUFFIXES = {name[0] if name != "f16" else "h": scalar for name, scalar in _SCALARS.items()}
_DIRECTIVES = ("enable", "requires", "diagnostic", "const_assert")


class Binding(NamedTuple):
    """A variable with ``@group`` and ``@binding``.

    ``space``: ``"uniform"``, ``"storage"``, or ``"handle"``, which are textures and samplers. ``access``: ``"read"``,
    ``"write"`` or ``"read_write"``.
    """

    group: int
    binding: int
    name: str
    space: str
    access: str
    type: Type
    line: int

    def __str__(self) -> str:
        space = f"storage, {self.access}" if self.space == "storage" else self.space
        return f"var{'' if self.space == 'handle' else f'<{space}>'} {self.name}: {self.type}"


class EntryPoint(NamedTuple):
    """A function with ``@compute``. ``bindings``: the names of those variables that it can reach."""

    name: str
    workgroup_size: tuple[int, int, int]
    bindings: frozenset[str]


@dataclass(frozen=True)
class _Declaration:
    keyword: str
    name: str
    attributes: Mapping[str, tuple[int, int]]
    begin: int
    end: int
    """Of what stands behind the name: tokens, from ``begin`` to in front of ``end``."""
    words: tuple[str, ...] = ()
    """Of a variable: those between ``<`` and ``>``."""


class Shader:
    """Raises WgslError for text whose declarations cannot be read.

    ``constants``: values of overrides, by name. ``bindings`` are in the order of their groups and numbers.
    ``enabled``: the names behind ``enable``. ``overrides``: by name, what a pipeline calls it: its ``@id`` or its name.
    """

    def __init__(self, code: str, constants: Mapping[str, float] | None = None) -> None:
        self.code = code
        self.enabled: list[str] = []
        self._text = Text(code)
        self._declared: dict[str, _Declaration] = {}
        self._types: dict[str, Type] = {}
        for declaration in self._read():
            if declaration.name:
                self._declared[declaration.name] = declaration
        self._numbers = Numbers(self._text, self._values(), constants or {})
        self.overrides = {d.name: self._key(d) for d in self._declared.values() if d.keyword == "override"}
        self.bindings = sorted(self._bindings())
        self.entry_points = {point.name: point for point in self._entry_points()}

    # --- Declarations ---

    def _read(self) -> Iterator[_Declaration]:
        at = 0
        while self._text.tokens[at].kind != "end":
            token = self._text.tokens[at]
            if token.text == ";":
                at += 1
            elif token.text in _DIRECTIVES:
                end = self._until(at, ";")
                if token.text == "enable":
                    self.enabled += [t.text for t in self._text.tokens[at + 1 : end] if t.kind == "word"]
                at = end
            else:
                declaration, at = self._declaration(at)
                yield declaration

    def _declaration(self, at: int) -> tuple[_Declaration, int]:
        attributes, at = self._attributes(at)
        keyword = self._word(at)
        if keyword not in ("const", "override", "var", "alias", "struct", "fn"):
            raise self._text.error(f'a declaration cannot begin with "{keyword}"', at)
        words: tuple[str, ...] = ()
        at += 1
        if keyword == "var" and self._text.tokens[at].text == "<":
            end = self._until(at, ">")
            words = tuple(t.text for t in self._text.tokens[at + 1 : end] if t.kind == "word")
            at = end + 1
        name = self._word(at)
        at += 1
        end = self._until(at, "{", ";")
        if keyword in ("struct", "fn"):
            end = self._closing(end) + 1
        elif self._text.tokens[end].text == "{":
            raise self._text.error(f'";" is missing behind the declaration of {name}', at)
        return _Declaration(keyword, name, attributes, at, end, words), end

    def _attributes(self, at: int) -> tuple[dict[str, tuple[int, int]], int]:
        """By name, where what stands between their brackets begins and ends."""
        found: dict[str, tuple[int, int]] = {}
        while self._text.tokens[at].text == "@":
            name = self._word(at + 1)
            at += 2
            found[name] = (at, at)
            if self._text.tokens[at].text == "(":
                end = self._closing(at)
                found[name] = (at + 1, end)
                at = end + 1
        return found, at

    def _word(self, at: int) -> str:
        if self._text.tokens[at].kind != "word":
            raise self._text.error("a name is missing", at)
        return self._text.tokens[at].text

    def _expect(self, at: int, text: str) -> int:
        """Behind this one."""
        if self._text.tokens[at].text != text:
            raise self._text.error(f'"{text}" is missing', at)
        return at + 1

    def _closing(self, at: int) -> int:
        if at not in self._text.closing:
            raise self._text.error('"{" is missing', at)
        return self._text.closing[at]

    def _until(self, at: int, *texts: str) -> int:
        """The next token that is one of ``texts``, outside of brackets."""
        while self._text.tokens[at].text not in texts:
            if self._text.tokens[at].kind == "end":
                raise self._text.error(f'"{texts[-1]}" is missing', at)
            at = self._text.closing.get(at, at) + 1
        return at

    def _split(self, begin: int, end: int) -> list[tuple[int, int]]:
        """What stands between commas that are outside of brackets."""
        parts, start = [], begin
        at = begin
        while at < end:
            if self._text.tokens[at].text == ",":
                parts.append((start, at))
                start = at + 1
            at = self._text.closing.get(at, at) + 1
        return [*parts, (start, end)] if start < end else parts

    # --- Types ---

    def _type(self, at: int) -> tuple[Type, int]:
        """The type that begins there, and what stands behind it."""
        name = self._word(at)
        arguments: list[tuple[int, int]] = []
        end = at + 1
        if self._text.tokens[end].text == "<":
            arguments, end = self._arguments(end)
        return self._named_type(name, arguments, at), end

    def _arguments(self, at: int) -> tuple[list[tuple[int, int]], int]:
        """Of a template list that begins there, and what stands behind it."""
        arguments, start, depth = [], at + 1, 0
        while True:
            token = self._text.tokens[at]
            if token.kind == "end":
                raise self._text.error('">" is missing', at)
            depth += (token.text == "<") - (token.text == ">")
            if depth == 0 or (depth == 1 and token.text == ","):
                if start < at:
                    arguments.append((start, at))
                start = at + 1
            at = self._text.closing.get(at, at) + 1
            if depth == 0:
                return arguments, at

    def _named_type(self, name: str, arguments: list[tuple[int, int]], at: int) -> Type:
        if name in self._declared:
            return self._declared_type(name, at)
        if name in _SCALARS:
            return _SCALARS[name]
        if name == "atomic" and arguments:
            return Scalar(str(self._type(arguments[0][0])[0]), atomic=True)
        if name == "array" and arguments:
            element, _ = self._type(arguments[0][0])
            return Array(element, self._numbers.whole(*arguments[1]) if len(arguments) > 1 else None)
        columns, rows, suffix = _dimensions(name)
        if rows:
            scalar = _SUFFIXES.get(suffix) if suffix else self._scalar_argument(arguments)
            if scalar is not None:
                vector = Vector(rows, scalar)
                return Matrix(columns, vector) if columns else vector
        return Opaque(name)

    def _scalar_argument(self, arguments: list[tuple[int, int]]) -> Scalar | None:
        found = self._type(arguments[0][0])[0] if arguments else None
        return found if isinstance(found, Scalar) else None

    def _declared_type(self, name: str, at: int) -> Type:
        declaration = self._declared[name]
        if declaration.keyword not in ("alias", "struct"):
            raise self._text.error(f"{name} is no type", at)
        if name not in self._types:
            self._types[name] = Opaque(name)  # what a type that contains itself finds
            if declaration.keyword == "struct":
                self._types[name] = self._structure(declaration)
            else:
                self._types[name], _ = self._type(self._expect(declaration.begin, "="))
        return self._types[name]

    def _structure(self, declaration: _Declaration) -> Struct:
        members, size, alignment = [], 0, 1
        at, end = declaration.begin + 1, declaration.end - 1
        while at < end:
            attributes, at = self._attributes(at)
            place, name = at, self._word(at)
            type_, at = self._type(self._expect(at + 1, ":"))
            at = self._expect(at, ",") if at < end else at
            if "align" in attributes:
                own = self._numbers.whole(*attributes["align"])
            elif (own := type_.alignment) != natural_alignment(type_):
                # wgpu's compiler forgets the inner one (its issue 4377), others do not.
                raise self._text.error(f"there is an @align within {type_}: write @align({own}) here too", place)
            offset = round_up(size, own)
            members.append(Member(name, type_, offset))
            size = offset + (self._numbers.whole(*attributes["size"]) if "size" in attributes else type_.size)
            alignment = max(alignment, own)
        return Struct(declaration.name, tuple(members), round_up(size, alignment), alignment)

    # --- What there is ---

    def _values(self) -> dict[str, tuple[int, int]]:
        """Of constants and overrides, by name: the tokens of their values, none where they have none."""
        values = {}
        for declaration in self._declared.values():
            if declaration.keyword in ("const", "override"):
                begin = declaration.begin
                while begin < declaration.end and self._text.tokens[begin].text != "=":
                    begin += 1
                values[declaration.name] = (min(begin + 1, declaration.end), declaration.end)
        return values

    def _key(self, override: _Declaration) -> str:
        return str(self._numbers.whole(*override.attributes["id"])) if "id" in override.attributes else override.name

    def _bindings(self) -> Iterator[Binding]:
        for variable in self._declared.values():
            if variable.keyword != "var" or not {"group", "binding"} <= variable.attributes.keys():
                continue
            group, binding = (self._numbers.whole(*variable.attributes[name]) for name in ("group", "binding"))
            space, access = (*variable.words, "read")[:2] if variable.words else ("handle", "read")
            type_, _ = self._type(self._expect(variable.begin, ":"))
            line = self._text.line(variable.begin)
            yield Binding(group, binding, variable.name, space, access, type_, line)

    def _entry_points(self) -> Iterator[EntryPoint]:
        bound = {binding.name for binding in self.bindings}
        for function in self._declared.values():
            if function.keyword == "fn" and "compute" in function.attributes:
                yield EntryPoint(
                    function.name, self._workgroup_size(function), frozenset(bound & self._reach(function))
                )

    def _workgroup_size(self, function: _Declaration) -> tuple[int, int, int]:
        if "workgroup_size" not in function.attributes:
            raise self._text.error(f"{function.name} has no @workgroup_size", function.begin)
        given = [self._numbers.whole(*part) for part in self._split(*function.attributes["workgroup_size"])]
        x, y, z = [*given, 1, 1, 1][:3]
        return x, y, z

    def _reach(self, function: _Declaration) -> set[str]:
        """The names of declarations that its text, and that of the functions which it names, has."""
        found: set[str] = set()
        ahead = [function]
        while ahead:
            declaration = ahead.pop()
            names = {token.text for token in self._text.tokens[declaration.begin : declaration.end]}
            new = (names & self._declared.keys()) - found
            found |= new
            ahead += [self._declared[name] for name in new if self._declared[name].keyword == "fn"]
        return found


def _dimensions(name: str) -> tuple[int, int, str]:
    """Columns, rows and what is behind them: of vec3f 0, 3 and "f", of mat4x3 4, 3 and "". Of other types rows is 0."""
    dimensions = {"2": 2, "3": 3, "4": 4}
    if name.startswith("vec"):
        return 0, dimensions.get(name[3:4], 0), name[4:]
    if name.startswith("mat") and name[4:5] == "x" and name[3:4] in dimensions:
        return dimensions[name[3]], dimensions.get(name[5:6], 0), name[6:]
    return 0, 0, ""
