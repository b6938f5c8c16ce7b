// Compute groups of the account. A secret is hashed here, with the key of the group; only the hash is sent.
import { button, confirmed, element, field, form, say, section } from "./dom.js";
import { eh1 } from "./ethereum.js";
import { ask } from "./network.js";
import { Table } from "./table.js";

const HINT = "Whoever knows key and secret may deploy jobs to the group, and work for it. The network keeps a hash.";

export function groups() {
  const table = new Table("Groups", ["Name", "Join key", "Join hash", "Jobs", "Description", "Orders"], "No groups yet.");
  async function refresh() {
    table.show((await ask("portal.groups")).map((group) => row(group, changing, refresh)));
  }
  const changing = element("div");
  return { element: element("div", {}, element("h1", {}, "Groups"), table.element, changing, creation(refresh)), refresh };
}

function row(group, changing, refresh) {
  const change = button("Change", () => changing.replaceChildren(change_(group, changing, refresh)), { "aria-label": `Change ${group.name}` });
  const remove = button("Delete", () => deleted(group, refresh), { class: "grave", "aria-label": `Delete ${group.name}` });
  const hash = element("code", {}, group.joinHash ?? "");
  return [`${group.id} ${group.joinHash}`, [group.name, group.joinKey, hash, String(group.jobs), group.description, element("span", { class: "buttons" }, change, remove)]];
}

function creation(refresh) {
  const controls = [
    field("Join key", "key", { required: true, maxlength: 255, autocomplete: "off" }, "The group's name for programs, which nobody else has."),
    field("Join secret", "secret", { type: "password", required: true, autocomplete: "new-password" }, HINT),
    field("Name", "name_", { maxlength: 255, autocomplete: "off" }),
    field("Description", "description", { maxlength: 10_000, rows: 2 }),
  ];
  const made = form("Create a group", controls, async ({ key, secret, name_, description }) => {
    const joinDescriptor = { joinKey: key.value, joinHash: eh1(`${key.value} ${secret.value}`) };
    await done("createGroup", { joinDescriptor, name: name_.value, description: description.value });
    say(`The group ${key.value} is there.`);
    made.reset();
    await refresh();
  });
  return section("A new group", made);
}

function change_(group, changing, refresh) {
  const controls = [
    field("Name", "name_", { maxlength: 255, value: group.name, autocomplete: "off" }),
    field("Description", "description", { maxlength: 10_000, value: group.description, autocomplete: "off" }),
    field("New join secret", "secret", { type: "password", autocomplete: "new-password" }, "Where it is left empty the secret stays as it is."),
  ];
  const close = button("Close", () => changing.replaceChildren());
  const made = form("Change it", controls, async ({ name_, description, secret }) => {
    const joined = secret.value ? { joinHash: eh1(`${group.joinKey} ${secret.value}`) } : {};
    const newDescriptor = { name: name_.value, description: description.value, ...joined };
    await done("changeGroup", { descriptor: { id: group.id }, newDescriptor });
    changing.replaceChildren();
    say("The group is changed.");
    await refresh();
  }, close);
  return section(`Change ${group.name}`, made);
}

async function deleted(group, refresh) {
  if (!await confirmed(`Delete the group ${group.name}? Its jobs stay, in their other groups.`, "Delete the group", "Keep it")) return;
  await done("deleteGroup", { descriptor: { id: group.id } });
  await refresh();
  say("The group is deleted.");
}

/** The groups' service wraps its answers once more. */
async function done(operation, data) {
  const reply = await ask(operation, data);
  if (!reply.success) throw new Error(reply.message);
}
