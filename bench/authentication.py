#!/usr/bin/env python3
"""What it costs to find out who sent each message: Dawk with all checks on and off, in turn (A B A B ...).

A signed message (RSA-2048) of a domain with SPF and DMARC records, which a local name server answers once; then
they are cached, as with every large sender. Required: acceptance keeps 60 % of its rate.
"""
import argparse
import base64
import hashlib
import json
import os
import pwd
import signal
import statistics
import subprocess
import sys
import tempfile

from compare import measure, servers

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOMAIN = "sender.example"
REQUIRED = 0.6


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more).stdout


def signed_message(folder, size):
    """(the message, its key record): simple/simple, so that nothing need be canonical but the end."""
    key = os.path.join(folder, "key.pem")
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    public = run("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")
    head = (f"From: Somebody <joe@{DOMAIN}>\r\nTo: user@dawk.test\r\nSubject: a load\r\n"
            f"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@{DOMAIN}>\r\n")
    body = ""
    while len(head) + len(body) < size:
        body += "All work and no play makes a dull server, says line after line.\r\n"
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    field = (f"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d={DOMAIN}; s=s1;\r\n"
             f"\th=From:To:Subject:Date:Message-ID; bh={digest};\r\n\tb=")
    value = run("openssl", "dgst", "-sha256", "-sign", key, input=(head + field).encode())
    return (field + base64.b64encode(value).decode() + "\r\n" + head + "\r\n" + body,
            "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode())


class Names:
    def __init__(self, folder, key_record):
        self.port = servers.free_port()
        parts = " ".join(f'"{key_record[i:i + 200]}"' for i in range(0, len(key_record), 200))
        with open(os.path.join(folder, "zone"), "w", encoding="ascii") as file:
            file.write(f"$ORIGIN example.\n$TTL 3600\n@ SOA ns host 1 3600 600 86400 3600\n@ NS ns\nns A 127.0.0.1\n"
                       f'{DOMAIN}. TXT "v=spf1 ip4:127.0.0.1 -all"\n_dmarc.{DOMAIN}. TXT "v=DMARC1; p=reject"\n'
                       f'mx.{DOMAIN}. A 127.0.0.1\n'
                       f"s1._domainkey.{DOMAIN}. TXT {parts}\n")
        with open(os.path.join(folder, "reverse"), "w", encoding="ascii") as file:
            file.write("$ORIGIN 127.in-addr.arpa.\n$TTL 3600\n@ SOA ns.example. host.example. 1 3600 600 86400 3600\n"
                       f"@ NS ns.example.\n1.0.0 PTR mx.{DOMAIN}.\n")
        config = os.path.join(folder, "knot.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f'server:\n    rundir: "{folder}"\n    listen: 127.0.0.1@{self.port}\n'
                       f'database:\n    storage: "{folder}"\nzone:\n  - domain: example.\n    file: "{folder}/zone"\n'
                       f'  - domain: 127.in-addr.arpa.\n    file: "{folder}/reverse"\n')
        self.log = open(os.path.join(folder, "knot.log"), "wb")
        self.process = subprocess.Popen(["knotd", "-c", config], stdout=self.log, stderr=self.log)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Server:
    def __init__(self, binary, folder, names, verify):
        os.makedirs(folder)
        self.port = servers.free_port()
        config = os.path.join(folder, "dawk.toml")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"""hostname = "mx.dawk.test"
state_dir = "{folder}/state"
[[listener]]
address = "127.0.0.1:{self.port}"
service = "mx"
tls = "none"
[[domain]]
name = "dawk.test"
deliver = "lmtp:127.0.0.1:9"
[queue]
retry = ["1h"]
backoff_first = "1h"
backoff_max = "1h"
[dns]
forwarders = ["127.0.0.1:{names.port}"]
[auth]
verify = {"true" if verify else "false"}
exempt = []
[log]
file = "{folder}/dawk.log"
""")
        os.makedirs(f"{folder}/state")
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            for path in (folder, f"{folder}/state"):
                os.chmod(path, 0o755)
                os.chown(path, user.pw_uid, user.pw_gid)
        run(binary, "user", "add", "user@dawk.test", "--config", config, "--password-file", "-", input=b"a password\n")
        self.log = open(os.path.join(folder, "dawk.err"), "wb")
        self.process = subprocess.Popen([binary, "serve", "--config", config], stdout=self.log, stderr=self.log)
        measure.until(lambda: servers.greets(self.port), "Dawk", 60)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()


def load(tool, server, message, sessions, *more):
    out = run(tool, "--to", f"127.0.0.1:{server.port}", "--sessions", str(sessions), "--message", message,
              "--from", f"joe@{DOMAIN}", "--rcpt", "user@dawk.test", "--helo", f"mx.{DOMAIN}", *more)
    return json.loads(out.splitlines()[-1])


def one(options, folder, names, message, verify):
    server = Server(options.dawk, folder, names, verify)
    try:
        load(options.load, server, message, options.sessions, "--messages", "200")
        cpu = measure.cpu_seconds(server.process.pid)
        report = load(options.load, server, message, options.sessions, "--seconds", str(options.seconds))
        cpu = measure.cpu_seconds(server.process.pid) - cpu
    finally:
        server.stop()
        servers.remove(folder)
    if report["failed"]:
        sys.exit(f"messages were refused: {report['errors']}")
    return report["messages"] / (report["finished"] - report["started"]), cpu / report["messages"] * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--work", default="/var/tmp")
    options = parser.parse_args()
    options.dawk = os.path.join(options.build, "cmd", "dawk", "dawk")
    options.load = os.path.join(options.build, "bench", "dawk-load")
    results = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="dawk-auth-", dir=options.work) as work:
        os.chmod(work, 0o755)
        text, record = signed_message(work, options.size)
        message = os.path.join(work, "message.eml")
        with open(message, "w", encoding="ascii", newline="") as file:
            file.write(text)
        names = Names(work, record)
        try:
            for turn in range(options.repeat):
                for verify in (False, True):
                    rate, cpu = one(options, os.path.join(work, f"{turn}-{verify}"), names, message, verify)
                    results[verify].append((rate, cpu))
                    print(f"checks {'on ' if verify else 'off'}: {rate:,.0f} messages/s, {cpu:.0f} us CPU a message",
                          file=sys.stderr, flush=True)
        finally:
            names.stop()
    off, on = (statistics.median(r for r, _ in results[v]) for v in (False, True))
    cpu_off, cpu_on = (statistics.median(c for _, c in results[v]) for v in (False, True))
    print(f"acceptance with all checks on: {on:,.0f} of {off:,.0f} messages/s = {on / off:.0%}, "
          f"required {REQUIRED:.0%}; CPU {cpu_on:.0f} us a message, {cpu_on - cpu_off:+.0f} us")


if __name__ == "__main__":
    main()
