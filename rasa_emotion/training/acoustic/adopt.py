"""From a Hugging Face or SpeechBrain audio classifier to a model folder: `rasa-emotion train acoustic --from`."""

import contextlib
import io
import logging
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.corpora.splits import require_originals
from rasa_emotion.errors import ConfigError
from rasa_emotion.torch_backends.huggingface import HuggingFaceSource
from rasa_emotion.torch_backends.network import EightEmotions, Source, backend_of, open_source
from rasa_emotion.training.acoustic.export import export_module
from rasa_emotion.training.acoustic.finetune import fine_tune, read_fine_tuning
from rasa_emotion.training.acoustic.folder import Facts, write_folder
from rasa_emotion.training.acoustic.produce import (
    Order,
    command,
    describe,
    find_recipe,
    noise_note,
    request,
    require_data,
    split_of,
)
from rasa_emotion.training.claim import claim

logger = logging.getLogger(__name__)

TOLERANCE = 1e-3
"""Of the export of a deep transformer, whose sums of many terms ONNX Runtime adds in another order."""


def fine_tune_source(source: str, name: str, order: Order) -> dict[str, Any]:
    """Fine-tune a Hugging Face audio classifier, or go on where that was interrupted, and write the model folder.

    Raises:
        ConfigError: the recipe, the data, the split or the folder cannot be used.
        ModelError: the classifier cannot be loaded.
    """
    if backend_of(source) != "huggingface":
        raise ConfigError(f"'{source}' is a SpeechBrain classifier, which is not fine-tuned here: add --export-only.")
    file = find_recipe(name)
    recipe = read_fine_tuning(file, order.overrides)
    data = require_data(order)
    chosen = list(order.corpora) or recipe.corpora
    clips = [clip for clip in read_manifest(data, corpora=chosen) if clip.emotion is not None]
    split = split_of(clips, (chosen or [clips[0].corpus] if clips else [""])[0], recipe.seed, order)
    run = claim(order.out, {**request(file, order, clips), "from": source})
    classifier = fine_tune(recipe, source, clips, split, data=data, out=run, cache=order.cache)
    facts, difference = serve(classifier, order.out)
    facts = replace(
        facts,
        summary=f"Hears one of eight emotions in a voice. '{source}', fine-tuned by the recipe '{recipe.name}'.",
        split=describe(split, order),
        data_note=f"Started from '{source}'. " + noise_note(recipe.noise_probability, data),
        commands=command(name, order, source),
        corpora=sorted({clip.corpus for clip in split.train}),
        source=source,
    )
    manifest = write_folder(order.out, facts, split.test, data=data, cache=order.cache)
    return {**manifest, "export_difference": difference}


def adopt(source: str, order: Order, *, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Make a model folder of a Hugging Face or SpeechBrain audio classifier as it is, without training.

    Args:
        source: identifier or folder.
        order: with `data`, every clip of the manifest (or of the named corpora) that has an emotion is scored.
        labels: emotions of the classifier's labels where their names do not say them.

    Raises:
        ConfigError: the data or the folder cannot be used, or augmented copies would be scored.
        ModelError: the classifier cannot be loaded, or none of its labels is an emotion.
    """
    classifier = open_source(source)
    module = EightEmotions(classifier, labels)
    clips: list[Clip] = []
    if order.data is not None:
        clips = [
            clip for clip in read_manifest(order.data, corpora=list(order.corpora) or None) if clip.emotion is not None
        ]
        require_originals(clips)
    claim(order.out, {"recipe": "none", "from": source, "labels": dict(labels or {})})
    facts, difference = serve(classifier, order.out, module=module, labels=labels)
    facts = replace(
        facts,
        summary=f"Hears one of eight emotions in a voice: '{source}' with its labels mapped to the eight.",
        split="Every clip named here was scored. Whether the classifier's makers trained on some of them is for its "
        "own card to say."
        if clips
        else "Nothing was scored: name --data.",
        data_note=f"Nothing was trained here; '{source}' says what it was trained on.",
        commands=command(None, order, source, labels=labels),
        source=source,
    )
    manifest = write_folder(order.out, facts, clips, data=order.data, cache=order.cache)
    return {**manifest, "export_difference": difference}


def serve(
    source: Source, out: Path, *, module: nn.Module | None = None, labels: Mapping[str, str] | None = None
) -> tuple[Facts, float | None]:
    """Export a classifier or, where that fails, keep it in torch; the facts known so far and the largest difference."""
    module = (module or EightEmotions(source, labels)).eval()
    facts = Facts(
        summary="",
        split="",
        data_note="",
        commands="",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        inside=f"'{source.name}', with the features that it was made for",
    )
    difference = _try_export(source, module, out / "model.onnx")
    if difference is not None:
        return facts, difference
    kept, files = _keep(source, out)
    backend = {
        "backend": "huggingface" if isinstance(source, HuggingFaceSource) else "speechbrain",
        "source": kept,
        **({"label_map": dict(labels)} if labels else {}),
    }
    return replace(facts, backend=backend, files=files), None


def _try_export(source: Source, module: nn.Module, file: Path) -> float | None:
    if not source.traceable:
        logger.warning("'%s' computes its features outside of torch and stays in it.", source.name)
        return None
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # a failing exporter prints the whole graph
            return export_module(module, file, tolerance=TOLERANCE)
    except Exception as error:  # of whatever operator has no counterpart in ONNX, or an export that differs
        reason = str(error).split("\n", maxsplit=1)[0]
        logger.warning("'%s' cannot be exported and stays in torch (%s).", source.name, reason)
        file.unlink(missing_ok=True)
        return None


def _keep(source: Source, out: Path) -> tuple[str, list[str]]:
    """Copy what a folder can hold; `source` of the manifest and the files."""
    folder = out / "weights"
    if isinstance(source, HuggingFaceSource):
        source.save(folder)
    elif Path(source.name).is_dir():
        shutil.copytree(source.name, folder, dirs_exist_ok=True)
    else:
        return source.name, []  # SpeechBrain fetches it again, from its own cache
    return folder.name, sorted(str(path.relative_to(out)) for path in folder.rglob("*") if path.is_file())
