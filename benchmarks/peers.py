"""The voice and the words beside what people run today, in one run, and how far each is from what this machine can do.

3 s of speech and 12 words on one thread. Each repeat times everything one after another, so that whatever else the
machine does slows all of it; ratios are taken within each repeat. CPU time counts. The peers have random weights of the
published shapes, which take the same time as trained ones:

- wav2vec2-base and -large sequence classification, DistilBERT, DistilRoBERTa: eager PyTorch, and as pipelines of
  `transformers`, which bring their own preparation of samples and words;
- SpeechBrain's wav2vec2 classifier: wav2vec2-base, statistics pooling over its mean, one linear layer, as in
  `emotion-recognition-wav2vec2-IEMOCAP`;
- openSMILE's eGeMAPSv02 functionals with a support vector machine. Its licence allows research and evaluation alone, so
  that it is no dependency of this project: give `--opensmile` the Python of an environment of its own that has
  `opensmile` and `scikit-learn`. What starting that process costs is not counted.

The limit is the time that a model's multiplications would take at the rate of one large matrix product of their kind,
measured in the same repeats: in int8 with ONNX Runtime, in float with ONNX Runtime or PyTorch, whichever is faster.

    python benchmarks/peers.py --markdown
    python benchmarks/peers.py --repeats 10 --opensmile /opt/opensmile/bin/python --json
"""

import argparse
import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.figures import machine, median
from benchmarks.printing import interval, repeated, run, shown
from benchmarks.steps import FLOAT, INT8, RATES, SIZE, products, rate
from benchmarks.turn import SAMPLE_RATE, SPEECH_SECS, WORDS, Call, interleave, speech
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic.classifier import padded
from rasa_emotion.audio import highpass, load_audio
from rasa_emotion.audio.activity import trim_silence
from rasa_emotion.model_folder import model_path

VOICE, READ = "our voice", "our words"
TORCH_RATE = "a matrix product in float, PyTorch"
OPENSMILE = "openSMILE eGeMAPSv02 and an SVM"
ONE_THREAD = 1

HEARS = (
    "wav2vec2-base, eager",
    "wav2vec2-base, pipeline",
    "wav2vec2-large, eager",
    "wav2vec2-large, pipeline",
    "SpeechBrain's wav2vec2 classifier",
    OPENSMILE,
)
READS = ("DistilBERT, eager", "DistilBERT, pipeline", "DistilRoBERTa, eager", "DistilRoBERTa, pipeline")
ON_A_GPU = ("our voice on a GPU", "our voice's teacher on a GPU")

LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "conv_bias": True,
    "do_stable_layer_norm": True,
}
"""Of wav2vec2-large (LV-60), as its configuration is published."""

OTHER_PROCESS = """
import json, sys, time
import numpy as np
import opensmile, soundfile
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals, num_workers=1)
samples, rate = soundfile.read(sys.argv[1], dtype="float32")
width = smile.process_signal(samples, rate).shape[1]
draw = np.random.default_rng(0)
svm = make_pipeline(StandardScaler(), SVC()).fit(draw.standard_normal((1000, width)), np.arange(1000) % 8)
print(json.dumps({"version": opensmile.__version__}), flush=True)
for _ in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    svm.predict(smile.process_signal(samples, rate).to_numpy())
    print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]), flush=True)
"""


def eager_and_pipelines() -> tuple[dict[str, Call], dict[str, int]]:
    """The peers in PyTorch, and the multiplications of one call of each that is eager."""
    import torch  # noqa: PLC0415 -- heavy, and only here
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    torch.set_num_threads(ONE_THREAD)
    samples = torch.from_numpy(load_audio(speech()).samples)[None]
    tokens = torch.randint(1000, 20_000, (1, len(WORDS.split()) + 2))
    voices = {"wav2vec2-base": wav2vec2(), "wav2vec2-large": wav2vec2(**LARGE)}
    words = {"DistilBERT": distilbert(), "DistilRoBERTa": distilroberta()}
    brain = speechbrain_classifier(voices["wav2vec2-base"].wav2vec2)
    plain: dict[str, Callable[[], object]] = {
        **{f"{name}, eager": lambda model=model: model(samples) for name, model in voices.items()},
        "SpeechBrain's wav2vec2 classifier": lambda: brain(samples),
        **{f"{name}, eager": lambda model=model: model(tokens) for name, model in words.items()},
    }
    counted = {}
    for name, call in plain.items():
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            call()
        counted[name] = counter.get_total_flops() // 2
    calls = {name: torch.inference_mode()(call) for name, call in plain.items()}
    heard = samples[0].numpy()
    for name, model in voices.items():
        hears = voice_pipeline(model)
        calls[f"{name}, pipeline"] = lambda hears=hears: hears({"raw": heard, "sampling_rate": SAMPLE_RATE})
    for name, model in words.items():
        reads = words_pipeline(model)
        calls[f"{name}, pipeline"] = lambda reads=reads: reads(WORDS)
    draw = torch.randn(SIZE, SIZE)
    calls[TORCH_RATE] = torch.inference_mode()(lambda: draw @ draw)
    return calls, counted


