"""What benchmarks say of their figures: the machine, medians with intervals, and tables of Markdown."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

DRAWS = 10_000
"""Of the bootstrap of a median."""

INSTRUCTIONS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8")

COMPUTING = ("numpy", "onnxruntime", "torch", "transformers")
"""Packages on which the speed of the models depends."""


def machine(packages: Sequence[str] = COMPUTING) -> dict[str, Any]:
    """What figures depend on: the processor and its instructions, the load before, and the versions of packages."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = fields.get("flags", "").split()
    return {
        "processor": fields.get("model name", platform.processor() or platform.machine()),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def around(found: Mapping[str, Any]) -> str:
    """The machine as a sentence.

    >>> around({"processor": "Z80", "cores": 1, "load_average": 0.1, "python": "3.10", "packages": {"numpy": "1.23"}})
    'Z80 (1 core, load 0.1 before), Python 3.10, numpy 1.23.'
    """
    cores = f"{found['cores']} core{'s' if found['cores'] != 1 else ''}"
    packages = [f"{name} {number}" for name, number in found["packages"].items()]
    where = f"{found['processor']} ({cores}, load {found['load_average']} before)"
    return ", ".join([where, f"Python {found['python']}", *packages]) + "."


def median(values: Sequence[float]) -> dict[str, float]:
    """The median with its 95 % bootstrap interval (10,000 draws of a fixed seed), and the 95th percentile."""
    found = np.asarray(values)
    drawn = np.median(np.random.default_rng(0).choice(found, (DRAWS, len(found))), axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "median": round(float(np.median(found)), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "p95": round(float(np.percentile(found, 95)), 4),
    }


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown; the first column is text, the others are numbers.

    >>> print(table(["what", "ms"], [["a | b", 1.5]]))
    | what | ms |
    |---|---:|
    | a \\| b | 1.5 |
    """
    ruler = "|".join(["---", *["---:"] * (len(heads) - 1)])
    return "\n".join([_row(heads), f"|{ruler}|", *map(_row, rows)])


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"
