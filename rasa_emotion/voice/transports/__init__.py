"""Protocols of live calls: each a translator between messages and events, without sockets and without Rasa."""
