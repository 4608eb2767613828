// The workbench: send a recording, show what was found, hear moments of it.

import { Refused, ask, el, notice } from "./base.js";
import { barFromMiddle } from "./charts.js";
import { EMOTIONS, emotionBadge } from "./emotions.js";
import { record } from "./microphone-wav.js";
import { Pictures } from "./pictures.js";

const $ = (name) => document.getElementById(name);
const bench = $("bench");
const mostBytes = Number(bench.dataset.mostBytes);
const player = $("player");
const pictures = new Pictures($("pictures"), (secs) => { player.currentTime = secs; player.play().catch(() => {}); });

let file = null;
let answer = null;
let number = 0; // of the latest analysis: an older answer that comes late is dropped
let recording = null;
let unplayable = false;

const UNPLAYABLE = "The browser cannot play this kind of file; it was analysed all the same.";
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const row = (...cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell)));

function form(sound, more = {}) {
  const sent = new FormData();
  const fields = { text: $("text").value, channel: $("channel").value, start: $("start").value, end: $("end").value, ...more };
  for (const [name, value] of Object.entries(fields)) if (value) sent.append(name, value);
  if (sound) sent.append("sound", sound, "recording");
  return sent;
}

function tooLarge(one) {
  if (one.size <= mostBytes) return;
  throw new Refused(413, `'${one.name}' is larger than ${Math.round(mostBytes / 1048576)} MB; send a shorter or a compressed one.`);
}

async function analyse() {
  const mine = ++number;
  notice("");
  $("state").textContent = "Analysing…";
  $("go").disabled = true;
  try {
    if (file) tooLarge(file);
    const found = await ask("/workbench/analyse", { method: "POST", body: form(file) });
    if (mine !== number) return;
    answer = found;
    show();
    $("state").textContent = `Done: ${found.estimate.emotion}, ${percent(found.estimate.confidence)}.${unplayable ? ` ${UNPLAYABLE}` : ""}`;
  } catch (error) {
    if (mine !== number) return;
    $("state").textContent = "";
    notice(error instanceof Refused ? error.message : "The answer could not be shown.");
    if (!(error instanceof Refused)) console.error(error);
  } finally {
    if (mine === number) $("go").disabled = false;
  }
}

function choose(one, { sample = false } = {}) {
  file = one;
  answer = null; // that of another recording is not this one's
  unplayable = false;
  $("result").hidden = true;
  $("is-sample").hidden = !sample;
  $("start").value = $("end").value = "";
  if (player.src) URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(one);
}

function show() {
  $("result").hidden = false;
  $("headline").replaceChildren(emotionBadge(answer.estimate.emotion, answer.estimate.confidence),
    el("span", {}, `valence ${answer.estimate.valence.toFixed(2)}, arousal ${answer.estimate.arousal.toFixed(2)}`),
    el("span", { class: "quiet" }, answer.seconds ? `${answer.seconds.toFixed(1)} s` : "words alone"));
  $("explained").textContent = answer.explained;
  $("notes").replaceChildren(...answer.notes.map((note) => el("li", {}, note)));
  if (!$("text").value && answer.text) $("text").value = answer.text;
  for (const name of ["heard", "lines", "home"]) $(name).hidden = !answer.pictures;
  if (answer.pictures) pictures.show(answer, Number($("start").value || 0));
  $("save-png").disabled = !answer.pictures;
  $("tried").hidden = true;
  $("compared")?.replaceChildren();
  showProbabilities($("probabilities"), { voice: answer.voice, words: answer.words, both: answer.estimate });
  showWords();
  showDrivers();
  showHome();
}

function showProbabilities(table, columns) {
  const names = Object.keys(columns).filter((name) => columns[name]);
  const head = el("tr", {}, el("th", { scope: "col" }, "Emotion"), ...names.map((name) => el("th", { scope: "col" }, name)));
  const cell = (value) => el("td", {}, el("meter", { value, max: 1, "aria-hidden": "true" }), ` ${percent(value)}`);
  const rows = EMOTIONS.map((emotion) => el("tr", {}, el("th", { scope: "row" }, emotionBadge(emotion)),
    ...names.map((name) => cell(columns[name].probabilities[emotion] ?? 0))));
  table.replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
}

function showWords() {
  $("said").hidden = !answer.sentences.length;
  $("sentences").replaceChildren(...answer.sentences.map((one) =>
    row(el("span", { dir: "auto" }, one.text), emotionBadge(one.emotion, one.confidence), barFromMiddle(one.valence, 1, `${one.sentiment} (${one.valence.toFixed(2)})`))));
}

