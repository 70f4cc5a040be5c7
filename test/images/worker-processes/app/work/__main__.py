"""A worker: takes jobs and imports the module that each kind of job needs."""

import importlib
import json
import os
import signal
import sys
import time

from . import queue


def stop(*_):
    from .farewell import words

    print(words(), flush=True)
    sys.exit(0)


def main():
    signal.signal(signal.SIGTERM, stop)
    connection = queue.connect()
    print("worker waits", flush=True)
    while True:
        job = queue.claim(connection, os.getpid())
        if job is None:
            time.sleep(0.05)
            continue
        try:
            kind = importlib.import_module(f"work.kinds.{job['kind']}")
            queue.finish(connection, job["id"], "done", kind.run(json.loads(job["options"])))
        except Exception as error:
            from .failure import describe

            queue.finish(connection, job["id"], "failed", describe(error))


main()
