// Packages of modules, which everybody may read.
import { button, element, facts, field, form, section } from "./dom.js";
import { ask } from "./network.js";
import { session } from "./session.js";
import { Table } from "./table.js";
import { dateOf, size } from "./words.js";

export function packages(name) {
  return name ? onePackage(name) : list();
}

function list() {
  const table = new Table("Packages", ["Name", "Newest version", "Published", "Files", "Owner"], "No packages.");
  let [wanted, following] = ["", 0];
  let found = [];
  async function load(skip) {
    const page = await ask("listModules", { q: wanted, skip });
    found = skip ? found.concat(page.packages) : page.packages;
    following = page.next ?? 0;
    more.hidden = !following;
    table.show(found.map(row));
  }
  const more = button("More packages", () => load(following));
  more.hidden = true;
  const search = form("Search", [field("Part of the name", "part", { type: "search", maxlength: 128 })], ({ part }) => {
    wanted = part.value;
    return load(0);
  });
  const refresh = once(() => load(0));
  return { element: element("div", {}, element("h1", {}, "Packages"), search, table.element, more), refresh };
}

function row(each) {
  const link = element("a", { href: `#/packages/${encodeURIComponent(each.name)}` }, each.name);
  return [`${each.name} ${each.version}`, [link, each.version, dateOf(each.published / 1000), String(Object.keys(each.files).length), owner(each.owner)]];
}

function onePackage(name) {
  const here = element("div");
  const refresh = once(async () => {
    const about = await ask("portal.package", { name });
    here.replaceChildren(facts([["Owner", owner(about.owner)]]), ...about.versions.map(version));
  });
  const back = element("p", {}, element("a", { href: "#/packages" }, "All packages"));
  return { element: element("div", {}, back, element("h1", {}, name), here), refresh };
}

function version(each) {
  const table = new Table(`Files of ${each.version}`, ["File", "Size"], "No files.");
  table.show(Object.entries(each.files).map(([file, bytes]) => [file, [file, size(bytes)]]));
  return section(`Version ${each.version}, of ${dateOf(each.published)}`, table.element);
}

const owner = (address) => (address === session.address ? "this account" : address);

/** Packages do not change while one looks: they are asked for until they are here. */
function once(work) {
  let isDone = false;
  return async () => {
    if (!isDone) await work();
    isDone = true;
  };
}
