// Elements. All text becomes text nodes: nothing that comes from elsewhere is ever read as HTML.

/** `properties`: attributes, or listeners under names with `on`; what is null or false is left out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const section = (title, ...children) => element("section", {}, element("h2", {}, title), ...children);

/** A list of names and values. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== "");
  const rows = known.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return element("dl", { class: "facts" }, ...rows);
}

/** A button; while `work`, which may be asynchronous, runs, it cannot be pressed again. What fails is told. */
export function button(label, work, properties = {}) {
  const made = element("button", { type: "button", ...properties, onclick: press }, label);
  async function press() {
    try {
      await whileBusy(made, work);
    } catch (error) {
      say(`${made.getAttribute("aria-label") ?? label}: ${error.message}`);
    }
  }
  return made;
}

/** A form that calls `work` with its controls by name, and shows why it cannot. */
export function form(label, controls, work, ...others) {
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const submit = element("button", {}, label);
  const made = element("form", { onsubmit: send }, ...controls, problem, element("p", { class: "buttons" }, submit, ...others));
  async function send(event) {
    event.preventDefault();
    problem.hidden = true;
    try {
      await whileBusy(submit, () => work(made.elements));
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  }
  return made;
}

let fields = 0;

/** An input with its label; `hint` says more. */
export function field(label, name, properties = {}, hint = "") {
  const id = `field-${++fields}`;
  const tag = properties.rows ? "textarea" : "input";
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  return element(
    "div", { class: "field" }, element("label", { for: id }, label),
    element(tag, { id, name, ...described, ...properties }),
    hint ? element("small", { id: `${id}-hint` }, hint) : null,
  );
}

/** Asks in a dialog; true where the answer is yes. */
export function confirmed(question, yes, no) {
  return new Promise((answer) => {
    const close = (value) => () => dialog.close(value);
    const dialog = element(
      "dialog", { "aria-label": question, onclose: () => { dialog.remove(); answer(dialog.returnValue === "yes"); } },
      element("p", {}, question),
      element("p", { class: "buttons" }, button(no, close(""), { autofocus: true }), button(yes, close("yes"), { class: "grave" })),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Tells it at the foot of the page, to screen readers too. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** Gives the browser's user a file. */
export function download(name, type, parts) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function whileBusy(control, work) {
  control.disabled = true;
  try {
    return await work();
  } finally {
    control.disabled = false;
  }
}
