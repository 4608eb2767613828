// Emotions and moods as people see them: always a sign and a word, the colour comes on top.

import { el } from "./base.js";

const SIGNS = {
  angry: "▲", calm: "●", disgust: "✖", fear: "◆", happy: "★", neutral: "○", sad: "▼", surprise: "✦", unknown: "?",
};
const MOODS = { calm: "●", tense: "◐", upset: "▲", distressed: "◆", hostile: "■" };

/** The moods from best to worst. */
export const MOOD_ORDER = Object.keys(MOODS);
/** The emotions in the order that holds everywhere. */
export const EMOTIONS = ["angry", "calm", "disgust", "fear", "happy", "neutral", "sad", "surprise"];

/** A badge for an emotion, such as "angry". */
export function emotionBadge(emotion, confidence) {
  const sure = confidence === undefined ? "" : ` ${Math.round(100 * confidence)} %`;
  return badge(emotion in SIGNS ? emotion : "unknown", SIGNS[emotion] ?? "?", `${emotion}${sure}`, "emotion");
}

/** A badge for a mood, such as "upset". */
export function moodBadge(mood) {
  return badge(mood in MOODS ? mood : "unknown", MOODS[mood] ?? "?", mood, "mood");
}

function badge(name, sign, words, kind) {
  return el("span", { class: `badge ${kind}-${name}` }, el("span", { "aria-hidden": "true" }, `${sign} `), words);
}

/** The colour of an emotion in the present scheme, for canvases. */
export function emotionColour(emotion) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${emotion}`).trim();
}
