"""What ONNX Runtime's options gain for both networks: graph optimisation, threads, arena, prepacked weights, bindings.

Each repeat runs the shipped setting and every other one, one after another, and the ratio is taken within the repeat:
how many times longer than as shipped. CPU time shows what is saved, wall time what a caller waits. The outputs are
compared with those of the shipped setting, and the greatest difference is shown.

    python benchmarks/sessions.py              # a table; --json and --markdown for programs and documents
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import GraphOptimizationLevel as Level

from benchmarks.figures import machine, median
from benchmarks.printing import interval, repeated, run, shown
from benchmarks.turn import WORDS, Call, interleave, speech
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic.classifier import padded
from rasa_emotion.audio import load_audio
from rasa_emotion.model_folder import model_path

SHIPPED = "as shipped"
Feeds = Mapping[str, NDArray[Any]]
Options = Callable[[onnxruntime.SessionOptions], None]


def _level(level: Level) -> Options:
    return lambda options: setattr(options, "graph_optimization_level", level)


def _entry(name: str, value: str) -> Options:
    return lambda options: options.add_session_config_entry(name, value)


def _two_threads(options: onnxruntime.SessionOptions) -> None:
    options.intra_op_num_threads = 2
    # Threads that wait actively would go on into the settings that are timed next, and count as theirs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")


SETTINGS: dict[str, Options] = {
    SHIPPED: lambda options: None,
    "no graph optimisation": _level(Level.ORT_DISABLE_ALL),
    "basic graph optimisation": _level(Level.ORT_ENABLE_BASIC),
    "extended graph optimisation": _level(Level.ORT_ENABLE_EXTENDED),
    "two threads": _two_threads,
    "no arena": lambda options: setattr(options, "enable_cpu_mem_arena", False),
    "no memory pattern": lambda options: setattr(options, "enable_mem_pattern", False),
    "weights not prepacked": _entry("session.disable_prepacking", "1"),
    "subnormal numbers as zeros": _entry("session.set_denormal_as_zero", "1"),
}
BOUND = "inputs and outputs bound beforehand"


def session(file: Path, change: Options) -> onnxruntime.InferenceSession:
    """One thread and everything else as ONNX Runtime has it, as the package does, but for `change`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    change(options)
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def runs(file: Path, feeds: Feeds) -> tuple[dict[str, Call], dict[str, float]]:
    """A call of each setting, and how far its outputs are from those of the shipped one."""
    sessions = {name: session(file, change) for name, change in SETTINGS.items()}
    given = dict(feeds)
    truth = sessions[SHIPPED].run(None, given)
    apart = {}
    for name, one in sessions.items():
        found = one.run(None, given)
        apart[name] = max(float(np.abs(a - b).max()) for a, b in zip(found, truth, strict=True))
    calls: dict[str, Call] = {name: _call(one, given) for name, one in sessions.items()}
    binding = sessions[SHIPPED].io_binding()
    for name, value in given.items():
        binding.bind_cpu_input(name, value)
    for output in sessions[SHIPPED].get_outputs():
        binding.bind_output(output.name)
    calls[BOUND] = lambda: sessions[SHIPPED].run_with_iobinding(binding)
    return calls, {**apart, BOUND: 0.0}


def _call(one: onnxruntime.InferenceSession, given: dict[str, NDArray[Any]]) -> Call:
    return lambda: one.run(None, given)


def measure(repeats: int, models: Path | None = None) -> dict[str, Any]:
    """Everything that is printed."""
    around, analyzer = machine(), EmotionAnalyzer.load(models)
    assert analyzer.text is not None
    ids = np.ones((1, len(analyzer.text._tokens(WORDS).ids)), dtype=np.int64)
    feeds: dict[str, tuple[Path, Feeds]] = {
        "voice": (model_path(models, "acoustic", "acoustic"), padded([load_audio(speech()).samples])),
        "words": (model_path(models, "text", "text"), {"input_ids": ids, "attention_mask": np.ones_like(ids)}),
    }
    found: dict[str, Any] = {}
    for kind, (folder, given) in feeds.items():
        calls, apart = runs(folder / "model.onnx", given)
        cpu, wall = interleave(calls, {}, repeats, shown("sessions"))
        found[kind] = {
            name: {
                "cpu": median(np.asarray(cpu[name]) / np.asarray(cpu[SHIPPED])),
                "wall": median(np.asarray(wall[name]) / np.asarray(wall[SHIPPED])),
                "apart": apart[name],
            }
            for name in calls
            if name != SHIPPED
        }
    return {"machine": around, "models": analyzer.checksum[:12], "repeats": repeats, "times_as_long": found}


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    around = found["machine"]
    lines = [
        f"How many times longer than as shipped, {around['processor']} ({around['cores']} cores, load "
        f"{around['load_average']}), ONNX Runtime {around['packages']['onnxruntime']}, models {found['models']}: "
        f"medians of {found['repeats']} interleaved repeats with 95 % bootstrap intervals.",
        "",
        "| setting | voice, CPU | voice, wall | words, CPU | words, wall | outputs differ by |",
        "|---|---|---|---|---|---|",
    ]
    of = found["times_as_long"]
    for name in of["voice"]:
        cells = [interval(of[kind][name][time]) for kind in ("voice", "words") for time in ("cpu", "wall")]
        apart = max(of[kind][name]["apart"] for kind in ("voice", "words"))
        lines.append(f"| {name} | {' | '.join(cells)} | {apart:.1g} |")
    return "\n".join(lines)


def main() -> None:
    arguments = repeated(__doc__, 60, "three that do not")
    run(arguments, lambda options: measure(options.repeats, options.models), markdown)


if __name__ == "__main__":
    main()
