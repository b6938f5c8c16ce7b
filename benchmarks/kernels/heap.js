// Kernels that keep much of what they allocate, each about 10 to 40 ms on a machine of 2024: what counts is how the heap
// grows and how often it is collected.
(() => {
  const made = {};
  const rows = () => made.rows ??= Array.from({ length: 40000 }, (_, i) => (
    { id: i, name: `name ${i}`, price: i / 7, tags: ["a", "b", `t${i % 50}`], nested: { x: i / 3, y: -i, ok: i % 2 === 0 } }));
  const text = () => made.text ??= JSON.stringify(rows());

  class Event { constructor(time, task) { this.time = time; this.task = task; this.data = [0, 0, 0, 0]; } }
  class Queue {
    events = [];
    push(event) {
      const a = this.events; let i = a.length; a.push(event);
      for (let up; i > 0 && a[up = (i - 1) >> 1].time > event.time; i = up) a[i] = a[up];
      a[i] = event;
    }
    pop() {
      const a = this.events, first = a[0], last = a.pop(); let i = 0;
      for (let next; (next = 2 * i + 1) < a.length; i = next) {
        if (next + 1 < a.length && a[next + 1].time < a[next].time) next++;
        if (a[next].time >= last.time) break;
        a[i] = a[next];
      }
      if (a.length) a[i] = last;
      return first;
    }
  }

  return {
  jsonParse() { return JSON.parse(text()).length; },
  jsonWrite() { return JSON.stringify(rows()).length; },
  scheduler() {
    const queue = new Queue(), log = []; let x = 1;
    for (let task = 0; task < 1000; task++) queue.push(new Event(task, task));
    for (let run = 0; run < 40000; run++) {
      const { time, task } = queue.pop();
      x = (x * 16807) % 2147483647;
      queue.push(new Event(time + x % 1000, task));
      if (run % 4 === 0) log.push({ task, at: { time, run } });
    }
    return log.at(-1).at.time;
  },
  keptObjects() { const log = []; for (let i = 0; i < 100000; i++) { const event = new Event(i, i & 3); if (i % 4 === 0) log.push({ event, by: { i } }); } return log.length; },
  mapOfObjects() { const m = new Map(); for (let i = 0; i < 60000; i++) m.set(`key${i}`, { i, list: [i] }); let n = 0; for (const [k, v] of m) n += k.length + v.list[0]; return n; },
  };
})()
