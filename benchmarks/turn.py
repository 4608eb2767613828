"""One turn (3 s of speech and 12 words) on one thread, beside what a user would pick instead, in the same run.

The peer is wav2vec2-base sequence classification and DistilBERT-base in eager PyTorch, with random weights of the
published shapes: they take the same time as trained ones. Cold start and memory are those of a fresh process that
calls `EmotionAnalyzer.load()` and analyses one turn.

    python benchmarks/turn.py            # a table
    python benchmarks/turn.py --json
"""

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import soundfile
from rich.console import Console
from rich.progress import track
from rich.table import Table

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import load_audio

SPEECH_SECS = 3.0
SAMPLE_RATE = 16_000
WORDS = "I have been waiting for an hour and nobody has called back"

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


def speech(rng: np.random.Generator) -> bytes:
    """A WAV file of noise under a syllable-like envelope: as long, and as loud, as 3 s of speech."""
    seconds = np.arange(int(SPEECH_SECS * SAMPLE_RATE)) / SAMPLE_RATE
    envelope = 0.2 + 0.8 * np.abs(np.sin(2 * np.pi * 2 * seconds))
    file = io.BytesIO()
    soundfile.write(file, 0.2 * envelope * rng.standard_normal(len(seconds)), SAMPLE_RATE, format="WAV")
    return file.getvalue()


def milliseconds(run: Callable[[], object], repeats: int, name: str) -> dict[str, float]:
    """Median and 95th percentile after three warm-up runs."""
    for _ in range(3):
        run()
    taken = []
    for _ in track(range(repeats), description=name, transient=True, console=Console(stderr=True)):
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) * 1000)
    return {"p50_ms": float(np.percentile(taken, 50)), "p95_ms": float(np.percentile(taken, 95))}


def peer() -> dict[str, Callable[[], object]]:
    """The voice and the words through eager PyTorch models of the usual size."""
    import torch  # noqa: PLC0415 -- the analyzer's own figures are taken before torch is there
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
    return {"voice": no_grad(lambda: voice(samples)), "words": no_grad(lambda: words(tokens))}


def cold_start(repeats: int = 5) -> dict[str, float | bool]:
    """Medians over fresh processes."""
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", COLD_START], check=True, capture_output=True).stdout)
        for _ in range(repeats)
    ]
    return {
        "load_secs": float(np.median([run["load_secs"] for run in runs])),
        "memory_mb": float(np.median([run["memory_mb"] for run in runs])),
        "torch_imported": any(run["torch_imported"] for run in runs),
    }


def measure(repeats: int) -> dict[str, dict[str, float | bool]]:
    analyzer = EmotionAnalyzer.load()
    audio = speech(np.random.default_rng(0))
    waveform = load_audio(audio)
    ours = {
        "rasa-emotion, whole turn": lambda: analyzer.analyze(audio=audio, text=WORDS),
        "rasa-emotion, voice": lambda: analyzer.hear(waveform),
        "rasa-emotion, words": lambda: analyzer.read(WORDS),
    }
    results: dict[str, dict[str, float | bool]] = {"cold start": cold_start()}
    results |= {name: milliseconds(run, repeats, name) for name, run in ours.items()}
    models = peer()
    results["peer, voice"] = milliseconds(models["voice"], max(5, repeats // 10), "peer, voice")
    results["peer, words"] = milliseconds(models["words"], max(5, repeats // 10), "peer, words")
    turn = results["peer, voice"]["p50_ms"] + results["peer, words"]["p50_ms"]
    results["ratio"] = {"times_faster": turn / results["rasa-emotion, whole turn"]["p50_ms"]}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200, help="turns to time (the peer gets a tenth)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    results = measure(options.repeats)
    if options.json:
        print(json.dumps(results))
        return
    table = Table(
        "one thread", "p50 ms", "p95 ms", title=f"{SPEECH_SECS:.0f} s of speech and {len(WORDS.split())} words"
    )
    for name, row in results.items():
        if "p50_ms" in row:
            table.add_row(name, f"{row['p50_ms']:.2f}", f"{row['p95_ms']:.2f}")
    console, cold = Console(), results["cold start"]
    console.print(table)
    console.print(f"{results['ratio']['times_faster']:.0f} times faster than the peer (medians of this run)")
    console.print(
        f"cold start {cold['load_secs']:.2f} s, {cold['memory_mb']:.0f} MB, torch imported: {cold['torch_imported']}"
    )


if __name__ == "__main__":
    main()
