"""What a call's server starts with: credentials, endpoints, and the models that its channel hears with."""

import json
import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from playback.calls import Call
from playback.server import BOT
from rasa_emotion.acoustic.heads import HEADS
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import read_model_folder, shipped_models, write_manifest

RELAY, CHANNEL = "rasa_emotion.RelayInput", "rasa_emotion.EmotionRestInput"
VOICE_RELAY, VOICE = "rasa_emotion.relay.voice", "rasa_emotion.VoiceInput"


def credentials_for(call: Call | None, folder: Path, *, recogniser: str | None = None, **voice: Any) -> Path:
    """The bot's own credentials, or others written into `folder`.

    Args:
        call: names the fold model which suits it.
        folder: where others are written.
        recogniser: adds the channel of live calls, which hears words by it; None leaves it out.
        voice: further options of that channel.
    """
    if (call is None or call.fold is None) and recogniser is None:
        return BOT / "credentials.yml"
    fold = call.fold if call is not None else None
    models = {} if fold is None else {"models": str(fold_models(fold, folder / "models"))}
    content: dict[str, Any] = {RELAY: {"channel": CHANNEL, "options": models or None}}
    if recogniser is not None:
        # Behind a relay, so that a person can take over.
        options = {"recogniser": recogniser, "silence_secs": None, **models, **voice}
        content[VOICE_RELAY] = {"channel": VOICE, "options": options}
    credentials = folder / "credentials.yml"
    credentials.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    return credentials


def endpoints_for(folder: Path) -> Path:
    """The bot's own endpoints with a database that lives as long as the call, written into `folder`."""
    content = YAML(typ="safe").load((BOT / "endpoints.yml").read_text(encoding="utf-8"))
    content["tracker_store"]["db"] = str(folder / "conversations.db")
    endpoints = folder / "endpoints.yml"
    endpoints.write_text(json.dumps(content), encoding="utf-8")
    return endpoints


def fold_models(fold: int, folder: Path) -> Path:
    """A copy of the shipped models whose acoustic one is that of `fold`.

    Raises:
        ConfigError: the fold models are not there (they are in the checkout, not in the wheel).
    """
    shipped = shipped_models()
    heads = shipped / "acoustic" / "folds" / HEADS
    if not heads.is_file():
        raise ConfigError(f"'{heads}' is missing; the fold models come with the checkout, not with the wheel.")
    for name in ("text", "fusion"):
        shutil.copytree(shipped / name, folder / name)
    whole = read_model_folder(shipped / "acoustic", "acoustic")
    target = folder / "acoustic"
    target.mkdir()
    shutil.copyfile(shipped / "acoustic" / "model.onnx", target / "model.onnx")
    shutil.copyfile(heads, target / HEADS)
    write_manifest(
        target,
        ["model.onnx", HEADS],
        name=f"{whole.name}-fold{fold}",
        kind=whole.kind,
        licence=whole.licence,
        commercial=whole.commercial,
        summary=f"{whole.summary} Trained without the speakers of fold {fold}.",
        head=f"fold{fold}",
        **whole.settings,
    )
    return folder
