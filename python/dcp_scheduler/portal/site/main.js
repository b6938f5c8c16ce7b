// The page: what its address names is shown, and asked for again while somebody looks.
import { account } from "./account.js";
import { button, element, say } from "./dom.js";
import { groups } from "./groups.js";
import { connecting } from "./connecting.js";
import { job } from "./job.js";
import { jobs } from "./jobs.js";
import { network } from "./network.js";
import { packages } from "./packages.js";
import { session } from "./session.js";
import { signIn } from "./sign-in.js";
import { workers } from "./workers.js";

const EVERY_SECONDS = 2;

/** By the first part of the address: title, and what makes the view: `{element, refresh}`. `open`: for everybody. */
const PAGES = {
  jobs: { title: "Jobs", make: (name) => (name ? job(name) : jobs()) },
  workers: { title: "Workers", make: workers },
  groups: { title: "Groups", make: groups },
  account: { title: "Account", make: account },
  packages: { title: "Packages", make: packages },
  connect: { title: "Connect", make: connecting, open: true },
};

let shown = 0; // counts views, so that a slow answer does not come into another one

const main = document.getElementById("main");
const menu = document.querySelector("nav");
const who = document.getElementById("who");

function show() {
  const [, name, rest] = location.hash.split("/").map(decoded);
  const page = Object.hasOwn(PAGES, name) ? PAGES[name] : PAGES.jobs;
  const isAllowed = session.isOn || page.open;
  const view = isAllowed ? page.make(rest ?? "") : signIn(show);
  document.title = `DCP network: ${isAllowed ? page.title : "Sign in"}`;
  main.replaceChildren(view.element);
  main.focus({ preventScroll: true });
  showHead(isAllowed ? page : null);
  say("");
  keepFresh(view, ++shown);
}

/** What is no part of an address names nothing. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

function showHead(current) {
  const links = Object.entries(PAGES).filter(([, page]) => session.isOn || page.open);
  menu.replaceChildren(...links.map(([name, page]) =>
    element("a", { href: `#/${name}`, "aria-current": page === current ? "page" : null }, page.title)));
  if (!session.isOn) menu.append(element("a", { href: "#/jobs", "aria-current": current ? null : "page" }, "Sign in"));
  menu.hidden = false;
  who.hidden = !session.isOn;
  who.replaceChildren(element("code", {}, session.address), " ", button("Sign out", () => session.end("signed out")));
}

/** Until another view is shown. What cannot be had is told, and asked for again. */
async function keepFresh(view, number) {
  if (!view.refresh) return;
  while (number === shown) {
    if (!document.hidden) {
      try {
        await view.refresh();
        if (number === shown) tellProblem("");
      } catch (error) {
        if (number === shown) tellProblem(error.message);
      }
    }
    await new Promise((done) => setTimeout(done, 1000 * EVERY_SECONDS));
  }
}

function tellProblem(text) {
  const old = main.querySelector(":scope > .problem");
  if (old?.textContent === text) return;
  old?.remove();
  if (text) main.prepend(element("p", { class: "problem", role: "alert" }, text));
}

session.onEnd = (reason) => {
  show();
  say(`You are ${reason}.`);
};
for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => session.stay());
addEventListener("pagehide", () => session.isOn && session.end("signed out"));
addEventListener("hashchange", show);
network().then((about) => { document.getElementById("location").textContent = about.location; }, () => {});
show();
