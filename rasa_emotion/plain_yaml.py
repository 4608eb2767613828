"""YAML as it is written, also in a process where Rasa has told ruamel's own classes to replace `${NAME}`."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor


class _AsWritten(SafeConstructor):
    """Leaves a text with a variable as it stands; Rasa's constructor ends with an error where one is not set."""


_AsWritten.add_constructor("!env_var", SafeConstructor.construct_yaml_str)


def read_plain_yaml(text: str) -> Any:
    """What a YAML text holds, in plain dictionaries and lists.

    Raises:
        YAMLError: it is broken.

    >>> read_plain_yaml("url: ${DB}")
    {'url': '${DB}'}
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _AsWritten
    return yaml.load(text)
