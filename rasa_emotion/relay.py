"""Names for further relays in credentials.yml, where a key stands once: any name here is a `RelayInput`.

rasa_emotion.relay.website:
  channel: socketio
"""

from typing import Any

import rasa_emotion


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return rasa_emotion.RelayInput
