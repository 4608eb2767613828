"""`rasa-emotion serve --ray`: from a start to a drained end on a Ray cluster."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from rasa_emotion.extras import needs_extra
from rasa_emotion.logs import log_to, named

logger = logging.getLogger(__name__)

QUIET = {
    # Ray reports its use over the network unless told otherwise; nothing leaves the machine unasked.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_ENABLE_TASK_EVENTS": "0",
}


def run_on_ray(make: Callable[[], Any], *, host: str, port: int, most: int) -> None:
    """Serve until a SIGTERM or SIGINT.

    It joins the cluster that `RAY_ADDRESS` names, or starts one on this machine that ends with it.

    Args:
        make: makes the `Service` in each replica.
        host: address that Ray Serve's proxy listens at.
        port: its port; 0 cannot be told.
        most: replicas under load.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    os.environ.update(QUIET)
    with needs_extra("ray", "Ray Serve"):
        import ray  # noqa: PLC0415 -- after its variables
        from ray import serve  # noqa: PLC0415
    from rasa_emotion.service.ray_serve import NAME, application  # noqa: PLC0415

    log_to()
    stop = threading.Event()
    ray.init(address=os.environ.get("RAY_ADDRESS"), include_dashboard=False, log_to_driver=True)
    # Only now: Ray's own handler, which it sets as it starts, ends the process at once.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve.start(http_options={"host": host, "port": port})
        serve.run(application(make, most=most), name=NAME, route_prefix="/")
        logger.info("The service listens at http://%s:%d, on Ray.", host, port, extra=named("service.started"))
        while not stop.wait(1.0):  # a wait without an end lets no signal through
            pass
        logger.info("The service takes no new requests.", extra=named("service.draining"))
        serve.shutdown()
    finally:
        ray.shutdown()
    logger.info("The service has ended.", extra=named("service.stopped"))
