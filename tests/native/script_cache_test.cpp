// A script that comes from the cache does what the same script does that was compiled now; what is broken is compiled.
#include "runtime/script_cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "check.hpp"

namespace fs = std::filesystem;
using namespace dcp;

namespace {

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 30;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "script-cache-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::vector<fs::path> files() const { return {fs::directory_iterator(path), fs::directory_iterator()}; }
  fs::path path;
};

/// An engine, and the sources that must outlive it.
struct Machine {
  explicit Machine(const std::string& folder, std::uint64_t limit = kPlenty) : cache(*engine, folder, limit) {}

  std::string run(const std::string& source, const std::string& name = "file.js") {
    const engine::Scope scope(*engine);
    try {
      return engine->to_string(engine->run(cache.compile(sources.emplace_back(source), name)));
    } catch (const engine::Thrown& thrown) {
      const auto error = engine->describe_error(thrown.value.get());
      return "thrown " + error.name + ": " + error.message + "\n" + error.stack;
    }
  }

  std::deque<std::string> sources;
  std::unique_ptr<engine::Engine> engine = engine::make_quickjs({});
  runtime::ScriptCache cache;
};

std::string evaluated(const std::string& source, const std::string& name = "file.js") {
  const auto engine = engine::make_quickjs({});
  const engine::Scope scope(*engine);
  try {
    return engine->to_string(engine->evaluate(source, name, engine::ScriptKind::classic));
  } catch (const engine::Thrown& thrown) {
    const auto error = engine->describe_error(thrown.value.get());
    return "thrown " + error.name + ": " + error.message + "\n" + error.stack;
  }
}

