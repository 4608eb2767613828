"""Many recordings at once on a Ray cluster, through Ray Data: the cores of many machines hear one archive."""

import logging
import os
import pickle
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.archive.call import Scored, score_call
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.pool import THREADS, score_alone
from rasa_emotion.archive.words import Words
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra

QUIET = "RAY_USAGE_STATS_ENABLED"
"""Ray reports its use over the network unless this is 0; nothing leaves the machine unasked."""

BLOCKS = 10_000
"""Recordings that are handed out each by itself; of more, several go together."""


def score_on_ray(paths: Sequence[Path], options: ScoreOptions, *, workers: int) -> Iterator[Scored]:
    """The rows of each recording as soon as they are there, in any order, as `pool.score_all` gives them.

    It joins the cluster that `RAY_ADDRESS` names, or starts one on this machine that ends with it. Its machines need
    the recordings at the same paths and an environment like this one. A recording that ends the process that hears it
    is heard once more, here and alone.

    Args:
        paths: of the recordings.
        options: how they are scored.
        workers: processes over all machines, each of which computes in one thread on a core of its own.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: the cluster cannot be joined or started.
    """
    os.environ[QUIET] = "0"
    with needs_extra("ray", "Scoring on Ray"):
        import ray  # noqa: PLC0415 -- after its variables
        import ray.data  # noqa: PLC0415
    if not paths:
        return
    left = set(paths)
    with _cluster(ray), redirect_stdout(sys.stderr):  # Ray tells there of a process that died, and figures go there
        for one in _heard(ray.data, [*left], options, min(workers, len(left))):
            left.discard(Path(os.fsdecode(one["path"])))
            yield pickle.loads(one["scored"])
    for path in sorted(left):
        yield score_alone(path, options)


@contextmanager
def _cluster(ray: Any) -> Iterator[None]:
    given = {"env_vars": {**dict.fromkeys(THREADS, "1"), QUIET: "0"}}
    address = os.environ.get("RAY_ADDRESS")
    try:
        ray.init(
            address=address,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            runtime_env=given,
        )
    except Exception as error:  # whatever it is, of which Ray's own classes are few
        what = f"The Ray cluster '{address}' cannot be joined" if address else "Ray cannot be started on this machine"
        raise ConfigError(f"{what} ({error}); leave --ray out, or try again once it runs.") from error
    # What fails has its own row in the end; a notice of what a later Ray will change is nothing for who scores calls.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=ray.util.annotations.RayDeprecationWarning)
    try:
        yield
    finally:
        ray.shutdown()


def _heard(data: Any, paths: Sequence[Path], options: ScoreOptions, workers: int) -> Iterator[dict[str, Any]]:
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # what fails is left over, and the others are not
    # Bytes, since a name may be none of UTF-8.
    rows = [{"path": os.fsencode(path)} for path in paths]
    asked = data.from_items(rows, override_num_blocks=min(len(rows), BLOCKS)).map(
        Hearing,
        fn_constructor_args=(options,),
        compute=data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        num_cpus=1,
        # Ray starts a process again that ended, and would give it the same recording for ever.
        ray_remote_args_fn=lambda: {"max_task_retries": 0},
    )
    yield from asked.iter_rows()


class Hearing:
    """What a process of Ray's does; its models are loaded once.

    Args:
        options: how recordings are scored.
    """

    def __init__(self, options: ScoreOptions) -> None:
        self._options = options
        self._analyzer = EmotionAnalyzer.load(options.models, acoustic=options.acoustic)
        self._words = None if options.recogniser == "none" else Words(options)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row of a recording, with what was heard of it."""
        path = Path(os.fsdecode(row["path"]))
        scored = score_call(self._analyzer, path, self._options, self._words)
        return {**row, "scored": pickle.dumps(scored)}
