// A job's results: the first ones to look at, all of them as a file.
import { button, download, element, say, section } from "./dom.js";
import { ask } from "./network.js";
import { Table } from "./table.js";
import { brief } from "./words.js";

const SHOWN = 20;
const LONGEST = 400;
const MOST_CHARACTERS = 400_000_000;

export function results(name) {
  const table = new Table("Results", ["Slice", "Value"], "No results yet.");
  async function look() {
    const page = await ask("portal.results", { job: name, most: SHOWN });
    table.show(page.results.map((each) => [String(each.slice), [String(each.slice), brief(text(each), LONGEST)]]));
    say(page.more ? `The first ${page.results.length} results are shown; the file has all.` : "All results are shown.");
  }
  async function save() {
    download(`${name}.json`, "application/json", await all(name));
    say("All results are in the file.");
  }
  const buttons = element("p", { class: "buttons" }, button("Show results", look), button("Download all results", save));
  return section("Results", buttons, table.element);
}

const text = (result) => ("uri" in result ? result.uri : JSON.stringify(result.value));

/** The pieces of a JSON text: a list of `{slice, value}`, or `{slice, uri}` for what is no JSON, or elsewhere. */
async function all(name) {
  const pieces = ["["];
  let [after, size, more] = [0, 0, true];
  while (more) {
    const page = await ask("portal.results", { job: name, after });
    for (const each of page.results) {
      pieces.push(after ? ",\n" : "\n", JSON.stringify(each));
      size += pieces.at(-1).length;
      after = each.slice;
    }
    if (size > MOST_CHARACTERS) throw new Error("the results are too large for a browser; DCP's client can fetch them");
    more = page.more;
    say(`${after} slices of results are here …`);
  }
  return [...pieces, "\n]\n"];
}
