"""Packets for the tests of helpdesks."""

from rasa_emotion.handoff.packet import Line, Packet, TimelineTurn


def packet(key: str = "k-1", **changes) -> Packet:
    """A handover of a hostile caller, with `changes`."""
    turn = TimelineTurn(1, 1_700_000_000.0, "angry", 0.82, 0.8, 0.05, -0.6, 0.7, ("acoustic", "text"), None, "hostile")
    values = {
        "key": key,
        "kind": "handover",
        "sender": "caller-7",
        "channel": "emotion",
        "rule": "anger",
        "reason": "The caller sounded angry in 2 of the last 3 turns.",
        "urgency": "high",
        "created": 1_700_000_100.0,
        "summary": "The caller wants a refund. They became angry after the second question.",
        "mood": "hostile",
        "timeline": (turn,),
        "transcript": (Line("caller", "Where is my refund?", 1_700_000_000.0, 1), Line("bot", "Which order?")),
        "slots": {"order": "4711"},
        "form": {"name": "refund_form", "asked": "iban", "filled": {"order": "4711"}},
        "links": {"console": "https://bot.example.com/calls/caller-7"},
        "redacted": {"iban": 1},
    }
    return Packet(**{**values, **changes})
