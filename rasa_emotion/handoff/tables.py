"""The tables of handoffs and of the messages that belong to them."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from rasa_emotion.database import metadata

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"
"""States of a handoff and of a message: to be tried (again), taken by the other side, given up until a retry."""

HANDOVER, ALERT = "handover", "alert"
TO_HUMAN, TO_CALLER = "to_human", "to_caller"

# A human has the conversation of `sender` while there is a handover that is not closed, whatever its delivery.
handoffs = Table(
    "emotion_handoffs",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("sender", String(255), nullable=False, index=True),
    Column("channel", String(255), nullable=False),
    Column("packet", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt", Float, nullable=False),
    # The worker that is at it, and until when that holds: one that was killed loses it.
    Column("claimed_by", String(64)),
    Column("claimed_until", Float),
    Column("error", Text),
    Column("ticket", String(255), index=True),
    Column("created", Float, nullable=False),
    Column("delivered", Float),
    # When the person gave the conversation back, what they leave for the bot, and when the bot took it up.
    Column("closed", Float),
    Column("outcome", Text),
    Column("resumed", Float),
    # The person at the console who has it, and since when; null while nobody has taken it.
    Column("taken_by", String(255)),
    Column("taken", Float),
    Index("emotion_handoffs_due", "state", "next_attempt"),
)

messages = Table(
    "emotion_messages",
    metadata,
    # Never used again after a deletion, so that a reader's "after" stays true.
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("handoff", String(64), ForeignKey("emotion_handoffs.key"), nullable=False, index=True),
    Column("sender", String(255), nullable=False, index=True),
    Column("direction", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt", Float, nullable=False),
    Column("claimed_by", String(64)),
    Column("claimed_until", Float),
    Column("error", Text),
    Column("created", Float, nullable=False),
    # The other side's number of the message, so that one that comes twice is taken once.
    Column("origin", String(255), nullable=False),
    # No person wrote it: to a caller, a rule or an assistant of the helpdesk; to a human, the relay, as a note.
    # Null in what was kept before this column was there.
    Column("machine", Boolean),
    UniqueConstraint("handoff", "direction", "origin"),
    Index("emotion_messages_due", "state", "next_attempt"),
    sqlite_autoincrement=True,
)

# Where it is tried whether the database can be written; it is empty otherwise.
trials = Table(
    "emotion_trials",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("filler", Text, nullable=False),
)
