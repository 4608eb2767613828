// The conversations in progress: what the server sends, in its order, through the filters that are set.

import { el, notice } from "./base.js";
import { curve } from "./charts.js";
import { emotionBadge, moodBadge } from "./emotions.js";
import { duration } from "./times.js";

const MOST_SHOWN = 300; // cards; the calmest of more are counted alone
const WORST_FIRST = ["hostile", "distressed", "upset", "tense", "calm"];
const list = document.querySelector("#list");
const state = document.querySelector("#state");
const filters = document.querySelector("#filters");
const conversations = new Map();
const cards = new Map();
const alerted = new Set();
let first = true;
let focused = null; // whose card had the focus, and is drawn anew
let audio = null;

function rank(one) {
  const place = WORST_FIRST.indexOf(one.mood);
  return place < 0 ? WORST_FIRST.length : place;
}

function inOrder() {
  return [...conversations.values()].sort((a, b) => rank(a) - rank(b) || b.anger - a.anger || (a.sender < b.sender ? -1 : 1));
}

function passes(one) {
  const { mood, channel, find, person } = filters.elements;
  if (mood.value && rank(one) > WORST_FIRST.indexOf(mood.value)) return false;
  if (channel.value && one.channel !== channel.value) return false;
  if (person.checked && !one.handed) return false;
  const wanted = find.value.trim().toLowerCase();
  return !wanted || `${one.sender} ${one.words}`.toLowerCase().includes(wanted);
}

function card(one) {
  const who = one.handed ? (one.taken_by ? `with ${one.taken_by}` : "waits for a person") : "with the bot";
  const link = el("a", { href: `/live/conversation?sender=${encodeURIComponent(one.sender)}`, dir: "auto" }, one.sender);
  return el("li", { class: `card live-card mood-edge-${one.mood ?? "unknown"}` },
    el("h2", {}, link, el("span", { class: "quiet" }, ` on ${one.channel}`)),
    el("p", { class: "row" },
      one.allowed ? moodBadge(one.mood) : el("span", { class: "badge" }, "analysis not allowed"),
      one.allowed && one.emotion ? el("span", { class: "quiet" }, "last turn ", emotionBadge(one.emotion)) : null),
    one.allowed ? curve(one.curve) : null,
    el("blockquote", { dir: "auto" }, one.words || "…"),
    one.reason ? el("p", { class: "reason" }, el("b", {}, `! ${one.action}`, one.urgency === "normal" ? "" : ` (${one.urgency})`), `: ${one.reason}`) : null,
    el("p", { class: "quiet" }, `${who} · ${one.turns} ${one.turns === 1 ? "turn" : "turns"}`,
      one.began === null ? null : " · ", one.began === null ? null : el("time", { "data-began": one.began })));
}

function tick() {
  for (const time of list.querySelectorAll("time[data-began]")) {
    time.textContent = duration(Date.now() / 1000 - Number(time.dataset.began));
  }
}

function draw() {
  const channels = filters.elements.channel;
  for (const name of new Set([...conversations.values()].map((one) => one.channel))) {
    if (![...channels.options].some((option) => option.value === name)) channels.append(new Option(name, name));
  }
  const passing = inOrder().filter(passes);
  const shown = passing.slice(0, MOST_SHOWN);
  shown.forEach((one, index) => {
    const made = cards.get(one.sender) ?? card(one);
    cards.set(one.sender, made);
    if (list.children[index] !== made) list.insertBefore(made, list.children[index] ?? null);
  });
  while (list.children.length > shown.length) list.lastElementChild.remove();
  const more = document.querySelector("#more");
  more.hidden = passing.length === shown.length;
  more.textContent = `${passing.length - shown.length} more are not shown, those that sound calmest; the filters find them.`;
  if (focused) cards.get(focused)?.querySelector("a").focus();
  focused = null;
  const empty = document.querySelector("#empty");
  empty.hidden = shown.length > 0;
  empty.textContent = conversations.size ? "No conversation passes the filters." : "No conversation is in progress.";
  const sample = document.querySelector("#sample");
  if (conversations.size) seenOne();
  sample.hidden = conversations.size > 0 || hasSeenOne();
  if (!sample.hidden && !sample.querySelector("ul").children.length) {
    const made = card(SAMPLE);
    made.querySelector("h2").replaceChildren("Sample conversation");
    sample.querySelector("ul").append(made);
  }
  tick();
}

function take(one) {
  conversations.set(one.sender, one);
  const before = cards.get(one.sender);
  if (before?.contains(document.activeElement)) focused = one.sender;
  before?.remove();
  cards.delete(one.sender);
  const alert = one.reason ? `${one.sender} ${one.reason}` : "";
  if (alert && !alerted.has(alert)) {
    alerted.add(alert);
    if (!first) ring();
  }
}

function ring() {
  if (!filters.elements.sound.checked || !audio) return;
  const tone = audio.createOscillator();
  const level = audio.createGain();
  level.gain.setValueAtTime(0.2, audio.currentTime);
  level.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
  tone.frequency.value = 660;
  tone.connect(level).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.5);
}

function told(message) {
  if (message.all) {
    const there = new Set(message.all.map((one) => one.sender));
    for (const sender of [...conversations.keys()]) if (!there.has(sender)) gone(sender);
    message.all.forEach(take);
    first = false;
  }
  (message.changed ?? []).forEach(take);
  (message.gone ?? []).forEach(gone);
  if (message.trouble !== undefined) notice(message.trouble);
  draw();
  state.textContent = `${conversations.size} in progress · live`;
}

// What a first visit shows, so that the page can be read before the first caller is there.
const SAMPLE = {
  sender: "sample", channel: "sample", began: null, allowed: true, mood: "hostile", emotion: "angry", anger: 0.91, turns: 4,
  curve: [[0.2, 0.03], [-0.2, 0.21], [-0.5, 0.64], [-0.7, 0.91]], words: "I have been waiting for an hour!",
  reason: "The caller was angry in two turns.", urgency: "high", action: "handover", handed: true, taken_by: null,
};

function hasSeenOne() {
  try { return localStorage.getItem("seen-one") === "yes"; } catch { return false; }
}

function seenOne() {
  try { localStorage.setItem("seen-one", "yes"); } catch { /* the sample is shown again */ }
}

function gone(sender) {
  conversations.delete(sender);
  cards.get(sender)?.remove();
  cards.delete(sender);
}

function listen() {
  const source = new EventSource("/live/events");
  let late = 0; // the server ends a stream each minute, to look at the session again; that is not worth a word
  source.onmessage = (event) => { clearTimeout(late); late = 0; told(JSON.parse(event.data)); };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(late);
      state.textContent = "Not connected.";
      notice("The connection was refused; load the page again, or sign in again.");
      setTimeout(listen, 10_000);
    } else late ||= setTimeout(() => { state.textContent = "The connection is lost; trying again …"; }, 4000);
  };
}

filters.addEventListener("input", draw);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.elements.sound.addEventListener("change", () => { audio ??= new AudioContext(); audio.resume(); ring(); });

const wall = document.querySelector("#wall");
function showWall() { document.body.classList.toggle("wall", wall.getAttribute("aria-pressed") === "true"); }
wall.addEventListener("click", () => {
  wall.setAttribute("aria-pressed", String(wall.getAttribute("aria-pressed") !== "true"));
  showWall();
});
showWall();
setInterval(tick, 1000);
listen();
