// The account's jobs: those that it has deployed, and those that it pays for.
import { button, element } from "./dom.js";
import { ask } from "./network.js";
import { share, Table } from "./table.js";
import { ago, brief, state } from "./words.js";

const PAGE = 100;

export function jobs() {
  const table = new Table("Jobs", ["Name", "State", "Slices done", "Deployed", "Yours"], "No jobs yet. The page “Connect” tells how to deploy one.");
  let older = []; // pages that were asked for; they do not change by themselves
  let newest = [];
  const more = button("Older jobs", next);
  async function next() {
    const last = older.at(-1) ?? newest.at(-1);
    const page = await ask("portal.jobs", { before: last.number });
    older = older.concat(page);
    more.hidden = page.length < PAGE;
    table.show([...newest, ...older].map(row));
  }
  more.hidden = true;
  async function refresh() {
    newest = await ask("portal.jobs");
    if (!older.length) more.hidden = newest.length < PAGE;
    const last = newest.at(-1)?.number ?? 0;
    table.show([...newest, ...older.filter((job) => job.number < last)].map(row));
  }
  return { element: element("div", {}, element("h1", {}, "Jobs"), table.element, more), refresh };
}

function row(job) {
  const link = element("a", { href: `#/jobs/${encodeURIComponent(job.job)}` }, brief(job.name) || "without a name");
  return [job.job, [link, state(job), progress(job), ago(job.created), job.mine ? "yes" : "you pay for it"]];
}

/** How much of a job is done. */
export function progress(job) {
  const total = job.open ? `${job.slices} and more` : String(job.slices);
  return share(job.slices ? job.done / job.slices : 0, `${job.done} of ${total}`);
}