function showDrivers() {
  const { emotion, words, parts, note } = answer.drivers;
  $("driven").textContent = emotion
    ? `How much less likely ${emotion} becomes without a word or a part; negative: it speaks against it. ${note}`
    : "Nothing was found that could be explained.";
  $("words").replaceChildren(...words.map((word) => {
    const kind = Math.abs(word.effect) < 0.02 ? "" : word.effect > 0 ? "for" : "against";
    return el("span", { class: `word ${kind}` }, word.text, kind && el("span", { class: "quiet" }, ` ${word.effect > 0 ? "+" : ""}${word.effect.toFixed(2)}`));
  }));
  const origin = Number($("start").value || 0);
  const most = Math.max(0.1, ...parts.map((part) => Math.abs(part.effect)));
  $("parts").replaceChildren(...parts.map((part) => row(
    el("button", { type: "button", onclick: () => { player.currentTime = part.start_secs + origin; player.play().catch(() => {}); } },
      `Hear ${part.start_secs.toFixed(1)} to ${part.end_secs.toFixed(1)} s`),
    barFromMiddle(part.effect, most, `${part.effect > 0 ? "+" : ""}${part.effect.toFixed(3)}`))));
}

function showHome() {
  if (!answer.home) return;
  $("home-verdict").textContent = `The voice is ${answer.home.verdict} in this recording, judged by ${answer.home.turns} ${answer.home.turns === 1 ? "stretch" : "stretches"}.`;
  $("home-findings").replaceChildren(...answer.home.findings.map((one) =>
    el("li", {}, el("b", {}, one.finding), `. ${one.text}`)));
}

function save(name, blob) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function csv() {
  const head = ["start_secs", "end_secs", "emotion", "confidence", "valence", "arousal", ...EMOTIONS];
  const rows = answer.timeline.map((span) => [span.start_secs, span.end_secs, span.emotion, span.confidence, span.valence,
    span.arousal, ...EMOTIONS.map((name) => span.probabilities[name] ?? "")]);
  return [head, ...rows].map((cells) => cells.join(",")).join("\r\n") + "\r\n";
}

/** Of several recordings: one after another, a row each; a row's button shows it whole. */
async function analyseAll(files) {
  const counts = { home: 0, all: 0 };
  const mine = ++number;
  notice("");
  $("files").hidden = false;
  $("files-rows").replaceChildren();
  $("files-home").textContent = "";
  $("text").value = "";
  $("go").disabled = false;
  for (const one of files) {
    $("state").textContent = `Analysing ${counts.all + 1} of ${files.length}…`;
    counts.all += 1;
    const name = one.path || one.webkitRelativePath || one.name;
    try {
      tooLarge(one);
      const found = await ask("/workbench/analyse", { method: "POST", body: form(one, { text: "", start: "", end: "" }) });
      if (mine !== number) return;
      counts.home += found.home.verdict !== "not at home";
      const open = el("button", { type: "button", onclick: () => { choose(one); $("text").value = ""; answer = found; show(); $("result").scrollIntoView(); } }, name);
      $("files-rows").append(row(open, emotionBadge(found.estimate.emotion, found.estimate.confidence), found.seconds.toFixed(1), found.home.verdict));
    } catch (error) {
      if (mine !== number) return;
      $("files-rows").append(el("tr", {}, el("td", {}, name), el("td", { colspan: 3 }, error.message)));
    }
  }
  $("files-home").textContent = `In ${counts.home} of ${counts.all} recordings nothing serious speaks against the voice.`;
  $("state").textContent = `Done: ${counts.all} recordings.`;
}

function taken(files) {
  const list = [...files].filter((one) => one.size > 0 && !one.name.startsWith(".")); // systems hide files of their own in folders
  if (!list.length) { notice("There is nothing in it; choose recordings."); return; }
  $("files").hidden = true;
  if (list.length > 1) { analyseAll(list); return; }
  choose(list[0]);
  $("text").value = "";
  analyse();
}

async function filesOf(entry) {
  if (entry.isFile) {
    const one = await new Promise((done, failed) => { entry.file(done, failed); });
    one.path = entry.fullPath.slice(1); // two folders may hold files of one name
    return [one];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => { reader.readEntries(done, failed); });
    if (!some.length) return found;
    for (const one of some) found.push(...await filesOf(one));
  }
}

