"""The folder of a voice that ships: licence, manifest, card and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.model_folder import write_manifest
from rasa_emotion.training.acoustic.folder import LICENCES, licence_of
from rasa_emotion.training.acoustic.report import report
from rasa_emotion.training.voice.features import Rows
from rasa_emotion.training.voice.material import CALLS

CATALOGUED = {CALLS: "service-calls"}
"""Names in the catalogue, where they are not those of the rows: people call recordings of their own `calls`."""

EIGHT_WAYS = (
    "Every corpus is heard in the same eight ways: undisturbed, over an 8 kHz mu-law line, over a line drawn from "
    "eight (G.711, GSM, AMR, Opus, lost packets, automatic gain), in noise, faster or slower, in a room, cut short, "
    "and joined to a longer turn."
)


@dataclass(frozen=True)
class Product:
    """What a voice that ships says of itself.

    Args:
        scored: the corpus of its card's first table.
        summary, split, data_note, inside: sentences for its card and its users.
        cannot_hear: what stands behind "it cannot hear" in a line for people.
        commands: that make it, with `{name}` where the folder's name goes.
        trunk: what lies beneath its heads.
    """

    scored: str
    summary: str
    cannot_hear: str
    split: str
    data_note: str
    inside: str
    commands: str
    trunk: str


@dataclass(frozen=True)
class Made:
    """What one training found.

    Args:
        trained: the rows that it learned from.
        test_speakers: who are held out for the card's first table; none where every fold has heads of its own.
        temperature: of the logits.
        calibrated_on: the corpora whose unheard speakers it was fitted to.
        parameters: how many there are.
        files: that the training itself wrote.
    """

    trained: Rows
    test_speakers: Sequence[str]
    temperature: float
    calibrated_on: Sequence[str]
    parameters: int
    files: Sequence[str]


def describe(product: Product, made: Made, out: Path, *, data: Path, cache: Path) -> None:
    """Write licence, manifest and card, and measure the figures on them."""
    corpora = [CATALOGUED.get(corpus, corpus) for corpus in map(str, np.unique(made.trained.corpus))]
    licence, commercial = licence_of(corpora)
    texts = [(LICENCES / f"{part}.txt").read_text(encoding="utf-8") for part in (licence, "whisper-notice")]
    (out / "LICENSE").write_text("".join(texts), encoding="utf-8")
    (out / "card.md").touch()
    name = out.resolve().name
    write_manifest(
        out,
        (*made.files, "LICENSE", "card.md"),
        name=name,
        kind="acoustic",
        licence=licence,
        commercial=commercial,
        summary=product.summary,
        labels=list(EMOTIONS),
        temperature=round(made.temperature, 4),
        sample_rate=16_000,
        parameters=made.parameters,
        corpora=corpora,
        scored=product.scored,
        test_speakers=sorted(made.test_speakers),
        inner_speakers=[],
        split=product.split,
        data_note=product.data_note,
        inside=product.inside,
        commands=product.commands.format(name=name),
        longest_secs=5.0,
        window_secs=4.0,
        hop_secs=2.0,
        cannot_hear=product.cannot_hear,
        calibrated_on=f"unheard speakers of {', '.join(made.calibrated_on)}",
        frozen_trunk=product.trunk,
    )
    report(out, data, cache)