// clang-format off
const std::string kLong(70'000, 'x');
const std::string kScripts[] = {
  "",
  "1 + 1",
  "#!/usr/bin/env node\n'hashbang'",
  "(function f(a, b) { return f.toString() + f.length + f.name; })(1)",
  "function outer() { function inner() { /* inner */ return () => inner; } return [outer, inner, inner(), inner()()]; } outer().map(String).join('|')",
  "const twins = [() => 1, () => 1, function () { return () => 1; }]; twins.map(String).join() + String(twins[2]())",
  "class A { static #hidden = 3; #x = 1; get x() { return this.#x; } static s() { return A.#hidden; } *g() { yield 1; } async h() {} static { this.t = 5; } [`k${1}`] = 2; }"
  " class B extends A { constructor() { super(); } y = () => super.x; } const b = new B(); [A, B, b.y, A.prototype.g, A.s, Object.getOwnPropertyDescriptor(A.prototype, 'x').get].map(String).join() + b.y() + A.s() + A.t + b.k1",
  "(() => { var local = 7; return eval('local++; (() => local)()') + [...'ab'].map((c) => eval('c + local')).join(); })()",
  "const tag = (s, ...v) => s.raw.join('!') + s.join('?') + v + Object.isFrozen(s) + Object.isFrozen(s.raw) + (s === tag.last || (tag.last = s, 0)); const t = () => tag`a\\n${1}b${2}`; t() + t()",
  "`${[1, 2].map((x) => x * 2)}` + 12345678901234567890n + (-(2n ** 70n)) + 1e300 + 0.1 + -0 + NaN + [/a(?<n>b)+/giu, /[\\p{L}--[a-z]]/v].join() + 'xabb'.replace(/a(?<n>b)+/u, '$<n>')",
  "with ({ q: 5 }) q",
  "var v = typeof undefinedName; let l = 1; { function hoisted() { return l; } } v + hoisted()",
  "'" + kLong + "'.length + '" + kLong + "'",
  "const s = '" + kLong + "', u = '" + kLong + "\xC3\xA9', w = '" + kLong + "\xE2\x82\xAC', e = '" + kLong + "\\n'; [s, u, w, e].map((t) => t.length + t.slice(69990)).join() + s.slice(10, 40000).slice(3).length + ({ [s]: 1 })[s] + (s === '" + kLong + "')",
  "var big = () => { 'use strict'; return '" + kLong + "'; /* \xF0\x9F\x98\x80 */ }; String(big) + String(big()).length + (() => '" + kLong + "').toString().length",
  "function f() { return new Error('here').stack; }\n\n  f() + (() => { try { null.x } catch (e) { return e.stack } })()",
  "function deep() {\n  throw new TypeError('deep');\n}\n\nconst call = () => deep();\ncall()",
  "let x = ; ",
  "'use strict'; undeclared = 1",
  "switch ('" + kLong + "') { case 'no': 1; break; case '" + kLong + "': 'found'; }",
  "async function* g() { for await (const x of [1]) yield x } String(g) + Object.prototype.toString.call(g()) + new Function('a', 'return a + 1')(2) + Function('return 1')",
  "label: for (const i of [1, 2, 3]) { for (;;) { if (i < 3) continue label; break label; } } [...function* () { yield* [1, 2]; }()].join()",
  "const { a = 1, ...rest } = { b: 2, c: 3 }, [p, , q = () => a] = [1]; JSON.stringify([a, rest, p]) + q + ((a, b = () => a, ...c) => [b(), c])(1, undefined, 3)",
};
// clang-format on

void scripts_do_the_same() {
  const Folder folder;
  for (const std::string& source : kScripts) {
    const std::string expected = evaluated(source);
    for (int round = 0; round < 3; ++round) {
      const std::string found = Machine(folder.path).run(source);
      CHECK_EQ(found, expected);
      if (found != expected)
        std::fprintf(stderr, "%s\nexpected: %s\nfound: %s\n", source.c_str(), expected.c_str(), found.c_str());
    }
  }
  CHECK_EQ(folder.files().size(), std::size(kScripts) - 1);  // all but the syntax error
}

// Functions that begin like each other, and strings that the source has in another form: what cannot be found is kept.
void parts_that_are_hard_to_find() {
  const Folder folder;
  std::string source = "const all = [";
  for (int i = 0; i < 300; ++i) {
    const std::string same = "{ /* " + std::string(300, 's') + " */ ";
    source += "() => " + same + "return class " + same + "m() " + same + "} constructor() {} } }, '" +
              std::string(70'000, 'a') + "\\n" + std::to_string(i) + "',\n";
  }
  source +=
      "]; let sum = 0; for (const x of all) sum = (sum * 31 + String(x).length + (x.call ? String(x()).length : 0)) % "
      "1e9; sum";
  const std::string expected = evaluated(source);
  for (int round = 0; round < 3; ++round) CHECK_EQ(Machine(folder.path).run(source), expected);
}

void scripts_share_a_lexical_scope() {
  const Folder folder;
  for (int round = 0; round < 2; ++round) {
    Machine machine(folder.path);
    machine.run("const self = this; let count = 1; class K {} var v = 2; function f() { return count; }", "one.js");
    CHECK_EQ(machine.run("count++; [self === this, f(), typeof K, this.v, this.count, this.K].join()", "two.js"),
             "true,2,function,2,,");
    CHECK(machine.run("let count = 2", "three.js").starts_with("thrown SyntaxError"));
  }
}

void functions_outlive_their_script() {
  const Folder folder;
  for (int round = 0; round < 2; ++round) {
    Machine machine(folder.path);
    machine.run("var kept; (() => { kept = { f() { return () => 'text ' + kept.f; } }; })()");
    machine.engine->collect_garbage();
    CHECK_EQ(machine.run("String(kept.f) + kept.f()()", "later.js"),
             "f() { return () => 'text ' + kept.f; }text f() { return () => 'text ' + kept.f; }");
  }
}

void name_and_source_decide() {
  const Folder folder;
  Machine(folder.path).run("(() => { throw new Error('x') })()", "one.js");
  CHECK(Machine(folder.path).run("(() => { throw new Error('x') })()", "two.js").find("two.js:1:") !=
        std::string::npos);
  CHECK_EQ(folder.files().size(), 2);
  // A file under the name of another: what is in it decides.
  const auto files = folder.files();
  fs::copy_file(files[0], files[1], fs::copy_options::overwrite_existing);
  CHECK(Machine(folder.path).run("(() => { throw new Error('x') })()", "one.js").find("one.js:1:") !=
        std::string::npos);
  CHECK(Machine(folder.path).run("(() => { throw new Error('x') })()", "two.js").find("two.js:1:") !=
        std::string::npos);
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void broken_files_are_written_again() {
  const Folder folder;
  const std::string source = "var f = () => { return 'text'.repeat(9); }; f().length + String(f)";
  const std::string expected = evaluated(source);
  Machine(folder.path).run(source);
  const fs::path file = folder.files().at(0);
  const std::string whole = content(file);
  const auto try_with = [&](std::string bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    CHECK_EQ(Machine(folder.path).run(source), expected);
    CHECK_EQ(content(file), whole);
  };
  for (std::size_t size = 0; size < whole.size(); size += 7) try_with(whole.substr(0, size));
  try_with(whole + "more");
  for (std::size_t at = 0; at < whole.size(); at += 5) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    try_with(changed);
  }
}

void without_a_folder_scripts_are_compiled() {
  const Folder folder;
  const fs::path inside = folder.path / "scripts";
  std::ofstream(inside) << "a file";
  CHECK_EQ(Machine(inside.string()).run("1 + 1"), "2");
  CHECK(!Machine(inside.string()).cache.refusal().empty());
  fs::remove(inside);
  fs::create_directory(inside);
  CHECK_EQ(chmod(inside.c_str(), 0777), 0);
  CHECK(!Machine(inside.string()).cache.refusal().empty());
  CHECK_EQ(Machine(inside.string()).run("1 + 1"), "2");
  CHECK(fs::is_empty(inside));
  CHECK_EQ(Machine("").run("1 + 1"), "2");
}

void files_that_others_may_write_are_not_read() {
  const Folder folder;
  Machine(folder.path).run("1 + 1");
  const fs::path file = folder.files().at(0);
  CHECK_EQ(chmod(file.c_str(), 0622), 0);
  const auto before = content(file);
  CHECK_EQ(Machine(folder.path).run("1 + 1"), "2");
  struct stat status{};
  CHECK(stat(file.c_str(), &status) == 0 && (status.st_mode & 0777) == 0600);  // written anew
  CHECK_EQ(content(file), before);
}

void the_folder_is_bounded() {
  const Folder folder;
  for (int i = 0; i < 20; ++i) {
    Machine(folder.path, 400'000).run("'" + kLong + "'.length + " + std::to_string(i));
    std::uint64_t total = 0;
    for (const fs::path& file : folder.files()) total += fs::file_size(file);
    CHECK(total <= 400'000);
  }
  CHECK(folder.files().size() > 2);
}

}  // namespace

int main() {
  scripts_do_the_same();
  parts_that_are_hard_to_find();
  scripts_share_a_lexical_scope();
  functions_outlive_their_script();
  name_and_source_decide();
  broken_files_are_written_again();
  without_a_folder_scripts_are_compiled();
  files_that_others_may_write_are_not_read();
  the_folder_is_bounded();
  return dcp::test::failures == 0 ? 0 : 1;
}
