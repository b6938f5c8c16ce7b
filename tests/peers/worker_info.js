// Prints, as JSON, what dcp-worker's worker-info.js finds out about the evaluator that listens on the port that is the argument.
"use strict";

require("dcp-client")
  .init({
    progName: "dcp-worker",
    parseArgv: false,
    dcpConfig: { scheduler: { configLocation: false }, bundle: { location: false } },
  })
  .then(() => {
    const { getEvaluatorInformation } = require("dcp-worker/lib/worker-info");
    return getEvaluatorInformation({ hostname: "localhost", port: Number(process.argv[2]) });
  })
  .then((information) => process.stdout.write(JSON.stringify(information ?? null), () => process.exit(0)));
