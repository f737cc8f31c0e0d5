#!/usr/bin/env python3
"""Starts the server with a full queue and tells how long it took and what memory it needs.

    bench/full_queue.py                                  a million messages, for one dead host and for 10,000
    bench/full_queue.py --messages 100000 --only drain   from disk to a host that takes everything

Uses build/release (dawk, dawk-fill, dawk-sink). Prints a table for docs/benchmarks.md.
"""
import argparse
import os
import pwd
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONFIG = """hostname = "mx.dawk.test"
state_dir = "{dir}/state"
postmaster = "alice@dawk.test"
[[listener]]
address = "127.0.0.1:{mx}"
service = "mx"
tls = "none"
[http]
address = "127.0.0.1:{http}"
[[domain]]
name = "dawk.test"
deliver = "maildir:{dir}/mail/{{domain}}/{{local}}"
{route}
[log]
file = "{dir}/dawk.log"
[limits]
disk_free_min = "64MiB"
"""
# Nobody answers on the discard port; a forwarder that is not there makes every domain's DNS fail.
ONE = '[[route]]\nto = "*"\nvia = "smtp:127.0.0.1:9"\ntls = "none"\n'
MANY = '[dns]\nforwarders = ["127.0.0.1:9"]\n'
DRAIN = '[[route]]\nto = "*"\nvia = "smtp:127.0.0.1:{sink}"\ntls = "none"\n'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def give_to_nobody(folder):
    if os.geteuid() != 0:
        return
    user = pwd.getpwnam("nobody")
    for at, folders, files in os.walk(folder):
        for name in [at] + [os.path.join(at, f) for f in files]:
            os.chown(name, user.pw_uid, user.pw_gid)
    os.chmod(folder, 0o755)


def memory(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key + ":")) // 1024


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run:
    def __init__(self, build, folder, route):
        os.makedirs(folder)
        self.build, self.dir = build, folder
        self.mx, self.http = free_port(), free_port()
        self.config = os.path.join(folder, "dawk.toml")
        for name in ("state", "mail"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(dir=folder, mx=self.mx, http=self.http, route=route))
        subprocess.run([f"{build}/cmd/dawk/dawk", "user", "add", "alice@dawk.test", "--password-file", "-", "--config",
                        self.config], input="a long password 1\n", text=True, check=True, stdout=subprocess.DEVNULL)

    def fill(self, *options):
        subprocess.run([f"{self.build}/bench/dawk-fill", "--config", self.config, *options], check=True)

    def start(self):
        """Seconds until /readyz says so."""
        give_to_nobody(self.dir)
        began = time.monotonic()
        self.process = subprocess.Popen([f"{self.build}/cmd/dawk/dawk", "serve", "--config", self.config])
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
            except (OSError, urllib.error.URLError):
                time.sleep(0.01)
        sys.exit("the server did not start: see " + self.dir)

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=30) as answer:
            found = re.search(rf"^{name}\S* (\S+)$", answer.read().decode(), re.M)
        return float(found.group(1)) if found else 0.0

    def fresh_mail(self):
        """Seconds from the last octet of a new message to its file in the mailbox."""
        box = os.path.join(self.dir, "mail/dawk.test/alice/new")
        with smtplib.SMTP("127.0.0.1", self.mx, timeout=60) as client:
            client.sendmail("a@client.test", ["alice@dawk.test"], "Subject: new\r\n\r\nHello\r\n")
            began = time.monotonic()
            while not (os.path.isdir(box) and os.listdir(box)):
                if time.monotonic() - began > 60:
                    sys.exit("new mail does not arrive")
                time.sleep(0.002)
        return time.monotonic() - began

    def stop(self):
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(120)
        return time.monotonic() - began


def stuck(run, name, settle):
    ready = run.start()
    at_ready = memory(run.process.pid, "VmRSS")
    fresh = run.fresh_mail()
    time.sleep(settle)
    print(f"| {name} | {ready:.2f} s | {at_ready} MiB | {fresh * 1000:.0f} ms | {cpu_seconds(run.process.pid):.1f} s | "
          f"{memory(run.process.pid, 'VmHWM')} MiB | {run.metric('dawk_destinations'):.0f} | {run.stop():.2f} s |", flush=True)


def drain(run, sink, messages):
    ready = run.start()
    began, pid = time.monotonic(), run.process.pid
    while run.metric("dawk_queue_flying") + run.metric("dawk_queue_ready") == 0 and time.monotonic() - began < 30:
        time.sleep(0.02)
    first = time.monotonic() - began
    idle = 0
    while idle < 3:
        time.sleep(0.1)
        idle = idle + 1 if run.metric("dawk_queue_flying") + run.metric("dawk_queue_ready") == 0 else 0
    took = time.monotonic() - began - 0.3
    cpu = cpu_seconds(pid)
    print(f"drain: ready {ready:.2f} s, first work after {first:.2f} s, {messages / took:.0f} messages/s from disk, "
          f"{cpu / messages * 1e6:.0f} us CPU each, peak {memory(pid, 'VmHWM')} MiB", flush=True)
    run.stop()
    sink.terminate()
    sink.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--domains", type=int, default=10_000)
    parser.add_argument("--settle", type=float, default=20, help="seconds it runs before its peak is read (20)")
    parser.add_argument("--only", choices=("one", "many", "drain"))
    parser.add_argument("--folder", help="where the spools go (a temporary one)")
    options = parser.parse_args()
    top = tempfile.mkdtemp(prefix="dawk-full-", dir=options.folder)
    os.chmod(top, 0o755)
    try:
        if options.only != "drain":
            print("| queue | ready | memory then | new mail delivered in | CPU | peak memory | destinations known | stop |\n"
                  "|---|---|---|---|---|---|---|---|")
        if options.only in (None, "one"):
            run = Run(options.build, os.path.join(top, "one"), ONE)
            run.fill("--messages", str(options.messages))
            stuck(run, f"{options.messages:,} for one dead host", options.settle)
            shutil.rmtree(run.dir)
        if options.only in (None, "many"):
            run = Run(options.build, os.path.join(top, "many"), MANY)
            run.fill("--messages", str(options.messages), "--domains", str(options.domains))
            stuck(run, f"{options.messages:,} for {options.domains:,} domains", options.settle)
            shutil.rmtree(run.dir)
        if options.only == "drain":
            port = free_port()
            sink = subprocess.Popen([f"{options.build}/bench/dawk-sink", "--listen", f"127.0.0.1:{port}"],
                                    stdout=subprocess.DEVNULL)
            run = Run(options.build, os.path.join(top, "drain"), DRAIN.format(sink=port))
            run.fill("--messages", str(options.messages))
            drain(run, sink, options.messages)
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    main()
