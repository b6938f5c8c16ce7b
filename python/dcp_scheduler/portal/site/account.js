// The account: what it has, what has moved, and transfers.
import { button, confirmed, element, facts, field, form, say, section } from "./dom.js";
import { ask } from "./network.js";
import { session } from "./session.js";
import { Table } from "./table.js";
import { dateOf, dcc } from "./words.js";

const PAGE = 100;
const ISSUER = `0x${"0".repeat(40)}`;

export function account() {
  const address = session.address;
  const about = element("div");
  const table = new Table("Statement", ["When", "What", "Amount in DCC", "From or to", "Job and slice"], "Nothing has moved yet.");
  let older = [];
  let newest = [];
  const more = button("Older movements", async () => {
    const page = await ask("portal.statement", { before: (older.at(-1) ?? newest.at(-1)).number });
    older = older.concat(page);
    more.hidden = page.length < PAGE;
    table.show([...newest, ...older].map(row));
  });
  more.hidden = true;
  let shown = "";
  async function refresh() {
    const now = await ask("viewAccount", { address });
    newest = await ask("portal.statement");
    if (!older.length) more.hidden = newest.length < PAGE;
    if (JSON.stringify(now) !== shown) about.replaceChildren(described(now));
    shown = JSON.stringify(now);
    const last = newest.at(-1)?.number ?? 0;
    table.show([...newest, ...older.filter((each) => each.number < last)].map(row));
  }
  return { element: element("div", {}, element("h1", {}, "Account"), section("What it has", about), transfer(refresh), section("Statement", table.element, more)), refresh };
}

function described(now) {
  return facts([
    ["Address", element("code", {}, now.address)],
    ["Balance", dcc(now.balance)],
    ["Set aside", `${dcc(now.escrow.total)} for ${now.escrow.num} jobs`],
  ]);
}

function row(moved) {
  const job = moved.job ? `${moved.job}${moved.slice === null ? "" : ` ${moved.slice}`}` : "";
  return [moved.number, [dateOf(moved.at), moved.kind, moved.amount, moved.other === ISSUER ? "the network" : moved.other, job]];
}

function transfer(refresh) {
  const controls = [
    field("To the account", "to", { required: true, pattern: "(0x)?[0-9a-fA-F]{40}", title: "40 hexadecimal digits, after 0x or not", autocomplete: "off", spellcheck: "false" }),
    field("Amount in DCC", "amount", { required: true, inputmode: "decimal", pattern: "[0-9]{1,12}([.][0-9]{1,18})?", title: "a decimal number, as 2.5", autocomplete: "off" }),
  ];
  const made = form("Transfer", controls, async ({ to, amount }) => {
    if (!await confirmed(`Transfer ${amount.value} DCC to ${to.value}? Nobody can take it back.`, "Transfer it", "Keep it")) return;
    const reply = await ask("transferCredits", { fromAccount: session.address, toAccount: to.value, amount: amount.value });
    made.reset();
    say(`${reply.amount} DCC are transferred.`);
    await refresh();
  });
  return section("Transfer", made);
}
