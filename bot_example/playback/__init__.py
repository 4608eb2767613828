"""Plays a call to the example bot and shows what it hears."""
