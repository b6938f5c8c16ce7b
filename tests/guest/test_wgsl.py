"""What a shader declares, as guest/wgsl.py reads it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies

from dcp_evaluator.guest.wgsl import Shader, WgslError

pytestmark = pytest.mark.any_engine

MAIN = "@compute @workgroup_size(64) fn main() { use(); }"
PIECES = """
@group(0) @binding(1) var<storage, read_write> a : array< vec3< f32 >, N > ; var<uniform> enable f16 ;
const N = ( 2 << 31u ) - 4 / 0 % 1e9 ; struct S { @size( 8 ) @align( N ) b : S , c : mat2x3h } override M : u32 = N ;
alias T = atomic< u32 > ; @compute @workgroup_size( M , 1 ) fn main ( x : T ) -> bool { return a [ x ] ; }
// /* */ { } ( ) [ ] >= < > , @ id 0x_ $
"""


def shader_of(declarations: str, body: str = "") -> Shader:
    return Shader(f"{declarations}\n@compute @workgroup_size(64) fn main() {{ {body} }}")


def type_of(name: str, declarations: str = "") -> object:
    return shader_of(f"{declarations} @group(0) @binding(0) var<storage, read_write> v: {name};").bindings[0].type


def test_bindings_come_in_the_order_of_their_numbers_with_space_access_and_line() -> None:
    shader = Shader(
        """// @group(9) @binding(9) var<uniform> no: f32;
        /* nested /* comment */ @group(9) */ enable f16, subgroups;
        @group(1) @binding(0) var<uniform> gain: f32;
        @binding(1) @group(0) var<storage> weights: array<f32, 3 * 3>;
        var<workgroup> shared_values: array<f32, 64>; var<private> own: u32 = 3u;
        @group(0) @binding(0) var<storage, read_write,> out: array<vec4<f32>>;
        @group(0) @binding(2) var image: texture_2d<f32>;
        """
    )
    assert [str(binding) for binding in shader.bindings] == [
        "var<storage, read_write> out: array<vec4<f32>>",
        "var<storage, read> weights: array<f32, 9>",
        "var image: texture_2d",
        "var<uniform> gain: f32",
    ]
    assert [(b.group, b.binding, b.line) for b in shader.bindings] == [(0, 0, 6), (0, 1, 4), (0, 2, 7), (1, 0, 3)]
    assert shader.enabled == ["f16", "subgroups"]


@pytest.mark.parametrize(
    ("name", "size", "alignment"),
    [
        ("f32", 4, 4), ("f16", 2, 2), ("vec2f", 8, 8), ("vec3<u32>", 12, 16), ("vec4h", 8, 8), ("vec3h", 6, 8),
        ("mat2x2f", 16, 8), ("mat3x3<f32>", 48, 16), ("mat4x3f", 64, 16), ("mat2x3h", 16, 8), ("atomic<i32>", 4, 4),
        ("array<f32, 3>", 12, 4), ("array<vec3f, 3>", 48, 16), ("array<array<vec3h, 2>, 5>", 80, 8),
    ],
)  # fmt: skip
def test_types_have_the_sizes_of_the_specification(name: str, size: int, alignment: int) -> None:
    found = type_of(name)
    assert (found.size, found.alignment) == (size, alignment)  # type: ignore[attr-defined]


def test_a_structure_is_laid_out_as_the_specification_says_and_numpy_has_the_same() -> None:
    # The example of the specification, section "Structure Layout Rules", and attributes.
    found = type_of(
        "B",
        """struct A { u: f32, v: f32, w: vec2<f32>, x: f32, }
        alias V = vec3f;
        struct B { a: vec2f, b: V, c: f32, d: f32, e: A, f: vec3<f32>, g: array<A, 3>, @size(16) h: i32,
                   @align(32) i: u32 }""",
    )
    offsets = {member.name: member.offset for member in found.members}  # type: ignore[attr-defined]
    assert offsets == {"a": 0, "b": 16, "c": 28, "d": 32, "e": 40, "f": 64, "g": 80, "h": 152, "i": 192}
    spec, axes = found.memory  # type: ignore[attr-defined]
    dtype = np.dtype(spec)
    assert axes == ()
    assert dtype.itemsize == found.size == 224  # type: ignore[attr-defined]
    assert {name: dtype.fields[name][1] for name in dtype.fields} == offsets  # type: ignore[index, union-attr]
    assert dtype["g"].shape == (3,)
    assert dtype["g"].base.itemsize == 24


def test_values_are_packed_as_their_types_lie_in_memory() -> None:
    found = type_of("P", "struct P { at: vec3f, n: u32, m: mat2x3f, h: array<f16, 3> }")
    packed = found.pack({"at": (1, 2, 3.5), "n": 7, "m": [[1, 2, 3], [4, 5, 6]], "h": [1, 2, 3]})  # type: ignore[attr-defined]
    value = np.frombuffer(packed, np.dtype(found.memory[0]))[0]  # type: ignore[attr-defined]
    assert value["at"].tolist() == [1, 2, 3.5]
    assert value["n"] == 7
    assert value["m"].tolist() == [[1, 2, 3, 0], [4, 5, 6, 0]]
    assert value["h"].tolist() == [1, 2, 3]
    for wrong in ({"at": (1, 2, 3)}, 5, {"at": (1, 2), "n": 7, "m": [[0] * 3] * 2, "h": [1, 2, 3]}):
        with pytest.raises(TypeError):
            found.pack(wrong)  # type: ignore[attr-defined]


def test_sizes_are_calculated_from_constants_and_overrides() -> None:
    code = """const A = 2u; const B: u32 = (A << 3) + 1; override n: u32 = B * 2; @id(7) override m: u32;
        var<workgroup> w: array<u32, n>;
        @group(0) @binding(0) var<storage> v: array<u32, (B - 1) / 0x4 % 3>;
        @compute @workgroup_size(n, u32(A), 1) fn main() { let x = v[0]; }"""
    assert Shader(code).bindings[0].type.size == 4 * 1
    assert Shader(code).entry_points["main"].workgroup_size == (34, 2, 1)
    assert Shader(code, {"n": 8}).entry_points["main"].workgroup_size == (8, 2, 1)
    assert Shader(code).overrides == {"n": "n", "m": "7"}
    with pytest.raises(WgslError, match="line 4:34: the override m has no value; give one in constants"):
        Shader(code.replace("(n, u32", "(m, u32"))
    with pytest.raises(WgslError, match="made of itself"):
        shader_of("const a = b; const b = a; @group(0) @binding(0) var<storage> v: array<u32, a>;")


def test_an_entry_point_reaches_what_its_functions_use() -> None:
    declarations = "".join(f"@group(0) @binding({i}) var<storage> v{i}: array<u32>;" for i in range(4))
    shader = Shader(
        f"""{declarations}
        fn a() -> u32 {{ return b(); }}
        fn b() -> u32 {{ if (v1[0] < 2 && v1[1] > 3) {{ return a(); }} return 0; }}
        @compute @workgroup_size(1) fn one() {{ let x = a(); }}
        @workgroup_size(4, 2) @compute fn two() {{ _ = v3[v0[0]]; }}"""
    )
    assert {name: sorted(point.bindings) for name, point in shader.entry_points.items()} == {
        "one": ["v1"], "two": ["v0", "v3"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("fn f() {\n  (]\n}", '2:4: nothing opens this "]"'),
        ("\nfn f() {", '2:8: nothing closes this "{"'),
        ("/* a", "1:1: this comment does not end"),
        ("@group(0) @binding(0) var<uniform> x: f32\n" + MAIN, '";" is missing behind the declaration of x'),
        ("struct S { a f32 }; @group(0) @binding(0) var<uniform> s: S;", '1:14: ":" is missing'),
        ("@group(0) @binding(0) var<storage> s: array<u32, size>;", '1:50: "size" in a number that must be known here'),
        ("function f() {}", '1:1: a declaration cannot begin with "function"'),
        ("@compute fn main() {}", "main has no @workgroup_size"),
        (
            "@group(0) @binding(0) var<uniform> v: B;\nstruct A { @align(32) a: f32 } struct B { b: A }",
            "2:43: there is an @align within A: write @align(32) here too",
        ),
    ],
)
def test_what_cannot_be_read_has_its_line(code: str, message: str) -> None:
    with pytest.raises(WgslError) as caught:
        Shader(code)
    assert message in str(caught.value)


@given(strategies.lists(strategies.sampled_from(PIECES.split()), max_size=40))
def test_any_text_is_a_shader_or_an_error_of_its_own(pieces: list[str]) -> None:
    try:
        Shader(" ".join(pieces))
    except WgslError as error:
        assert error.line >= 1
