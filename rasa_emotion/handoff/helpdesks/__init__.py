"""One module for each helpdesk, and the choice of one after endpoints.yml."""

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import Helpdesk

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

    Raises:
        ConfigError: there is no such type, or an option is missing, wrong or unknown.

    >>> open_helpdesk({"type": "slack", "webhook_url": "https://hooks.slack.com/services/T0/B0/abc"}).two_way
    False
    """
    options = dict(settings)
    kind = options.pop("type", "desk")
    if kind not in HELPDESKS:
        close = difflib.get_close_matches(str(kind), HELPDESKS, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(HELPDESKS)}."
        raise ConfigError(f"There is no helpdesk of type '{kind}'; {hint}")
    # Each is loaded only where it is used.
    module = import_module(f"{__name__}.{kind}")
    make = cast(Callable[[Mapping[str, Any]], Helpdesk], getattr(module, HELPDESKS[kind]))
    return make(options)
