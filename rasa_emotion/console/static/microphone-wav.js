// A recording from the microphone as a WAV file, which every console decodes and every browser plays.

const RATE = 16000;

/** A WAV file of 16-bit mono samples. */
export function wavFile(frames) {
  const count = frames.reduce((sum, frame) => sum + frame.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const write = (at, text) => [...text].forEach((sign, place) => view.setUint8(at + place, sign.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, 36 + 2 * count, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(36, "data");
  view.setUint32(40, 2 * count, true);
  let at = 44;
  for (const frame of frames) for (const sample of frame) { view.setInt16(at, sample, true); at += 2; }
  return new File([view], "recording.wav", { type: "audio/wav" });
}

/** Record until `stop()` is called, which gives the file. Raises what getUserMedia raises. */
export async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext();
  await context.audioWorklet.addModule("/static/microphone.js");
  const node = new AudioWorkletNode(context, "microphone");
  const frames = [];
  node.port.onmessage = ({ data }) => frames.push(data.samples);
  context.createMediaStreamSource(stream).connect(node).connect(context.destination);
  await context.resume();
  return {
    seconds: () => (frames.length * 320) / RATE,
    async stop() {
      stream.getTracks().forEach((track) => track.stop());
      await context.close();
      return wavFile(frames);
    },
  };
}
