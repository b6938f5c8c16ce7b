// One job: how it is doing, its results, and its end.
import { button, confirmed, element, facts, say, section } from "./dom.js";
import { progress } from "./jobs.js";
import { ask } from "./network.js";
import { results } from "./results.js";
import { setShare } from "./table.js";
import { dateOf, dcc, isOver, milliseconds, state } from "./words.js";

export function job(name) {
  const title = element("h1", {}, "Job");
  const bar = progress({ slices: 0, done: 0 });
  const about = element("div");
  const cancel = button("Cancel the job", cancelled, { class: "grave" });
  const outcome = element("div");
  const bottom = element("div");
  let seen = null;
  cancel.hidden = true;
  async function refresh() {
    const now = await ask("portal.job", { job: name });
    title.textContent = now.name || "A job without a name";
    setShare(bar, now.slices ? now.done / now.slices : 0, progress(now).textContent);
    if (JSON.stringify(now) !== JSON.stringify(seen)) about.replaceChildren(described(now));
    outcome.replaceChildren(...why(now));
    cancel.hidden = isOver(now);
    if (!seen) bottom.append(now.mine ? results(name) : element("p", { class: "quiet" }, "Results are for the identity alone that has deployed the job."));
    seen = now;
  }
  async function cancelled() {
    if (!await confirmed("Cancel this job? Slices that are not done yet are never done.", "Cancel the job", "Go on with it")) return;
    await ask("cancelJob", { job: name, reason: "cancelled at the portal" });
    await refresh();
    say("The job is cancelled.");
  }
  const back = element("p", {}, element("a", { href: "#/jobs" }, "All jobs"));
  return { element: element("div", {}, back, title, element("p", {}, bar), outcome, section("How it is", about, element("p", { class: "buttons" }, cancel)), bottom), refresh };
}

function described(now) {
  return facts([
    ["State", state(now)],
    ["Slices with workers", String(now.out)],
    ["Failed attempts", String(now.failures)],
    ["Price of a slice", now.market ? `the market's, times ${now.market}` : dcc(now.price)],
    ["Set aside", dcc(now.escrow)],
    ["CPU time of a slice", milliseconds(now.meanCPU)],
    ["GPU time of a slice", now.meanGPU ? milliseconds(now.meanGPU) : ""],
    ["Copies of a slice", now.copies > 1 ? String(now.copies) : ""],
    ["Groups", now.groups.join(", ")],
    ["Worktime", now.worktime],
    ["Deployed", dateOf(now.created)],
    ["Ended", dateOf(now.ended)],
    ["Address", element("code", {}, now.job)],
    ["Id", element("code", {}, now.id)],
    ["Deployed by", element("code", {}, now.owner)],
    ["Paid by", element("code", {}, now.payer)],
  ]);
}

/** Why it was cancelled, where it was; what a work function has said is a stranger's text. */
function why(now) {
  if (now.status !== "cancelled") return [];
  const texts = [`Cancelled: ${now.code ?? ""} ${now.reason ?? ""}`, now.error ?? ""].filter((text) => text.trim());
  return texts.map((text) => element("p", { class: "problem text" }, text));
}
