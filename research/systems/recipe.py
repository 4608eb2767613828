"""A published system's recipe: the YAML that fixes its data, features, model and protocols."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_keys
from rasa_emotion.training.acoustic.recipe import load_recipe
from research.systems.augment import AUGMENTATIONS
from research.systems.base import SystemModel
from research.systems.features import KINDS
from research.systems.labels import SCHEMES
from research.systems.protocols import PROTOCOLS

RECIPES = Path(__file__).parent / "recipes"


@dataclass
class SystemRecipe:
    """What a system's recipe may set; the YAML files say why each value was chosen.

    Args:
        name: of the recipe, its run and its results.
        system: the letter of the published system, A to E.
        title: what it is, in a few words.
        reported: the figure that its paper reports, as text.
        paper_split: how the paper split its data, as text.
        corpora: what it is trained on; augmented copies among them are never scored.
        labels: one of `labels.SCHEMES`.
        seconds: what clips are cropped or padded with silence to.
        features: kinds of `features.KINDS`, side by side in each frame.
        model: makes an untrained model from this recipe (`!name:` of a class of `SystemModel`, with its settings).
        epochs, batch_size, lr, optimizer: as the model's training takes them; a forest ignores them.
        augmentations: of `augment.AUGMENTATIONS`.
        smote: whether small classes of the training part are filled up with synthetic examples.
        protocols: of `protocols.PROTOCOLS`, in the order in which they run.
        test_share: of the clips, in the random protocols.
        seed: of everything drawn.
        copies: how many of the augmentations each clip gets, drawn per clip; all of them when None.
        repeats: how often a random split is drawn anew.
        deviations: what differs from the paper, and why; one sentence each.
        folder: where a model may keep what it goes on from; the run sets it, as it does `classes`.
        classes: names of the classes that the data has.
    """

    name: str
    system: str
    title: str
    reported: str
    paper_split: str
    corpora: Sequence[str]
    labels: str
    seconds: float
    features: Sequence[str]
    model: Callable[["SystemRecipe"], SystemModel]
    epochs: int
    batch_size: int
    lr: float
    optimizer: str
    augmentations: Sequence[str]
    smote: bool
    protocols: Sequence[str]
    test_share: float
    seed: int
    copies: int | None = None
    repeats: int = 1
    deviations: Sequence[str] = field(default_factory=tuple)
    folder: Path | None = None
    classes: Sequence[str] = ()


def read_system_recipe(file: str | Path, overrides: str = "") -> SystemRecipe:
    """Read a recipe by its file, or by the name of one that ships; `overrides` is YAML that replaces values.

    Raises:
        ConfigError: the file is missing or is no YAML, a key is unknown or missing, or a value is none of those known.
    """
    file = Path(file)
    if not file.is_file() and not file.suffix:
        file = next(RECIPES.rglob(f"{file.name}.yaml"), file)
    recipe = load_recipe(SystemRecipe, file, overrides)
    for key, values, known in (
        ("system", [recipe.system], "ABCDE"),
        ("labels", [recipe.labels], SCHEMES),
        ("features", recipe.features, KINDS),
        ("augmentations", recipe.augmentations, AUGMENTATIONS),
        ("protocols", recipe.protocols, PROTOCOLS),
    ):
        wrong = [str(value) for value in values if value not in known]
        if wrong or (not values and key in {"features", "protocols"}):
            found = ", ".join(wrong) or "nothing"
            raise ConfigError(f"'{file}': '{key}' names {found}: use {', '.join(known)}.")
    if not callable(recipe.model):
        raise ConfigError(f"'{file}': 'model' must name a class (!name:), without comments inside.")
    if isinstance(recipe.model, partial):
        settings = set(inspect.signature(recipe.model.func).parameters) - {"recipe"}
        check_keys(f"'{file}': the model {recipe.model.func.__name__}", recipe.model.keywords, settings)
    if not 0 < recipe.test_share < 1:
        raise ConfigError(f"'{file}': 'test_share' is {recipe.test_share}: use a share between 0 and 1.")
    return recipe
