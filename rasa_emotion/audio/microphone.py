"""The script by which a page hears the microphone: an AudioWorklet that posts 20 ms at 16 kHz with their level."""

from functools import cache
from importlib import resources


@cache
def microphone_script() -> bytes:
    """JavaScript, UTF-8; it registers the processor "microphone".

    >>> b'registerProcessor("microphone"' in microphone_script()
    True
    """
    return resources.files("rasa_emotion.audio").joinpath("microphone.js").read_bytes()
