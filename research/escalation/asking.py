"""What the commands of this folder are told: which models, which corpora, and where to keep what takes long."""

import argparse
from pathlib import Path


def asked(name: str, purpose: str | None) -> argparse.ArgumentParser:
    """A parser for the command `python -m research.escalation.NAME`."""
    parser = argparse.ArgumentParser(prog=f"python -m research.escalation.{name}", description=purpose)
    parser.add_argument("models", type=Path, help="folder of the models")
    parser.add_argument("--acoustic", default="acoustic", help="name of the acoustic model's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the corpora")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where what takes long is kept")
    return parser
