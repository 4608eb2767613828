// The agents' desk: the queue, one conversation, and messages that are sent once or shown as not sent.

import { Refused, ask, el, notice } from "./base.js";
import { curve } from "./charts.js";
import { EMOTIONS, emotionBadge, moodBadge } from "./emotions.js";
import { clock, duration } from "./times.js";

const LOOK_MS = 1500;
const SIGNS = { "in time": "●", due: "◐", overdue: "▲" };
const STATES = { pending: "on its way", delivered: "delivered", dead: "not delivered" };

const byId = (id) => document.getElementById(id);
const state = byId("state");
const say = byId("say");
let open = null; // the key of the conversation that is shown
let whole = null;
const outgoing = new Map(); // by number: {key, text, failed}

const drafts = new Map(); // what is not sent yet, by the key of its conversation

let held = 0; // until when what was done stands where the numbers stand otherwise

/** Say what was done, for some seconds. */
function done(sentence) {
  state.textContent = sentence;
  held = Date.now() + 4000;
}

async function changing(work) {
  try {
    notice("");
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(error.message);
    return null;
  }
}

const post = (path, json) => ask(path, { method: "POST", json });

/** What somebody wrote, in its own direction. */
const said = (text) => el("p", { dir: "auto" }, text);

function queueButton(row) {
  const level = row.level.replace(" ", "-");
  const who = row.mine ? "yours" : row.taken_by ? `with ${row.taken_by}` : "waits";
  return el("li", {}, el("button", {
    type: "button", class: `level-${level}`, "data-key": row.key, "aria-current": row.key === open ? "true" : false,
    onclick: async (event) => { if (await show(row.key) && event.detail === 0) toConversation(); }, // by the keyboard
  },
  el("span", {}, el("b", { dir: "auto" }, row.sender), ` on ${row.channel}`),
  el("span", { class: `level level-${level}` }, `${SIGNS[row.level]} ${row.urgency} · ${who} · ${duration(row.waited_secs)} · ${row.level}`),
  row.mood ? el("span", {}, moodBadge(row.mood)) : null,
  el("span", { class: "quiet" }, row.reason)));
}

async function lookAtQueue() {
  const { queue } = await ask("/desk/queue", { background: true });
  const list = byId("queue");
  const focused = document.activeElement?.dataset?.key;
  list.replaceChildren(...queue.map(queueButton));
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  byId("empty").hidden = queue.length > 0;
  const waiting = queue.filter((row) => !row.taken_by).length;
  if (Date.now() > held) state.textContent = `${waiting} waiting · ${queue.filter((row) => row.mine).length} yours`;
  document.title = `${waiting ? `(${waiting}) ` : ""}Desk · rasa-emotion`;
}

/** The focus goes on where one goes on: to what can be done with the conversation. */
function toConversation() {
  const next = whole.mine ? say.elements.text : byId("take").hidden ? byId("who") : byId("take");
  next.focus();
}

async function show(key) {
  const found = await changing(() => ask(`/desk/conversation?key=${encodeURIComponent(key)}`));
  if (!found) return false;
  const other = open !== key;
  if (other && open) drafts.set(open, say.elements.text.value);
  open = key;
  whole = found;
  drawWhole(other);
  await lookAtQueue().catch(lost);
  return true;
}

function drawWhole(other) {
  const { packet, row, mine, taken_by: holder } = whole;
  byId("none").hidden = true;
  byId("conversation").hidden = false;
  byId("who").replaceChildren(el("bdi", {}, packet.sender), ` on ${packet.channel} `, packet.mood ? moodBadge(packet.mood) : "");
  byId("why").textContent = packet.reason;
  byId("summary").textContent = packet.summary;
  byId("take").hidden = holder !== null;
  byId("to").replaceChildren(new Option("the queue", ""), ...whole.colleagues.map((name) => new Option(name, name)));
  byId("before").replaceChildren(...packet.transcript.map((line) =>
    el("li", {}, el("b", {}, line.speaker), el("time", {}, ` ${clock(line.at)}`), said(line.text))));
  byId("timeline").replaceChildren(...(packet.timeline.length ? packet.timeline.map(turnRow)
    : [el("tr", {}, el("td", { colspan: 5 }, packet.mood ? "Nothing was heard." : "Not shown: the caller has not allowed it."))]));
  const points = packet.timeline.map((turn) => [turn.valence, turn.anger]);
  byId("sounds-curve").replaceChildren(...(points.length ? [curve(points, "curve tall")] : []));
  byId("sounds-legend").hidden = !points.length;
  byId("slots").replaceChildren(...Object.entries(packet.slots).flatMap(([name, value]) =>
    [el("dt", {}, name), el("dd", { dir: "auto" }, typeof value === "string" ? value : JSON.stringify(value))]));
  drawNotes(whole.notes);
  const suggestion = byId("suggestion");
  suggestion.querySelector("q").textContent = whole.suggestion ?? "";
  byId("no-suggestion").querySelector("b").textContent = whole.language;
  const begins = mine && !whole.messages.some((one) => one.speaker === "agent");
  suggestion.hidden = !begins || !whole.suggestion;
  byId("no-suggestion").hidden = !begins || Boolean(whole.suggestion);
  if (other) say.elements.text.value = drafts.get(open) ?? "";
  drawRights(mine, holder);
  drawChat();
  if (other) byId("who").scrollIntoView({ block: "nearest" });
  byId("state").dataset.level = row.level;
}

function drawRights(mine, holder) {
  for (const form of [say, byId("note"), byId("end")]) {
    for (const field of form.elements) field.disabled = !mine;
  }
  byId("take").hidden = holder !== null;
  byId("take-first").hidden = holder !== null;
  byId("pass-on").disabled = holder === null;
}

