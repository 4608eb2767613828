"""How much a voice's and the words' log-odds of anger count: fitted to an acoustic model, and kept in its folder."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from rasa_emotion.errors import ModelError
from rasa_emotion.logs import named
from rasa_emotion.model_folder import MANIFEST, REINSTALL, shipped_models, write_manifest

ANGER_FILE = "anger.json"
SHIPPED = "acoustic"
"""The acoustic model whose weights serve for one that has none of its own."""

BOTH, VOICE, WORDS = frozenset({"acoustic", "text"}), frozenset({"acoustic"}), frozenset({"text"})
KINDS = (BOTH, VOICE, WORDS)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weights:
    """Weights of one modality's log-odds: in the latest turn, usually, and at most in the turns just before."""

    latest: float
    usual: float
    recent: float


@dataclass(frozen=True)
class AngerModel:
    """The weights for turns with these modalities; `bias` is added.

    Where `words_bias` is set, the words' own score with this bias counts too, if it is higher.
    """

    bias: float
    modalities: Mapping[str, Weights]
    words_bias: float | None = None


Models = Mapping[frozenset[str], AngerModel]
"""For voice and words, voice alone and words alone."""

_known: dict[str, Models] = {}


def weights_for(name: str) -> Models:
    """The weights fitted to the acoustic model of this name; the shipped one's, with one log line, where it has none.

    Args:
        name: as it stands in evidence: of a model that was loaded in this process, or that ships.
    """
    return _known.get(name) or _of_shipped(name)


def remember(name: str, folder: Path) -> None:
    """Take up the weights in the folder of an acoustic model that is loaded; nothing where it has none.

    Raises:
        ModelError: the file is none.
    """
    if (folder / ANGER_FILE).is_file():
        _known[name] = read_weights(folder)


@cache
def _of_shipped(name: str) -> Models:
    folder = shipped_models() / name
    if (folder / ANGER_FILE).is_file():
        return read_weights(folder)
    if name == SHIPPED:
        raise ModelError(f"'{folder / ANGER_FILE}' is missing; {REINSTALL}.")
    logger.warning(
        "The acoustic model '%s' has no '%s' in its folder: how its anger adds up over turns was fitted to the shipped "
        "model '%s'. Fit it with `python -m research.escalation.anger` of the project's repository.",
        name,
        ANGER_FILE,
        SHIPPED,
        extra=named("model.anger.missing"),
    )
    return weights_for(SHIPPED)


def read_weights(folder: Path) -> Models:
    """The weights in a model's folder.

    Raises:
        ModelError: the file is none, or lacks one of the three kinds of turns.
    """
    file = folder / ANGER_FILE
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        models = {
            frozenset(kind.split("+")): AngerModel(
                float(model["bias"]),
                {name: Weights(**weights) for name, weights in model["modalities"].items()},
                None if model.get("words_bias") is None else float(model["words_bias"]),
            )
            for kind, model in stored.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"'{file}' holds no weights of anger ({error}); {REINSTALL}.") from error
    if set(models) != set(KINDS):
        raise ModelError(f"'{file}' lacks weights for voice and words, voice alone or words alone; {REINSTALL}.")
    return models


def write_weights(folder: Path, models: Models) -> None:
    """Write `anger.json` into a model's folder, and its checksum into the folder's manifest."""
    stored = {
        "+".join(sorted(kind)): {name: value for name, value in asdict(model).items() if value is not None}
        for kind, model in models.items()
    }
    (folder / ANGER_FILE).write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    write_manifest(folder, manifest.pop("files") | {ANGER_FILE: ""}, **manifest)
