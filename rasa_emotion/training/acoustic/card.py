"""The card of an acoustic model folder, written from its manifest's figures alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasa_emotion.corpora.catalogue import CORPORA, corpus
from rasa_emotion.evaluation.metrics import rough
from rasa_emotion.model_folder import OWN, sha256
from rasa_emotion.training.attribute_card import with_attributes

CONDITIONS = {
    "mulaw": "8 kHz mu-law telephone",
    "noise20": "noise at 20 dB",
    "noise10": "noise at 10 dB",
    "noise5": "noise at 5 dB",
    "noise0": "noise at 0 dB",
}

INSIDE = (
    "log-mel spectrogram (64 bands, 25 ms window, 16 ms hop) with zero mean and unit deviation per utterance, 2-D "
    "convolutions, a bidirectional LSTM, attentive statistics pooling"
)


def write_card(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write `card.md`."""
    model = folder / "model.onnx"
    text = card(manifest["name"], manifest, sha256(model) if model.is_file() else "")
    (folder / "card.md").write_text(with_attributes(text, folder), encoding="utf-8")


def card(name: str, manifest: Mapping[str, Any], checksum: str) -> str:
    """Markdown for people: what the model is, its data and licence, and its figures with their split.

    A manifest may say in `inside` what the model is made of, in `commands` how it came about, and have no figures but
    the latency, where nothing was scored. `checksum` is "" where there is no `model.onnx`.
    """
    found = manifest["figures"]
    use = "Companies may use it." if manifest["commercial"] else "For research and evaluation only."
    if manifest["licence"] == OWN:
        use = "Who may use it, you decide: see LICENSE."
    digest = f" SHA-256 of `model.onnx`: `{checksum}`" if checksum else ""
    sections = [
        f"# {name}\n\n{manifest['summary']}\n\nLicence of the weights: {manifest['licence']}. {use}{digest}",
        _data(manifest),
        _model(manifest, found),
        *(_figures(manifest, found) if "ua" in found else [f"## Figures\n\n{manifest['split']}"]),
        f"## Again\n\n{manifest.get('commands') or _again(name, manifest)}",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _figures(manifest: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    return [
        f"## Figures\n\n{manifest['split']}\n\n{_headline(found)}",
        "### Recall by emotion\n\n"
        + _table(["emotion", "recall"], [[e, f"{r:.3f}"] for e, r in found["recall"].items()]),
        "### In noise, on the telephone, and cut short\n\n" + _conditions(found),
        _elsewhere(found),
    ]


def _data(manifest: Mapping[str, Any]) -> str:
    rows = []
    for name in manifest["corpora"]:
        known = CORPORA.get(name)
        rows.append([known.title, known.holds, known.licence] if known else [name, "recordings of your own", "yours"])
    table = _table(["corpus", "what", "licence"], rows) + "\n\n" if rows else ""
    return f"## Data\n\n{table}{manifest['data_note']}"


def _model(manifest: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    latency = found["latency_ms"]
    runtime = "ONNX Runtime" if manifest.get("backend", "onnx") == "onnx" else "PyTorch"
    return (
        "## Model\n\nA 16 kHz mono waveform in, eight logits and an embedding out. Inside: "
        f"{manifest.get('inside', INSIDE)}. {manifest['parameters']:,} parameters. 3 s of audio take "
        f"{latency['p50']} ms (median; 95th percentile {latency['p95']} ms) of CPU time on one thread of {runtime} "
        f"on the machine that wrote this card. Logits are divided by the temperature {manifest['temperature']} before "
        "the softmax."
    )


def _headline(found: Mapping[str, Any]) -> str:
    low, high = found["ua_interval"]
    rows = [
        [
            "unweighted accuracy (UA)",
            f"{found['ua']:.3f} (95 % interval {low:.3f} to {high:.3f}{rough(found['speakers'])})",
        ],
        ["accuracy", f"{found['accuracy']:.3f}"],
        ["macro-F1", f"{found['macro_f1']:.3f}"],
        [
            "calibration error (ECE, 15 bins)",
            f"{found['ece']:.3f} (without temperature {found['ece_uncalibrated']:.3f})",
        ],
    ]
    if "ua_without_inner_speakers" in found:
        rows.append(
            ["UA without the speakers that settings were chosen on", f"{found['ua_without_inner_speakers']:.3f}"]
        )
    rows += [[f"UA of fold {fold}", f"{ua:.3f}"] for fold, ua in found["ua_by_fold"].items()]
    note = (
        f"{found['clips']:,} clips of {found['speakers']} speakers. The interval is a bootstrap over speakers; the "
        "calibration error uses, for each part, a temperature fitted on the other parts."
    )
    return _table(["figure", "value"], rows) + "\n\n" + note


def _conditions(found: Mapping[str, Any]) -> str:
    rows = [["undisturbed", f"{found['ua']:.3f}"]]
    rows += [[CONDITIONS.get(name, name), f"{ua:.3f}"] for name, ua in found["ua_by_condition"].items()]
    note = "Same clips and models."
    if any(name.startswith("noise") for name in found["ua_by_condition"]):
        note += (
            " Noise: recordings (weather, animals, machines, people's noises) of which training heard no take, mixed "
            "into the trimmed clip."
        )
    return _table(["condition", "UA"], rows) + "\n\n" + note


def _elsewhere(found: Mapping[str, Any]) -> str:
    if not found["other_corpora"]:
        return ""
    rows = [
        [
            corpus(name).title,
            str(part["clips"]),
            ", ".join(part["emotions"]),
            f"{part['ua']:.3f}",
            f"{part['ua_among_its_emotions']:.3f}",
        ]
        for name, part in found["other_corpora"].items()
    ]
    head = ["corpus", "clips", "its emotions", "UA", "UA choosing among its emotions"]
    return "### Corpora that it never heard\n\n" + _table(head, rows)


def _again(name: str, manifest: Mapping[str, Any]) -> str:
    return (
        "The figures, from the kept models:\n\n"
        f"    python -m rasa_emotion.training.acoustic.report models/{name} --data ../shared/data\n\n"
        "The weights (resumes what was interrupted):\n\n"
        f"    python -m research.acoustic.ship {name} --data ../shared/data --out models/{name}"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
