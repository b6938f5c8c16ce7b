// Deploys one job with npm's dcp-client as its users do, and prints what its program sees: an event a line, as JSON.
// Its input has the job: {values | range, work, arguments, groups, price, link, cancelAfter, listen, worktime, local,
// requires, worktimeVersion}.
"use strict";

const { asked, begin, end, say } = require("./session.js");

end(async function main() {
  const { compute, account } = await begin();
  const work = asked.worktime ? asked.work : new Function(`return (${asked.work})`)();
  const data = asked.range ? asked.range : [asked.values];
  const job = compute.for(...data, work, asked.arguments ?? []);
  job.public.name = "a job of the test";
  if (asked.requires) job.requires(asked.requires);
  if (asked.link) job.public.link = asked.link;
  if (asked.groups) job.computeGroups = asked.groups;
  if (asked.worktime) job.worktime = asked.worktime;
  if (asked.worktimeVersion) job.worktimeVersion = asked.worktimeVersion;
  job.on("accepted", () => say("accepted", { address: job.address, id: job.id }));
  for (const name of asked.listen ?? []) {
    job.on(name, (event) => say(name, { slice: event.sliceNumber, message: event.message, status: event.runStatus }));
  }
  job.work.on("spoke", (event) => say("custom", { slice: event.sliceNumber, data: event.data }));
  job.on("result", (event) => {
    say("result", { slice: event.sliceNumber });
    if (asked.cancelAfter) job.cancel("enough").catch((error) => say("cancelFailed", { message: error.message }));
  });
  if (asked.local) process.getuid = process.geteuid = () => 1;  // tests may run as root, whom npm's sandbox refuses
  const results = asked.local ? await job.localExec(1) : await job.exec(asked.price ?? 0, account);
  say("done", { results: Array.from(results) });
});
