// Small charts as SVG. Their shapes stretch with the page; words and numbers stand beside them as text.

import { el } from "./base.js";

const NS = "http://www.w3.org/2000/svg";
const DAY_MS = 86_400_000;
const percent = (share) => `${(100 * share).toFixed(0)} %`;

/** An SVG element; `title` is what a pointer that rests on it is told. */
function shape(name, { title, ...attributes } = {}, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (title) made.append(Object.assign(document.createElementNS(NS, "title"), { textContent: title }));
  made.append(...children);
  return made;
}

function picture(label, width, height, kind, ...shapes) {
  const viewBox = `0 0 ${width} ${height}`;
  return shape("svg", { viewBox, preserveAspectRatio: "none", class: kind, role: "img", "aria-label": label }, ...shapes);
}

/** Anger (line) and valence (dashes) by turn, of points [valence, anger]. */
export function curve(points, kind = "curve") {
  const latest = points.at(-1);
  const label = latest ? `Anger by turn, now ${percent(latest[1])}; valence now ${latest[0].toFixed(2)}` : "Nothing heard yet";
  const x = (index) => (points.length < 2 ? 100 : (100 * index) / (points.length - 1));
  const line = (name, y) => {
    const begin = points.length === 1 ? `0,${y(points[0])} ` : "";
    return shape("polyline", { class: name, points: begin + points.map((point, index) => `${x(index)},${y(point)}`).join(" ") });
  };
  return picture(label, 100, 32, kind, line("valence", ([valence]) => 16 - 15 * valence), line("anger", ([, anger]) => 31 - 30 * anger));
}

/** Draw what a page from the server leaves to the browser: `<div data-curve="[[valence, anger], ...]">`. */
export function drawCurves(place) {
  for (const one of place.querySelectorAll("[data-curve]")) one.replaceChildren(curve(JSON.parse(one.dataset.curve), "curve tall"));
}

/** Every date from the first to the last, such as "2026-03-01", of days in order. */
function dates(days) {
  const found = [];
  for (let at = Date.parse(days[0].day); at <= Date.parse(days.at(-1).day); at += DAY_MS) {
    found.push(new Date(at).toISOString().slice(0, 10));
  }
  return found;
}

/**
 * Bars by day, as a figure with its scale and dates.
 * @param {string | Node} title
 * @param {{day: string}[]} days  in order; a date without a day is a gap
 * @param {(day: object) => {value: number, name: string}[] | null} parts  of a day's bar, which stand in front of each
 *   other, the widest first; null where it may not be told
 * @param {{most?: number, text?: (value: number) => string}} options  the top of the scale, and how a value is written
 */
export function barsByDay(title, days, parts, { most, text = String } = {}) {
  const told = new Map(days.map((one) => [one.day, parts(one)]));
  const values = [...told.values()].flatMap((some) => (some ?? []).map((part) => part.value));
  const top = most ?? Math.max(1, ...values);
  const all = dates(days);
  const shapes = all.flatMap((day, at) => {
    const some = told.get(day);
    if (some === undefined) return [];
    if (some === null) return [shape("rect", { class: "hidden-day", x: at + 0.1, y: 0, width: 0.8, height: 100, title: `${day}: fewer than 5 callers` })];
    return some.map(({ value, name }, place) => shape("rect", {
      class: `part-${place}`, x: at + 0.1, y: 100 - (100 * value) / top, width: 0.8, height: (100 * value) / top,
      title: `${day}: ${text(value)}${name ? ` ${name}` : ""}`,
    }));
  });
  const label = `${title.textContent ?? title} by day from ${all[0]} to ${all.at(-1)}, at most ${text(Math.max(0, ...values))}`;
  return el("figure", { class: "bars" }, el("figcaption", {}, title),
    el("div", { class: "scale quiet", "aria-hidden": "true" }, text(top)),
    picture(label, all.length, 100, "bars-by-day", ...shapes),
    el("div", { class: "scale quiet", "aria-hidden": "true" }, el("span", {}, all[0]), all.length > 1 ? el("span", {}, all.at(-1)) : null));
}

/** How often people agreed by how sure the estimate was: of points {confidence, right, turns}; on the line both are equal. */
export function calibrationPlot(points) {
  const dots = points.map(({ confidence, right, turns }) => shape("circle", {
    cx: 100 * confidence, cy: 100 - 100 * right, r: 2.5, title: `sure of ${percent(confidence)}, right in ${percent(right)} of ${turns} turns`,
  }));
  const label = `Calibration: ${points.map(({ confidence, right }) => `sure of ${percent(confidence)}, right in ${percent(right)}`).join("; ")}`;
  const drawn = picture(label, 100, 100, "calibration", shape("line", { x1: 0, y1: 100, x2: 100, y2: 0 }), ...dots);
  return el("figure", { class: "bars square" }, el("figcaption", {}, "Right, by how sure the estimate was; on the line both are equal"),
    el("div", { class: "scale quiet", "aria-hidden": "true" }, "100 % right"), drawn,
    el("div", { class: "scale quiet", "aria-hidden": "true" }, el("span", {}, "0 % sure"), el("span", {}, "100 % sure")));
}

/** A share from 0 to 1 as a bar with its number, in a cell of a table. */
export function bar(share, text) {
  return el("span", { class: "row bar-cell" }, el("meter", { value: share, "aria-hidden": "true" }), text);
}

/** A value from -most to most as a bar from the middle, to the right where it is positive. */
export function barFromMiddle(value, most, text) {
  const wide = (50 * Math.min(Math.abs(value), most)) / most;
  const drawn = shape("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", class: "from-middle", "aria-hidden": "true" },
    shape("line", { x1: 50, y1: 0, x2: 50, y2: 10 }),
    shape("rect", { x: value < 0 ? 50 - wide : 50, y: 1, width: wide, height: 8, class: value < 0 ? "below" : "above" }));
  return el("span", { class: "row bar-cell" }, drawn, text);
}
