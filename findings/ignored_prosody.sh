#!/bin/bash
# Speech synthesisers take a parameter and ignore it, without a word, depending on the voice. Festival's
# `Duration_Stretch`, its documented parameter for the speed, does nothing to the HTS voice: the same file for 0.7 and 1.4,
# byte for byte, where the diphone voice doubles its length. Flite's `int_f0_target_mean`, the pitch, moves its voices
# awb and slt and leaves rms as it is. Whoever synthesises speech to train or test on "at several rates and pitches" gets
# the same clip several times.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
for package in festival=1:2.5.0-9 festvox-us-slt-hts=0.2010.10.25-4 festvox-kallpc16k=2.4-1 festlex-cmu=2.4-2 \
    festlex-poslex=2.4-1 libestools2.5=1:2.5.0-13 flite=2.2-5 libflite1=2.2-5; do
    apt-get download -q "$package" > log 2>&1 || { echo "$package cannot be had: $(tail -1 log)"; exit 2; }
done
mkdir root
for package in *.deb; do dpkg -x "$package" root; echo "${package%.deb}"; done
export LD_LIBRARY_PATH="$here/root/usr/lib/x86_64-linux-gnu"
text="I moved house last week and need to change my address."

festival() { # voice, stretch
    "root/usr/bin/festival" --libdir "$here/root/usr/share/festival" -b "(voice_$1)" \
        "(Parameter.set 'Duration_Stretch $2)" \
        "(utt.save.wave (utt.synth (Utterance Text \"$text\")) \"$1-$2.wav\" 'riff)"
}
flite() { # voice, mean pitch in Hz
    root/usr/bin/flite -voice "$1" --setf "int_f0_target_mean=$2" -t "$text" -o "$1-$2.wav"
}
changed=0
compare() { # first, second, what is expected
    if cmp -s "$1" "$2"; then seen=same; else seen=different; fi
    echo "$1 ($(stat -c %s "$1") bytes) and $2 ($(stat -c %s "$2") bytes): $seen"
    if [ "$seen" != "$3" ]; then changed=1; fi
}

for voice in kal_diphone cmu_us_slt_arctic_hts; do festival $voice 0.7; festival $voice 1.4; done
compare kal_diphone-0.7.wav kal_diphone-1.4.wav different
compare cmu_us_slt_arctic_hts-0.7.wav cmu_us_slt_arctic_hts-1.4.wav same
for voice in awb slt rms; do flite $voice 90; flite $voice 180; done
compare awb-90.wav awb-180.wav different
compare slt-90.wav slt-180.wav different
compare rms-90.wav rms-180.wav same
if [ $changed = 0 ]; then echo "behaviour as described"; else echo "behaviour has CHANGED"; fi
exit $changed
