"""One module for each helpdesk, and the choice of one after endpoints.yml."""

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import Helpdesk
from rasa_emotion.plugins import class_of

HELPDESKS = {
    "desk": "Desk",
    "webhook": "Webhook",
    "chatwoot": "Chatwoot",
    "zendesk": "Zendesk",
    "zendesk_ticket": "ZendeskTicket",
    "request_tracker": "RequestTracker",
    "slack": "Slack",
}
"""What `type` says: the module of this package, and the class in it that is made of the other options."""


def open_helpdesk(settings: Mapping[str, Any]) -> Helpdesk:
    """The helpdesk of the key `helpdesk` in endpoints.yml. Nothing is asked yet; `check()` does.

    `type` names one of this package's, or the module path of a `Helpdesk` of one's own, such as `our_bot.crm.Crm`.

    Raises:
        ConfigError: there is no such type, or an option is missing, wrong or unknown.

    >>> open_helpdesk({"type": "slack", "webhook_url": "https://hooks.slack.com/services/T0/B0/abc"}).two_way
    False
    """
    options = dict(settings)
    kind = str(options.pop("type", "desk"))
    # Each is loaded only where it is used.
    if kind in HELPDESKS:
        made: Helpdesk = getattr(import_module(f"{__name__}.{kind}"), HELPDESKS[kind])(options)
        return made
    if "." in kind:
        return _own(kind)(options)
    close = difflib.get_close_matches(kind, HELPDESKS, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(HELPDESKS)}, or give a module path."
    raise ConfigError(f"There is no helpdesk of type '{kind}'; {hint}")


def _own(path: str) -> Callable[[Mapping[str, Any]], Helpdesk]:
    """The class of a module path. Raises ConfigError where there is none, or it is no helpdesk."""
    found = class_of(path, "The helpdesk")
    if not issubclass(found, Helpdesk):
        raise ConfigError(f"'{path}' is not a helpdesk; derive it from rasa_emotion.handoff.helpdesk.Helpdesk.")
    missing = [key for key in ("name", "two_way") if not hasattr(found, key)]
    if missing or found.__abstractmethods__:
        lacking = ", ".join([*missing, *sorted(found.__abstractmethods__)])
        raise ConfigError(f"The helpdesk '{path}' is not complete: it lacks {lacking}.")
    return found