function turnRow(turn) {
  const said = whole.judged.find((one) => one.turn_at === turn.at);
  const pick = el("select", { "aria-label": `Emotion of turn ${turn.turn} as you heard it`, disabled: !whole.mine, onchange: (event) => judge(turn, event.target.value) },
    el("option", { value: "" }, "—"),
    ...EMOTIONS.map((emotion) => el("option", { value: emotion, selected: said?.emotion === emotion },
      emotion === turn.emotion ? `right: ${emotion}` : `no: ${emotion}`)));
  return el("tr", {}, el("td", {}, String(turn.turn)), el("td", {}, emotionBadge(turn.emotion, turn.confidence)),
    el("td", {}, turn.anger.toFixed(2)), el("td", {}, moodBadge(turn.mood)), el("td", {}, pick));
}

async function judge(turn, emotion) {
  if (!emotion) return;
  const kept = await changing(() => post("/desk/feedback", { key: open, turn: turn.turn, emotion }));
  if (kept) {
    whole.judged = [...whole.judged.filter((one) => one.turn_at !== turn.at), kept.judged];
    done("Kept: thank you.");
  }
}

function drawNotes(notes) {
  byId("notes").replaceChildren(...notes.map((note) =>
    el("li", {}, el("b", {}, note.author), el("time", {}, ` ${clock(note.created)}`), said(note.text))));
}

function drawChat() {
  const chat = byId("chat");
  const box = chat.parentElement;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const known = new Set(whole.messages.map((one) => one.origin));
  for (const number of [...outgoing.keys()]) if (known.has(`console ${number}`)) outgoing.delete(number);
  const lines = whole.messages.map((one) => el("li", { class: one.speaker },
    el("b", {}, one.speaker), el("time", {}, ` ${clock(one.at)}`),
    one.speaker === "agent" ? el("span", { class: one.state === "dead" ? "lost" : "quiet" }, ` · ${STATES[one.state] ?? one.state}`) : null,
    said(one.text)));
  const unsent = [...outgoing].filter(([, one]) => one.key === open).map(([number, one]) => el("li", { class: "agent" },
    el("b", {}, "agent"), el("span", { class: one.failed ? "lost" : "quiet" }, one.failed ? " · ! not sent " : " · sending … "),
    one.failed ? el("button", { type: "button", onclick: () => send(number) }, "Send again") : null,
    one.failed ? el("button", { type: "button", onclick: () => { outgoing.delete(number); drawChat(); } }, "Drop") : null,
    said(one.text)));
  chat.replaceChildren(...lines, ...unsent);
  if (atEnd) box.scrollTop = box.scrollHeight;
}

/** Send what has this number: the server keeps it once, however often it arrives. */
async function send(number) {
  const one = outgoing.get(number);
  one.failed = false;
  drawChat();
  try {
    await post("/desk/say", { key: one.key, text: one.text, number });
    notice("");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    one.failed = true;
    notice(`Your message was not sent. ${error.message}`);
  }
  drawChat();
  await lookAtMessages().catch(lost);
}

async function lookAtMessages() {
  if (!open) return;
  const key = open;
  let found;
  try {
    found = await ask(`/desk/messages?key=${encodeURIComponent(key)}`, { background: true });
  } catch (error) {
    if (error.status !== 409) throw error;
    if (key === open) ended(error.message);
    return;
  }
  if (key !== open) return;
  if (found.mine !== whole.mine) return show(key);
  whole.messages = found.messages;
  if (found.taken_by !== whole.taken_by) drawRights(found.mine, found.taken_by);
  whole.taken_by = found.taken_by;
  drawChat();
}

const OF_THE_CALLER = ["who", "why", "summary", "before", "chat", "sounds-curve", "timeline", "slots", "notes"];

function ended(sentence) {
  drafts.delete(open);
  open = null;
  for (const name of OF_THE_CALLER) byId(name).replaceChildren(); // who was forgotten leaves the page
  byId("conversation").hidden = true;
  byId("none").hidden = false;
  done(sentence);
}

function lost(error) {
  if (!(error instanceof Refused)) throw error;
  state.textContent = `${error.message} Trying again …`;
}

async function look() {
  try {
    await lookAtQueue();
    await lookAtMessages();
  } catch (error) {
    lost(error);
  } finally {
    setTimeout(look, LOOK_MS);
  }
}

say.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = say.elements.text.value.trim();
  if (!text || !open) return;
  const number = crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  outgoing.set(number, { key: open, text, failed: false });
  say.elements.text.value = "";
  byId("suggestion").hidden = byId("no-suggestion").hidden = true;
  send(number);
});
say.elements.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) say.requestSubmit();
});
byId("suggestion").querySelector("button").addEventListener("click", () => {
  say.elements.text.value = whole.suggestion;
  say.elements.text.focus();
});
byId("take").addEventListener("click", async () => {
  await changing(() => post("/desk/take", { key: open }));
  await show(open);
  if (whole?.mine) say.elements.text.focus();
});
byId("pass-on").addEventListener("click", async () => {
  if (await changing(() => post("/desk/pass-on", { key: open, to: byId("to").value }))) await show(open);
});
byId("note").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = event.target.elements.text;
  const kept = await changing(() => post("/desk/note", { key: open, text: field.value }));
  if (kept) { field.value = ""; drawNotes(kept.notes); }
});
byId("end").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = event.target.elements.outcome;
  const outcome = [event.submitter?.value, field.value.trim()].filter(Boolean).join(": ");
  if (await changing(() => post("/desk/give-back", { key: open, outcome }))) { field.value = ""; ended("The bot has the conversation again."); await lookAtQueue().catch(lost); }
});
look();
