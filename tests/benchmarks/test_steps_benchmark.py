"""The benchmark of steps: operations are counted as they are by hand, and steps add up to the turn."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from needed import needs
from onnx import TensorProto, helper, numpy_helper

from benchmarks import steps


@pytest.mark.parametrize(
    ("operator", "given", "weights", "count"),
    [
        ("MatMul", [1, 5, 8], [8, 3], 5 * 8 * 3),
        ("Conv", [1, 4, 20], [6, 4, 3], 6 * 18 * 4 * 3),
    ],
)
def test_multiplications_are_counted(tmp_path: Path, operator, given, weights, count) -> None:
    held = numpy_helper.from_array(np.ones(weights, np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["y"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [held],
    )
    file = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(file))
    assert steps.products(file, {"x": np.ones(given, np.float32)}) == {steps.FLOAT: count}


@needs("espeak-ng")
def test_a_run_as_a_section() -> None:
    found = steps.measure(2)
    parts = sum(row["median"] for name, row in found["cpu_ms"].items() if name != steps.TURN)
    assert parts == pytest.approx(found["cpu_ms"][steps.TURN]["median"], rel=0.5)
    for row in found["limit"].values():
        assert row["multiplications"][steps.INT8] > 1e6
        assert row["limit_ms"] > 0
        assert row["cpu_ms"] > 0
    text = steps.markdown(found)
    assert all(f"| {name} |" in text for name in (*found["cpu_ms"], *found["limit"]))
