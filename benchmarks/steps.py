"""Each step of one turn (3 s of speech and 12 words) on one thread, and how far the models are from the limit.

The limit of a model is the time that its multiplications would take at the rate of one large matrix product of the
same kind, in int8 or in float, measured in the same repeats with ONNX Runtime on one thread. Its operations are counted
by ONNX Runtime's own profile of the optimised graph, so that nothing is counted that is not computed. CPU time counts;
steps are interleaved, so that whatever else the machine does slows all of them.

    python benchmarks/steps.py              # two tables; --json and --markdown for programs and documents
"""

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.figures import machine, median
from benchmarks.printing import interval, repeated, run, shown
from benchmarks.turn import SPEECH_SECS, WORDS, Call, interleave, speech
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic.classifier import padded
from rasa_emotion.audio import highpass, load_audio, snr_db, speech_mask
from rasa_emotion.audio.activity import trim_silence
from rasa_emotion.model_folder import model_path

SIZE = 768
"""Rows, columns and depth of the matrix product whose rate is the limit: large enough for the full rate."""

INT8, FLOAT = "int8", "float"
TURN, DECODING, FILTER, ACTIVITY, NETWORK, READ, FUSION, REST = (
    "the whole turn",
    "decoding",
    "high-pass, trimming, noise",
    "voice activity",
    "the voice's network",
    "words",
    "fusion",
    "the rest",
)
RATES = {INT8: "a matrix product in int8", FLOAT: "a matrix product in float"}

_PRODUCTS = {"MatMul", "FusedMatMul", "Gemm", "QGemm", "MatMulInteger", "MatMulIntegerToFloat"} | {
    "QLinearMatMul",
    "DynamicQuantizeMatMul",
    "MatMulNBits",
}
_CONVOLUTIONS = {"Conv", "FusedConv", "QLinearConv", "ConvInteger", "NhwcFusedConv"}
_IN_INT8 = {"QGemm", "MatMulInteger", "MatMulIntegerToFloat", "QLinearMatMul", "DynamicQuantizeMatMul", "QLinearConv"}

Shapes = list[dict[str, list[int]]]


