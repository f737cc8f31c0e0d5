"""Conversations that other projects published for their servers, read from DAWK_TESTDATA at run time.

Wording is theirs, so only the class of a reply is compared; where they chose another class than we do, the
choice is listed here with its reason.
"""
import ast
import os
import re

from harness import check, smtp
from harness.cases import case, cases_of

TESTDATA = os.environ.get("DAWK_TESTDATA") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "testdata")

# (script, line as it stands there): the classes we answer with, and why.
DIFFERENT = {
    # Their limit is three errors of any kind; ours is on failed logins, and on twenty errors.
    ("auth_too_many_failures.cmy", "421 4.5.0 Too many errors, bye"): "5",
    # "64@255": a top-level domain of digits alone is no domain name (RFC 1123 §2.1).
    ("mailfrom-max-email", "ok"): "5",
}


def read(*parts):
    path = os.path.join(TESTDATA, *parts)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


def scripts():
    folder = os.path.join(TESTDATA, "smtp-chasquid", "t-12-minor_dialogs")
    if not os.path.isdir(folder):
        return [("none", None)]
    return [(name[:-4], name) for name in sorted(os.listdir(folder)) if name.endswith(".cmy")]


def python_text(expression):
    """A string made of literals, + and *: nothing else is evaluated."""
    def value(node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mult)):
            left, right = value(node.left), value(node.right)
            return left + right if isinstance(node.op, ast.Add) else left * right
        raise ValueError(expression)
    return value(ast.parse(expression.strip(), mode="eval").body)


class Player:
    """Plays one script against the server."""

    def __init__(self, server, name):
        self.server, self.name, self.client = server, name, None

    def line(self, words):
        verb, _, rest = words.partition(" ")
        if verb in ("tcp_connect", "tls_connect"):
            self.client = smtp.Raw(self.server.ports["mx" if verb == "tcp_connect" else "submissions"], greet=False)
            if verb == "tls_connect":
                self.client.wrap()
        elif verb == "close":
            self.client.close()
        elif verb == "->":
            self.client.send(translate(rest) + "\r\n")
        elif verb == "~>":
            self.client.send(python_text(rest))
        elif verb in ("<~", "<-", "<..."):
            self.expect(verb, rest)
        else:
            raise AssertionError(f"unknown line {words!r}")

    def expect(self, verb, rest):
        reply = self.client.reply()
        wanted = re.search(r"\d", rest).group(0)
        allowed = DIFFERENT.get((self.name, rest), wanted)
        check.true(reply[0] in allowed, f"{self.name}: {reply!r}, they expect {rest!r}")


def translate(line):
    return line.replace("@testserver", "@dawk.test").replace("dXNlckB0ZXN0c2VydmVy", "dXNlckB0ZXN0c2VydmVy")


@cases_of(scripts())
def dialogs_of_chasquid(t, name):
    if name is None:
        t.skip("smtp-chasquid is not in DAWK_TESTDATA")
    server = t.dawk(listeners=("mx", "submissions"), users=("alice", "user"), config={"limits": {"message_size": "1MiB"}})
    server.cli("domain", "add", "testserver")
    server.add_user("user@testserver", "secretpassword")
    player = Player(server, name)
    text = read("smtp-chasquid", "t-12-minor_dialogs", name)
    for line in text.split("\n"):
        if line.startswith("c "):
            player.line(line[2:])
    verify = read("smtp-chasquid", "t-12-minor_dialogs", name + ".verify")
    if verify:
        got = server.box("user").one().replace(b"\r\n", b"\n").decode()
        check.true(got.rstrip("\n").endswith(verify.rstrip("\n")), got)
    check.true(server.alive())


@case()
def cases_of_smtpscript(t):
    text = read("smtp-smtpscript", "testcases", "regress")
    if text is None:
        t.skip("smtp-smtpscript is not in DAWK_TESTDATA")
    server = t.dawk(listeners=("mx",))
    found = re.findall(r'test-case name "([^"]+)" \{(.*?)\n\}', text, re.S)
    check.true(found, "no cases in the file")
    for name, body in found:
        with smtp.Raw(server.ports["mx"]) as client:
            client.expect("HELO regress", 250)
            for kind, rest in re.findall(r'(writeln|expect smtp) "?([^"\n]*)"?', body):
                if kind == "writeln":
                    client.send(rest + "\r\n")
                    continue
                reply = client.reply()
                wanted = {"ok": "2", "helo": "2", "permfail": "5", "tempfail": "4"}[rest.strip()]
                allowed = DIFFERENT.get((name, rest.strip()), wanted)
                check.true(reply[0] in allowed, f"{name}: {reply!r}, they expect {rest}")