def wav2vec2(**options: Any) -> Any:
    """A classifier of eight emotions, of base's shape where nothing else is said."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification  # noqa: PLC0415

    return Wav2Vec2ForSequenceClassification(Wav2Vec2Config(num_labels=8, **options)).eval()


def speechbrain_classifier(encoder: Any) -> Callable[[Any], object]:
    """An encoder, SpeechBrain's pooling of the mean and its linear layer.

    Args:
        encoder: wav2vec2, shared with the peer of that name.
    """
    from speechbrain.nnet.linear import Linear  # noqa: PLC0415
    from speechbrain.nnet.pooling import StatisticsPooling  # noqa: PLC0415

    pool, last = StatisticsPooling(return_std=False), Linear(input_size=768, n_neurons=4, bias=False)
    return lambda samples: last(pool(encoder(samples).last_hidden_state)).softmax(-1)


def distilbert() -> Any:
    """A classifier of eight emotions."""
    from transformers import DistilBertConfig, DistilBertForSequenceClassification  # noqa: PLC0415

    return DistilBertForSequenceClassification(DistilBertConfig(num_labels=8)).eval()


def distilroberta() -> Any:
    """The same on DistilRoBERTa, a RoBERTa of six layers."""
    from transformers import RobertaConfig, RobertaForSequenceClassification  # noqa: PLC0415

    shape = RobertaConfig(
        num_labels=8, vocab_size=50_265, num_hidden_layers=6, max_position_embeddings=514, type_vocab_size=1
    )
    return RobertaForSequenceClassification(shape).eval()


def voice_pipeline(model: Any) -> Callable[[Mapping[str, Any]], object]:
    """`audio-classification`."""
    from transformers import AudioClassificationPipeline, Wav2Vec2FeatureExtractor  # noqa: PLC0415

    return AudioClassificationPipeline(model=model, feature_extractor=Wav2Vec2FeatureExtractor(), device="cpu")


def words_pipeline(model: Any) -> Callable[[str], object]:
    """`text-classification`, with a tokenizer of the words alone: its vocabulary is no matter of time."""
    from tokenizers import Tokenizer  # noqa: PLC0415
    from tokenizers.models import WordLevel  # noqa: PLC0415
    from tokenizers.pre_tokenizers import Whitespace  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast, TextClassificationPipeline  # noqa: PLC0415

    known = {word: number for number, word in enumerate(["[UNK]", "[PAD]", "<s>", "</s>", *sorted(set(WORDS.split()))])}
    tokenizer = Tokenizer(WordLevel(known, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        model_input_names=["input_ids", "attention_mask"],
    )
    return TextClassificationPipeline(model=model, tokenizer=fast, device="cpu")


@contextlib.contextmanager
def opensmile(python: Path | None, audio: bytes, folder: Path) -> Iterator[Callable[[], list[float]] | None]:
    """Asks another process for one turn: CPU and wall seconds of it. None where no Python was named."""
    if python is None:
        yield None
        return
    wav = folder / "turn.wav"
    soundfile.write(wav, load_audio(audio).samples, SAMPLE_RATE)
    command = [str(python), "-W", "ignore", "-c", OTHER_PROCESS, str(wav)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit(f"'{python}' could not hear; install opensmile, soundfile and scikit-learn there.")

        def ask() -> list[float]:
            process.stdin.write("\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            found: list[float] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            return found

        yield ask
        process.stdin.close()


def ours(analyzer: EmotionAnalyzer, audio: bytes, models: Path | None) -> tuple[dict[str, Call], dict[str, Any]]:
    """Our calls, and the multiplications of one of each by kind of number."""
    assert analyzer.text is not None
    waveform = load_audio(audio)
    sound: NDArray[np.float32] = np.ascontiguousarray(trim_silence(highpass(waveform)).samples)
    ids = np.ones((1, len(analyzer.text._tokens(WORDS).ids)), dtype=np.int64)
    counted = {
        VOICE: products(model_path(models, "acoustic", "acoustic") / "model.onnx", padded([sound])),
        READ: products(
            model_path(models, "text", "text") / "model.onnx", {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        ),
    }
    return {VOICE: lambda: analyzer.hear(waveform), READ: lambda: analyzer.read(WORDS)}, counted


def measure(repeats: int, models: Path | None, python: Path | None, folder: Path) -> dict[str, Any]:
    """Everything that is printed."""
    around, analyzer, audio = machine(), EmotionAnalyzer.load(models), speech()
    calls, counted = ours(analyzer, audio, models)
    others, peers_counted = eager_and_pipelines()
    calls |= {RATES[kind]: rate(kind) for kind in (INT8, FLOAT)}
    smile: list[list[float]] = []
    with opensmile(python, audio, folder) as ask:
        if ask is not None:
            others[OPENSMILE] = lambda: smile.append(ask())
        cpu, wall = interleave(calls, others, repeats, shown("peers"))
    if smile:  # the other process's own times, of the repeats that count
        cpu[OPENSMILE], wall[OPENSMILE] = ([1000 * one[kind] for one in smile[-repeats:]] for kind in (0, 1))
    per_ms = {kind: SIZE**3 / median(cpu[RATES[kind]])["median"] for kind in (INT8, FLOAT)}
    torch_per_ms = SIZE**3 / median(cpu[TORCH_RATE])["median"]
    fastest = {**per_ms, FLOAT: max(per_ms[FLOAT], torch_per_ms)}
    limits = {name: sum(number / fastest[kind] for kind, number in by.items()) for name, by in counted.items()}
    limits |= {name: number / fastest[FLOAT] for name, number in peers_counted.items()}
    rows = {name: row(cpu, wall, name, limits) for name in (VOICE, *HEARS, READ, *READS) if name in cpu}
    rates = {**{RATES[kind]: per_ms[kind] for kind in per_ms}, TORCH_RATE: torch_per_ms}
    return {
        "machine": around,
        "models": analyzer.checksum[:12],
        "repeats": repeats,
        "rows": {**rows, **{name: None for name in (*HEARS, *ON_A_GPU) if name not in rows}},
        "multiplications_per_sec": {name: round(1000 * number) for name, number in rates.items()},
    }


def row(
    cpu: Mapping[str, list[float]], wall: Mapping[str, list[float]], name: str, limits: Mapping[str, float]
) -> dict[str, Any]:
    """One row: times, the ratio to ours within each repeat, and the limit where the operations are counted."""
    mine = VOICE if name in (VOICE, *HEARS) else READ
    limit = limits.get(name)
    return {
        "cpu_ms": median(cpu[name]),
        "wall_ms": median(wall[name]),
        "times_ours": median(np.asarray(cpu[name]) / np.asarray(cpu[mine])),
        "limit_ms": None if limit is None else round(limit, 4),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    around = found["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in around["packages"].items())
    lines = [
        f"{SPEECH_SECS:.0f} s of speech and {len(WORDS.split())} words on one thread of {around['processor']} "
        f"({', '.join(around['instructions'])}; {around['cores']} cores, load {around['load_average']}). {packages}; "
        f"models {found['models']}. CPU time: medians of {found['repeats']} interleaved repeats with 95 % bootstrap "
        "intervals.",
        "",
        "| what | CPU ms | times ours | limit, ms | times the limit |",
        "|---|---|---|---|---|",
    ]
    for name, one in found["rows"].items():
        if one is None:
            lines.append(f"| {name} | not measured | | | |")
            continue
        limit = one["limit_ms"]
        far = "| | |" if limit is None else f"| {limit:.2f} | {one['cpu_ms']['median'] / limit:.1f} |"
        lines.append(f"| {name} | {interval(one['cpu_ms'], 1)} | {interval(one['times_ours'], 1)} {far}")
    rates = ", ".join(f"{2e-9 * number:,.0f} ({name})" for name, number in found["multiplications_per_sec"].items())
    return "\n".join([*lines, "", f"One core's measured rates, in billions of operations a second: {rates}."])


def main() -> None:
    arguments = repeated(__doc__, 20, "three that do not")
    arguments.add_argument("--opensmile", type=Path, help="a Python with opensmile, soundfile and scikit-learn")

    def measured(given: argparse.Namespace) -> dict[str, Any]:
        with TemporaryDirectory(prefix="rasa-emotion-peers-") as folder:
            return measure(given.repeats, given.models, given.opensmile, Path(folder))

    run(arguments, measured, markdown)


if __name__ == "__main__":
    main()
