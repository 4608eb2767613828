#!/bin/bash
# Chained Ogg files (RFC 3533: one stream follows another in a file, as `cat a.ogg b.ogg` makes it) lose speech in silence:
# libsndfile, under the Python package soundfile, reads the first link and reports its length as the file's, without an
# error. FFmpeg, under PyAV, reads both links, but refuses to go on where the second one has another number of channels
# ("Channel change is not supported") although each link is a valid file. KLettres' letters in Debian hold such files.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q numpy soundfile==0.13.1 av==17.1.0
cd "$here"
venv/bin/python - <<'PYTHON'
import sys

import av
import numpy as np
import soundfile

print(f"soundfile {soundfile.__version__}, {soundfile.__libsndfile_version__}; PyAV {av.__version__}")


def tone(hertz, channels):
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000)
    return np.stack([wave] * channels, axis=1)


for name, hertz, channels in (("first", 300, 1), ("second", 600, 1), ("stereo", 600, 2)):
    soundfile.write(f"{name}.ogg", tone(hertz, channels), 16_000, format="OGG", subtype="VORBIS")


def chained(*names):
    path = "chain_" + "_".join(names) + ".ogg"
    with open(path, "wb") as file:
        for name in names:
            file.write(open(f"{name}.ogg", "rb").read())
    return path


def with_sndfile(path):
    samples, rate = soundfile.read(path, always_2d=True)
    return round(len(samples) / rate, 2), "to the end"


def with_ffmpeg(path):
    seconds = 0.0
    try:
        with av.open(path) as container:
            for frame in container.decode(audio=0):
                seconds += frame.samples / frame.sample_rate
    except av.error.FFmpegError as error:
        return round(seconds, 2), type(error).__name__
    return round(seconds, 2), "to the end"


END, REFUSED = "to the end", "PatchWelcomeError"
expected = {
    "first": ((1.0, END), (1.0, END)),
    "stereo": ((1.0, END), (1.0, END)),
    "first+second": ((1.0, END), (2.0, END)),
    "first+stereo": ((1.0, END), (1.0, REFUSED)),
}
same = True
for names, wanted in expected.items():
    path = chained(*names.split("+"))
    seen = with_sndfile(path), with_ffmpeg(path)
    print(f"{names}: {1 + names.count('+')} s of sound; soundfile: {seen[0]}, PyAV: {seen[1]}")
    same &= all(abs(s[0] - w[0]) < 0.1 and s[1] == w[1] for s, w in zip(seen, wanted))
print("behaviour as described" if same else "behaviour has CHANGED")
sys.exit(0 if same else 1)
PYTHON
