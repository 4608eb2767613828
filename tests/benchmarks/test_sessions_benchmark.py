"""The benchmark of ONNX Runtime's options compares every setting with the shipped one."""

from needed import needs

from benchmarks import sessions


@needs("espeak-ng")
def test_a_run_as_a_section() -> None:
    found = sessions.measure(2)
    for settings in found["times_as_long"].values():
        assert {*settings, sessions.SHIPPED} == {*sessions.SETTINGS, sessions.BOUND}
        assert all(row["cpu"]["median"] > 0 for row in settings.values())
        assert max(row["apart"] for row in settings.values()) < 0.5
    text = sessions.markdown(found)
    assert all(f"| {name} |" in text for name in found["times_as_long"]["voice"])
