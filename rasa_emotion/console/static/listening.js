// A call in progress: its sound arrives as it is recorded, and is played a moment later.

const AGAIN_MS = 300;
const LOST_MS = 1000;
const AHEAD_SECS = 0.15;
const MOST_AHEAD_SECS = 0.8; // what comes later than this is left out, so that nobody falls behind the call

const LOST = "Nothing has come for 10 s: the call has ended, or its recording has.";
const GONE = "There is nothing to hear any more: the recording is deleted, or the caller does not allow it.";

/** Samples of 16 bit in a stream of bytes, in whole frames; what is left of a frame waits for the next bytes. */
function frames() {
  let rest = new Uint8Array(0);
  return (bytes, channels) => {
    const all = new Uint8Array(rest.length + bytes.length);
    all.set(rest);
    all.set(bytes, rest.length);
    const whole = all.length - (all.length % (2 * channels));
    rest = all.slice(whole);
    return new DataView(all.buffer, 0, whole);
  };
}

/**
 * Let a button begin and end the listening.
 * @param {HTMLButtonElement} button  data-listen: the address of the sound
 * @param {HTMLMeterElement} meter  shows how loud it is
 * @param {(sentence: string, going: boolean) => void} told  what goes on, and whether somebody listens
 */
export function listenTo(button, meter, told) {
  let audio = null;
  let out = null;
  let asked = null;
  let after = "";
  let next = 0;
  let heard = 0;

  function end(sentence) {
    audio?.close();
    audio = null;
    asked?.abort();
    button.setAttribute("aria-pressed", "false");
    meter.value = 0;
    told(sentence, false);
  }

  /** The same, once what came is heard. */
  function endPlayed(mine, sentence) {
    const left = Math.max(0, next - mine.currentTime);
    setTimeout(() => { if (mine === audio) end(sentence); }, 1000 * left);
  }

  function play(view, rate, channels) {
    const length = view.byteLength / 2 / channels;
    if (!length) return;
    after = String(Number(after) + length);
    next = Math.max(next, audio.currentTime + AHEAD_SECS);
    const skipped = Math.min(length, Math.ceil(rate * Math.max(0, next + length / rate - audio.currentTime - MOST_AHEAD_SECS)));
    if (skipped === length) return;
    const sound = audio.createBuffer(channels, length - skipped, rate);
    for (let channel = 0; channel < channels; channel += 1) {
      const samples = sound.getChannelData(channel);
      for (let index = 0; index < samples.length; index += 1) {
        samples[index] = view.getInt16(2 * ((index + skipped) * channels + channel), true) / 32768;
      }
    }
    const begun = audio.createBufferSource();
    begun.buffer = sound;
    begun.connect(out);
    begun.start(next);
    next += sound.duration;
    heard += sound.duration;
    button.dataset.heard = heard.toFixed(2);
  }

  function showLevel(mine, samples) {
    if (mine !== audio) return;
    out.getFloatTimeDomainData(samples);
    meter.value = Math.min(1, 2 * Math.max(...samples.map(Math.abs))); // the mean of both sides, of which one speaks
    setTimeout(showLevel, 50, mine, samples);
  }

  async function read(mine, answer) {
    const rate = Number(answer.headers.get("X-Emotion-Rate"));
    const channels = Number(answer.headers.get("X-Emotion-Channels"));
    const whole = frames();
    after = answer.headers.get("X-Emotion-After");
    told("Live: the caller on the left, the bot on the right. The button ends it.", true);
    for (const reader = answer.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done || mine !== audio) return;
      play(whole(value, channels), rate, channels);
    }
  }

  async function listen(mine) {
    let wait = 0;
    try {
      asked = new AbortController();
      const options = { headers: { "X-Background": "1" }, signal: asked.signal };
      const answer = await fetch(`${button.dataset.listen}&after=${after}`, options);
      if (mine !== audio) return; // ended meanwhile
      if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      if (!answer.ok) return end(answer.status === 404 ? GONE : `The console answered ${answer.status}.`);
      const running = answer.headers.get("X-Emotion-Running");
      if (running !== "true") return endPlayed(mine, running === "false" ? "The call has ended." : LOST);
      if (answer.status === 204) wait = AGAIN_MS; // nothing was said yet
      else await read(mine, answer);
    } catch {
      if (mine !== audio) return;
      told("The connection is lost; trying again …", true);
      wait = LOST_MS;
    }
    if (mine === audio) setTimeout(listen, wait, mine);
  }

  button.addEventListener("click", () => {
    if (audio) return end("");
    audio = new AudioContext();
    out = audio.createAnalyser();
    out.connect(audio.destination);
    after = "";
    next = heard = 0;
    button.setAttribute("aria-pressed", "true");
    told("Connecting …", true);
    showLevel(audio, new Float32Array(out.fftSize));
    listen(audio);
  });
}