def products(file: Path, feeds: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """Multiplications of one run, by the kind of number.

    Args:
        file: the ONNX model.
        feeds: its inputs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    options.add_session_config_entry("session.disable_prepacking", "1")  # weights then appear in the profile
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/profile"
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        session.run(None, dict(feeds))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    found: dict[str, int] = defaultdict(int)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            name, shapes = event["args"]["op_name"], event["args"]["input_type_shape"]
            kind = INT8 if name in _IN_INT8 else FLOAT
            found[kind] += _multiplications(name, shapes, event["args"]["output_type_shape"])
    return dict(found)


def _multiplications(name: str, given: Shapes, made: Shapes) -> int:
    sizes = [next(iter(one.values())) for one in given]
    out = int(np.prod(next(iter(made[0].values())))) if made else 0
    if name in _PRODUCTS:
        return out * sizes[0][-1]
    if name in _CONVOLUTIONS:
        # The weights: the only other input of as many dimensions as the sound has.
        weights = next(size for size in sizes[1:] if len(size) == len(sizes[0]))
        return out * int(np.prod(weights[1:]))
    if name == "MultiHeadAttention":
        batch, count, width = sizes[0]
        return 2 * batch * count * sizes[1][1] * width
    return 0


def rate(kind: str) -> Call:
    """A matrix product of `SIZE` in ONNX Runtime."""
    draw = np.random.default_rng(0)
    if kind == FLOAT:
        weights = draw.standard_normal((SIZE, SIZE)).astype(np.float32)
        node = helper.make_node("MatMul", ["x", "w"], ["y"])
        given, made, constants = TensorProto.FLOAT, TensorProto.FLOAT, {"w": weights}
        x: NDArray[Any] = draw.standard_normal((SIZE, SIZE)).astype(np.float32)
    else:
        names = ["x", "s", "z", "w", "s", "t", "r", "z"]
        node = helper.make_node("QLinearMatMul", names, ["y"])
        given = made = TensorProto.UINT8
        constants = {
            "w": draw.integers(-63, 64, (SIZE, SIZE)).astype(np.int8),
            "s": np.array(0.01, np.float32),
            "r": np.array(1.0, np.float32),
            "z": np.array(128, np.uint8),
            "t": np.array(0, np.int8),
        }
        x = draw.integers(0, 255, (SIZE, SIZE)).astype(np.uint8)
    graph = helper.make_graph(
        [node],
        "rate",
        [helper.make_tensor_value_info("x", given, [SIZE, SIZE])],
        [helper.make_tensor_value_info("y", made, [SIZE, SIZE])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx.ModelProto.SerializeToString(model), options)
    return lambda: session.run(None, {"x": x})


def steps(analyzer: EmotionAnalyzer, audio: bytes) -> tuple[dict[str, Call], NDArray[np.float32]]:
    """The turn and its steps, and the samples that the network hears."""
    assert analyzer.acoustic is not None
    waveform = load_audio(audio)
    trimmed = trim_silence(highpass(waveform))
    network, sound = analyzer.acoustic._network, np.ascontiguousarray(trimmed.samples)
    heard, read = analyzer.hear(waveform), analyzer.read(WORDS)

    def filtered() -> None:
        clean = highpass(waveform)
        trim_silence(clean)
        snr_db(clean)

    return {
        TURN: lambda: analyzer.analyze(audio=audio, text=WORDS),
        DECODING: lambda: load_audio(audio),
        FILTER: filtered,
        ACTIVITY: lambda: speech_mask(trimmed),
        NETWORK: lambda: network.run(("logits", "embedding"), [sound]),
        READ: lambda: analyzer.read(WORDS),
        FUSION: lambda: analyzer.fuse([heard, read]),
    }, sound


def measure(repeats: int, models: Path | None = None) -> dict[str, Any]:
    """Everything that is printed."""
    around, analyzer = machine(), EmotionAnalyzer.load(models)
    assert analyzer.text is not None
    calls, sound = steps(analyzer, speech())
    calls |= {RATES[kind]: rate(kind) for kind in (INT8, FLOAT)}
    cpu, _ = interleave(calls, {}, repeats, shown("steps"))
    parts = (DECODING, FILTER, ACTIVITY, NETWORK, READ, FUSION)
    cpu[REST] = list(np.asarray(cpu[TURN]) - np.sum([cpu[part] for part in parts], axis=0))
    tokens = analyzer.text._tokens(WORDS)
    ids = np.ones((1, len(tokens.ids)), dtype=np.int64)
    counted = {
        NETWORK: products(model_path(models, "acoustic", "acoustic") / "model.onnx", padded([sound])),
        READ: products(
            model_path(models, "text", "text") / "model.onnx", {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        ),
    }
    per_ms = {kind: SIZE**3 / median(cpu[RATES[kind]])["median"] for kind in (INT8, FLOAT)}
    return {
        "machine": around,
        "models": analyzer.checksum[:12],
        "repeats": repeats,
        "cpu_ms": {name: median(taken) for name, taken in cpu.items() if name not in RATES.values()},
        "multiplications_per_sec": {kind: round(1000 * number) for kind, number in per_ms.items()},
        "limit": {
            name: {
                "multiplications": count,
                "limit_ms": round(sum(number / per_ms[kind] for kind, number in count.items()), 4),
                "cpu_ms": median(cpu[name])["median"],
            }
            for name, count in counted.items()
        },
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    around, whole = found["machine"], found["cpu_ms"][TURN]["median"]
    lines = [
        f"{SPEECH_SECS:.0f} s of speech and {len(WORDS.split())} words on one thread of {around['processor']} "
        f"({', '.join(around['instructions'])}; {around['cores']} cores, load {around['load_average']}); models "
        f"{found['models']}. CPU time: medians of {found['repeats']} interleaved repeats with 95 % bootstrap "
        "intervals.",
        "",
        "| step | ms | share of the turn |",
        "|---|---|---|",
    ]
    for name, row in found["cpu_ms"].items():
        lines.append(f"| {name} | {interval(row)} | {100 * row['median'] / whole:.0f} % |")
    rates = ", ".join(f"{2e-9 * number:,.0f} in {kind}" for kind, number in found["multiplications_per_sec"].items())
    lines += [
        "",
        f"One core's measured rate, in billions of operations (a multiplication and an addition) a second: {rates}.",
        "",
        "| model | multiplications, int8 | float | limit, ms | taken, ms | times the limit |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in found["limit"].items():
        counts = " | ".join(f"{1e-6 * row['multiplications'].get(kind, 0):,.1f} million" for kind in (INT8, FLOAT))
        ratio = row["cpu_ms"] / row["limit_ms"]
        lines.append(f"| {name} | {counts} | {row['limit_ms']:.2f} | {row['cpu_ms']:.2f} | {ratio:.1f} |")
    return "\n".join(lines)


def main() -> None:
    arguments = repeated(__doc__, 60, "three that do not")
    run(arguments, lambda options: measure(options.repeats, options.models), markdown)


if __name__ == "__main__":
    main()
