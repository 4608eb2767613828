"""Recipes that made the shipped models, and their export; nothing at run time imports it."""
