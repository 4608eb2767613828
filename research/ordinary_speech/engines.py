"""The engines that are programs: espeak-ng, flite, Festival; each makes a WAV file that is read back."""

import subprocess
import tempfile
from pathlib import Path

import soundfile

from research.ordinary_speech.clips import Clip, Sound, lines

ESPEAK_ACCENTS = (
    "en-us",
    "en-gb",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-029",
    "en-us-nyc",
)
ESPEAK_VARIANTS = lines("espeak_variants.txt")
"""espeak-ng's variants but its robots, monsters and whispers."""

FLITE_VOICES = ["kal", "kal16", "awb", "rms", "slt"]
FESTIVAL_VOICES = ["kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts"]


def read(path: Path) -> Sound:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.mean(axis=1), rate


def espeak(clip: Clip) -> Sound:
    """A variant speaks in an accent, at 130 to 195 words a minute, pitch 25 to 65, pauses drawn at random."""
    dice = clip.dice
    voice = f"{dice.choice(ESPEAK_ACCENTS)}+{clip.voice}"
    rate, pitch, gap = dice.randint(130, 195), dice.randint(25, 65), dice.choice((0, 0, 1, 2, 4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        flags = ["-v", voice, "-s", str(rate), "-p", str(pitch), "-g", str(gap), "-w", str(path)]
        subprocess.run(["espeak-ng", *flags, clip.text], check=True)
        return read(path)


def flite(clip: Clip) -> Sound:
    """A voice of CMU Flite at 0.85 to 1.2 of its duration, pitch moved by up to a tenth."""
    stretch = clip.dice.uniform(0.85, 1.2)
    pitch = {"slt": 170, "kal": 95, "kal16": 95}.get(clip.voice, 110) * clip.dice.uniform(0.92, 1.1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        flags = [
            "-voice",
            clip.voice,
            "--setf",
            f"duration_stretch={stretch:.3f}",
            "--setf",
            f"int_f0_target_mean={pitch:.1f}",
        ]
        subprocess.run(["flite", *flags, "-t", clip.text, "-o", str(path)], check=True)
        return read(path)


def festival(clip: Clip) -> Sound:
    """A voice of Festival at 0.85 to 1.2 of its duration."""
    with tempfile.TemporaryDirectory() as folder:
        path, text = Path(folder) / "clip.wav", Path(folder) / "clip.txt"
        text.write_text(clip.text, encoding="utf-8")
        stretch = f"(Parameter.set 'Duration_Stretch {clip.dice.uniform(0.85, 1.2):.3f})"
        flags = ["-eval", f"(voice_{clip.voice})", "-eval", stretch, "-o", str(path), str(text)]
        subprocess.run(["text2wave", *flags], check=True)
        return read(path)
