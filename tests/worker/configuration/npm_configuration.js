// Prints the configuration that npm's dcp-client makes for dcp-worker, as JSON in which lists begin with what they are.
// The argument is the file of defaults of npm's dcp-worker, without suffix.
"use strict";

function tagged(value) {
  const { DcpURL } = require("dcp/dcp-url");
  if (typeof value === "undefined" || typeof value === "symbol" || typeof value === "function") return ["undefined"];
  if (value === null || typeof value !== "object") return value;
  if (value instanceof RegExp || Object.prototype.toString.call(value) === "[object RegExp]")
    return ["regexp", value.source, value.flags];
  if (DcpURL.isURL(value) || typeof value.href === "string") return ["url", value.href];
  if (typeof value.address === "string") return value.address;
  if (Array.isArray(value)) return ["list", value.map(tagged)];
  return ["object", Object.keys(value).map((name) => [name, tagged(value[name])])];
}

require("dcp-client").init({ programName: "dcp-worker", configName: process.argv[2], parseArgv: false, reportErrors: false })
  .then(() => {
    process.stdout.write(JSON.stringify(tagged(dcpConfig)) + "\n", () => process.exit(0));
  });
