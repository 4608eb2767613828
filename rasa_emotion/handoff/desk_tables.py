"""The tables of those who work at the console: their notes, what they say of the emotions, and what they looked at.

None refers to a handoff by a foreign key: a worker of an older version deletes handoffs without knowing of them.
"""

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text

from rasa_emotion.database import metadata

notes = Table(
    "emotion_notes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("handoff", String(64), nullable=False, index=True),
    Column("sender", String(255), nullable=False, index=True),
    Column("author", String(255), nullable=False),
    Column("text", Text, nullable=False),
    Column("created", Float, nullable=False),
)

# One word a person and turn: who thinks again replaces what they said.
feedback = Table(
    "emotion_feedback",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sender", String(255), nullable=False, index=True),
    Column("turn_at", Float, nullable=False),
    Column("author", String(255), nullable=False),
    # What was estimated, whether that was right, and what the person heard instead.
    Column("heard", String(16), nullable=False),
    Column("correct", Boolean, nullable=False),
    Column("emotion", String(16), nullable=False),
    # The caller's words of that turn, redacted; empty for a voice without words.
    Column("text", Text, nullable=False),
    Column("created", Float, nullable=False),
    Index("emotion_feedback_turn", "sender", "turn_at", "author", unique=True),
)

audit = Table(
    "emotion_audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False, index=True),
    Column("who", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(255), index=True),
    Column("detail", Text, nullable=False),
)
