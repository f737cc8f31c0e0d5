"""Signatures and SPF beside what others wrote: they verify what we sign, we verify what they sign."""
import base64
import json
import os
import re
import subprocess

from harness import check, signatures, smtp
from harness.cases import case, cases_of

DOMAIN = "dawk.test"
HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN_PYTHON = "/usr/bin/python3"  # where Debian's modules are
FORMS = [f"{header}/{body}" for header in ("simple", "relaxed") for body in ("simple", "relaxed")]


def run(command, octets=b"", env=None):
    done = subprocess.run(command, input=octets, capture_output=True, timeout=60, check=False,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


class Dkimpy:
    """dkimpy, RSA and Ed25519."""
    algorithms = ("rsa-sha256", "ed25519-sha256")
    not_simple = ()

    def __init__(self, t):
        if subprocess.run([DEBIAN_PYTHON, "-c", "import dkim, nacl"], capture_output=True, check=False).returncode:
            t.skip("python3-dkim or python3-nacl is not installed")
        self.t = t

    def verify(self, octets, keys):
        path = signatures.write_json(self.t, "keys.json", keys)
        return json.loads(run([DEBIAN_PYTHON, f"{HERE}/dkim_peer.py", "verify", path], octets))

    def sign(self, octets, key, algorithm, form):
        path = key
        if algorithm == "ed25519-sha256":
            der = run(["openssl", "pkey", "-in", key, "-outform", "DER"])
            path = self.t.path("raw.key")
            with open(path, "wb") as file:
                file.write(base64.b64encode(der[-32:]))
        return run([DEBIAN_PYTHON, f"{HERE}/dkim_peer.py", "sign", DOMAIN, "s", path, algorithm, form], octets) + octets


class Mailauth:
    """mailauth, RSA and Ed25519."""
    algorithms = ("rsa-sha256", "ed25519-sha256")
    not_simple = ()

    def __init__(self, t):
        t.need_program("node")
        self.t, self.env = t, {"NODE_PATH": mailauth_folder(t)}

    def verify(self, octets, keys):
        path = signatures.write_json(self.t, "keys.json", keys)
        return json.loads(run(["node", f"{HERE}/dkim_peer.js", "verify", path], octets, self.env))

    def sign(self, octets, key, algorithm, form):
        return run(["node", f"{HERE}/dkim_peer.js", "sign", DOMAIN, "s", key, algorithm, form], octets, self.env) + octets


class OpenDkim:
    """OpenDKIM's own filter in its test mode; RSA only.

    It is handed fields as by a milter, with one space taken away behind the colon, whatever stood there: in the
    simple form it sees another Subject than was sent where that begins with several."""
    algorithms = ("rsa-sha256",)
    not_simple = ("spaces",)

    def __init__(self, t):
        t.need_program("opendkim")
        self.t = t

    def _filter(self, settings, octets):
        conf, message = self.t.path("opendkim.conf"), self.t.path("opendkim.eml")
        with open(conf, "w", encoding="ascii") as file:
            file.write(f"Syslog no\nSocket local:{self.t.path('opendkim.sock')}\nMinimumKeyBits 1024\n"
                       "RequireSafeKeys no\n" + settings)
        with open(message, "wb") as file:
            file.write(octets)
        return run(["opendkim", "-x", conf, "-t", message, "-vv"], env={"PATH": os.environ["PATH"] + ":/usr/sbin"}).decode()

    def verify(self, octets, keys):
        path = self.t.path("keys.txt")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{name} {text}\n" for name, text in keys.items() if "k=rsa" in text)
        out = self._filter(f"Mode v\nTestPublicKeys {path}\n", octets)
        return re.findall(r"dkim=(\w+).*header\.a=rsa", out)

    def sign(self, octets, key, algorithm, form):
        out = self._filter(f"Mode s\nDomain {DOMAIN}\nSelector s\nKeyFile {key}\nCanonicalization {form}\n"
                           "OversignHeaders From\n", octets)
        value = re.search(r"hname='DKIM-Signature' hvalue='([^']*)'", out).group(1)
        return signatures.wire(f"DKIM-Signature: {value}\n".encode()) + octets


PEERS = [("dkimpy", Dkimpy), ("mailauth", Mailauth), ("opendkim", OpenDkim)]


def names_for(kind, form):
    """The messages that the peer can be asked about in this form."""
    return [n for n in signatures.MESSAGES if not (form.startswith("simple") and n in kind.not_simple)]


def mailauth_folder(t):
    modules = os.path.join(os.path.dirname(t.build), "npm", "node_modules")
    if not os.path.isdir(os.path.join(modules, "mailauth")):
        t.skip("mailauth is not installed (script/test does that)")
    return modules


@cases_of([(f"{name},{form}", (peer, form)) for name, peer in PEERS for form in FORMS], seconds=240)
def they_verify_what_we_sign(t, how):
    kind, form = how
    peer = kind(t)
    server = t.dawk(start=False, listeners=("relay",), config={"dkim": [{"domain": DOMAIN, "canonicalization": form,
                                                                        "expire": "10d"}]})
    server.cli("dkim", "generate", DOMAIN, "--active")
    server.start()
    keys = signatures.records(server)
    names = names_for(kind, form)
    for name in names:
        with smtp.Raw(server.ports["relay"]) as client:
            client.hello()
            client.mail("alice@dawk.test", "bob@dawk.test", signatures.message(name), " BODY=8BITMIME")
    for octets in server.box("bob").wait(len(names)):
        octets = signatures.wire(octets)
        good = peer.verify(octets, keys)
        check.equal(good, ["pass"] * len(peer.algorithms), octets[:800])
        bad = peer.verify(octets.replace(b"Alice", b"Malory", 1), keys)
        check.equal("pass" in bad, False, "a change must be seen, or the peer sees nothing")


@cases_of(PEERS, seconds=300)
def we_verify_what_they_sign(t, kind):
    peer = kind(t)
    server = t.dawk(start=False, listeners=("relay",))
    for algorithm in peer.algorithms:
        short = algorithm.split("-", maxsplit=1)[0]
        server.cli("dkim", "generate", DOMAIN, "--algorithm", short, "--selector", short)
        key = f"{server.state}/dkim/{DOMAIN}/{short}.pem"
        record = signatures.records(server)[f"{short}._domainkey.{DOMAIN}"]
        for form in FORMS:
            for name in names_for(kind, form):
                octets = signatures.wire(peer.sign(signatures.message(name), key, algorithm, form))
                keys = {f"s._domainkey.{DOMAIN}": record}
                check.equal(signatures.verdicts(server, t, octets, keys), ["pass"], f"{form} {name}\n{octets[:900]}")
                changed = octets.replace(b"Alice", b"Malory", 1)
                check.equal(signatures.verdicts(server, t, changed, keys), ["fail"], f"{form} {name}")


@case()
def what_opendkim_testmsg_signs_proves_nothing(t):
    """It knows SHA-1 only, which RFC 8301 has ended; and writes octets behind the signature besides."""
    t.need_program("opendkim-testmsg")
    server = t.dawk(start=False, listeners=("relay",))
    server.cli("dkim", "generate", DOMAIN, "--algorithm", "rsa", "--selector", "s")
    key = f"{server.state}/dkim/{DOMAIN}/s.pem"
    octets = run(["opendkim-testmsg", "-d", DOMAIN, "-s", "s", "-k", key], signatures.message("plain"),
                 {"PATH": os.environ["PATH"] + ":/usr/sbin"})
    octets = re.sub(rb"==[^=\s]+==", b"==", signatures.wire(octets))
    check.equal(signatures.verdicts(server, t, octets, signatures.records(server)), ["policy"])


# Names that only resolve in the zone below; addresses of documentation.
SPF_ZONE = {
    "all.test": {"TXT": ["v=spf1 ip4:192.0.2.0/28 ip6:2001:db8:1::/48 -all"]},
    "a.test": {"TXT": ["v=spf1 a a:other.test/24 -all"], "A": ["198.51.100.1"], "AAAA": ["2001:db8::1"]},
    "other.test": {"A": ["203.0.113.77"]},
    "mx.test": {"TXT": ["v=spf1 mx ~all"], "MX": [[10, "mail.mx.test"], [20, "gone.mx.test"]]},
    "mail.mx.test": {"A": ["198.51.100.2"]},
    "include.test": {"TXT": ["v=spf1 include:all.test include:mx.test ?all"]},
    "redirect.test": {"TXT": ["v=spf1 redirect=all.test"]},
    "lost.test": {"TXT": ["v=spf1 redirect=nowhere.test"]},
    "macro.test": {"TXT": ["v=spf1 exists:%{ir}.%{l}.%{d2}.allow.test -all"]},
    "9.2.0.192.alice.macro.test.allow.test": {"A": ["127.0.0.2"]},
    "syntax.test": {"TXT": ["v=spf1 ipv4:192.0.2.1 -all"]},
    "twice.test": {"TXT": ["v=spf1 -all", "v=spf1 +all"]},
    "loop.test": {"TXT": ["v=spf1 include:loop.test -all"]},
    "many.test": {"TXT": ["v=spf1 " + " ".join(f"a:h{i}.test" for i in range(11)) + " -all"]},
    "void.test": {"TXT": ["v=spf1 a:v1.test a:v2.test a:v3.test +all"]},
    "other-text.test": {"TXT": ["hello"]},
    **{f"h{i}.test": {"A": ["203.0.113.1"]} for i in range(11)},
}
SPF_DOMAINS = ["all.test", "a.test", "mx.test", "include.test", "redirect.test", "lost.test", "macro.test", "syntax.test",
               "twice.test", "loop.test", "many.test", "void.test", "other-text.test", "nowhere.test"]
SPF_ADDRESSES = ["192.0.2.9", "192.0.2.99", "198.51.100.1", "198.51.100.2", "203.0.113.5", "2001:db8::1", "2001:db8:1::5"]


@cases_of([("pyspf", "py"), ("mailauth", "js")], seconds=120)
def spf_says_the_same(t, kind):
    cases = [[ip, f"alice@{domain}", "helo.test"] for domain in SPF_DOMAINS for ip in SPF_ADDRESSES]
    path = signatures.write_json(t, "cases.json", {"zone": SPF_ZONE, "cases": cases})
    if kind == "py":
        if subprocess.run([DEBIAN_PYTHON, "-c", "import spf"], capture_output=True, check=False).returncode:
            t.skip("python3-spf is not installed")
        theirs = json.loads(run([DEBIAN_PYTHON, f"{HERE}/dkim_peer.py", "spf", path]))
    else:
        t.need_program("node")
        theirs = json.loads(run(["node", f"{HERE}/dkim_peer.js", "spf", path], env={"NODE_PATH": mailauth_folder(t)}))
    server = t.dawk(start=False, listeners=("relay",))
    zone = signatures.write_json(t, "zone.json", SPF_ZONE)
    ours = [json.loads(server.cli("spf", "check", "--ip", ip, "--from", sender, "--helo", helo, "--zone", zone, "--json"))["result"]
            for ip, sender, helo in cases]
    differ = [(case_, "ours", our, "theirs", their) for case_, our, their in zip(cases, ours, theirs) if our != their]
    check.equal(differ, [])


@case(seconds=90)
def chains_of_dkimpy_and_ours_hold(t):
    """RFC 8617: it verifies what we seal, we verify what it seals, alone and on top of ours."""
    Dkimpy(t)  # skips where it is missing
    sink = smtp.FakeServer()
    server = t.dawk(start=False, listeners=("mx",),
                    routes=[{"to": "far.test", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"}],
                    config={"auth": {"exempt": [], "arc_seal": DOMAIN}, "dkim": [{"domain": DOMAIN}]})
    server.cli("dkim", "generate", DOMAIN, "--active")
    server.add_alias("away@dawk.test", "x@far.test")
    server.start()
    key = t.path("seal.pem")
    run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key])
    public = base64.b64encode(run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"])).decode()
    keys = {**signatures.records(server, DOMAIN), "s._domainkey.seal.test": f"v=DKIM1; k=rsa; p={public}"}
    keys_path = signatures.write_json(t, "keys.json", keys)

    def ours(octets):
        path = t.path("chain.eml")
        with open(path, "wb") as file:
            file.write(octets)
        found = json.loads(server.cli("arc", "verify", path, "--zone", signatures.zone(t, keys), "--json"))
        return found["result"], found["sealers"]

    def theirs(octets, results):
        octets = f"Authentication-Results: seal.test; {results}\r\n".encode() + octets
        fields = run([DEBIAN_PYTHON, f"{HERE}/dkim_peer.py", "arc-sign", "seal.test", "s", key], octets)
        return fields + octets

    for name in ("plain", "empty", "spaces", "folded", "parts"):
        with smtp.Raw(server.ports["mx"]) as client:
            client.hello()
            reply = client.mail("alice@dawk.test", "away@dawk.test", signatures.message(name))
            check.equal(reply[:3], "250", reply)
        server.wait_queue_empty()
        octets = sink.mails[-1].content
        said = run([DEBIAN_PYTHON, f"{HERE}/dkim_peer.py", "arc-verify", keys_path], octets).decode()
        check.equal(said.split()[0], "pass", f"{name}: {said}")
        check.equal(ours(theirs(octets, "arc=pass")), ("pass", [DOMAIN, "seal.test"]), name)
        check.equal(ours(theirs(signatures.message(name), "spf=pass smtp.mailfrom=a.test")), ("pass", ["seal.test"]), name)
