"""Write a model folder that `EmotionAnalyzer.load` takes: figures on held-out speakers, temperature, card, licence."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.corpora.catalogue import CORPORA
from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import fit_temperature, unweighted_accuracy
from rasa_emotion.model_folder import OWN, write_manifest
from rasa_emotion.training.acoustic.card import write_card
from rasa_emotion.training.acoustic.clips import audible, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.outoffold import CLEAN, Heard, conditions, hear
from rasa_emotion.training.acoustic.report import clean_figures, cpu_time_ms

logger = logging.getLogger(__name__)

LICENCES = Path(__file__).parent / "licences"
SOURCE = "LicenseRef-Source"
TIMED_RUNS = 50


@dataclass(frozen=True)
class Facts:
    """What a card says that nobody can measure.

    Args:
        summary: one line for people.
        split: who trained and who is scored.
        data_note: what else there is to know about the data.
        commands: the command that writes the folder again, as Markdown.
        parameters: of the served network.
        corpora: every corpus behind the weights.
        source: the classifier of other people that it came from, whose terms hold too.
        inside: what the model is made of, where that is not the network of the recipes.
        backend: further keys of the manifest that say what runs the model.
        files: the model's own.
        notices: of other people's weights inside, by their files in `licences`, which the licence has to repeat.
    """

    summary: str
    split: str
    data_note: str
    commands: str
    parameters: int
    corpora: Sequence[str] = ()
    source: str | None = None
    inside: str | None = None
    backend: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[str] = ("model.onnx",)
    notices: Sequence[str] = ()


def licence_of(corpora: Sequence[str], source: str | None = None) -> tuple[str, bool]:
    """SPDX identifier of weights, and whether companies may use them; corpora outside the catalogue are people's own.

    >>> licence_of(["emogator"])
    ('Apache-2.0', True)
    """
    known = [CORPORA[name] for name in corpora if name in CORPORA]
    if not all(corpus.commercial for corpus in known):
        return "CC-BY-NC-SA-4.0", False
    if source is not None:
        return SOURCE, False
    return ("Apache-2.0" if len(known) == len(corpora) else OWN), True


def write_folder(out: Path, facts: Facts, test: Sequence[Clip], *, data: Path | None, cache: Path) -> dict[str, Any]:
    """Describe, measure and describe again: what is measured is the folder as people load it.

    Args:
        out: the model folder, which holds the model's own files.
        facts: what cannot be measured.
        test: clips of speakers that the model was not trained on; without any there are no figures.
        data: folder that the clips' paths are relative to.
        cache: decoded clips.

    Returns:
        The manifest with `figures`.
    """
    licence, commercial = licence_of(facts.corpora, facts.source)
    texts = [(LICENCES / f"{name}.txt").read_text(encoding="utf-8") for name in (licence, *facts.notices)]
    (out / "LICENSE").write_text("".join(texts), encoding="utf-8")
    (out / "card.md").touch()
    files = [*facts.files, "LICENSE", "card.md"]
    manifest: dict[str, Any] = {
        "name": out.resolve().name,
        "kind": "acoustic",
        "licence": licence,
        "commercial": commercial,
        "summary": facts.summary,
        **facts.backend,
        "labels": list(EMOTIONS),
        "temperature": 1.0,
        "sample_rate": 16_000,
        "parameters": facts.parameters,
        "corpora": list(facts.corpora),
        "test_speakers": sorted({clip.speaker for clip in test}),
        "split": facts.split,
        "data_note": facts.data_note,
        "commands": facts.commands,
        **({"inside": facts.inside} if facts.inside else {}),
    }
    write_manifest(out, files, **manifest)
    classifier = AcousticClassifier.load(out)
    figures: dict[str, Any] = {}
    if test and data is not None:
        own = {clip.speaker: classifier for clip in test}
        manifest["temperature"], figures = measure(own, test, data=data, cache=cache)
    manifest["figures"] = {**figures, "latency_ms": cpu_time_ms(classifier, runs=TIMED_RUNS)}
    write_card(out, manifest)
    write_manifest(out, files, **manifest)
    return manifest


def measure(
    models: Mapping[str, AcousticClassifier], test: Sequence[Clip], *, data: Path, cache: Path
) -> tuple[float, dict[str, Any]]:
    """The temperature that suits held-out clips, and the figures on them: undisturbed, on the telephone, in noise.

    Each clip is heard by the model of its speaker, who was not in that model's training.
    """
    sounds = clip_sounds(test, data, cache)
    # one split, one figure: official folds that random speakers happen to stand in mean nothing here
    clips = [replace(clip, fold=None) for clip in audible(test, sounds)]
    noises = noise_sounds(data, cache, held_out=True)
    heard = {name: hear(models, clips, sounds, how) for name, how in conditions(noises).items()}
    clean = heard[CLEAN]
    figures = {
        **clean_figures(clean, _parts(clips)),
        "ua_by_condition": {name: _ua(part) for name, part in heard.items() if name != CLEAN},
        "other_corpora": {},
    }
    return fit_temperature(clean.truth, clean.logits), figures


def _ua(heard: Heard) -> float:
    return round(unweighted_accuracy(heard.truth, heard.logits.argmax(axis=1)), 4)


def _parts(clips: Sequence[Clip]) -> list[str]:
    """By whom the calibration is cross-checked: each speaker by the others, or a lone one's clips in turns."""
    speakers = [clip.speaker for clip in clips]
    return speakers if len(set(speakers)) > 1 else [str(number % 2) for number in range(len(clips))]
