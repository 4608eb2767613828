"""Errors for people: each message is one sentence with what failed, where, and the remedy."""


class RasaEmotionError(Exception):
    """Base of every error that this package raises on purpose."""


class AudioError(RasaEmotionError):
    """The audio cannot be decoded or holds nothing that can be analysed."""


class TextError(RasaEmotionError):
    """The text holds nothing that can be classified."""


class ModelError(RasaEmotionError):
    """A model folder is missing, altered or of the wrong kind."""


class ConfigError(RasaEmotionError):
    """A setting has a value that cannot be used."""