async function sample() {
  notice("");
  const sound = await fetch("/static/sample.wav").then((got) => got.blob());
  choose(new File([sound], "sample.wav", { type: "audio/wav" }), { sample: true });
  $("text").value = bench.dataset.sampleText;
  await analyse();
}

$("given").addEventListener("submit", (event) => { event.preventDefault(); analyse(); });
$("file").addEventListener("change", (event) => taken(event.target.files));
$("folder").addEventListener("change", (event) => taken(event.target.files));
$("sample").addEventListener("click", sample);

$("record").addEventListener("click", async () => {
  const button = $("record");
  notice("");
  try {
    if (recording) {
      const done = recording;
      recording = null;
      button.textContent = "Record";
      button.setAttribute("aria-pressed", "false");
      taken([await done.stop()]);
      return;
    }
    recording = await record();
    button.textContent = "Stop and analyse";
    button.setAttribute("aria-pressed", "true");
    $("state").textContent = "Recording.";
  } catch {
    notice("The microphone cannot be used; allow it in the browser, and open the console at localhost or by TLS.");
  }
});

document.addEventListener("dragover", (event) => { event.preventDefault(); bench.classList.add("dropping"); });
document.addEventListener("dragleave", () => bench.classList.remove("dropping"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  bench.classList.remove("dropping");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const found = [];
  try {
    for (const entry of entries) found.push(...await filesOf(entry));
  } catch {
    notice("A file of it cannot be read; choose others.");
    return;
  }
  taken(found);
});

$("pictures").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -0.5, ArrowRight: 0.5 }[event.key];
  if (step) player.currentTime = Math.max(0, player.currentTime + step);
  else if (event.key === " ") { if (player.paused) player.play().catch(() => {}); else player.pause(); }
  else return;
  event.preventDefault();
});
player.addEventListener("timeupdate", () => pictures.draw(player.currentTime));
player.addEventListener("error", () => {
  unplayable = true;
  if (answer) $("state").textContent = UNPLAYABLE;
});
window.addEventListener("resize", () => pictures.draw(player.currentTime));
document.addEventListener("themechange", () => pictures.draw(player.currentTime));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => pictures.draw(player.currentTime));

$("save-json").addEventListener("click", () => {
  const { pictures: _, ...kept } = answer;
  save("analysis.json", new Blob([JSON.stringify(kept, null, 2)], { type: "application/json" }));
});
$("save-csv").addEventListener("click", () => save("emotions.csv", new Blob([csv()], { type: "text/csv" })));
$("save-png").addEventListener("click", async () => save("pictures.png", await pictures.image()));

let lines = null;

function showLine() {
  const at = Number($("noise").value);
  const cell = lines.cells[lines.lines.indexOf($("line").value)][at];
  const noise = lines.snrs_db[at] === null ? "no noise" : `noise ${lines.snrs_db[at]} dB below the speech`;
  $("line-said").replaceChildren(`${$("line").value}, ${noise}: the voice says `, emotionBadge(cell.voice.emotion, cell.voice.confidence),
    ", with the words ", emotionBadge(cell.both.emotion, cell.both.confidence));
}

$("try-lines").addEventListener("click", async () => {
  notice("");
  $("state").textContent = "Trying lines…";
  try {
    lines = await ask("/workbench/lines", { method: "POST", body: form(file) });
  } catch (error) {
    $("state").textContent = "";
    notice(error.message);
    return;
  }
  $("state").textContent = "";
  $("tried").hidden = false;
  $("line").replaceChildren(...lines.lines.map((name) => el("option", {}, name)));
  $("noise").max = lines.snrs_db.length - 1;
  const head = el("tr", {}, el("th", { scope: "col" }, "Line"),
    ...lines.snrs_db.map((ratio) => el("th", { scope: "col" }, ratio === null ? "no noise" : `${ratio} dB`)));
  const rows = lines.lines.map((name, place) => el("tr", {}, el("th", { scope: "row" }, name),
    ...lines.cells[place].map((cell) => el("td", {}, emotionBadge(cell.voice.emotion, cell.voice.confidence)))));
  $("line-table").replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
  showLine();
});
$("line").addEventListener("change", showLine);
$("noise").addEventListener("input", showLine);

$("compare")?.addEventListener("click", async () => {
  notice("");
  $("state").textContent = "Comparing…";
  try {
    const other = await ask("/workbench/compare", { method: "POST", body: form(file, { model: $("model").value }) });
    showProbabilities($("compared"), { [answer.model]: answer.estimate, [other.model]: other.estimate });
  } catch (error) {
    notice(error.message);
  }
  $("state").textContent = "";
});

sample();
