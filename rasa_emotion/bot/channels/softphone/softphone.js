// A telephone in the browser: the microphone to the channel, the bot's voice back, and what the bot hears of the caller.

import { Chart } from "./softphone-chart.js";
import { Speaker } from "./softphone-speaker.js";

const RATE = 16000;
const find = (id) => document.getElementById(id);
const chart = new Chart(find("chart"), find("legend"));
let line = null; // the call under way

const SENTENCES = {
  insecure:
    "The browser gives its microphone only to pages over https or from localhost. Open this page there; meanwhile you can type.",
  refused: "The microphone was refused. Allow it in the browser's settings for this page, or type instead.",
  missing: "No microphone was found. Connect one, or type instead.",
  busy: "The microphone cannot be used, perhaps because another program has it. Close that one, or type instead.",
  token: "The server does not let this page call. Give the token of its credentials.yml, or ask whoever runs it.",
  lost: "The connection was lost.",
};

function say(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

function notice(text) {
  find("notice").hidden = !text;
  say("notice", text || "");
}

function wrote(who, text, beside) {
  const item = document.createElement("li");
  const name = document.createElement("b");
  name.textContent = `${who}: `;
  item.append(name, text);
  if (beside) {
    const note = document.createElement("em");
    note.textContent = ` (${beside})`;
    item.append(note);
  }
  const stay = find("log").scrollTop + find("log").clientHeight >= find("log").scrollHeight - 40;
  find("log").append(item);
  if (stay) find("log").scrollTop = find("log").scrollHeight;
}

function feeling(event) {
  if (!event.emotion || event.emotion === "unknown") return "";
  return `${event.emotion} ${Math.round(event.confidence * 100)} %`;
}

function address(token) {
  const url = new URL("websocket", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.search = "";
  url.searchParams.set("events", "1");
  if (token) url.searchParams.set("token", token);
  return url;
}

const HEARD = {
  call: (event) => {
    say("analysed", event.analysed ? "on" : "off");
  },
  consent: (event) => {
    say("analysed", event.analysed ? "on" : "off: the caller asked for that");
    if (!event.analysed) say("now", "The voice is not analysed.");
  },
  speech: (event) => {
    if (event.state === "start") say("status", "You speak.");
    if (event.state === "end") say("status", "The bot thinks.");
  },
  partial: (event) => say("partial", `${event.text} ...`),
  emotion: (event) => {
    chart.add(event.at, event.probabilities);
    say("now", `Now: ${feeling(event)}`);
  },
  turn: (event) => {
    say("partial", "");
    wrote("You", event.text || "[no words]", feeling(event));
    if (feeling(event)) chart.describe(feeling(event));
  },
  bot: (event) => {
    wrote("Bot", event.text);
    say("status", "The bot speaks.");
  },
  digit: (event) => wrote("You", `pressed ${event.digit}`),
  state: (event) => {
    say("mood", event.mood || "not known");
    say("escalated", event.escalated ? "takes over" : "not asked for");
    find("escalated").className = event.escalated ? "alarm" : "";
  },
  warning: (event) => notice(event.text),
  end: (event) => line && line.ended(event.outcome),
};

class Line {
  constructor(token) {
    this.outcome = null;
    this.opened = false;
    this.audio = new AudioContext();
    this.speaker = new Speaker(this.audio, RATE, (name) => this.played(name));
    this.socket = new WebSocket(address(token));
    this.socket.onmessage = (message) => this.take(JSON.parse(message.data));
    this.socket.onopen = () => this.open();
    this.socket.onclose = (event) => this.close(event);
    this.muted = false;
  }

  async open() {
    this.opened = true;
    find("token-form").hidden = true;
    say("status", "Connected.");
    busy(true);
    await this.audio.resume();
    try {
      await this.listen();
    } catch (error) {
      notice(SENTENCES[fault(error)]);
      find("words").focus();
      // A line without a microphone is a silent one, not one that has gone.
      this.quiet = setInterval(() => this.sound(new Int16Array(RATE / 10)), 100);
    }
  }

  async listen() {
    if (!window.isSecureContext || !navigator.mediaDevices) throw new DOMException("", "InsecureError");
    this.stream = await navigator.mediaDevices.getUserMedia({
      // Gain control would hide how loud a caller is.
      audio: { echoCancellation: true, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
    });
    if (this.socket.readyState !== WebSocket.OPEN) return this.release();
    await this.audio.audioWorklet.addModule(new URL("softphone-microphone.js", location.href));
    const source = this.audio.createMediaStreamSource(this.stream);
    this.microphone = new AudioWorkletNode(this.audio, "microphone", { numberOfOutputs: 0, channelCount: 1 });
    this.microphone.port.onmessage = ({ data }) => {
      find("level").value = this.muted ? 0 : Math.min(1, data.level * 4);
      this.sound(this.muted ? new Int16Array(data.samples.length) : data.samples);
    };
    source.connect(this.microphone);
    return undefined;
  }

  sound(samples) {
    const bytes = new Uint8Array(samples.buffer);
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    this.send({ type: "audio", audio: btoa(text) });
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  take(message) {
    if (message.type === "audio") this.speaker.play(message.audio);
    else if (message.type === "clear") this.speaker.clear();
    else if (message.type === "mark") this.speaker.mark(message.mark.name);
    else if (message.type === "event" && HEARD[message.event]) HEARD[message.event](message);
  }

  played(name) {
    this.send({ type: "mark", mark: { name } });
    say("status", "The bot listens.");
  }

  ended(outcome) {
    this.outcome = outcome;
  }

  hangUp() {
    this.send({ type: "hangup" });
    this.socket.close(1000);
  }

  close(event) {
    line = null;
    this.release();
    busy(false);
    const how = { transfer: "You are being put through to an agent.", hungup: "The bot has hung up." };
    say("status", how[this.outcome] || "The call is over.");
    if (!this.opened) {
      find("token-form").hidden = false;
      notice(SENTENCES.token);
    } else if (event.reason) notice(event.reason);
    else if (!event.wasClean) notice(SENTENCES.lost);
  }

  release() {
    clearInterval(this.quiet);
    if (this.stream) for (const track of this.stream.getTracks()) track.stop();
    if (this.audio.state !== "closed") this.audio.close();
    find("level").value = 0;
  }
}

function fault(error) {
  const known = { NotAllowedError: "refused", SecurityError: "refused", InsecureError: "insecure", NotFoundError: "missing" };
  return known[error.name] || "busy";
}

function busy(live) {
  find("call").textContent = live ? "Hang up" : "Call";
  find("call").classList.toggle("live", live);
  for (const id of ["mute", "words", "send"]) find(id).disabled = !live;
  for (const key of find("keys").children) key.disabled = !live;
  if (!live) {
    find("mute").setAttribute("aria-pressed", "false");
    say("partial", "");
  }
}

function toggle() {
  if (line) {
    line.hangUp();
    return;
  }
  notice("");
  chart.clear();
  find("log").replaceChildren();
  say("now", "Nothing heard yet.");
  say("status", "Calling ...");
  line = new Line(find("token").value || new URLSearchParams(location.hash.slice(1)).get("token"));
}

find("call").addEventListener("click", toggle);
find("mute").addEventListener("click", () => {
  line.muted = !line.muted;
  find("mute").setAttribute("aria-pressed", String(line.muted));
});
find("words-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = find("words").value.trim();
  if (text && line) line.send({ type: "transcript", text });
  find("words").value = "";
});
find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!line) toggle();
});
for (const key of "123456789*0#") {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = key;
  button.disabled = true;
  button.setAttribute("aria-label", { "*": "star", "#": "hash" }[key] || key);
  button.addEventListener("click", () => line && line.send({ type: "digit", digit: key }));
  find("keys").append(button);
}
addEventListener("pagehide", () => line && line.hangUp());
if (!window.isSecureContext) notice(SENTENCES.insecure);
chart.clear();
