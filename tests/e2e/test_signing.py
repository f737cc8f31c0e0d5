"""Signatures of ours, and the life of the keys that make them."""
import json
import os
import smtplib
import stat
import subprocess

from harness import check, signatures, smtp, tls
from harness.cases import case
from harness.dawk import PASSWORDS, give_to_server
from harness.maildir import fields
from harness.peers import Postfix

DOMAIN = "dawk.test"


def hand_in(server, octets, sender="alice@dawk.test", rcpt="bob@dawk.test", parameters=" BODY=8BITMIME"):
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        reply = client.mail(sender, rcpt, octets, parameters)
        check.equal(reply[:3], "250", reply)


def steps(server, *arguments):
    done = json.loads(server.cli("dkim", "rotate", DOMAIN, "--json", *arguments))["steps"]
    return [(step["step"], step["selector"]) for step in done]


def keys_by_state(server):
    out = {}
    for key in json.loads(server.cli("dkim", "show", DOMAIN, "--json"))["keys"]:
        out.setdefault(key["state"], []).append(key["selector"])
    return out


@case("smoke", seconds=90)
def every_kind_of_message_is_signed_with_both_keys(t):
    server = t.dawk(start=False, listeners=("mx", "relay"))
    server.cli("dkim", "generate", DOMAIN, "--active")
    server.start()
    keys = signatures.records(server)
    for name in signatures.MESSAGES:
        hand_in(server, signatures.message(name))
    for octets in server.box("bob").wait(len(signatures.MESSAGES)):
        check.equal(signatures.verdicts(server, t, signatures.wire(octets), keys), ["pass", "pass"], octets[:400])
        check.equal(sorted(f.split("a=")[1].split(";")[0] for f in fields(octets, "DKIM-Signature")),
                    ["ed25519-sha256", "rsa-sha256"])
    with smtp.Raw(server.ports["mx"]) as client:  # anybody may say he is alice
        client.hello()
        client.mail("alice@dawk.test", "alice@dawk.test", signatures.message("plain"))
    check.equal(fields(server.alice().one(), "DKIM-Signature"), [])


@case(seconds=90)
def keys_come_and_go_with_dns(t):
    server = t.dawk(start=False, listeners=("relay",))
    server.cli("dkim", "generate", DOMAIN, "--algorithm", "ed25519", "--selector", "one")
    server.start()
    hand_in(server, signatures.message("plain"))
    check.equal(fields(server.box("bob").one(), "DKIM-Signature"), [], "DNS does not show the key yet")
    nothing = signatures.zone(t, {}, "nothing.json")
    code, out, _ = server.run("dkim", "check", DOMAIN, "--zone", nothing, "--json")
    check.equal((code, json.loads(out)["keys"][0]["dns"]), (1, "missing"))
    check.equal(steps(server, "--zone", nothing), [("wait", "one")])
    check.equal(keys_by_state(server), {"new": ["one"]})

    published = signatures.zone(t, signatures.records(server), "published.json")
    check.equal(json.loads(server.cli("dkim", "check", "--zone", published, "--json"))["result"], "pass")
    check.equal(steps(server, "--zone", published), [("activate", "one")])
    hand_in(server, signatures.message("spaces"))  # the running server knows at once
    signed = [m for m in server.box("bob").wait(2) if fields(m, "DKIM-Signature")]
    check.equal(len(signed), 1)
    check.contains(fields(signed[0], "DKIM-Signature")[0], "s=one;")

    (what, two), = steps(server, "--zone", published, "--now")
    check.equal(what, "create")
    check.equal(keys_by_state(server), {"active": ["one"], "new": [two]})
    code, out, _ = server.run("dkim", "check", "--zone", published, "--json")
    check.equal([key["dns"] for key in json.loads(out)["keys"]], ["right", "missing"])
    both = signatures.zone(t, signatures.records(server), "both.json")
    check.equal(steps(server, "--zone", both), [("activate", two), ("retire", "one")])
    check.equal(steps(server, "--zone", both), [("wait", "one"), ("wait", two)])
    hand_in(server, signatures.message("dots"))
    newest = [m for m in server.box("bob").wait(3) if b"Subject: dots" in m][0]
    check.contains(fields(newest, "DKIM-Signature")[0], f"s={two};")
    check.equal(steps(server, "--zone", both, "--keep", "0s"), [("remove", "one"), ("wait", two)])
    check.equal(keys_by_state(server), {"active": [two]})
    check.equal(os.path.exists(f"{server.state}/dkim/{DOMAIN}/one.pem"), False)

    wrong = dict.fromkeys(signatures.records(server), "v=DKIM1; k=ed25519; p=" + "A" * 43 + "=")
    code, out, _ = server.run("dkim", "check", "--zone", signatures.zone(t, wrong), "--json")
    check.equal((code, json.loads(out)["keys"][0]["dns"]), (1, "wrong"))


