// The review: figures of groups, and what other thresholds would have done.

import { ask, el, notice } from "./base.js";
import { bar, barsByDay, calibrationPlot } from "./charts.js";
import { EMOTIONS, emotionBadge } from "./emotions.js";

const $ = (name) => document.getElementById(name);
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const HIDDEN = "fewer than 5 callers";
const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

function table(place, heads, rows) {
  place.replaceChildren(
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell))))));
}

function day(one) {
  if (one.conversations === null) return [one.day, HIDDEN, "", "", ...EMOTIONS.map(() => "")];
  const shares = EMOTIONS.map((name) => (one.emotions ? percent(one.emotions[name]) : "–"));
  return [one.day, String(one.conversations), String(one.escalated), String(one.alerts), ...shares];
}

/** The rows that may be told; without any, the table is hidden. Returns how many are left out. */
function shares(place, heads, rows) {
  const shown = rows.filter(([, share]) => share !== null);
  place.hidden = shown.length === 0;
  table(place, heads, shown.map(([name, share]) => [name, bar(share.right, `${percent(share.right)} of ${counted(share.turns, "turn")}`)]));
  return rows.length - shown.length;
}

async function show() {
  notice("");
  $("state").textContent = "Counting…";
  try {
    const found = await ask(`/review/figures?days=${encodeURIComponent($("days").value)}`);
    $("empty").hidden = found.days.length > 0;
    $("figures").hidden = found.days.length === 0;
    showDays(found);
    showFeedback(found.feedback);
    $("state").textContent = `${counted(found.days.length, "day")} with conversations.`;
  } catch (error) {
    $("state").textContent = "";
    notice(error.message);
  }
}

/** Who came and who was escalated by day, then a picture for each emotion, all of them on one scale. */
function drawDays(days) {
  if (!days.length) return;
  const counts = barsByDay("Conversations, and in the darker part those with a human", days, (one) => (one.conversations === null ? null
    : [{ value: one.conversations, name: counted(one.conversations, "conversation").replace(/^\d+ /, "") }, { value: one.escalated, name: "escalated" }]));
  const told = days.filter((one) => one.emotions);
  const most = Math.max(0.1, ...told.flatMap((one) => EMOTIONS.map((name) => one.emotions[name])));
  const strips = !told.length ? [] : EMOTIONS.map((name) => {
    const made = barsByDay(emotionBadge(name), days, (one) => (one.emotions ? [{ value: one.emotions[name], name: "" }] : null), { most, text: percent });
    made.classList.add(`emotion-${name}`);
    return made;
  });
  $("day-charts").replaceChildren(counts, el("div", { class: "strips" }, ...strips));
}

function showDays({ days, drift }) {
  drawDays(days);
  table($("by-day"), ["Day", "Conversations", "Escalated", "Alerts", ...EMOTIONS.map((name) => emotionBadge(name))], days.map(day));
  const changes = drift ? EMOTIONS.filter((name) => Math.abs(drift[name]) >= 0.005)
    .map((name) => `${name} ${drift[name] > 0 ? "+" : "−"}${percent(Math.abs(drift[name]))}`) : null;
  $("drift").textContent = changes === null ? "Drift is told from two days on that can be shown."
    : `From the first half of these days to the second: ${changes.join(", ") || "no emotion's share changed"}.`;
}

function showFeedback(found) {
  $("judged").textContent = found.turns
    ? `${counted(found.turns, "turn")} of ${counted(found.callers, "caller")} ${found.turns === 1 ? "was" : "were"} judged at the desk.`
    : "Nobody has said yet whether an emotion was right. Agents do so at the desk.";
  const { escalations } = found;
  $("escalations").textContent = !found.turns ? "" : escalations === null ? `Escalations: ${HIDDEN}.`
    : `Of ${escalations.judged} judged escalations ${escalations.false} were false: no negative emotion was heard. `
      + `Of ${escalations.quiet_judged} judged conversations without a human, anger was missed in ${escalations.missed}.`;
  const sure = found.calibration.filter((one) => one.agreed).map((one) => ({ confidence: one.confidence, ...one.agreed }));
  $("calibration-chart").replaceChildren(...(sure.length ? [calibrationPlot(sure)] : []));
  const left = shares($("calibration"), ["Confidence", "Agreed"], found.calibration.map((one) =>
    [`${percent(one.from)} to ${percent(one.to)}`, one.agreed]))
    + shares($("recall"), ["Group", "Right"], [
      ...EMOTIONS.map((name) => [emotionBadge(name), found.recall[name]]),
      ...Object.entries(found.channels).map(([name, share]) => [`channel ${name || "unknown"}`, share])]);
  $("left-out").textContent = found.turns && left ? `${counted(left, "group")} by confidence, emotion or channel with ${HIDDEN} left out.` : "";
}

async function tryRules(event) {
  event.preventDefault();
  notice("");
  $("changed").textContent = "Playing the rules again…";
  const query = new URLSearchParams({ days: $("days").value });
  for (const [name, value] of new FormData($("what-if"))) if (value) query.set(name, value);
  try {
    const found = await ask(`/review/what-if?${query}`);
    const reached = found.conversations === null ? [] : [["now", found.now], ["with these numbers", found.then]];
    $("changed-bars").hidden = !reached.length;
    table($("changed-bars"), ["Conversations that reach a human", ""], reached.map(([name, number]) =>
      [name, bar(number / Math.max(1, found.conversations), `${number} of ${found.conversations}`)]));
    $("changed").textContent = found.conversations === null ? `Not told: ${HIDDEN}.`
      : `By ${found.rules}, ${found.now} of ${found.conversations} conversations reach a human; with these numbers ${found.then}: `
        + `${found.more} more, ${found.fewer} fewer, ${found.sooner} sooner, ${found.later} later, ${found.same} unchanged.`;
  } catch (error) {
    $("changed").textContent = "";
    notice(error.message);
  }
}

$("range").addEventListener("submit", (event) => { event.preventDefault(); show(); });
$("what-if").addEventListener("submit", tryRules);
show();
