"""Classes of one's own, named by their module path."""

from importlib import import_module

from rasa_emotion.errors import ConfigError


def class_of(path: str, what: str) -> type:
    """The class of a module path.

    Args:
        path: such as "our_bot.voices.OurNetwork".
        what: names it in errors, such as "The backend".

    Raises:
        ConfigError: it cannot be loaded, or is no class.

    >>> class_of("collections.OrderedDict", "The example").__name__
    'OrderedDict'
    """
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # whatever happens inside a module of one's own
        raise ConfigError(
            f"{what} '{path}' cannot be loaded ({type(error).__name__}: {error}); correct the module path, and start "
            "where Python finds the module."
        ) from error
    if not isinstance(found, type):
        raise ConfigError(f"{what} '{path}' is no class; name one.")
    return found
