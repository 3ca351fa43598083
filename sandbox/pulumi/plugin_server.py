"""How a plugin written in Python serves the engine: it prints its port and goes on until it is told to end."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures

import grpc

MESSAGE_BYTES = 400 * 1024 * 1024
"""What the engine and its other plugins take in one message."""
WORKERS = 16


def serve(register: Callable[[grpc.Server], None]) -> None:
    """Serves what `register` adds to a server until SIGINT or SIGTERM, or until the engine is gone."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: ended.set())
    end_with_engine()
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS), options=options)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended.wait()
    server.stop(0)


def end_with_engine() -> None:
    """Ends this process once its parent has: an engine that is killed stops none of its plugins."""
    engine = os.getppid()

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
