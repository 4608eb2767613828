"""The networks that a recipe may name, and what they start from."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rasa_emotion.acoustic.network import AcousticNetwork, EmotionNetwork
from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_keys
from rasa_emotion.training.acoustic.pretrained import WHISPER, load_whisper

ENCODERS: Mapping[str, type[EmotionNetwork]] = {"cnn": AcousticNetwork, "whisper": WhisperNetwork}


def build_network(heads: Mapping[str, int], settings: Mapping[str, Any]) -> EmotionNetwork:
    """The network of a recipe's `network` entry: its `encoder` ("cnn" when not named) with the other settings.

    Raises:
        ConfigError: there is no such encoder, or it knows no such setting.
    """
    check_network(settings)
    rest = {key: value for key, value in settings.items() if key != "encoder"}
    return ENCODERS[settings.get("encoder", "cnn")](heads, **rest)


def check_network(settings: Mapping[str, Any]) -> None:
    """Refuse the entry before anything is trained. Raises ConfigError as `build_network` does."""
    name = settings.get("encoder", "cnn")
    if name not in ENCODERS:
        raise ConfigError(f"There is no encoder '{name}': set the recipe's network to one of {', '.join(ENCODERS)}.")
    known = set(inspect.signature(ENCODERS[name]).parameters) - {"heads"} | {"encoder"}
    check_keys(f"The network '{name}' of a recipe", settings, known)


def start_from(network: EmotionNetwork, initial: str) -> None:
    """Fill a network with pretrained weights: of a name in `WHISPER`, or of another run's file.

    Raises:
        ConfigError: there are no such weights, or they do not fit.
    """
    if initial in WHISPER:
        if not isinstance(network, WhisperNetwork):
            raise ConfigError(f"'{initial}' fits the encoder 'whisper' alone: set it in the recipe's network.")
        load_whisper(network.encoder, initial)
    else:
        load_trunk(network, Path(initial))


def load_trunk(network: EmotionNetwork, weights: Path) -> None:
    """Start from another run's weights; heads that differ keep their fresh ones.

    Raises:
        ConfigError: there are no weights, or their trunk has other shapes.
    """
    if not weights.is_file():
        raise ConfigError(f"No weights to start from at '{weights}': train the recipe that makes them first.")
    stored = torch.load(weights, map_location="cpu", weights_only=True)
    own = network.state_dict()
    kept = {k: v for k, v in stored.items() if k in own and own[k].shape == v.shape}
    missing = [k for k in own if k not in kept and not k.startswith("heads.")]
    if missing:
        raise ConfigError(f"'{weights}' does not fit the network ({missing[0]}): use the same 'network' settings.")
    network.load_state_dict({**own, **kept})
