"""Free ports of loopback. In a network namespace of our own any port is; otherwise the kernel chooses."""
import socket

_taken = set()


def free(host="127.0.0.1"):
    while True:
        with socket.socket() as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        if port not in _taken:
            _taken.add(port)
            return port
