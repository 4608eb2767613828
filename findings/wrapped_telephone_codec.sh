#!/bin/bash
# The Python package soundfile clips floats beyond full scale in PCM files, but not in those of telephones: written as
# mu-law, A-law or IMA ADPCM (libsndfile, under soundfile), each sample a little over full scale comes back with the
# opposite sign, at nearly full scale, without an error. A voice that resampling lifts above 1.0 by 5 % is full of clicks
# after the telephone codec, and clean after 16 bit PCM. Clip before the codec.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q numpy soundfile==0.13.1
"$here/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import soundfile

print(f"soundfile {soundfile.__version__}, {soundfile.__libsndfile_version__}")
wave = 1.05 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)
over = np.abs(wave) > 1


def flipped(sound, subtype):
    """Samples beyond full scale that come back with the opposite sign."""
    file = io.BytesIO()
    soundfile.write(file, sound, 8_000, format="WAV", subtype=subtype)
    file.seek(0)
    heard, _ = soundfile.read(file)
    return int(np.sum((np.sign(heard[: len(sound)]) * np.sign(sound) < 0) & over))


same = True
for subtype, wraps in {"PCM_16": False, "PCM_24": False, "ULAW": True, "ALAW": True, "IMA_ADPCM": True}.items():
    as_is, clipped = flipped(wave, subtype), flipped(np.clip(wave, -1, 1), subtype)
    print(f"{subtype}: {as_is} of {over.sum()} samples beyond full scale change sign; {clipped} when clipped before")
    same &= (as_is > 0.3 * over.sum()) == wraps and clipped < 0.05 * over.sum()
print("behaviour as described" if same else "behaviour has CHANGED")
sys.exit(0 if same else 1)
PYTHON