@case()
def keys_that_others_may_read_are_refused(t):
    server = t.dawk(start=False, listeners=("relay",))
    server.cli("dkim", "generate", DOMAIN, "--algorithm", "ed25519", "--selector", "s", "--active")
    path = f"{server.state}/dkim/{DOMAIN}/s.pem"
    check.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
    for mode, words in ((0o604, "every user"), (0o620, "group may write")):
        os.chmod(path, mode)
        code, _, err = server.run("serve")
        check.equal(code, 78, err)
        check.contains(err, "s.pem: refused")
        check.contains(err, words)
    os.chmod(path, 0o640)
    server.start()
    os.chmod(path, 0o644)
    code, _, err = server.run("reload")
    check.equal(code, 78, err)
    check.contains(err, "refused")
    hand_in(server, signatures.message("plain"))
    check.equal(len(fields(server.box("bob").one(), "DKIM-Signature")), 1, "the keys of before stay")


@case(seconds=90)
def bounces_are_signed(t):
    server = t.dawk(start=False, listeners=("relay", "mx"), routes=[{"to": "far.test", "via": "smtp:127.0.0.1:1", "tls": "none"}],
                    config={"queue": {"expire": "1s", "expire_bounce": "10m", "retry": ["1s"], "backoff_first": "1s"}})
    server.cli("dkim", "generate", DOMAIN, "--active")
    server.start()
    hand_in(server, signatures.message("plain"), rcpt="x@far.test")
    report = server.alice().one(60)
    check.contains(fields(report, "From")[0], "mx.dawk.test")
    check.equal(fields(report, "Return-Path"), ["<>"])
    check.equal(signatures.verdicts(server, t, signatures.wire(report), signatures.records(server)), ["pass", "pass"])


@case(seconds=90)
def a_hop_for_seven_bits_gets_a_signature_that_holds(t):
    post = Postfix(t, ["carol@post.test"], {"smtpd_discard_ehlo_keywords": "8bitmime, chunking, smtputf8"}).start()
    server = t.dawk(start=False, listeners=("relay",),
                    routes=[{"to": "post.test", "via": f"smtp:127.0.0.1:{post.port}", "tls": "none"}])
    server.cli("dkim", "generate", DOMAIN, "--active")
    server.start()
    hand_in(server, signatures.message("eight"), rcpt="carol@post.test")
    octets = post.box("carol@post.test").one()
    check.equal(max(octets) < 128, True, "it was converted")
    check.equal(signatures.verdicts(server, t, signatures.wire(octets), signatures.records(server)), ["pass", "pass"])


