// Signing in: with a keystore that somebody has, or with a new one. Both stay in this browser.
import { button, download, element, field, form, say, section } from "./dom.js";
import { addressOf, newKey } from "./ethereum.js";
import { makeKeystore, openKeystore } from "./keystore.js";
import { session } from "./session.js";

const SHORTEST = 8;

/** `done` is called when somebody is signed in. */
export function signIn(done) {
  const here = element("div", {}, element("h1", {}, "Sign in"));
  if (!window.isSecureContext) {
    here.append(element("p", { class: "problem", role: "alert" },
      "Whoever is between you and this network could change this page, and take your key. Open it by https, or on the network's own machine."));
    return { element: here };
  }
  here.append(
    element("p", {}, "An account is a key, which is in a keystore: a file that a passphrase opens. Neither leaves this browser: what you ask the network for is signed here."),
    withFile(done), withNew(done),
  );
  return { element: here };
}

function withFile(done) {
  const controls = [
    field("Keystore", "file", { type: "file", accept: ".keystore,.json,application/json", required: true },
      "DCP's programs keep them in the folder .dcp: default.keystore is of the account that pays, id.keystore of who deploys jobs."),
    field("Passphrase", "passphrase", { type: "password", autocomplete: "current-password" }),
  ];
  async function open({ file, passphrase }) {
    const key = await openKeystore(await file.files[0].text(), passphrase.value, telling("The keystore is opened"));
    passphrase.value = "";
    begin(key, done);
  }
  return section("With a keystore", form("Sign in", controls, open));
}

function withNew(done) {
  const controls = [
    field("Name of the keystore", "label", { autocomplete: "off", maxlength: 100 }, "For you alone; it may be left out."),
    field("New passphrase", "first", { type: "password", autocomplete: "new-password", minlength: SHORTEST, required: true },
      `${SHORTEST} characters or more. Nobody can tell it to you again.`),
    field("The same again", "second", { type: "password", autocomplete: "new-password", required: true }),
  ];
  const place = section("With a new keystore", form("Make a keystore", controls, make));
  async function make({ label, first, second }) {
    if (first.value !== second.value) throw new Error("The passphrases differ.");
    const key = newKey();
    const text = await makeKeystore(key, first.value, label.value.trim(), telling("The keystore is made"));
    first.value = second.value = "";
    place.replaceChildren(element("h2", {}, "Your new keystore"), ...kept(key, text, done));
    place.querySelector("button").focus();
  }
  return place;
}

/** Nobody goes on without the file: who loses it loses the account. */
function kept(key, text, done) {
  const address = addressOf(key);
  const proceed = button("I have saved it: sign in", () => begin(key, done), { disabled: true });
  const save = button("Save the keystore", () => {
    download(`${address}.keystore`, "application/json", [text]);
    proceed.disabled = false;
  });
  return [
    element("p", {}, "It is of the account ", element("code", {}, address), "."),
    element("p", {}, "Save the file, and a copy elsewhere. Who loses it, or its passphrase, loses the account and what is on it: the network has neither."),
    element("p", { class: "buttons" }, save, proceed),
  ];
}

function begin(key, done) {
  session.begin(key);
  done();
}

function telling(what) {
  let told = -1;
  return (share) => {
    const tenths = Math.floor(10 * share);
    if (tenths !== told) say(`${what}: ${10 * tenths} %`);
    told = tenths;
  };
}
