// Drawings of a sound on canvases that share one axis of time.

import { el } from "./base.js";
import { EMOTIONS, emotionColour } from "./emotions.js";

const WIDTH = 1000;
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

function drawEnvelope(pen, height, { low, high }) {
  pen.strokeStyle = colour("accent");
  pen.beginPath();
  low.forEach((value, place) => {
    const x = ((place + 0.5) / low.length) * WIDTH;
    pen.moveTo(x, (height / 2) * (1 - value) + 0.5);
    pen.lineTo(x, (height / 2) * (1 - high[place]) - 0.5);
  });
  pen.stroke();
}

function drawLine(pen, height, values) {
  const most = Math.max(...values, 1e-6);
  pen.strokeStyle = colour("accent");
  pen.beginPath();
  values.forEach((value, place) => pen.lineTo((place / values.length) * WIDTH, height - (value / most) * (height - 2)));
  pen.stroke();
}

function drawImage(pen, height, { rows, columns, data }) {
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
  pen.drawImage(small, 0, 0, WIDTH, height);
}

function drawEmotions(pen, height, spans, seconds) {
  for (const span of spans) {
    const x = (span.start_secs / seconds) * WIDTH;
    const width = ((span.end_secs - span.start_secs) / seconds) * WIDTH;
    const emotion = EMOTIONS.includes(span.emotion) ? span.emotion : "unknown";
    const bar = Math.max(0.05, span.confidence) * (height - 18);
    pen.fillStyle = emotionColour(emotion);
    pen.fillRect(x, height - bar, Math.max(1, width - 1), bar);
    pen.fillStyle = colour("ink");
    pen.font = "14px system-ui, sans-serif";
    pen.fillText(emotion, x + 3, 13, Math.max(1, width - 6));
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
    canvas.width = WIDTH;
    canvas.height = name === "zero_crossings" ? 80 : 140;
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
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, canvas.width, canvas.height);
      const drawn = this.answer.pictures[name];
      if (name === "envelope") drawEnvelope(pen, canvas.height, drawn);
      else if (name === "emotions") drawEmotions(pen, canvas.height, this.answer.timeline, this.answer.seconds);
      else if (name === "zero_crossings") drawLine(pen, canvas.height, drawn);
      else drawImage(pen, canvas.height, drawn);
      const x = ((moment - this.origin) / this.answer.seconds) * WIDTH;
      pen.fillStyle = colour("alarm");
      if (x > 0 && x <= WIDTH) pen.fillRect(x - 1, 0, 2, canvas.height);
    }
  }

  /** One image of all of them, with their names: a promise of a Blob. */
  image() {
    const step = 170;
    const whole = document.createElement("canvas");
    whole.width = WIDTH;
    whole.height = step * this.canvases.size;
    const pen = whole.getContext("2d");
    pen.fillStyle = colour("paper");
    pen.fillRect(0, 0, whole.width, whole.height);
    let top = 0;
    for (const [name, canvas] of this.canvases) {
      pen.fillStyle = colour("ink");
      pen.font = "16px system-ui, sans-serif";
      pen.fillText(NAMES[name], 4, top + 18);
      pen.drawImage(canvas, 0, top + 24);
      top += step;
    }
    return new Promise((done) => { whole.toBlob(done, "image/png"); });
  }
}
