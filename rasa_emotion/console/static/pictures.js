// Drawings of a sound on canvases that share one axis of time.

import { el } from "./base.js";
import { EMOTIONS, emotionColour } from "./emotions.js";

const SHORTEST_NAMED = 40; // pixels of a stretch that has room for its emotion's name
const NAMES = {
  envelope: "Waveform", emotions: "Emotion over time", spectrogram: "Spectrogram, 0 to 8 kHz",
  mel: "Mel spectrogram, 64 bands", mfcc: "MFCC, 20 coefficients", chroma: "Chroma, from C to B",
  zero_crossings: "Zero crossings, a share of samples",
};

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function rgb(name) {
  const value = parseInt(colour(name).slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function drawEnvelope(pen, width, height, { low, high }) {
  pen.strokeStyle = colour("accent");
  pen.beginPath();
  low.forEach((value, place) => {
    const x = ((place + 0.5) / low.length) * width;
    pen.moveTo(x, (height / 2) * (1 - value) + 0.5);
    pen.lineTo(x, (height / 2) * (1 - high[place]) - 0.5);
  });
  pen.stroke();
}

function drawLine(pen, width, height, values) {
  const most = Math.max(...values, 1e-6);
  pen.strokeStyle = colour("accent");
  pen.beginPath();
  values.forEach((value, place) => pen.lineTo((place / values.length) * width, height - (value / most) * (height - 2)));
  pen.stroke();
}

function drawImage(pen, width, height, { rows, columns, data }) {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const low = rgb("paper");
  const high = rgb("accent");
  const image = new ImageData(columns, rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const share = bytes[row * columns + column] / 255;
      const at = 4 * ((rows - 1 - row) * columns + column);
      for (let part = 0; part < 3; part += 1) image.data[at + part] = low[part] + share * (high[part] - low[part]);
      image.data[at + 3] = 255;
    }
  }
  const small = document.createElement("canvas");
  small.width = columns;
  small.height = rows;
  small.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, width, height);
}

function drawEmotions(pen, width, height, spans, seconds) {
  for (const span of spans) {
    const x = (span.start_secs / seconds) * width;
    const wide = ((span.end_secs - span.start_secs) / seconds) * width;
    const emotion = EMOTIONS.includes(span.emotion) ? span.emotion : "unknown";
    const bar = Math.max(0.05, span.confidence) * (height - 22);
    pen.fillStyle = emotionColour(emotion);
    pen.fillRect(x, height - bar, Math.max(1, wide - 1), bar);
    if (wide < SHORTEST_NAMED) continue;
    pen.fillStyle = colour("ink");
    pen.font = "14px system-ui, sans-serif";
    pen.fillText(emotion, x + 4, 16, wide - 8);
  }
}

/** All pictures of an answer, below each other; `jump(secs)` is called for a click, `now()` is the moment to mark. */
export class Pictures {
  constructor(place, jump) {
    this.place = place;
    this.jump = jump;
    this.canvases = new Map();
  }

  show(answer, origin) {
    this.answer = answer;
    this.origin = origin;
    this.place.replaceChildren();
    this.canvases.clear();
    for (const name of Object.keys(NAMES)) this.place.append(this.figure(name));
    this.draw(0);
  }

  figure(name) {
    const canvas = el("canvas", {
      tabindex: "0", role: "img", class: name === "zero_crossings" && "low", "aria-label": this.described(name),
      onclick: (event) => this.jump((event.offsetX / canvas.clientWidth) * this.answer.seconds + this.origin),
    });
    this.canvases.set(name, canvas);
    return el("figure", {}, el("figcaption", {}, NAMES[name]), canvas);
  }

  described(name) {
    if (name !== "emotions") return `${NAMES[name]}, ${this.answer.seconds.toFixed(1)} seconds`;
    const spans = this.answer.timeline.map((span) => `${span.emotion} from ${span.start_secs} s`);
    return `${NAMES[name]}: ${spans.join(", ")}`;
  }

  /** Draw anew, with the moment that plays, in seconds of the file. */
  draw(moment) {
    if (!this.answer) return;
    for (const [name, canvas] of this.canvases) {
      const { clientWidth: width, clientHeight: height } = canvas;
      canvas.width = width * devicePixelRatio; // which clears it
      canvas.height = height * devicePixelRatio;
      const pen = canvas.getContext("2d");
      pen.scale(devicePixelRatio, devicePixelRatio);
      const drawn = this.answer.pictures[name];
      if (name === "envelope") drawEnvelope(pen, width, height, drawn);
      else if (name === "emotions") drawEmotions(pen, width, height, this.answer.timeline, this.answer.seconds);
      else if (name === "zero_crossings") drawLine(pen, width, height, drawn);
      else drawImage(pen, width, height, drawn);
      const x = ((moment - this.origin) / this.answer.seconds) * width;
      pen.fillStyle = colour("alarm");
      if (x > 0 && x <= width) pen.fillRect(x - 1, 0, 2, height);
    }
  }

  /** One image of all of them, with their names: a promise of a Blob. */
  image() {
    const named = 24;
    const canvases = [...this.canvases.values()];
    const whole = document.createElement("canvas");
    whole.width = Math.max(...canvases.map((canvas) => canvas.width));
    whole.height = canvases.reduce((sum, canvas) => sum + canvas.height + named + 6, 0);
    const pen = whole.getContext("2d");
    pen.fillStyle = colour("paper");
    pen.fillRect(0, 0, whole.width, whole.height);
    let top = 0;
    for (const [name, canvas] of this.canvases) {
      pen.fillStyle = colour("ink");
      pen.font = "16px system-ui, sans-serif";
      pen.fillText(NAMES[name], 4, top + 18);
      pen.drawImage(canvas, 0, top + named);
      top += canvas.height + named + 6;
    }
    return new Promise((done) => { whole.toBlob(done, "image/png"); });
  }
}
