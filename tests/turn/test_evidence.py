"""Only this package's channels can put evidence into a message."""

import copy
import json
import logging

import pytest
from fake_analyzer import evidence

from rasa_emotion.turn.evidence import (
    EVIDENCE_KEY,
    ChannelEvidence,
    drop_reserved,
    text_confidence,
    trusted_evidence,
)

ANGRY = ChannelEvidence.of([evidence("acoustic", "angry", 0.9)])


def test_evidence_of_a_channel_is_trusted_and_stays():
    metadata = {EVIDENCE_KEY: ANGRY}
    assert [piece.emotion for piece in trusted_evidence(metadata)] == ["angry"]
    assert EVIDENCE_KEY in metadata


def test_a_copy_made_inside_the_process_is_still_trusted():
    assert trusted_evidence(copy.deepcopy({EVIDENCE_KEY: ANGRY}))


def test_json_of_a_client_is_dropped(caplog):
    metadata = json.loads(json.dumps({EVIDENCE_KEY: ANGRY, "emotion_estimate": {"emotion": "angry"}, "shop": 7}))
    with caplog.at_level(logging.DEBUG):
        assert trusted_evidence(metadata) == []
    assert metadata == {"shop": 7}
    assert len(caplog.records) == 2


def test_a_message_without_metadata_has_no_evidence():
    assert trusted_evidence(None) == []
    assert trusted_evidence("angry") == []


def test_a_channel_drops_the_clients_keys_without_exception():
    metadata = {EVIDENCE_KEY: ANGRY}
    drop_reserved(metadata)
    assert metadata == {}


@pytest.mark.parametrize(
    ("metadata", "confidence"),
    [
        ({"text_confidence": 0.8}, 0.8),
        ({"text_confidence": 1}, 1.0),
        ({"text_confidence": 1.2}, None),
        ({"text_confidence": "high"}, None),
        ({"text_confidence": True}, None),
        ({"text_confidence": float("nan")}, None),
        ({}, None),
        (None, None),
        (["text_confidence"], None),
    ],
)
def test_how_sure_a_clients_recogniser_is_counts_where_it_is_a_share(metadata, confidence):
    assert text_confidence(metadata) == confidence