@case(seconds=90)
def the_configuration_says_how(t):
    server = t.dawk(start=False, listeners=("relay",))
    server.cli("dkim", "generate", DOMAIN, "--algorithm", "ed25519", "--selector", "kept", "--active")
    fixed = t.path("fixed.pem")
    subprocess.run(["openssl", "genrsa", "-out", fixed, "2048"], check=True, capture_output=True)
    os.chmod(fixed, 0o600)
    give_to_server(fixed)
    server.config["dkim"] = [
        {"domain": DOMAIN, "expire": "10d", "canonicalization": "simple/relaxed", "oversign": ["From", "Subject"],
         "headers": ["Date"]},
        {"domain": DOMAIN, "selector": "fixed", "key": fixed, "canonicalization": "relaxed/simple"}]
    server.write_config()
    server.start()
    check.equal({n.split(".")[0] for n in signatures.records(server)}, {"kept", "fixed"})
    hand_in(server, signatures.message("spaces"))
    octets = server.box("bob").one()
    check.equal(signatures.verdicts(server, t, signatures.wire(octets), signatures.records(server)), ["pass", "pass"])
    by_selector = {f.split("s=")[1].split(";")[0]: f for f in fields(octets, "DKIM-Signature")}
    check.contains(by_selector["fixed"], "c=relaxed/simple")
    kept = by_selector["kept"]
    check.contains(kept, "c=simple/relaxed")
    check.contains(kept.replace(" ", ""), "h=From:From:Subject:Subject:Date;")
    times = dict(part.strip().split("=", 1) for part in kept.split(";")[:-1])
    check.equal(int(times["x"]) - int(times["t"]), 864000)


@case(seconds=120)
def a_key_may_stay_in_a_token(t):
    t.need_root()
    t.need_program("softhsm2-util")
    if not os.path.exists("/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so"):
        t.skip("libengine-pkcs11-openssl is not installed")
    tokens, conf, key = t.path("tokens", ""), t.path("softhsm2.conf"), t.path("key.pem")
    with open(conf, "w", encoding="ascii") as file:
        file.write(f"directories.tokendir = {tokens}\n")
    environment = {"SOFTHSM2_CONF": conf}
    tool = ["softhsm2-util", "--token", "dawk", "--pin", "1234"]
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key],
                   check=True, capture_output=True)
    subprocess.run([*tool, "--init-token", "--free", "--label", "dawk", "--so-pin", "123456"], check=True, capture_output=True,
                   env={**os.environ, **environment})
    subprocess.run([*tool, "--import", key, "--label", "dkim", "--id", "01"], check=True, capture_output=True,
                   env={**os.environ, **environment})
    server = t.dawk(start=False, listeners=("relay",))
    for folder, _, files in os.walk(tokens):
        give_to_server(folder, *[os.path.join(folder, f) for f in files])
    server.config["dkim"] = [{"domain": DOMAIN, "selector": "hsm",
                              "key": "pkcs11:token=dawk;object=dkim;type=private?pin-value=1234"}]
    server.write_config()
    os.environ.update(environment)
    server.start()
    for name in ("plain", "eight", "large"):
        hand_in(server, signatures.message(name))
    keys = signatures.records(server)
    check.equal(list(keys), [f"hsm._domainkey.{DOMAIN}"])
    for octets in server.box("bob").wait(3):
        check.equal(signatures.verdicts(server, t, signatures.wire(octets), keys), ["pass"])
    server.config["dkim"][0]["key"] = "pkcs11:token=dawk;object=nothing?pin-value=1234"
    server.write_config()
    code, _, err = server.run("reload")
    check.equal(code, 78, err)
    check.contains(err, "no such key")
    check.lacks(err, "1234")


@case(seconds=90)
def a_user_is_signed_for_only_in_his_own_name(t):
    server = t.dawk(start=False)
    for domain in (DOMAIN, "other.test"):
        server.cli("dkim", "generate", domain, "--algorithm", "ed25519", "--active")
    server.start()
    with smtplib.SMTP_SSL("localhost", server.ports["submissions"], context=tls.client_context(t)) as client:
        client.login("alice@dawk.test", PASSWORDS["alice"])
        for sender in ("alice@dawk.test", "ceo@other.test"):
            client.sendmail("alice@dawk.test", ["bob@dawk.test"], signatures.message("plain", sender))
    signed = {fields(m, "From")[0]: len(fields(m, "DKIM-Signature")) for m in server.box("bob").wait(2)}
    check.equal(signed, {"Alice <alice@dawk.test>": 1, "Alice <ceo@other.test>": 0})
