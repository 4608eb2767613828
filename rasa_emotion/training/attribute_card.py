"""What a model's card says of its attributes, from the file that holds them."""

import json
from pathlib import Path
from typing import Any

from rasa_emotion.attributes import ATTRIBUTES_FILE, ENCODER_FILE
from rasa_emotion.model_folder import sha256

HEADING = "## Confused"


def fresh_attributes(folder: Path) -> tuple[str, ...]:
    """The name of the attributes' file, for a manifest to list, where it was fitted to the encoder beside it."""
    file = folder / ATTRIBUTES_FILE
    if not file.is_file():
        return ()
    encoder = json.loads(file.read_text(encoding="utf-8"))["encoder"]
    return (ATTRIBUTES_FILE,) if encoder == sha256(folder / ENCODER_FILE) else ()


def with_attributes(card: str, folder: Path) -> str:
    """A card with the section on its folder's attributes at its end, in place of an earlier one."""
    start = card.find(f"\n{HEADING}\n")
    if start >= 0:
        following = card.find("\n## ", start + 1)
        card = card[: start + 1] + (card[following + 1 :] if following >= 0 else "")
    bare = card.rstrip() + "\n"
    if not fresh_attributes(folder):
        return bare
    data = json.loads((folder / ATTRIBUTES_FILE).read_text(encoding="utf-8"))
    return bare + "\n" + _section(data["attributes"]["confused"], folder.name)


def _section(entry: dict[str, Any], name: str) -> str:
    found = entry["figures"]
    low, high = found["average_precision_interval"]
    rows = {
        "share of confused ones": f"{found['share']:.3f} of {found['rows']:,}",
        "average precision": f"{found['average_precision']:.3f} (95 % interval {low:.3f} to {high:.3f})",
        "AUC": f"{found['auc']:.3f}",
        f"F1 from {entry['threshold']} on": f"{found['f1']:.3f} (precision {found['precision']:.3f}, "
        f"recall {found['recall']:.3f})",
        "calibration error (ECE, 15 bins)": f"{found['ece']:.3f}",
    }
    speech = entry.get("speech")
    if speech:
        rows[f"spoken sentences (RAVDESS, nobody confused) from {entry['threshold']} on"] = (
            f"{speech['above']:.3f} of {speech['rows']:,}; mean {speech['mean']:.3f}"
        )
    table = "\n".join(f"| {figure} | {value} |" for figure, value in rows.items())
    return f"""{HEADING}

`confused` is the probability that a caller is confused, beside any of the eight emotions: a logistic regression on the
embedding ({len(entry["weights"])} numbers and a bias in `{ATTRIBUTES_FILE}`).

- Data: {entry["data"]}.
- Split: {entry["split"]}.
- The strength of the regularisation (C = {entry["regularisation"]:g}), the calibration (Platt, on scores of the
  cross-validation) and the threshold with the best F1 were chosen by {entry["folds"]}-fold cross-validation inside the
  training part. Nothing was chosen on the rows that are scored.

| figure | value |
|---|---|
{table}

A probability counts on as many confused ones as in the data that it learned from; among callers there may be more or
fewer.

    python -m research.attributes.fit models/{name} --data ../shared/data
"""
