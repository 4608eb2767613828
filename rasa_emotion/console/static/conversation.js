// One conversation as it goes on: the server says when the page is out of date, and what differs is drawn anew.

import { notice } from "./base.js";
import { drawCurves } from "./charts.js";
import { listenTo } from "./listening.js";

const AGAIN_MS = 2000;
const BOXES = new Set(["SECTION", "DIV", "TABLE", "TBODY", "OL"]); // their children change, they do not
const GONE = "This conversation is not there any more.";
const page = document.querySelector("#conversation");
const state = document.querySelector("#state");
const heard = document.querySelector("#heard");
const listening = new Set(); // recordings, by name
let source = null;
let wanted = page.dataset.state;
let asking = false;
let gone = false;

/** Times in the reader's own zone. */
function localise(place) {
  for (const time of place.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.textContent = "day" in time.dataset ? moment.toLocaleString() : moment.toLocaleTimeString();
  }
}

/** Change what differs and leave the rest, so that focus, scrolling and what is read aloud stay. */
function update(now, next) {
  if (now.isEqualNode(next)) return;
  const [before, after] = [[...now.children], [...next.children]];
  if (now.tagName !== next.tagName || !BOXES.has(now.tagName)) return now.replaceWith(next);
  after.forEach((child, index) => (before[index] ? update(before[index], child) : now.append(child)));
  before.slice(after.length).forEach((child) => child.remove());
}

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 40;

/** The newest of all boxes in view, but of those in which somebody has gone back. */
function toEnd(boxes) {
  for (const box of boxes) box.scrollTop = box.scrollHeight;
}

/** The same for recordings: what somebody listens to is left alone. */
function updateRecordings(next) {
  const place = document.querySelector("#recordings");
  const before = new Map([...place.children].map((child) => [child.dataset.name, child]));
  const kept = [...next.children].map((child) => {
    const known = before.get(child.dataset.name);
    const same = known && child.dataset.name && (known.dataset.running === child.dataset.running || busy(known));
    return same ? known : ready(child);
  });
  const going = [...place.children].filter((child) => listening.has(child.dataset.name) && !kept.includes(child));
  for (const child of [...place.children]) if (!kept.includes(child) && !going.includes(child)) child.remove();
  kept.forEach((child, index) => { if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null); });
}

function busy(recording) {
  const player = recording.querySelector("audio");
  return listening.has(recording.dataset.name) || !(player.paused || player.ended);
}

/** Let its button work. */
function ready(recording) {
  const button = recording.querySelector("button[data-listen]");
  const { name } = recording.dataset;
  if (button) listenTo(button, recording.querySelector("meter"), (sentence, going) => {
    heard.textContent = sentence;
    if (going) listening.add(name);
    else if (listening.delete(name)) look();
  });
  return recording;
}

/** The caller was forgotten: nothing of them stays on the page. */
function forgotten() {
  wanted = page.dataset.state;
  gone = true;
  source?.close();
  for (const button of page.querySelectorAll("button[aria-pressed=true]")) button.click(); // ends the listening
  page.replaceChildren();
  delete page.dataset.events;
  document.querySelector("h1").textContent = document.title = "Conversation";
  history.replaceState(null, "", "/live");
  state.textContent = "";
  notice(GONE);
}

/** Ask for the page until it is that which the server has. */
async function look() {
  if (asking || gone) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Background": "1" } });
    if (answer.status === 404) return forgotten();
    if (answer.redirected) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    if (!answer.ok || answer.redirected) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    localise(made);
    drawCurves(made);
    const next = made.querySelector("#conversation");
    updateRecordings(next.querySelector("#recordings"));
    const following = [...page.querySelectorAll(".talk")].filter(atEnd);
    for (const part of ["#course", "#words"]) update(page.querySelector(part), next.querySelector(part));
    toEnd(following);
    page.dataset.state = next.dataset.state;
    notice("");
  } catch {
    state.textContent = "The connection is lost; trying again …";
  } finally {
    asking = false;
    if (wanted !== page.dataset.state) setTimeout(look, AGAIN_MS);
  }
}

function follow() {
  if (gone) return;
  source = new EventSource(page.dataset.events);
  source.onmessage = (event) => {
    state.textContent = "live";
    wanted = event.data;
    if (wanted !== page.dataset.state) look();
  };
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    state.textContent = "Not connected.";
    look();
    setTimeout(follow, 5 * AGAIN_MS);
  };
}

// A browser has six connections to a server for all its tabs: one that nobody sees needs none.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && source === null && !gone) follow();
  if (document.hidden) { source?.close(); source = null; }
});

localise(document);
drawCurves(document);
toEnd(page.querySelectorAll(".talk"));
document.querySelectorAll("#recordings > [data-name]").forEach(ready);
if (!document.hidden) follow();
