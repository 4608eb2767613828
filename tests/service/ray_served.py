"""Replicas on a Ray cluster of two cores, with answers that tests can foresee and the process as the checksum.

python tests/service/ray_served.py PORT REPLICAS    # prints "ready", ends with a SIGTERM
"""

import os
import sys
import threading
from signal import SIGINT, SIGTERM, signal

from fake_analyzer import FakeAnalyzer

from rasa_emotion.service.ray_running import QUIET
from rasa_emotion.turn.access import Access


def make():
    from rasa_emotion.service.app import Service  # noqa: PLC0415 -- once the folder of the metrics is known

    return Service(FakeAnalyzer(str(os.getpid())), Access("serve", {}))


def main(port: int, replicas: int) -> None:
    os.environ.update(QUIET)
    import ray  # noqa: PLC0415
    import ray_served  # noqa: PLC0415 -- by its name, as replicas import it
    from ray import serve  # noqa: PLC0415

    from rasa_emotion.service.ray_serve import NAME, application  # noqa: PLC0415

    stop = threading.Event()
    ray.init(num_cpus=2, include_dashboard=False)
    for number in (SIGTERM, SIGINT):
        signal(number, lambda *_: stop.set())
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    made = application(ray_served.make, least=replicas, most=replicas, cpus=0.5)
    serve.run(made, name=NAME, route_prefix="/")
    print("ready", flush=True)
    while not stop.wait(0.2):
        pass
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
