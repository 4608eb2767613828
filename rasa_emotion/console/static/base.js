// What every page has: the switch of colours, the notice, and requests that carry the CSRF token.

const NEXT = { "": "light", light: "dark", dark: "" };
const NAMES = { "": "system", light: "light", dark: "dark" };

const button = document.querySelector("#theme");

function showTheme() {
  button.textContent = `Colours: ${NAMES[document.documentElement.dataset.theme ?? ""]}`;
}

button.addEventListener("click", () => {
  const chosen = NEXT[document.documentElement.dataset.theme ?? ""];
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  try { localStorage.setItem("theme", chosen); } catch { /* it holds for this page */ }
  showTheme();
  document.dispatchEvent(new Event("themechange"));
});
showTheme();

/** Show a sentence at the top of the page; an empty one hides it. */
export function notice(sentence) {
  const place = document.querySelector("#notice");
  place.textContent = sentence;
  place.hidden = !sentence;
}

/** What went wrong with a request, as a sentence for people; `status` is 0 where nothing answered. */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/**
 * Ask the console and return what its JSON says. Raises Refused.
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: BodyInit, signal?: AbortSignal, background?: boolean}} options
 *   json or body, not both; background: the page asks by itself, which keeps no session alive
 */
export async function ask(path, { method = "GET", json, body, signal, background = false } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = document.documentElement.dataset.csrf ?? "";
  if (background) headers["X-Background"] = "1";
  if (json !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: json === undefined ? body : JSON.stringify(json) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The console cannot be reached; check the connection.");
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  if (!answer.ok) throw new Refused(answer.status, said.error ?? `The console answered ${answer.status}.`);
  return said;
}

/**
 * An element with attributes and children; strings become text, never markup.
 * `el("p", {class: "quiet"}, "Hello ", el("b", {}, name))`
 */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
