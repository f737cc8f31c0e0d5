"""Waiting for conditions with a deadline; the only place that lets time pass."""
import select
import socket
import time

from .cases import Skip  # noqa: F401  (re-exported for cases)

PATIENCE = 30


def until(predicate, what="the condition", seconds=PATIENCE, step=0.01):
    """The first true value of predicate(); AssertionError when none comes in time."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        left = end - time.monotonic()
        if left <= 0:
            raise AssertionError(f"waited {seconds} s for {what}")
        select.select([], [], [], min(step, left))


def for_port(port, host="127.0.0.1", seconds=PATIENCE, process=None):
    """Until something accepts connections there; fails at once when the process has ended."""
    def attempt():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"process ended with {process.returncode} before it listened on {port}")
        try:
            with socket.create_connection((host, port), timeout=1):
                return True
        except OSError:
            return False
    until(attempt, f"{host}:{port}", seconds)


def never(predicate, seconds, what="the condition"):
    """That predicate() stays false for so long; for proving that nothing happens. Use rarely and briefly."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if predicate():
            raise AssertionError(f"{what} happened")
        select.select([], [], [], 0.02)
