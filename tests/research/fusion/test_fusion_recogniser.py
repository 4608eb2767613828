import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rasa_emotion.text.cleaning import has_words
from research.fusion.recogniser import recognised, similar, vocabulary

KNOWN = ("great", "grate", "waiting", "wading", "hour", "our", "been", "bean", "have", "an", "for", "i")
SENTENCES = [f"I have been waiting for an hour, {number} times!" for number in range(200)]


def test_vocabulary_is_what_is_said_most():
    assert vocabulary(["No, no!", "no, yes 42"])[:2] == ("no", "yes")


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_errors_come_at_about_the_stated_rate(rate):
    said = ["my", "router", "blinks", "red", "all", "day", "long"]  # none of them can be added by mistake
    texts = [recognised(f"{' '.join(said)} {number}", rate, KNOWN).text.split() for number in range(300)]
    kept = [np.mean([word in text for word in said]) for text in texts]
    assert np.mean(kept) == pytest.approx(1 - 0.85 * rate, abs=0.05)  # words too many leave the others as they are


def test_a_sentence_is_misheard_alike_each_time():
    assert recognised(SENTENCES[0], 0.4, KNOWN) == recognised(SENTENCES[0], 0.4, KNOWN)


def test_the_confidence_is_lower_where_more_is_wrong():
    means = [np.mean([recognised(text, rate, KNOWN).confidence for text in SENTENCES]) for rate in (0.0, 0.2, 0.6)]
    assert means == sorted(means, reverse=True)


@example("'\x9400", 0.34652108258238684)
@given(st.text(min_size=1).filter(has_words), st.floats(0, 1))
def test_something_is_always_printed(text, rate):
    found = recognised(text, rate, KNOWN)
    assert has_words(found.text)
    assert 0 <= found.confidence <= 1


def test_similar_words_are_others_of_that_spelling():
    assert "grate" in similar("great", KNOWN)
    assert "great" not in similar("great", KNOWN)
    assert similar("zzzz", KNOWN) == KNOWN
