// Asks a network many things with npm's dcp-client, all at once, and prints what it finds: a part a line.
// Its input has {pages, dialect, identityKey, accountKey}; at pages there are numbers, a work function, and a place
// for results.
"use strict";

const { asked, begin, end, say } = require("./session.js");

const same = (x) => {
  progress();
  return x;
};

end(async function main() {
  const { compute, wallet, account } = await begin();
  const run = async (job) => Array.from(await job.exec(0, account));
  const pages = (...names) => names.map((name) => `${asked.pages}${name}`);

  const parts = {
    ranges: async () => [
      await run(compute.for({ ranges: [{ start: 1, end: 2 }, { start: 1, end: 3 }] }, same)),
      await run(compute.for(0, 9, 3, same)),
      await run(compute.for({ start: 1, end: 6, step: 1, group: 3 }, same)),
      await run(compute.for({ sparse: true, ranges: [{ start: 1, end: 2 }, { start: 8, end: 9 }] }, same)),
    ],
    remoteData: () => run(compute.for(new compute.RemoteDataSet(...pages("1.json", "3.json")), same)),
    remotePattern: () => run(compute.for(new compute.RemoteDataPattern(...pages("{slice}.json"), 3), same)),
    remoteWork: () => run(compute.for([5, 6], new URL(pages("work.js")[0]), [new URL(pages("3.json")[0])])),
    remoteResults: () => {
      const job = compute.for([7, 8], same);
      job.setResultStorage(new URL(pages("results")[0]), { token: "known" });
      return run(job);
    },
    errors: async () => {
      const heard = [];
      const job = compute.for([1, 2], (x) => {
        progress();
        if (x === 2) throw new RangeError("too large");
        return x;
      });
      job.on("error", (event) => heard.push([event.sliceNumber, event.name, event.message]));
      const [fine, thrown] = await run(job);
      return { fine, thrown: [thrown.name, thrown.message], heard };
    },
    failures: async () => {
      const job = compute.for([1], (x) => x);  // without progress
      return run(job).then(() => "done", (error) => [error.code, error.message]);
    },
    cancelled: async () => {
      const job = compute.for(1, 100_000, same);
      job.once("result", async () => compute.cancel(job, await wallet.getId(), "by name"));
      return run(job).then(() => "done", (error) => error.message);
    },
    open: async () => {
      const job = compute.for([1, 2], same);
      job.autoClose = false;
      const done = run(job);
      await new Promise((accepted) => job.on("accepted", accepted));
      const late = require("dcp/job").addSlices([3], asked.dialect === 4 ? job.address : job.id);
      await late;
      await job.close();
      return done;
    },
    inquiries: async () => {
      const begun = Date.now() - 1000;
      const job = compute.for([1, 2, 3], same);
      await run(job);
      const status = await compute.status(job);
      const listed = await compute.status({ startTime: begun, statuses: ["finished"] });
      const before = await compute.status({ endTime: new Date(begun) });
      const info = await job.getJobInfo();
      const fetched = await job.results.fetch([1, 3]).then(() => Array.from(job.results));
      const deleted = asked.dialect === 4 ? (await job.results.delete([2])).concat(Array.from(job.results)) : null;
      const own = listed.filter((each) => each.id === job.id);
      return {
        status: [status.status, status.totalSlices, status.completedSlices], own: own.length, before: before.length,
        info: [info.status, info.totalSlices], fetched, deleted,
      };
    },
    groups: async () => {
      const groups = require("dcp/compute-groups");
      const lab = { joinKey: "lab", joinSecret: "known" };
      const named = { joinKey: "lab" };
      const created = await groups.createGroup({ ...lab }, "a lab", "of the test", { maxConcurrentJobs: 3 });
      const again = await groups.createGroup({ ...lab }, "a lab");
      const changed = await groups.changeGroup({ id: created.payload }, { name: "another name", maxConcurrentJobs: 4 });
      const job = compute.for([1], same);
      job.computeGroups = [{ ...lab }];
      const done = run(job).then(() => "done", (error) => error.message);
      await new Promise((accepted) => job.on("accepted", accepted));
      const listed = await groups.listJobs(named);
      const removed = await groups.removeJob(asked.dialect === 4 ? job.address : job.id, named);
      const empty = await groups.listJobs(named);
      await groups.removeAllJobs(named);
      const deleted = await groups.deleteGroup(named);
      const gone = await groups.listJobs(named).then(() => "found", () => "gone");
      await job.cancel("of no group");
      return {
        created: created.payload.length, again: again.success, changed: changed.success,
        listed: listed.payload.map((each) => each.id === job.id), removed: removed.success, empty: empty.payload,
        deleted: deleted.success, gone, done: await done,
      };
    },
    unknown: async () => (await compute.status("j".repeat(23)).then(() => "found", (error) => error.message)),
  };
  const judged = Object.entries(parts).map(async ([part, judge]) => {
    try {
      say("found", { part, value: await judge() });
    } catch (error) {
      say("found", { part, value: `${error.code ?? ""} ${error.stack}` });
    }
  });
  await Promise.all(judged);
});
