// What is read of a shader's text, and what its entry points do first.
#include "check.hpp"
#include "gpu/wgsl_types.hpp"
#include "gpu/workgroup_memory.hpp"

using namespace dcp::gpu;

namespace {

constexpr std::uint32_t kLimit = 16384;

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string zeroing(std::string_view code) {
  const ZeroingShader shader = zero_workgroup_memory(code, kLimit);
  CHECK_EQ(shader.refusal, "");
  return shader.code;
}

std::string refusal(std::string_view code) { return zero_workgroup_memory(code, kLimit).refusal; }

/// What the entry point of `text` does first, where its variable `x` is of that type.
std::string zeros_of(std::string_view type, const std::string& text = "", const std::string& size = "1") {
  const std::string code = zeroing("var<workgroup> x: " + std::string(type) + "; " + text +
                                   " @compute @workgroup_size(" + size + ") fn main() { _ = &x; }");
  const std::size_t begin = code.find("{ ", code.rfind("\nfn "));
  return code.substr(begin + 2, code.rfind("workgroupBarrier") - begin - 2);
}

void only_the_name_alone_is_a_mention() {
  CHECK(mentions_workgroup_variables("var<workgroup> x: u32;") && mentions_workgroup_variables("workgroup"));
  CHECK(mentions_workgroup_variables("@workgroup_size(1) var<workgroup>x:u32;"));
  CHECK(!mentions_workgroup_variables("@workgroup_size(1) @builtin(num_workgroups) workgroupBarrier() my_workgroup"));
  CHECK(!mentions_workgroup_variables(""));
}

void comments_become_blanks() {
  CHECK_EQ(wgsl::Text("a/* /* x */\n*/b // c\nd/**/").code(), "a          \n  b     \nd    ");
  CHECK_EQ(wgsl::Text("// x\xE2\x80\xA8y").code(), "    \xE2\x80\xA8y");
  CHECK_EQ(refusal("/* /* */"), "a comment does not end");
  CHECK_EQ(refusal(std::string_view("a\0b", 3)), "a null character");
  CHECK_EQ(refusal(std::string(std::size_t{17} << 20, ' ')), "a text of more than 16 MiB");
}

void template_lists_are_found() {
  const auto partner = [](std::string_view code, std::uint32_t token) { return wgsl::Text(code)[token].partner; };
  CHECK_EQ(partner("a<b>", 1), 3);
  CHECK_EQ(partner("a<b<c>>", 1), 6);
  CHECK_EQ(partner("a<(b>c)>", 1), 7);
  CHECK_EQ(partner("f(a<b, c>d)", 3), 7);
  for (const auto* code : {"a<b", "a<=b>", "a<<b>", "a<b;c>", "(a<b)>", "a<b&&c>d", "a[b<c]>", "a<b||c>"}) {
    const wgsl::Text text(code);
    for (const wgsl::Token& token : text.tokens()) {
      CHECK((token.kind != '<' && token.kind != '>') || token.partner == wgsl::Token::kAlone);
    }
  }
  CHECK_EQ(partner("a<b>=c>", 1), 3);
  CHECK_EQ(partner("a<b!=c>", 1), 6);
}

void the_text_keeps_its_lines() {
  const std::string code = zeroing(
      "// a\noverride n\n = 4;\nvar<workgroup> x: array<u32, n>;\n@compute\n"
      "@workgroup_size(1)\nfn main(\n) {\n  x[0] = 1; /* \n */\n}");
  CHECK(code.starts_with(
      "    \noverride n  = 4; override zero3: f32 = 0.0; \n\nvar<workgroup> x: array<u32, n>;\n@compute\n"
      "@workgroup_size(1)\nfn main(@builtin(local_invocation_index) zero1: u32\n) { zero0(zero1);\n"
      "  x[0] = 1;    \n   \n}\n"));
}

void only_what_is_reached_is_set() {
  const std::string code = zeroing(
      "var<workgroup> a: u32; var<workgroup> b: u32; var<workgroup> c: u32; var<workgroup> d: u32;\n"
      "fn f(b: u32) { for (var c = 0; c < 1; c++) { let a = c; } if (b > 0) { a = 1; } }\n"
      "fn g() { let d = d; }\n@compute @workgroup_size(1) fn one() { f(1); }\n"
      "@compute @workgroup_size(1) fn two() { g(); let f = x.f; }\n@compute @workgroup_size(1) fn three() { }");
  CHECK(has(code, "fn one(@builtin(local_invocation_index) zero1: u32) { zero0(zero1); f(1); }"));
  CHECK(has(code, "fn zero0(zero1: u32) { if (zero1 == 0u) { a = u32(); } workgroupBarrier(); }"));
  CHECK(has(code, "fn zero3(zero4: u32) { if (zero4 == 0u) { d = u32(); } workgroupBarrier(); }"));
  CHECK(has(code, "fn three() { }"));
  // The head of a loop, and what follows it.
  const auto sets = [](const std::string& body) {
    return has(zeroing("var<workgroup> a: u32; @compute @workgroup_size(1) fn main() {" + body + "}"), "a = u32();");
  };
  CHECK(sets("a = 1;") && sets("let b = a;") && sets("let a = a;") && sets("{ let a = 1; } b = a;"));
  CHECK(sets("for (var a = 0; a < 1; a++) { } a = 1;") && sets("if (b < a) { }") && sets("b.c[a] = 1;"));
  CHECK(sets("switch b { case 1: { let a = 1; } default: { b = a; } }") && sets("for (var b = a; ;) { let a = 1; }"));
  CHECK(sets("loop { let a = 1; continuing { break if a > 1; } } a = 1;") && sets("f(1, a);") &&
        sets("var b: array<u32, a>;"));
  CHECK(!sets("let a = 1; b = a;") && !sets("for (var a = 0; a < 1; a++) { b = a; }") && !sets("b.a = 1;"));
  CHECK(!sets("var<function> a: u32 = 1; { b = a; }") && !sets("const a = 1; a = 1;") && !sets("@builtin(a) b = 1;"));
}

void names_are_not_those_of_the_text() {
  const std::string code =
      zeroing("var<workgroup> zero0: u32; fn zero2() {} @compute @workgroup_size(1) fn zero1() { zero0 = 1; }");
  CHECK(has(code, "zero4: u32) { zero3(zero4);"));
}

void an_index_that_is_there_is_taken() {
  const std::string text =
      "var<workgroup> x: u32; struct S { @builtin(workgroup_id) g: vec3u, "
      "@builtin(local_invocation_index) i: u32 } @compute @workgroup_size(1) fn main";
  CHECK(has(zeroing(text + "(@builtin(local_invocation_index,) j: u32) { x = 1; }"), "{ zero0(j); x = 1; }"));
  CHECK(has(zeroing(text + "(s: S) { x = 1; }"), "(s: S) { zero0(s.i); x = 1; }"));
  CHECK(has(zeroing(text + "(@builtin(global_invocation_id) j: vec3<u32>,) { x = 1; }"),
            "main(@builtin(local_invocation_index) zero1: u32, @builtin(global_invocation_id) j: vec3<u32>,) { "
            "zero0(zero1);"));
}

void each_type_is_set_to_zero() {
  CHECK_EQ(zeros_of("u32"), "if (zero1 == 0u) { x = u32(); } ");
  CHECK_EQ(zeros_of("vec3<F>", "alias F = f32;"), "if (zero1 == 0u) { x = vec3<F>(); } ");
  CHECK_EQ(zeros_of("atomic<i32>"), "if (zero1 == 0u) { atomicStore(&x, 0); } ");
  CHECK_EQ(zeros_of("S", "struct S { a: u32, b: T } struct T { c: mat2x2f }"), "if (zero1 == 0u) { x = S(); } ");
  CHECK_EQ(zeros_of("S", "struct S { a: u32, b: atomic<u32> }"),
           "if (zero1 == 0u) { x.a = u32(); atomicStore(&x.b, 0); } ");
  CHECK_EQ(zeros_of("array<u32, 4>"), "for (var zero2 = zero1; zero2 < 4u; zero2 += 1u) { x[zero2] = u32(); } ");
  CHECK_EQ(zeros_of("array<u32, 4>", "", "2, 2"), "if (zero1 < 4u) { let zero2 = zero1; x[zero2] = u32(); } ");
  CHECK_EQ(zeros_of("array<u32, n>", "override n = 1;", "n, n, 2").substr(0, 10), "_ = clamp(");
  CHECK(
      zeros_of("array<u32, n>", "override n = 1;", "n, n, 2")
          .ends_with("for (var zero2 = zero1; zero2 < u32(n); zero2 += u32(n) * u32(n) * 2u) { x[zero2] = u32(); } "));
  CHECK_EQ(zeros_of("array<array<S, 2>, 3>", "struct S { a: array<bool, 4>, b: atomic<u32> }", "16"),
           "for (var zero2 = zero1; zero2 < 24u; zero2 += 16u) "
           "{ x[zero2 / (8u)][(zero2 / (4u)) % 2u].a[(zero2) % 4u] = bool(); } "
           "if (zero1 < 6u) { let zero2 = zero1; atomicStore(&x[zero2 / (2u)][(zero2) % 2u].b, 0); } ");
}

double size_of(const std::string& type, const std::string& text = "") {
  const wgsl::Module module("alias T = " + type + ";" + text);
  wgsl::Types types(module);
  const wgsl::Layout layout = types.layout(types.resolve(module.find("T")->type));
  CHECK(layout.size.known && layout.alignment.known);
  return layout.size.known.value_or(-1);
}

// The specification's own example, "Alignment and Size".
void sizes_are_those_of_the_specification() {
  const std::string structures =
      "struct A { u: f32, v: f32, w: vec2<f32>, x: f32 }"
      "struct B { a: vec2<f32>, b: vec3f, c: f32, d: f32, e: A, f: vec3<f32>, g: array<A, 3>, h: i32 }"
      "struct C { a: vec2f, @align(16) e: A, f: vec3f, @size(32) g: i32, h: i32 }";
  CHECK_EQ(size_of("A", structures), 24);
  CHECK_EQ(size_of("B", structures), 160);
  CHECK_EQ(size_of("C", structures), 96);
  CHECK_EQ(size_of("vec3<f16>"), 6);
  CHECK_EQ(size_of("mat4x3<f32>") + size_of("mat2x3h") + size_of("mat3x2f"), 64 + 16 + 24);
  CHECK_EQ(size_of("array<vec3u, N * (2 + 0x2)>", "const N: u32 = 1 << 3u; "), 32 * 16);
  CHECK_EQ(size_of("array<atomic<u32>, 7 % 4 - 1 / 2>") + size_of("vec2<bool>"), 12 + 8);
}

void sizes_beyond_the_limit_are_told() {
  const std::string text = "@compute @workgroup_size(1) fn main() { x[0] = 1; }";
  const auto shader = [&](const std::string& size) {
    return zero_workgroup_memory("override o: u32 = 1; const c = 4; var<workgroup> x: array<u32, " + size + ">;" + text,
                                 kLimit);
  };
  CHECK(shader("4096").too_large.empty() && !shader("4096").checks_size);
  CHECK_EQ(shader("4097").too_large.at("main"), 16400);
  CHECK_EQ(shader("c * 4096").too_large.at(""), 65536);
  CHECK_EQ(shader("0x7FFFFFFF").too_large.at("main"), std::uint64_t{0x200000000});
  CHECK(shader("o").checks_size && shader("o").too_large.empty());
  CHECK(has(shader("o + 1").code, "_ = clamp(0.0, ceil(f32(u32(o + 1)) * 4.0 / (16.0)) * 16.0 + 0.0 * "));
  CHECK(shader("min(c, 3)").checks_size && shader("c / 0").checks_size && shader("1 - c").checks_size);
}

void what_cannot_be_read_is_refused() {
  const std::string main = " @compute @workgroup_size(1) fn main() { _ = &x; }";
  CHECK_EQ(refusal("fn f() { var<workgroup> x: u32; }"),
           "\"<workgroup\" in a place where no workgroup variable can be");
  CHECK_EQ(refusal("alias x = a<b; var<workgroup> x: u32;" + main), "a template list that does not end");
  CHECK_EQ(refusal("var<workgroup> x: array<u32>;" + main), "an array without a size");
  CHECK_EQ(refusal("var<workgroup> x: A; alias A = B; alias B = A;" + main), "A is no type");
  CHECK_EQ(refusal("struct A { a: array<A, 2> } var<workgroup> x: A;" + main),
           "types or constants that are made of each other");
  CHECK_EQ(refusal("fn workgroupBarrier() {} var<workgroup> x: u32;" + main), "it declares workgroupBarrier anew");
  CHECK_EQ(refusal("var<workgroup> x: u32; var<workgroup> x: i32;" + main), "two declarations of x");
  CHECK_EQ(refusal("var<workgroup> x: texture_2d<f32>;" + main), "a type that is not known here: texture_2d");
  for (const std::string text : {"struct",
                                 "struct A {",
                                 "struct A { a",
                                 "struct A { a: b c: d }",
                                 "fn",
                                 "fn f",
                                 "fn f(",
                                 "fn f(a",
                                 "fn f(a: b",
                                 "fn f()",
                                 "fn f() {",
                                 "fn f() }",
                                 "var",
                                 "var x",
                                 "var<x",
                                 "@",
                                 "@a(",
                                 "a",
                                 "const",
                                 "const a",
                                 "enable",
                                 "{",
                                 "fn f() { let 1; }",
                                 "fn f() { @",
                                 "alias a = 1;",
                                 "@a(b; c) const d = 1;",
                                 "const a = (b; c);",
                                 "const a = b[{}];"}) {
    CHECK(!refusal(text).empty());
  }
  // Each has two of the former: as many parts as there are invocations of a doubling.
  std::string doubling = "struct S0 { a: atomic<u32>, b: u32 }";
  for (int i = 1; i < 30; ++i) {
    const std::string former = "S" + std::to_string(i - 1);
    doubling += "struct S" + std::to_string(i) + " { a: " + former + ", b: " + former + " }";
  }
  CHECK(zero_workgroup_memory(doubling + "var<workgroup> x: S29;" + main, kLimit).too_large.contains("main"));
  CHECK_EQ(zero_workgroup_memory(doubling + "var<workgroup> x: S28;" + main, UINT32_MAX).refusal,
           "they have too many parts");
}

}  // namespace

int main() {
  only_the_name_alone_is_a_mention();
  comments_become_blanks();
  template_lists_are_found();
  the_text_keeps_its_lines();
  only_what_is_reached_is_set();
  names_are_not_those_of_the_text();
  an_index_that_is_there_is_taken();
  each_type_is_set_to_zero();
  sizes_are_those_of_the_specification();
  sizes_beyond_the_limit_are_told();
  what_cannot_be_read_is_refused();
  return dcp::test::failures != 0;
}
