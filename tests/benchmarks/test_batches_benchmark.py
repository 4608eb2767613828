"""The benchmark of batches: every size has the same work, and the share is that of a batch of one."""

from benchmarks import batches
from rasa_emotion import EmotionAnalyzer


def test_each_repeat_times_every_size_with_the_same_work() -> None:
    order: list[int] = []
    found = batches.interleave({"voice": order.append}, repeats=3)
    assert order == list(batches.SIZES) * (batches.WARM_UP + 3)
    assert {size: len(taken) for size, taken in found["voice"].items()} == dict.fromkeys(batches.SIZES, 3)


def test_a_run_as_a_section(monkeypatch) -> None:
    monkeypatch.setattr(batches, "ITEMS", 2)
    monkeypatch.setattr(batches, "SIZES", (1, 2))
    found = batches.measure(2)
    assert set(found["cpu_ms"]) == set(batches.batches(EmotionAnalyzer.load()))
    for sizes in found["share"].values():
        assert sizes[1]["median"] == 1.0
        assert sizes[2]["median"] > 0
    rows = [line for line in batches.markdown(found).splitlines() if line.startswith("|")]
    assert [row.count("|") for row in rows] == [4] * 5
