"""Estimates over turns: history, mood, escalation, tone of the reply. Pure logic, no Rasa, no files, no network."""
