"""What each split of a corpus shares between its sides."""

from dataclasses import replace

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.offers import offers


def clips(*speakers: str) -> list[Clip]:
    """Each speaker, in a fold of their own, says two scripts and something of their own, five times."""
    rows = [(number, speaker, script) for number, speaker in enumerate(speakers, 1) for script in ("one", "two", "")]
    return [
        Clip(f"{speaker}{script}{take}.wav", "c", speaker, "joy", "happy", fold, 1.0, "", script)
        for fold, speaker, script in rows
        for take in range(5)
    ]


def test_folds_share_scripts_until_that_is_asked_for() -> None:
    found = {offer.split: offer for offer in offers(clips("ann", "bob"))}
    assert list(found)[-1] == "a fifth at random"
    fold, strict = found["fold 1"], found["fold 1, no script shared"]
    assert (fold.train, fold.test, fold.speakers, fold.scripts) == (15, 15, 0, 2)
    assert (strict.train, strict.test, strict.speakers, strict.scripts) == (10, 10, 0, 0)
    assert found["a fifth at random"].speakers == 2


def test_partitions_take_the_place_of_folds() -> None:
    train, dev, test = (clips(*"abc")[start : start + 15] for start in (0, 15, 30))
    leaking = [*train, *dev, *(replace(clip, speaker="a") for clip in test)]
    found = offers(leaking, ["train", "dev", "test"])
    assert [offer.split for offer in found] == ["train against test", "a fifth at random"]
    assert (found[0].train, found[0].test, found[0].speakers) == (15, 15, 1)


def test_a_split_that_cannot_be_made_says_why() -> None:
    copies = [replace(clip, augmented=True) for clip in clips("ann", "bob")]
    assert all("augmented copies" in offer.refused for offer in offers(copies))
