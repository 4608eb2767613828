"""The microphone's script: one for every page, and what it makes of a sound, as a browser's audio thread runs it."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from rasa_emotion.audio.microphone import microphone_script

PLAY = """
globalThis.sampleRate = @RATE@;
const posted = [];
globalThis.AudioWorkletProcessor = class { constructor() { this.port = { postMessage: (m) => posted.push(m) }; } };
let made;
globalThis.registerProcessor = (name, kind) => { made = new kind(); };
@SCRIPT@
const step = (2 * Math.PI * @HERTZ@) / sampleRate;
const tone = Float32Array.from({ length: sampleRate / 2 }, (_, index) => 0.5 * Math.sin(step * index));
for (let at = 0; at < tone.length; at += 128) made.process([[tone.slice(at, at + 128)]]);
console.log(JSON.stringify({ samples: posted.flatMap((m) => [...m.samples]), levels: posted.map((m) => m.level) }));
"""


def heard(rate: int, hertz: int) -> tuple[np.ndarray, list[float]]:  # type: ignore[type-arg]
    """What the script posts of half a second of a tone."""
    script = PLAY.replace("@RATE@", str(rate)).replace("@HERTZ@", str(hertz))
    script = script.replace("@SCRIPT@", microphone_script().decode())
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    posted = json.loads(done.stdout)
    return np.array(posted["samples"]), posted["levels"]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, which browsers' tests do not install")
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_tone_arrives_at_16_khz_and_one_above_8_khz_does_not(rate: int) -> None:
    samples, levels = heard(rate, 1000)
    assert 0.48 * 16_000 <= len(samples) <= 0.5 * 16_000
    spectrum = np.abs(np.fft.rfft(samples[:4000]))
    assert spectrum.argmax() * 16_000 / 4000 == pytest.approx(1000, abs=4)
    assert levels[len(levels) // 2] == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    if rate > 16_000:
        assert heard(rate, 10_000)[1][10] < 0.01
