"""The sample recording of the console's workbench: espeak-ng's voice over a telephone line, 8 kHz mu-law.

Run it again after a change of the words: `python scripts/sample_recording.py`.
"""

import subprocess
import tempfile
from pathlib import Path

import soundfile

from rasa_emotion.audio import load_audio, resample
from rasa_emotion.console.pages.workbench import SAMPLE_TEXT

PLACE = Path(__file__).parents[1] / "rasa_emotion/console/static/sample.wav"

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        subprocess.run(
            ["espeak-ng", "-v", "en-us", "-s", "160", "-w", str(spoken)], input=SAMPLE_TEXT, text=True, check=True
        )
        line = resample(load_audio(spoken), 8_000)
    soundfile.write(PLACE, line.samples, line.sample_rate, format="WAV", subtype="ULAW")
    print(f"{PLACE}: {line.seconds:.1f} s")
