"""Input channels: they translate between a protocol and a turn."""
