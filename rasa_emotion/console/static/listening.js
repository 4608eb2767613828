// A call in progress: what was recorded since the last look, one piece after another.

const LOOK_MS = 1000;
const AHEAD_SECS = 0.2;
const LATEST_SECS = 3; // of a piece that came late, this much is played, so that nobody falls behind the call

const GONE = "There is nothing to hear any more: the recording is deleted, or the caller does not allow it.";

/**
 * Let a button begin and end the listening.
 * @param {HTMLButtonElement} button  data-listen: the address of the pieces
 * @param {HTMLElement} state  where it says what goes on
 */
export function listenTo(button, state) {
  let audio = null;
  let after = "";
  let next = 0;
  let heard = 0;

  function end(sentence) {
    audio?.close();
    audio = null;
    button.setAttribute("aria-pressed", "false");
    state.textContent = sentence;
  }

  function play(sound) {
    const source = audio.createBufferSource();
    const skipped = Math.max(0, sound.duration - LATEST_SECS);
    source.buffer = sound;
    source.connect(audio.destination);
    next = Math.max(next, audio.currentTime + AHEAD_SECS);
    source.start(next, skipped);
    next += sound.duration - skipped;
    heard += sound.duration - skipped;
    button.dataset.heard = heard.toFixed(1);
  }

  async function look(mine) {
    let answer;
    try {
      answer = await fetch(`${button.dataset.listen}&after=${after}`, { headers: { "X-Background": "1" } });
      const bytes = answer.status === 200 ? await answer.arrayBuffer() : null;
      if (mine !== audio) return; // ended meanwhile
      if (bytes) play(await audio.decodeAudioData(bytes));
    } catch {
      if (mine !== audio) return;
      state.textContent = "The connection is lost; trying again …";
      setTimeout(look, LOOK_MS, mine);
      return;
    }
    if (mine !== audio) return;
    if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    if (!answer.ok) return end(answer.status === 404 ? GONE : `The console answered ${answer.status}.`);
    after = answer.headers.get("X-Emotion-After");
    if (answer.headers.get("X-Emotion-Running") !== "true") return end("The call has ended.");
    state.textContent = "Live, up to three seconds late.";
    setTimeout(look, LOOK_MS, mine);
  }

  button.addEventListener("click", () => {
    if (audio) return end("");
    audio = new AudioContext();
    after = "";
    next = heard = 0;
    button.setAttribute("aria-pressed", "true");
    state.textContent = "Connecting …";
    look(audio);
  });
}
