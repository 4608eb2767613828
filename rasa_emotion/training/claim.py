"""A folder belongs to one training: the same one goes on in it, another is refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import MANIFEST

RUN = "run"
REQUEST = "request.json"


def claim(out: Path, request: Mapping[str, Any]) -> Path:
    """The folder `run` of a model folder, for this training alone: an interrupted one goes on, another is refused.

    Raises:
        ConfigError: the folder holds a model, the run of another training, or something else.
    """
    stored = out / RUN / REQUEST
    if stored.is_file():
        known = json.loads(stored.read_text(encoding="utf-8"))
        differing = sorted(key for key in {*known, *request} if known.get(key) != request.get(key))
        if differing:
            raise ConfigError(
                f"'{out}' holds the run of recipe '{known.get('recipe')}' (another {', '.join(differing)}): name "
                "another folder, or delete this one."
            )
    elif (out / MANIFEST).is_file():
        raise ConfigError(f"'{out}' holds a model that was made otherwise: name another folder.")
    else:
        require_unused(out)
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(json.dumps(request, indent=1) + "\n", encoding="utf-8")
    return stored.parent


def require_unused(out: Path) -> None:
    """Refuse a folder that holds something else, such as the recordings, before anything is written into it.

    Raises:
        ConfigError: it does.
    """
    others = sorted(path.name for path in out.iterdir() if path.name != RUN) if out.is_dir() else []
    if others:
        raise ConfigError(f"'{out}' holds something else ({others[0]}): name a new folder.")
