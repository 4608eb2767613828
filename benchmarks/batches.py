"""Time per item over batch sizes 1 to 16: whether a batch is cheaper than its items one by one, on one thread.

Each repeat calls every size one after another, so that whatever else the machine does at that moment slows all of them.
The share is taken within each repeat: time per item of a batch, divided by that of a batch of one. CPU time counts.

- voice, same length: 3 s each.
- voice, mixed lengths: 1 to 5 s; the shorter ones are padded to the longest.
- words: 12 each. The text model that ships is not batched, since its dynamic int8 would answer otherwise in company;
  the row shows what that costs.

    python benchmarks/batches.py              # a table; --json and --markdown for programs and documents
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import machine, median
from benchmarks.printing import interval, repeated, run, shown
from benchmarks.turn import SAMPLE_RATE, WORDS
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic.classifier import padded

SIZES = (1, 2, 4, 8, 16)
ITEMS = 16
"""Of each repeat, in batches of each size: each size has the same work."""
WARM_UP = 2
OUTPUTS = ("logits", "embedding")

Batches = dict[str, Callable[[int], object]]


def batches(analyzer: EmotionAnalyzer) -> Batches:
    """For each kind of item what runs `ITEMS` of them in batches of a size."""
    assert analyzer.acoustic is not None
    assert analyzer.text is not None
    draw = np.random.default_rng(0)
    # The sessions themselves: the classifiers choose their batches by the figures of this benchmark.
    hear, reads = analyzer.acoustic._network._session.run, analyzer.text
    same = [_sound(draw, 3.0) for _ in range(ITEMS)]
    mixed = [_sound(draw, secs) for secs in np.linspace(1, 5, ITEMS)[draw.permutation(ITEMS)]]
    tokens = [reads._tokens(WORDS)] * ITEMS
    return {
        "voice, same length": lambda size: [hear(OUTPUTS, padded(part)) for part in _parts(same, size)],
        "voice, mixed lengths": lambda size: [hear(OUTPUTS, padded(part)) for part in _parts(mixed, size)],
        "words": lambda size: [reads._run_together(part) for part in _parts(tokens, size)],
    }


def _sound(draw: np.random.Generator, secs: float) -> NDArray[np.float32]:
    return (0.1 * draw.standard_normal(round(secs * SAMPLE_RATE))).astype(np.float32)


def _parts(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def interleave(
    calls: Batches, repeats: int, progress: Callable[[Sequence[int]], Iterable[int]] = iter
) -> dict[str, dict[int, list[float]]]:
    """Milliseconds of CPU per item, by kind and size, one of each per repeat, after `WARM_UP` repeats."""
    taken: dict[str, dict[int, list[float]]] = {kind: {size: [] for size in SIZES} for kind in calls}
    for repeat in progress(range(WARM_UP + repeats)):
        for kind, call in calls.items():
            for size in SIZES:
                start = time.process_time()
                call(size)
                if repeat >= WARM_UP:
                    taken[kind][size].append(1000 * (time.process_time() - start) / ITEMS)
    return taken


def measure(repeats: int, models: Path | None = None) -> dict[str, Any]:
    """Everything that is printed."""
    around = machine()
    analyzer = EmotionAnalyzer.load(models)
    taken = interleave(batches(analyzer), repeats, shown("batches"))
    return {
        "machine": around,
        "models": analyzer.checksum[:12],
        "repeats": repeats,
        "cpu_ms": {kind: {size: median(ms) for size, ms in sizes.items()} for kind, sizes in taken.items()},
        "share": {
            kind: {size: median(np.asarray(ms) / np.asarray(sizes[1])) for size, ms in sizes.items()}
            for kind, sizes in taken.items()
        },
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    around = found["machine"]
    lines = [
        f"CPU time per item on one thread of {around['processor']} ({', '.join(around['instructions'])}; "
        f"{around['cores']} cores, load {around['load_average']}), models {found['models']}. Medians of "
        f"{found['repeats']} interleaved repeats; the share of the time alone with its 95 % bootstrap interval.",
        "",
        "| item | " + " | ".join(f"batch of {size}" for size in SIZES) + " |",
        "|---|" + "---|" * len(SIZES),
    ]
    for kind, sizes in found["cpu_ms"].items():
        shares = found["share"][kind]
        cells = [f"{sizes[1]['median']:.2f} ms"]
        cells += [interval(shares[size]) for size in SIZES[1:]]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    arguments = repeated(__doc__, 30, "two that do not")
    run(arguments, lambda options: measure(options.repeats, options.models), markdown)


if __name__ == "__main__":
    main()
