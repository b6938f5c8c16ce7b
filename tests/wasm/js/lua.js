async (load, files) => {
  const { LuaFactory } = load("wasmoon/dist/index.js");
  const lua = await new LuaFactory("wasmoon/dist/glue.wasm").createEngine();
  const answers = {};
  answers.version = await lua.doString("return _VERSION");
  answers.pcall = await lua.doString(`
    local ok, why = pcall(error, "thrown")
    local nested = pcall(function() local inner = pcall(error, {}); assert(not inner); error("again") end)
    local _, index = pcall(function() local t = nil; return t.x end)
    return { ok, why, nested, index }`);
  answers.coroutine = await lua.doString(`
    local function numbers(n) for i = 1, n do coroutine.yield(i) end error("end") end
    local co, sum = coroutine.create(numbers), 0
    for i = 1, 100 do local ok, value = coroutine.resume(co, 100); assert(ok); sum = sum + value end
    local ok, why = coroutine.resume(co)
    return { sum, ok, why, coroutine.status(co) }`);
  answers.integers = await lua.doString(`
    return { math.maxinteger == 9223372036854775807, 1 << 62 == 4611686018427387904, 7 // 2, -7 % 3, 2^53 }`);
  lua.global.set("host", { add: (a, b) => a + b, fail() { throw new Error("from the host"); } });
  answers.host = await lua.doString(`
    local ok, why = pcall(host.fail)
    return { host.add(40, 2), ok, tostring(why):match("from the host") }`);
  answers.error = await lua.doString("local function f() error('deep') end f()").catch((error) => error.message);
  answers.overflow = await lua.doString(`
    local function f() return 1 + f() end
    local ok, why = pcall(f)
    return { ok, why:match("stack overflow") }`);
  answers.work = await lua.doString(`
    local failures, t = 0, {}
    for i = 1, 20000 do
      t[i % 100] = tostring(i)
      if not pcall(function() if i % 7 == 0 then error(i) end end) then failures = failures + 1 end
    end
    return failures`);
  lua.global.close();
  return answers;
}
