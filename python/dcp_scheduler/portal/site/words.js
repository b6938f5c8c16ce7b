// Numbers and times as people read them.

const LONGEST = 60;

export const dateOf = (seconds) => (seconds ? new Date(1000 * seconds).toLocaleString() : "");

export function ago(seconds, now = Date.now() / 1000) {
  const since = Math.max(0, now - seconds);
  if (since < 90) return "now";
  if (since < 5400) return `${Math.round(since / 60)} min ago`;
  return since < 129_600 ? `${Math.round(since / 3600)} h ago` : `${Math.round(since / 86_400)} days ago`;
}

export const dcc = (amount) => `${amount} DCC`;

export const milliseconds = (value) => (value === null ? "" : `${(value / 1000).toPrecision(3)} s`);

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

/** An address or name in little room; whoever shows it has the whole one elsewhere. */
export const brief = (text, most = LONGEST) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const STATES = { estimation: "measuring", running: "running", finished: "finished", cancelled: "cancelled" };

export const state = (job) => STATES[job.status] ?? job.status;

export const isOver = (job) => job.status === "finished" || job.status === "cancelled";
