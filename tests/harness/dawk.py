"""The server under test: its configuration, start, stop, crash, and its command line."""
import json
import os
import pwd
import re
import signal
import subprocess
import urllib.request

from . import ports, tls, wait
from .maildir import Maildir

PASSWORDS = {"alice": "alice's secret 1", "bob": "bob's secret 2"}


def give_to_server(*paths):
    """Started by root, the server becomes the owner of its folder; nobody is as good as any."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return json.dumps(value)


def document(config):
    """A TOML document of top values, {section: {...}} and {section: [{...}]}."""
    lines = [f"{k} = {toml(v)}" for k, v in config.items()
             if not isinstance(v, dict) and not (isinstance(v, list) and v and isinstance(v[0], dict))]
    for name, value in config.items():
        if isinstance(value, dict):
            lines += [f"\n[{name}]"] + [f"{k} = {toml(v)}" for k, v in value.items()]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                lines += [f"\n[[{name}]]"] + [f"{k} = {toml(v)}" for k, v in entry.items()]
    return "\n".join(lines) + "\n"


class Dawk:
    """listeners: names out of mx, submission, submissions, relay; each gets a port of its own.

    Domain dawk.test with mailboxes alice and bob, delivered to Maildirs below the case's folder. `config`
    adds to or replaces sections; `routes` is the list of [[route]].
    """
    DOMAIN = "dawk.test"

    def __init__(self, t, name="dawk", listeners=("mx", "submission", "submissions", "relay"), routes=(),
                 domains=None, config=None, users=("alice", "bob"), fixed_ports=None, host="127.0.0.1"):
        self.t, self.name, self.host = t, name, host
        self.dir = t.path(name, "")
        self.binary = t.tool("dawk")
        self.process = None
        self.ports = {n: (fixed_ports or {}).get(n) or ports.free() for n in listeners}
        self.http = ports.free()
        self.state = os.path.join(self.dir, "state")
        self.mail = os.path.join(self.dir, "mail")
        self.log_path = os.path.join(self.dir, "dawk.log")
        self.config_path = os.path.join(self.dir, "dawk.toml")
        cert, key = tls.certificate(t, "mx.dawk.test", "localhost")
        self.config = {
            "hostname": "mx.dawk.test", "state_dir": self.state, "postmaster": f"alice@{self.DOMAIN}",
            "listener": [self._listener(n) for n in listeners],
            "tls": {"certificate": cert, "key": key},
            "http": {"address": f"127.0.0.1:{self.http}"},
            "domain": domains if domains is not None else
            [{"name": self.DOMAIN, "deliver": f"maildir:{self.mail}/{{domain}}/{{local}}"}],
            "log": {"file": self.log_path, "level": "debug"},
        }
        if routes:
            self.config["route"] = [dict(r) for r in routes]
        for section, value in (config or {}).items():
            if isinstance(value, dict) and isinstance(self.config.get(section), dict):
                self.config[section].update(value)
            else:
                self.config[section] = value
        self.write_config()
        self._give_away()
        self.runs = 0
        t.undo(self.kill)
        for user in users:
            self.add_user(f"{user}@{self.DOMAIN}", PASSWORDS.get(user, user + " secret"))

    def _give_away(self):
        state = self.config["state_dir"]
        for folder in (state, self.mail):
            os.makedirs(folder, exist_ok=True)
        give_to_server(self.dir, state, self.mail)

    def _listener(self, name):
        address = f"{self.host}:{self.ports[name]}"
        return {"mx": {"address": address, "service": "mx", "tls": "starttls"},
                "submission": {"address": address, "service": "submission", "tls": "starttls"},
                "submissions": {"address": address, "service": "submission", "tls": "implicit"},
                "relay": {"address": address, "service": "relay", "tls": "none", "allow": ["127.0.0.0/8"]},
                }[name]

    def write_config(self):
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(document(self.config))

    # -- the process ------------------------------------------------------------------------------------

    def start(self, prefix=(), env=None, wait_ready=True):
        self.runs += 1
        self.out_path = os.path.join(self.dir, f"stderr-{self.runs}.err")
        with open(self.out_path, "wb") as out:
            self.process = subprocess.Popen([*prefix, self.binary, "serve", "--config", self.config_path], stdout=out, stderr=out,
                                            env={**os.environ, **(env or {})}, cwd=self.dir)
        if wait_ready:
            for port in self.ports.values():
                wait.for_port(port, self.host, process=self.process)
            wait.for_port(self.http, "127.0.0.1", process=self.process)
        return self

    @property
    def pid(self):
        """Of the server itself, whatever it was started under."""
        pid = self.process.pid
        while True:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().split(b"\0")[0] == self.binary.encode():
                    return pid
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                below = file.read().split()
            if not below:
                raise AssertionError("the server is not there")
            pid = int(below[0])

    def stop(self, seconds=60):
        """As an operator does: SIGTERM, and the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        """As a power cut does to the process: no chance to say anything."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()

    def restart(self):
        self.kill()
        return self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def alive(self):
        return self.process.poll() is None

    def rss_mib(self, key="VmRSS"):
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(key + ":")) / 1024

    def pss_mib(self):
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024

    def log(self):
        text = ""
        for path in (self.log_path, self.out_path):
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    def wait_log(self, pattern, seconds=wait.PATIENCE):
        return wait.until(lambda: re.search(pattern, self.log()), f"{pattern!r} in the log", seconds)

    # -- the command line -------------------------------------------------------------------------------

    def run(self, *arguments, text_in=None, config=True):
        """(exit code, standard output, standard error)."""
        command = [self.binary, *arguments] + (["--config", self.config_path] if config else [])
        done = subprocess.run(command, input=text_in, capture_output=True, text=True, timeout=60, check=False,
                              cwd=self.dir)
        return done.returncode, done.stdout, done.stderr

    def cli(self, *arguments, text_in=None):
        """Standard output of a command that must succeed."""
        code, out, err = self.run(*arguments, text_in=text_in)
        if code != 0:
            raise AssertionError(f"dawk {' '.join(arguments)}: exit code {code}\n{out}{err}")
        return out

    def add_user(self, address, password):
        return self.cli("user", "add", address, "--password-file", "-", text_in=password + "\n")

    def add_alias(self, address, *targets):
        return self.cli("alias", "add", address, *targets)

    def queue(self):
        """The queue as the command line tells it: a list of messages."""
        return json.loads(self.cli("queue", "list", "--json"))

    def attempted(self):
        """Whether some recipient in the queue has been tried in vain."""
        return any(r["attempts"] for m in self.queue() for r in m["recipients"])

    def wait_queue_empty(self, seconds=wait.PATIENCE):
        wait.until(lambda: not self.queue(), "an empty queue", seconds, 0.05)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=10) as response:
            return response.status, response.read().decode()

    def box(self, user, domain=None):
        return Maildir(os.path.join(self.mail, domain or self.DOMAIN, user))

    def alice(self):
        return self.box("alice")
