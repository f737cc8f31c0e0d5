"""Mail that is counted: what was acknowledged to dawk-load, and what arrived."""
import json
import os
import re
import subprocess

from .maildir import fields


class Load:
    """dawk-load against one listener; `acked` is the file of the numbers that got their 250."""

    def __init__(self, t, port, acked, *options, first=0, sessions=20, messages=1_000_000, seconds=None):
        self.t, self.acked = t, acked
        many = ["--messages", str(messages)] if seconds is None else ["--seconds", str(seconds)]
        self.process = subprocess.Popen(
            [t.tool("dawk-load"), "--to", f"127.0.0.1:{port}", "--acked", acked, "--sessions", str(sessions),
             *many, "--first", str(first), "--max-connect-failures", "1", *options],
            stdout=subprocess.PIPE, text=True)

    def end(self, seconds=30):
        """Its report, when the server has gone or all is sent."""
        try:
            output, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with open(self.t.path("sockets.log"), "wb") as out:
                subprocess.run(["ss", "-tanpoi"], stdout=out, check=False)
            raise
        return json.loads(output.splitlines()[-1])


def numbers(path):
    if not os.path.exists(path):
        return set()
    with open(path, encoding="ascii") as file:
        return {int(line) for line in file.read().split("\n")[:-1]}


def number_of(message):
    """Of a message that dawk-load made."""
    return int(re.match(rb"<(\d+)@load", fields(message, "Message-ID")[0].encode()).group(1))
