// How the caller sounded over the last half minute: a line for each emotion, the newest on the right.

export const NAMES = ["angry", "calm", "disgust", "fear", "happy", "neutral", "sad", "surprise"];
const SECS = 30;
// Told apart by colour and by dashes.
const LOOKS = {
  angry: ["#d1242f", []],
  calm: ["#1a7f64", [8, 4]],
  disgust: ["#7a5c00", [2, 3]],
  fear: ["#8250df", []],
  happy: ["#c77700", []],
  neutral: ["#6e7781", [8, 4]],
  sad: ["#0969da", []],
  surprise: ["#bf3989", [2, 3]],
};

export class Chart {
  constructor(canvas, legend) {
    this.canvas = canvas;
    this.points = [];
    for (const name of NAMES) {
      const item = document.createElement("li");
      const colour = document.createElement("span");
      colour.style.background = this.pattern(name);
      item.append(colour, name);
      legend.append(item);
    }
    addEventListener("resize", () => this.draw());
  }

  pattern(name) {
    const [colour, dashes] = LOOKS[name];
    if (!dashes.length) return colour;
    const [on, off] = dashes;
    return `repeating-linear-gradient(90deg, ${colour} 0 ${on}px, transparent ${on}px ${on + off}px)`;
  }

  add(at, probabilities) {
    const last = this.points[this.points.length - 1];
    if (last && at < last.at) return;
    this.points.push({ at, probabilities });
    while (this.points[0].at < at - SECS) this.points.shift();
    this.draw();
  }

  clear() {
    this.points = [];
    this.describe("nothing heard yet");
    this.draw();
  }

  describe(words) {
    this.canvas.setAttribute("aria-label", `Emotion over the last ${SECS} seconds: ${words}`);
    this.canvas.dataset.points = String(this.points.length);
  }

  draw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.dataset.points = String(this.points.length);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const ink = getComputedStyle(canvas).color;
    const y = (value) => height - 14 - value * (height - 22);
    pen.strokeStyle = ink;
    pen.fillStyle = ink;
    pen.globalAlpha = 0.25;
    for (const value of [0, 0.5, 1]) {
      pen.beginPath();
      pen.moveTo(0, y(value));
      pen.lineTo(width, y(value));
      pen.stroke();
    }
    pen.globalAlpha = 0.75;
    pen.font = "11px system-ui, sans-serif";
    pen.fillText("100 %", 4, y(1) + 11);
    pen.fillText("50 %", 4, y(0.5) - 3);
    pen.fillText(`${SECS} s ago`, 4, height - 2);
    pen.textAlign = "right";
    pen.fillText("now", width - 4, height - 2);
    pen.globalAlpha = 1;
    if (!this.points.length) return;
    const end = this.points[this.points.length - 1].at;
    const x = (at) => width - ((end - at) / SECS) * width;
    for (const name of NAMES) this.line(pen, name, x, y);
  }

  line(pen, name, x, y) {
    const [colour, dashes] = LOOKS[name];
    pen.strokeStyle = colour;
    pen.fillStyle = colour;
    pen.lineWidth = 2;
    pen.setLineDash(dashes);
    pen.beginPath();
    let before = null;
    for (const point of this.points) {
      const value = point.probabilities[name] || 0;
      // A pause is a gap, not a slope.
      if (before === null || point.at - before > 1.5) pen.moveTo(x(point.at), y(value));
      else pen.lineTo(x(point.at), y(value));
      before = point.at;
    }
    pen.stroke();
    pen.setLineDash([]);
  }
}
