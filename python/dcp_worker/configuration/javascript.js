// Evaluates one configuration file, as dcp-client does (evalStringInSandbox in its index.js), in a sandbox of ours.
// `code`; `config`, `environment`, `machine`: JSON. Returns JSON: {fragment, config, messages} or {error}.
(datum, code, config, environment, machine) => {
  progress();
  const DEPTH = 32, MOST_VALUES = 100000, MOST_MESSAGES = 100;

  class DcpURL extends URL {
    resolve(reference) {
      const found = new URL(reference, this.href);
      found.search = this.search;
      found.hash = this.hash;
      return found.href;
    }
    resolveNoExtras(reference) { return new URL(reference, this.href).href; }
    resolveUrl(reference) { return new DcpURL(new URL(reference, this.href).href); }
    clone() { return new DcpURL(this.href); }
  }

  function revived(tagged) {
    if (!Array.isArray(tagged)) return tagged;
    const [tag, first, second] = tagged;
    switch (tag) {
      case "list": return first.map(revived);
      case "object": return Object.fromEntries(first.map(([name, value]) => [name, revived(value)]));
      case "url": return new DcpURL(first);
      case "regexp": return new RegExp(first, second);
      default: return undefined;
    }
  }

  let count = 0;
  function tagged(value, depth, seen) {
    if (++count > MOST_VALUES) throw new RangeError("the configuration has too many values");
    if (depth > DEPTH) throw new RangeError("the configuration is nested too deep");
    switch (typeof value) {
      case "number": if (Number.isFinite(value)) return value; return ["number", String(value)];
      case "string": case "boolean": return value;
      case "bigint": return Number(value);
      case "object": break;
      default: return ["undefined"];  // functions and symbols are no settings
    }
    if (value === null) return null;
    if (value instanceof URL) return ["url", value.href];
    if (value instanceof RegExp) return ["regexp", value.source, value.flags];
    if (value instanceof Date) return value.toISOString();
    if (seen.includes(value)) throw new TypeError("the configuration contains itself");
    const inside = [...seen, value];
    if (Array.isArray(value)) return ["list", Array.from(value, (member) => tagged(member, depth + 1, inside))];
    return ["object", Object.keys(value).map((name) => [name, tagged(value[name], depth + 1, inside)])];
  }

  const messages = [];
  const log = (...texts) => { if (messages.length < MOST_MESSAGES) messages.push(texts.map(String).join(" ")); };
  const console = { log, info: log, warn: log, error: log, debug() {} };
  const env = JSON.parse(environment);
  const { cpus, memory, hostname, home, platform, folder, pid } = JSON.parse(machine);
  const modules = {
    process: { env, platform, pid, argv: [], cwd: () => folder },
    os: {
      EOL: "\n", platform: () => platform, hostname: () => hostname, homedir: () => home,
      cpus: () => Array.from({ length: cpus }, () => ({})), availableParallelism: () => cpus, totalmem: () => memory,
    },
  };
  function require(name) {
    const found = modules[String(name).replace(/^node:/, "")];
    if (found) return found;
    throw new Error(`require(${JSON.stringify(name)}): there are process and os here, and no other modules`);
  }

  const dcpConfig = revived(JSON.parse(config));
  const scope = {
    URL, url: (href) => new DcpURL(href), env, require, console, process: modules.process,
    dcp: { "dcp-env": { platform: "nodejs", isBrowserPlatform: false } }, dcpConfig,
  };
  const isName = /^(?!(?:arguments|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|eval|export|extends|false|finally|for|function|if|implements|import|in|instanceof|interface|let|new|null|package|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|var|void|while|with|yield)$)[\p{L}_$][\p{L}\p{N}_$]*$/u;
  for (const name of Object.keys(dcpConfig))
    if (!(name in scope) && isName.test(name)) scope[name] = dcpConfig[name];
  const names = Object.keys(scope);
  const run = (text) => new Function("__code", ...names, '"use strict"; return eval(__code)')(text, ...Object.values(scope));

  const isReturn = (error) => error instanceof SyntaxError && /return/.test(error.message);
  const inFunction = (text) => `(() => {;${text}\n})()`;
  function evaluated() {
    const uncommented = code.replace(/(\/\*([\s\S]*?)\*\/)|(\/\/(.*)$)/gm, "");
    if (/^\s*{/.test(uncommented)) return { value: run(`(${code}\n)`), isWhole: true };
    try {
      return { value: run(code), isWhole: false };
    } catch (error) {
      if (!isReturn(error)) throw error;
    }
    return { value: run(inFunction(code)), isWhole: true };
  }

  function reaches(from, wanted, depth = 0) {
    if (from === wanted) return true;
    if (from === null || typeof from !== "object" || depth > DEPTH) return false;
    return Object.values(from).some((member) => reaches(member, wanted, depth + 1));
  }

  try {
    const { value, isWhole } = evaluated();
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof URL)
      && !(value instanceof RegExp);
    if (isWhole && !isObject && value !== undefined)
      throw new TypeError(`the file gives ${Array.isArray(value) ? "a list" : `a ${typeof value}`}; it must give an object`);
    // The value of the last statement is often a part of dcpConfig that was assigned.
    const isFragment = isObject && (isWhole || !reaches(dcpConfig, value));
    return JSON.stringify({ fragment: isFragment ? tagged(value, 0, []) : ["object", []], config: tagged(dcpConfig, 0, []), messages });
  } catch (error) {
    const isError = error instanceof Error;
    const place = isError ? /<input>:(\d+):(\d+)/.exec(String(error.stack)) : null;
    return JSON.stringify({
      error: { name: isError ? String(error.name) : "", message: isError ? String(error.message) : String(error), line: place ? Number(place[1]) : 0 },
    });
  }
}
