// Workers of the identity, and those that earn for the account.
import { element } from "./dom.js";
import { ask } from "./network.js";
import { session } from "./session.js";
import { Table } from "./table.js";
import { ago } from "./words.js";

export function workers() {
  const table = new Table("Workers", ["Worker", "Connected", "Slices", "Last heard of", "Identity", "Earns for"], "No workers of this account in the last month. The page “Connect” tells how to start one.");
  async function refresh() {
    table.show((await ask("portal.workers")).map(row));
  }
  const about = element("p", { class: "quiet" }, "Workers whose identity this is, or that earn for this account.");
  return { element: element("div", {}, element("h1", {}, "Workers"), about, table.element), refresh };
}

function row(worker) {
  const own = (address) => (address === session.address ? "this account" : address);
  return [`${worker.worker} ${worker.owner}`, [
    worker.worker, worker.connected ? "yes" : "no", String(worker.out), ago(worker.seen), own(worker.owner), own(worker.account),
  ]];
}
