"""Archives of recorded calls: each call's turns, moods and escalation as tables, many calls at once."""
