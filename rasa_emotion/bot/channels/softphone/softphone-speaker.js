// The bot's voice: pieces of sound one after the other, dropped at once when the caller interrupts.

export class Speaker {
  constructor(audio, rate, played) {
    this.audio = audio;
    this.rate = rate;
    this.played = played;
    this.sources = new Set();
    this.timers = new Set();
    this.until = 0;
  }

  play(base64) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer, 0, bytes.length >> 1);
    if (!samples.length) return;
    const buffer = this.audio.createBuffer(1, samples.length, this.rate);
    const channel = buffer.getChannelData(0);
    for (let index = 0; index < samples.length; index += 1) channel[index] = samples[index] / 32768;
    const source = this.audio.createBufferSource();
    source.buffer = buffer;
    source.connect(this.audio.destination);
    this.until = Math.max(this.until, this.audio.currentTime + 0.05);
    source.start(this.until);
    this.until += buffer.duration;
    this.sources.add(source);
    source.onended = () => this.sources.delete(source);
  }

  mark(name) {
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        this.played(name);
      },
      Math.max(0, (this.until - this.audio.currentTime) * 1000),
    );
    this.timers.add(timer);
  }

  clear() {
    for (const source of this.sources) source.stop();
    for (const timer of this.timers) clearTimeout(timer);
    this.sources.clear();
    this.timers.clear();
    this.until = 0;
  }
}
