// The microphone at 16 kHz: a windowed sinc as the low-pass, evaluated where each new sample lies.

const RATE = 16000;
const HALF = 24; // samples of the microphone on each side
const FRAME = 320; // 20 ms

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    this.cutoff = Math.min(1, 0.92 / this.step);
    this.held = new Float32Array(0);
    this.position = HALF;
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.power = 0;
  }

  process(inputs) {
    const input = inputs[0] && inputs[0][0];
    if (!input) return true;
    const joined = new Float32Array(this.held.length + input.length);
    joined.set(this.held);
    joined.set(input, this.held.length);
    while (this.position + HALF < joined.length) {
      this.take(this.step === 1 ? joined[Math.round(this.position)] : this.at(joined, this.position));
      this.position += this.step;
    }
    const done = Math.max(0, Math.floor(this.position) - HALF);
    this.held = joined.slice(done);
    this.position -= done;
    return true;
  }

  at(samples, position) {
    const first = Math.max(0, Math.ceil(position - HALF));
    const last = Math.floor(position + HALF);
    let sum = 0;
    let weight = 0;
    for (let index = first; index <= last; index += 1) {
      const x = (index - position) * this.cutoff;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
      const one = sinc * (0.5 + 0.5 * Math.cos((Math.PI * (index - position)) / HALF));
      sum += one * samples[index];
      weight += one;
    }
    return sum / weight;
  }

  take(sample) {
    const limited = Math.max(-1, Math.min(1, sample));
    this.power += limited * limited;
    this.frame[this.filled] = Math.round(limited * 32767);
    this.filled += 1;
    if (this.filled < FRAME) return;
    const samples = this.frame;
    this.port.postMessage({ samples, level: Math.sqrt(this.power / FRAME) }, [samples.buffer]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.power = 0;
  }
}

registerProcessor("microphone", Microphone);
