// How programs connect to this network.
import { element, section } from "./dom.js";
import { network } from "./network.js";

export function connecting() {
  const here = element("div", {}, element("h1", {}, "Connect"));
  let isShown = false;
  async function refresh() {
    if (isShown) return;
    here.append(...parts((await network()).location));
    isShown = true;
  }
  return { element: here, refresh };
}

const code = (text) => element("pre", { tabindex: 0 }, element("code", {}, text));
const text = (...parts) => element("p", {}, ...parts);
const name = (word) => element("code", {}, word);

function parts(location) {
  return [
    section("Keystores",
      text("A program is an identity, the keystore ", name("id"), ", and pays from an account, the keystore ", name("default"), ". Both are files in the folder ", name(".dcp"), " in your home. The keystore of this portal may be both:"),
      code("mkdir -p ~/.dcp\ncp 0x….keystore ~/.dcp/id.keystore\ncp 0x….keystore ~/.dcp/default.keystore\nchmod 600 ~/.dcp/*.keystore"),
      text("Jobs and results are shown here to the identity that has deployed them; whose account pays for a job sees how it is doing.")),
    section("JavaScript",
      text("With npm's dcp-client, as ", name("program.js"), ":"),
      code('await require("dcp-client").init();\nconst wallet = require("dcp/wallet");\nconst job = require("dcp/compute").for(1, 10, (x) => { progress(); return x * x; });\nconsole.log(Array.from(await job.exec(0, await wallet.get())));'),
      code(`npm install dcp-client\nDCP_SCHEDULER_LOCATION=${location} node program.js`)),
    section("Python",
      code(`pip install dcp-evaluator`),
      code(`import dcp_evaluator as dcp\n\ndef work(x):\n    return x * x\n\njob = dcp.compute_for(range(1, 11), work)\nprint(list(job.exec("${location}")))`)),
    section("Workers",
      text("They do the jobs of others, and earn for an account:"),
      code(`pip install dcp-evaluator\ndcp-worker --dcp-scheduler ${location} --paymentAddress 0x…`)),
  ];
}
