"""A model is a folder: `model.json` beside the files that it lists with their SHA-256, a card and a licence."""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from rasa_emotion.errors import ModelError
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

MANIFEST = "model.json"
OWN = "LicenseRef-Own"
"""The licence of weights from data of people's own: nobody but they can say who may use them."""

REINSTALL = "reinstall rasa-emotion or train the model again"


@dataclass(frozen=True)
class ModelFolder:
    """A folder whose files were checked against their checksums.

    Args:
        path: the folder.
        name: the model's name, as it appears in evidence.
        kind: "acoustic", "text" or "fusion".
        licence: SPDX identifier of the weights' licence.
        commercial: whether companies may use the weights.
        summary: one line for people.
        settings: everything else that `model.json` holds (labels, temperature, ...).
        checksum: SHA-256 over the manifest, which lists the checksum of every file.
        files: the SHA-256 of each file that the manifest lists.
    """

    path: Path
    name: str
    kind: str
    licence: str
    commercial: bool
    summary: str
    checksum: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        return self.path / name

    @property
    def use(self) -> str:
        """Licence and permitted use in a few words."""
        return f"{self.licence}, {permitted(self.licence, commercial=self.commercial)}"

    @property
    def limit(self) -> str:
        """One sentence on what a voice model does not recognise; empty where its maker says nothing of it."""
        said = self.settings.get("cannot_hear")
        named = [said] if isinstance(said, str) else said if isinstance(said, list | tuple) else []
        phrase = ", ".join(map(str, named))
        return f"It cannot hear {phrase}." if phrase else ""

    @property
    def sentence(self) -> str:
        """Name, licence, use and limit, for who is about to use it."""
        return f"The {self.kind} model '{self.name}' is under {self.use}. {self.limit}".rstrip()


def permitted(licence: str, *, commercial: bool) -> str:
    """Who may use weights, in a few words.

    >>> permitted("LicenseRef-Own", commercial=True)
    'who may use it, you decide (see LICENSE)'
    """
    if licence == OWN:
        return "who may use it, you decide (see LICENSE)"
    return "companies may use it" if commercial else "research and evaluation only"


def shipped_models() -> Path:
    """The folder of the models that ship: inside the wheel, or the checkout's `models/`."""
    installed = Path(str(resources.files("rasa_emotion"))) / "models"
    return installed if installed.is_dir() else Path(__file__).resolve().parent.parent / "models"


def model_path(models: str | Path | None, kind: str, name: str) -> Path:
    """Where the model of a kind lies.

    Args:
        models: a folder with one folder per model (the shipped ones when None), or one model's own folder, which then
            stands in for the shipped model of its kind.
        kind: "acoustic", "text" or "fusion".
        name: of the model's folder.

    Raises:
        ModelError: `models` is one model's folder whose manifest cannot be read.
    """
    if models is None or not (Path(models) / MANIFEST).is_file():
        return (shipped_models() if models is None else Path(models)) / name
    return Path(models) if _manifest_kind(Path(models)) == kind else shipped_models() / name


def require_models(models: str | Path | None) -> None:
    """Refuse a folder for models that cannot hold any.

    Raises:
        ModelError: it does not exist, or is empty.
    """
    folder = shipped_models() if models is None else Path(models)
    if models is not None and not (folder.is_dir() and any(folder.iterdir())):
        fault = "is empty" if folder.is_dir() else "does not exist"
        raise ModelError(
            f"No model could be loaded from '{folder}', which {fault}: name a model's folder, or one that holds some."
        )


def _models_of(kind: str, folder: Path) -> list[str]:
    """Names of the models of a kind in a folder; broken ones have a complaint of their own."""
    found = []
    for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
        with suppress(ModelError):
            found += [manifest.parent.name] if _manifest_kind(manifest.parent) == kind else []
    return found


def _manifest_kind(path: Path) -> str:
    try:
        return str(json.loads((path / MANIFEST).read_bytes())["kind"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"'{path / MANIFEST}' is not a model manifest ({error}); {REINSTALL}.") from error


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def read_model_folder(path: str | Path, kind: str) -> ModelFolder:
    """Read and verify a model folder.

    Raises:
        ModelError: the folder or a file is missing, a checksum differs, or the model is of another kind.
    """
    path = Path(path)
    manifest = path / MANIFEST
    if not manifest.is_file():
        others = _models_of(kind, path.parent)
        if others and path.name != kind:  # a shipped model that is gone is no mistyped name
            raise ModelError(f"No {kind} model at '{path}': name one of {', '.join(others)}.")
        raise ModelError(f"No {kind} model at '{path}': {MANIFEST} is missing; {REINSTALL}.")
    raw = manifest.read_bytes()
    try:
        data = json.loads(raw)
        files = dict(data.pop("files"))
        known = {key: data.pop(key) for key in ("name", "kind", "licence", "commercial", "summary")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"'{manifest}' is not a model manifest ({error}); {REINSTALL}.") from error
    if known["kind"] != kind:
        raise ModelError(f"'{path}' holds a model of kind {known['kind']}, not {kind}; name another folder.")
    for name, expected in files.items():
        _verify(path / name, expected)
    model = ModelFolder(path=path, checksum=hashlib.sha256(raw).hexdigest(), settings=data, files=files, **known)
    logger.info("%s", model.sentence, extra=named("model.loaded"))
    return model


def write_manifest(path: Path, files: Iterable[str], **manifest: Any) -> None:
    """Write `model.json` for the named files of a folder, with their checksums."""
    data = {**manifest, "files": {name: sha256(path / name) for name in sorted(files)}}
    (path / MANIFEST).write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _verify(file: Path, expected: str) -> None:
    if not file.is_file():
        raise ModelError(f"Model file '{file}' is missing; {REINSTALL}.")
    if sha256(file) != expected:
        raise ModelError(f"Model file '{file}' was altered (its checksum differs); {REINSTALL}.")
