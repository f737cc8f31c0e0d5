"""The rows of the table: a load, what it is let into, and what is required of the ratio."""
import json
import os
import signal
import subprocess
import tempfile

from . import measure, servers


class Row:
    def __init__(self, name, title, mode, load=(), rate=None, cpu=None, memory=None):
        self.name, self.title, self.mode, self.load = name, title, mode, list(load)
        self.rate, self.cpu, self.memory = rate, cpu, memory  # at least, at most, MiB at most


SIZE_100K = ["--size", "102400"]
ROWS = [
    Row("accept_one", "accept, 2 KiB, one message a connection", "hold", ["--per-connection", "1"]),
    Row("accept_many", "accept, 2 KiB, many a connection", "hold", [], rate=6, cpu=1 / 10),
    Row("accept_pipe", "accept, 2 KiB, many, pipelined", "hold", ["--pipeline"], rate=10),
    Row("accept_100k", "accept, 100 KiB, many", "hold", SIZE_100K, rate=4),
    Row("relay_one", "relay, 2 KiB, one message a connection", "relay", ["--per-connection", "1"]),
    Row("relay_many", "relay, 2 KiB, many", "relay", [], rate=12, cpu=1 / 20),
    Row("relay_100k", "relay, 100 KiB, many", "relay", SIZE_100K, rate=8),
    Row("signed", "relay, 2 KiB, many, signed with RSA-2048 (OpenDKIM's milter; Dawk itself)", "signed"),
    Row("maildir", "to Maildir, 2 KiB, many", "maildir", ["--rcpt-modulo", str(servers.MAILBOXES)], rate=2),
    Row("idle", "memory, idle and with 1,000 idle sessions", "hold", memory=40),
]


class Bench:
    def __init__(self, tools, work, seconds, sessions):
        self.tools, self.work, self.seconds, self.sessions = tools, work, seconds, sessions

    def measure(self, row, server_class):
        folder = tempfile.mkdtemp(prefix=f"{server_class.name}-", dir=self.work)
        sink = Sink(self.tools) if row.mode in ("relay", "signed") else None
        sessions = 1000 if row.name == "idle" else self.sessions
        server = server_class(folder, row.mode, sink.port if sink else 0, sessions)
        try:
            server.start()
            try:
                return self.idle(server) if row.name == "idle" else self.load(row, server, sink)
            finally:
                server.stop()
        finally:
            if sink:
                sink.stop()
            servers.remove(folder)
            os.sync()  # what is left to write must not burden the next run

    def load(self, row, server, sink):
        self.run_load(server, ["--messages", "200", *row.load])  # warm: processes, files, connections
        self.wait_delivered(row, server, sink, 200)
        cpu = server.cpu_seconds()
        report = self.run_load(server, ["--seconds", str(self.seconds), *row.load])
        sent = report["messages"]
        finished = self.wait_delivered(row, server, sink, 200 + sent) or report["finished"]
        cpu = server.cpu_seconds() - cpu
        seconds = finished - report["started"]
        return {"rate": sent / seconds, "messages": sent, "seconds": seconds, "cpu_us": cpu / sent * 1e6,
                "p50_ms": report["commit_ms"]["p50"], "p99_ms": report["commit_ms"]["p99"],
                "max_ms": report["commit_ms"]["max"], "failed": report["failed"], "errors": report["errors"]}

    def run_load(self, server, options):
        command = [self.tools["dawk-load"], "--to", f"127.0.0.1:{server.port}", "--sessions", str(self.sessions),
                   *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        return json.loads(done.stdout.splitlines()[-1])

    @staticmethod
    def wait_delivered(row, server, sink, count):
        """When the last of `count` messages arrived behind the server; None where they are only accepted."""
        if sink:
            return measure.until(lambda: sink.last_if(count), f"{count} relayed messages", 600, 0.05)
        if row.mode == "maildir":
            measure.until(lambda: server.delivered() >= count, f"{count} messages in mailboxes", 600, 0.05)
            return measure.time.monotonic()
        return None

    def idle(self, server):
        before, _ = measure.pss_mib(server.pid)
        command = [self.tools["dawk-load"], "--to", f"127.0.0.1:{server.port}", "--sessions", "1000", "--idle"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
            if not load.stdout.readline().startswith("ready"):
                raise RuntimeError("1,000 sessions could not be opened")
            during, processes = measure.pss_mib(server.pid)
            load.stdin.close()
            load.stdout.read()
        return {"idle_mib": before, "thousand_mib": during, "processes": processes}


class Sink:
    """The next hop. It offers what large receivers offer: PIPELINING, CHUNKING, 8BITMIME, SIZE."""

    def __init__(self, tools):
        self.process = subprocess.Popen([tools["dawk-sink"], "--chunking"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def last_if(self, count):
        self.process.send_signal(signal.SIGUSR1)
        counts = json.loads(self.process.stdout.readline())
        return counts["last"] if counts["messages"] >= count else None

    def stop(self):
        self.process.kill()
        self.process.communicate()
