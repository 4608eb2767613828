"""What the checks of a recording add to a turn of 3 s, beside the turn without them, side by side in one run.

"Before" is how a voice was heard without them: libsndfile opens the file, channels are averaged, WebRTC's detector
alone says where somebody speaks. "After" is `EmotionAnalyzer.hear`, which looks at the first bytes and at the sizes in
the header, tells which channel holds the voice, begins and ends the resampling without a click, filters offsets and
hum out and asks Silero's network whether there is a voice. Both go through the same acoustic model. Each repeat times
both, one after another; the figure is the median over the repeats of what the second took more, in CPU time.

    python benchmarks/checks.py              # a table; --json and --markdown for programs and documents
    python benchmarks/checks.py --repeats 200
"""

import io
import os
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import soundfile
import soxr
import webrtcvad
from numpy.typing import NDArray

from benchmarks.figures import around, machine, median, table
from benchmarks.printing import interval, parser, run, shown
from benchmarks.turn import Call, interleave, speech
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic import classifier
from rasa_emotion.audio import SAMPLE_RATE, Waveform, load_audio, windows
from rasa_emotion.audio.decode import BLOCK_SAMPLES, ForwardSoundFile

BEFORE, AFTER = "before", "after"


def recordings() -> dict[str, bytes]:
    """The same 3 s of speech as telephones, browsers and recorders send it."""
    spoken = load_audio(speech()).samples
    made = {}
    for name, (rate, subtype, channels) in {
        "16 kHz": (16_000, "PCM_16", 1),
        "8 kHz, mu-law": (8_000, "ULAW", 1),
        "48 kHz": (48_000, "PCM_16", 1),
        "8 kHz, the same on two channels": (8_000, "PCM_16", 2),
    }.items():
        samples = np.clip(soxr.resample(spoken, SAMPLE_RATE, rate), -1, 1)
        file = io.BytesIO()
        soundfile.write(file, np.stack([samples] * channels, axis=1), rate, format="WAV", subtype=subtype)
        made[name] = file.getvalue()
    return made


def former_blocks(source: bytes, **_: object) -> Iterator[NDArray[np.float32]]:
    """A recording as it was decoded without checks, in the place of `audio.decode.stream_blocks`."""
    with ForwardSoundFile(io.BytesIO(source)) as file:
        stream = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, num_channels=1, dtype="float32")
        while len(block := file.read(BLOCK_SAMPLES // file.channels, dtype="float32", always_2d=True)):
            mono = np.clip(np.where(np.isfinite(block), block, 0), -1.0, 1.0).mean(axis=1, dtype=np.float32)
            yield mono if file.samplerate == SAMPLE_RATE else np.clip(stream.resample_chunk(mono), -1, 1)
    yield np.clip(stream.resample_chunk(np.zeros(0, np.float32), last=True), -1, 1)


def former_filter(waveform: Waveform) -> Waveform:
    """In the place of `audio.highpass`."""
    return waveform


def former_activity(waveform: Waveform) -> NDArray[np.bool_]:
    """In the place of `audio.speech_mask`: WebRTC's detector alone."""
    frame = SAMPLE_RATE // 50
    frames = len(waveform.samples) // frame
    pcm = (np.clip(waveform.samples[: frames * frame], -1, 1) * 32767).astype("<i2").reshape(frames, frame)
    vad = webrtcvad.Vad(2)
    return np.array([vad.is_speech(part.tobytes(), SAMPLE_RATE) for part in pcm], dtype=np.bool_)


FORMER = {
    (windows, "stream_blocks"): former_blocks,
    (classifier, "highpass"): former_filter,
    (classifier, "speech_mask"): former_activity,
}


def without_checks(call: Call) -> Call:
    """The call with what was there before the checks."""

    def former() -> object:
        kept = {place: getattr(*place) for place in FORMER}
        try:
            for place, function in FORMER.items():
                setattr(*place, function)
            return call()
        finally:
            for place, function in kept.items():
                setattr(*place, function)

    return former


def measure(repeats: int) -> dict[str, Any]:
    """Medians with 95 % bootstrap intervals, in milliseconds, by kind of recording."""
    analyzer = EmotionAnalyzer.load()
    found: dict[str, Any] = {"repeats": repeats, "machine": machine(), "recordings": {}}
    for name, audio in recordings().items():
        hear = partial(analyzer.hear, audio)
        calls: dict[str, Call] = {BEFORE: without_checks(hear), AFTER: hear}
        cpu, wall = interleave(calls, {}, repeats, shown(name))
        found["recordings"][name] = {
            "cpu_ms": {way: median(times) for way, times in cpu.items()},
            "wall_ms": {way: median(times) for way, times in wall.items()},
            "added_cpu_ms": median(np.subtract(cpu[AFTER], cpu[BEFORE]).tolist()),
        }
    return found


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    rows = [
        [name, *(f"{row['cpu_ms'][way]['median']:.2f}" for way in (BEFORE, AFTER)), interval(row["added_cpu_ms"])]
        for name, row in found["recordings"].items()
    ]
    said = (
        f"What the checks of 3 s of speech cost, CPU time. {around(found['machine'])} Medians of {found['repeats']} "
        "interleaved repeats, the added time with its 95 % bootstrap interval."
    )
    return f"{said}\n\n{table(['3 s of speech', 'before, ms', 'after, ms', 'added, ms'], rows)}"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--repeats", type=int, default=100, help="repeats that count, after three that do not (100)")
    run(arguments, lambda options: measure(options.repeats), markdown)


if __name__ == "__main__":
    main()
