"""A recipe: the YAML that fixes one training, checked before anything is trained."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_origin

from hyperpyyaml import load_hyperpyyaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_keys
from rasa_emotion.training.acoustic.networks import check_network
from rasa_emotion.training.acoustic.probe import Probe

T = TypeVar("T")

HEAD = "emotion"
"""The head of the eight emotions; any other one is that of a corpus' own labels."""

NUMBERS: Mapping[Any, Any] = {int: int, float: (int, float)}
NAMES: Mapping[Any, str] = {int: " whole", float: ""}


@dataclass
class Recipe:
    """What a recipe may set; the YAML files say why each value was chosen.

    Args:
        name: of the runs.
        seed: of everything drawn.
        scored: the corpus whose held-out speakers are scored.
        shares: per corpus, the share of its clips drawn in an epoch.
        heads: per head, the corpora that it learns from; each is `HEAD` or has the name of one of them.
        initial: weights to start from: another run's file, or the name of a pretrained encoder.
        trunk_lr: learning rate of what comes pretrained (else of all but the heads) as a factor of the rest's.
        probe: how ridge regression fits the heads to the pretrained trunk before the first epoch (`Probe`'s settings).
        frozen: parts of the trunk that keep their pretrained weights.
        head_weights: weight of a head's loss where it is not 1.
        network: `encoder`, "cnn" or "whisper", and the settings of its network.
        speed: module that changes the speed of a batch.
        drops: modules that mask parts of spectrograms.
        noise_folders: the collections of noises; all of them when None.
        warp: range of the vocal tract factor.
    """

    name: str
    seed: int
    scored: str
    shares: Mapping[str, float]
    heads: Mapping[str, list[str]]
    epochs: int
    batch_size: int
    max_secs: float
    lr: float
    weight_decay: float
    label_smoothing: float
    mixup: float
    average_decay: float
    speed: Any
    drops: list[Any]
    warp: list[float]
    noise_probability: float
    snr_db: list[float]
    telephone_probability: float
    network: Mapping[str, Any] = field(default_factory=dict)
    head_weights: Mapping[str, float] = field(default_factory=dict)
    initial: str | None = None
    trunk_lr: float = 1.0
    probe: Probe | None = None
    frozen: list[str] = field(default_factory=list)
    noise_folders: list[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.probe, Mapping):
            check_keys(f"The probe of recipe '{self.name}'", self.probe, {item.name for item in fields(Probe)})
            self.probe = Probe(**self.probe)


def load_recipe(kind: type[T], file: str | Path, overrides: str = "") -> T:
    """Read a YAML file into the dataclass `kind`; `overrides` is YAML that replaces values.

    Raises:
        ConfigError: the file is missing or is no YAML, a key is unknown or missing, or a number is none.
    """
    file = Path(file)
    if not file.is_file():
        raise ConfigError(f"No recipe at '{file}': name one of those in {Path(__file__).parent / 'recipes'}.")
    known = {item.name: item.type for item in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    _check_overrides(overrides, known)
    try:
        with file.open(encoding="utf-8") as stream:
            values = load_hyperpyyaml(stream, overrides or None)
    except KeyError as error:
        if not overrides:
            raise ConfigError(f"'{file}' cannot be read as a recipe: {error}.") from error
        raise ConfigError(f"--set '{overrides}' names a value that '{file}' does not have: look there.") from error
    except Exception as error:  # hyperpyyaml raises whatever the named class raises
        raise ConfigError(f"'{file}' cannot be read as a recipe: {error}.") from error
    check_keys(f"Recipe '{file}'", values, known)
    for key, value in values.items():
        if get_origin(known[key]) is Mapping and not isinstance(value, Mapping):
            raise ConfigError(f"'{file}' sets '{key}' to '{value}': write `key: value` lines below it.")
        if known[key] in NUMBERS and not (isinstance(value, NUMBERS[known[key]]) and 0 <= value < math.inf):
            raise ConfigError(f"'{file}' sets '{key}' to '{value}': use a{NAMES[known[key]]} number of 0 or more.")
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"'{file}' is incomplete ({error}): add the missing keys.") from error


def _check_overrides(overrides: str, known: Collection[str]) -> None:
    """Refuse what `--set` cannot replace, before hyperpyyaml complains about it in words of its own."""
    if not overrides.strip():
        return
    try:
        wanted = YAML().load(overrides)
    except YAMLError as error:
        raise ConfigError(f"--set '{overrides}' is no YAML: write it as in \"epochs: 5\".") from error
    if not isinstance(wanted, Mapping):
        raise ConfigError(f"--set '{overrides}' names no value: write it as in \"epochs: 5\".")
    check_keys(f"--set '{overrides}': a recipe", wanted, known)


def read_recipe(file: str | Path, overrides: str = "") -> Recipe:
    """Read a recipe; `overrides` is YAML that replaces values, such as `"epochs: 1"`.

    Raises:
        ConfigError: the file is missing or is no YAML, a key is unknown or missing, in the settings of the network too,
            a corpus has no share or no head that learns from it, or a weight is that of no head.
    """
    recipe = load_recipe(Recipe, file, overrides)
    taught = {corpus for corpora in recipe.heads.values() for corpus in corpora}
    stray = taught - set(recipe.shares)
    if stray:
        raise ConfigError(f"'{file}': heads name {', '.join(sorted(stray))}, which has no share: add it to 'shares'.")
    check_keys(f"'{file}': 'heads', of the eight emotions or a corpus' own,", recipe.heads, taught | {HEAD})
    check_keys(f"'{file}': 'shares', of what the heads learn from,", recipe.shares, taught)
    check_keys(f"'{file}': 'head_weights'", recipe.head_weights, recipe.heads)
    check_network(recipe.network)
    if not all(callable(part) for part in [recipe.speed, *recipe.drops]):
        raise ConfigError(f"'{file}': 'speed' and 'drops' must be modules (!new:), without comments inside.")
    return recipe
