"""One turn (3 s of speech and 12 words) on one thread, beside what a user would run instead, side by side in one run.

Each repeat times the whole turn, its parts and the peer one after another, so that whatever else the machine does at
that moment slows all of them; the ratio is taken within each repeat, and its median over the repeats is the figure.
CPU time is what counts (`time.process_time`: of all threads of this process); wall time stands beside it, and depends
on what else runs. Each of ours is called once without being timed before it is timed, so that it does not pay for the
peer having emptied the caches; the peer's weights fit into no cache.

The peer is wav2vec2-base sequence classification and DistilBERT-base in eager PyTorch, with random weights of the
published shapes: they take the same time as trained ones. Its decoding and tokenising are not counted. Cold start and
memory are those of a fresh process that calls `EmotionAnalyzer.load()` and analyses one turn.

    python benchmarks/turn.py              # a table; --json and --markdown for programs and documents
    python benchmarks/turn.py --repeats 60 --models runs/voice
    python benchmarks/turn.py --beside runs/earlier/acoustic    # another voice in the same repeats
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import soundfile

from benchmarks.figures import machine, median
from benchmarks.printing import interval, repeated, run, shown
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import load_audio

SPEECH_SECS = 3.0
SAMPLE_RATE = 16_000
WORDS = "I have been waiting for an hour and nobody has called back"
WARM_UP = 3
TURN, VOICE, READ, REST, ALONE = (
    "turn",
    "voice",
    "words",
    "decoding, fusion and the rest",
    "voice alone, bytes in",
)
PEER_VOICE, PEER_WORDS = "peer, voice", "peer, words"
OTHER = "another voice"
OURS = (TURN, VOICE, READ, REST, ALONE)
WHAT = {
    TURN: "bytes and words in, estimate out",
    VOICE: "decoded speech in, evidence out: voice activity and the network",
    READ: "analyze(text=), estimate out",
    REST: "bytes to 16 kHz, both evidences to one estimate",
    ALONE: "analyze(audio=), estimate out",
    OTHER: "as the voice: decoded speech in, evidence out",
    PEER_VOICE: "wav2vec2-base, eager PyTorch",
    PEER_WORDS: "DistilBERT-base, eager PyTorch",
}

COLD_START = """
import json, sys, time
start = time.perf_counter()
from rasa_emotion import EmotionAnalyzer
analyzer = EmotionAnalyzer.load()
loaded = time.perf_counter() - start
import numpy, psutil
from rasa_emotion.audio import Waveform
voice = Waveform(0.1 * numpy.random.default_rng(0).standard_normal(48_000).astype("float32"))
analyzer.analyze(audio=voice, text="I have been waiting for an hour and nobody has called back")
print(json.dumps({
    "load_secs": loaded,
    "memory_mb": psutil.Process().memory_info().rss / 2**20,
    "torch_imported": "torch" in sys.modules,
}))
"""

Call = Callable[[], object]
Times = dict[str, list[float]]


def speech() -> bytes:
    """A WAV file of 3 s at 16 kHz in which espeak-ng says the words over and over; what is no voice costs more to hear.

    Raises:
        SystemExit: espeak-ng is not installed.
    """
    try:
        said = subprocess.run(["espeak-ng", "--stdout", f"{WORDS}, {WORDS}"], check=True, capture_output=True).stdout
    except FileNotFoundError:
        raise SystemExit("The benchmark's voice is espeak-ng's: apt-get install espeak-ng.") from None
    samples = load_audio(said).samples[: int(SPEECH_SECS * SAMPLE_RATE)]
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format="WAV")
    return file.getvalue()


def ours(analyzer: EmotionAnalyzer, audio: bytes) -> dict[str, Call]:
    """The whole turn and its parts."""
    waveform = load_audio(audio)
    heard, read = analyzer.hear(waveform), analyzer.read(WORDS)

    def rest() -> None:
        load_audio(audio)
        analyzer.fuse([heard, read])

    return {
        TURN: lambda: analyzer.analyze(audio=audio, text=WORDS),
        VOICE: lambda: analyzer.hear(waveform),
        READ: lambda: analyzer.analyze(text=WORDS),
        REST: rest,
        ALONE: lambda: analyzer.analyze(audio=audio),
    }


def peer() -> dict[str, Call]:
    """The voice and the words through eager PyTorch models of the usual size."""
    import torch  # noqa: PLC0415 -- heavy, and only here
    from transformers import (  # noqa: PLC0415
        DistilBertConfig,
        DistilBertForSequenceClassification,
        Wav2Vec2Config,
        Wav2Vec2ForSequenceClassification,
    )

    torch.set_num_threads(1)
    voice = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(num_labels=8)).eval()
    words = DistilBertForSequenceClassification(DistilBertConfig(num_labels=8)).eval()
    samples = torch.randn(1, int(SPEECH_SECS * SAMPLE_RATE))
    tokens = torch.randint(1000, 20_000, (1, len(WORDS.split()) + 2))
    no_grad = torch.inference_mode()
    return {PEER_VOICE: no_grad(lambda: voice(samples)), PEER_WORDS: no_grad(lambda: words(tokens))}


def interleave(
    warmed: Mapping[str, Call],
    others: Mapping[str, Call],
    repeats: int,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> tuple[Times, Times]:
    """Milliseconds of CPU and of wall time of each call, one of each per repeat, after `WARM_UP` repeats.

    Args:
        warmed: are called once more, untimed, right before they are timed.
        others: follow them, timed at once.
        repeats: how many are kept.
        progress: shows how far it is.
    """
    cpu: Times = {name: [] for name in (*warmed, *others)}
    wall: Times = {name: [] for name in cpu}
    for repeat in progress(range(WARM_UP + repeats)):
        for name, call in (*warmed.items(), *others.items()):
            if name in warmed:
                call()
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            call()
            cpu_taken, wall_taken = time.process_time() - cpu_start, time.perf_counter() - wall_start
            if repeat >= WARM_UP:
                cpu[name].append(1000 * cpu_taken)
                wall[name].append(1000 * wall_taken)
    return cpu, wall


def ratios(times: Times) -> dict[str, dict[str, float]]:
    """How many times longer the peer took within the same repeat: the turn, the voice and the words; and how many times
    longer another voice took than ours."""
    of = {name: np.asarray(taken) for name, taken in times.items()}
    pairs = {
        TURN: (of[PEER_VOICE] + of[PEER_WORDS], of[TURN]),
        VOICE: (of[PEER_VOICE], of[VOICE]),
        READ: (of[PEER_WORDS], of[READ]),
    }
    if OTHER in of:
        pairs[OTHER] = (of[OTHER], of[VOICE])
    return {name: median(peers / mine) for name, (peers, mine) in pairs.items()}


def cold_start(repeats: int = 5) -> dict[str, float | bool]:
    """Medians over fresh processes."""
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", COLD_START], check=True, capture_output=True).stdout)
        for _ in range(repeats)
    ]
    return {
        "load_secs": round(float(np.median([run["load_secs"] for run in runs])), 3),
        "memory_mb": round(float(np.median([run["memory_mb"] for run in runs])), 1),
        "torch_imported": any(run["torch_imported"] for run in runs),
    }


def measure(
    repeats: int,
    models: Path | None = None,
    acoustic: str = "acoustic",
    cold: int = 5,
    *,
    beside: Path | None = None,
) -> dict[str, Any]:
    """Everything that is printed. ONNX Runtime and PyTorch have one thread each, which the system may move."""
    around, started = machine(), cold_start(cold)  # the load before this program adds to it
    analyzer = EmotionAnalyzer.load(models, acoustic=acoustic)

    audio = speech()
    calls = ours(analyzer, audio)
    if beside is not None:
        other, waveform = EmotionAnalyzer.load(beside), load_audio(audio)
        calls[OTHER] = lambda: other.hear(waveform)
    cpu, wall = interleave(calls, peer(), repeats, shown("turns"))
    return {
        "machine": around,
        "models": {
            "voice": analyzer.acoustic.name if analyzer.acoustic else None,
            "words": analyzer.text.folder.name if analyzer.text else None,
            "checksum": analyzer.checksum[:12],
        },
        "repeats": repeats,
        "cpu_ms": {name: median(taken) for name, taken in cpu.items()},
        "wall_ms": {name: median(taken) for name, taken in wall.items()},
        "times_faster_cpu": ratios(cpu),
        "times_faster_wall": ratios(wall),
        "cold_start": started,
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    around, cold = found["machine"], found["cold_start"]
    packages = ", ".join(f"{name} {number}" for name, number in around["packages"].items())
    lines = [
        f"{SPEECH_SECS:.0f} s of speech and {len(WORDS.split())} words on one thread of {around['processor']} "
        f"({', '.join(around['instructions']) or 'no vector instructions known'}; {around['cores']} cores, load "
        f"{around['load_average']}). Python {around['python']}, {packages}. Voice {found['models']['voice']}, "
        f"words {found['models']['words']}, checksum {found['models']['checksum']}. Medians of {found['repeats']} "
        "interleaved repeats with 95 % bootstrap intervals; CPU time counts.",
        "",
        "| part | what | CPU ms | p95 | wall ms |",
        "|---|---|---|---|---|",
    ]
    for name, row in found["cpu_ms"].items():
        wall = found["wall_ms"][name]["median"]
        lines.append(f"| {name} | {WHAT[name]} | {interval(row, 2)} | {row['p95']:.2f} | {wall:.2f} |")
    lines += ["", "| times faster than the peer | by CPU time | by wall time |", "|---|---|---|"]
    for name, row in found["times_faster_cpu"].items():
        what = "voice, than the other voice" if name == OTHER else name
        lines.append(f"| {what} | {interval(row, 1)} | {interval(found['times_faster_wall'][name], 1)} |")
    lines += [
        "",
        f"Cold start {cold['load_secs']:.2f} s, {cold['memory_mb']:.0f} MB, "
        f"{'torch imported' if cold['torch_imported'] else 'no torch'}.",
    ]
    return "\n".join(lines)


def main() -> None:
    arguments = repeated(__doc__, 30, "three that do not")
    arguments.add_argument("--acoustic", default="acoustic", help="name of the acoustic model's folder")
    arguments.add_argument("--beside", type=Path, help="folder of another acoustic model, timed in the same repeats")
    run(
        arguments,
        lambda given: measure(given.repeats, given.models, given.acoustic, beside=given.beside),
        markdown,
    )


if __name__ == "__main__":
    main()
