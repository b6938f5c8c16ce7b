// Tables that change cell by cell, so that the focus and a screen reader stay where they are.
import { element } from "./dom.js";

export class Table {
  #columns;
  #rows = new Map();
  #body = element("tbody");
  #table;
  #empty;

  /** `columns`: their names; `empty`: what stands there without rows. */
  constructor(label, columns, empty) {
    this.#columns = columns;
    const heads = columns.map((column) => element("th", { scope: "col" }, column));
    this.#table = element("table", { "aria-label": label }, element("thead", {}, element("tr", {}, ...heads)), this.#body);
    this.#empty = element("p", { class: "quiet" }, empty);
    this.#table.hidden = this.#empty.hidden = true; // until something is known
    this.element = element("div", { class: "table" }, this.#table, this.#empty);
  }

  /** `rows`: each a key and its cells, texts or elements; elements of a row that is there already are not replaced. */
  show(rows) {
    const wanted = new Set(rows.map(([key]) => key));
    for (const [key, row] of this.#rows) {
      if (!wanted.has(key)) {
        row.remove();
        this.#rows.delete(key);
      }
    }
    rows.forEach(([key, cells], at) => {
      const row = this.#rows.get(key) ?? this.#add(key, cells);
      this.#fill(row, cells);
      if (this.#body.children[at] !== row) this.#body.insertBefore(row, this.#body.children[at] ?? null);
    });
    this.#table.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
  }

  #add(key, cells) {
    const row = element("tr", {}, ...cells.map((cell, at) => element("td", { "data-label": this.#columns[at] }, cell)));
    this.#rows.set(key, row);
    return row;
  }

  #fill(row, cells) {
    cells.forEach((cell, at) => {
      const place = row.children[at];
      if (typeof cell === "string") {
        if (place.textContent !== cell) place.textContent = cell;
      } else if (cell.dataset.share !== undefined) {
        setShare(place.firstChild, Number(cell.dataset.share), cell.textContent);
      }
    });
  }
}

/** A bar with a text that says the same. */
export function share(value, text) {
  const bar = element("progress", { max: 1, value, "aria-label": text });
  return element("span", { class: "share", "data-share": value }, bar, element("span", {}, text));
}

export function setShare(shown, value, text) {
  const [bar, words] = shown.children;
  bar.value = value;
  bar.setAttribute("aria-label", text);
  if (words.textContent !== text) words.textContent = text;
}
