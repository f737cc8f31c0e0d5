"""Who really sent it: SPF, DKIM, DMARC and reverse DNS asked of a real name server, by the real server."""
import json
import os
import re

from harness import check, maildir, ports, signatures, smtp, wait
from harness.cases import case
from harness.peers import Knot

ZONES = {
    "good.test.": "@ TXT \"v=spf1 ip4:127.0.0.1 -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\n",
    "bad.test.": "@ TXT \"v=spf1 ip4:192.0.2.1 exp=why.bad.test -all\"\nwhy TXT \"%{i} is not ours\"\n"
                 "_dmarc TXT \"v=DMARC1; p=reject\"\n",
    "test.": "none A 127.0.0.1\n",
    "127.in-addr.arpa.": "1.0.0 PTR client.good.test.\n",
}


def world(t, auth=None, listeners=("mx",), **more):
    t.need_isolation()
    names = Knot(t, ZONES).start()
    return t.dawk(listeners=listeners, **more,
                  config={"dns": {"forwarders": [f"127.0.0.1:{names.port}"]}, "auth": {"exempt": []}, **(auth or {})})


def send(server, sender, extra="", rcpt="alice@dawk.test", listener="mx"):
    with smtp.Raw(server.ports[listener]) as client:
        client.hello("client.good.test")
        return client.mail(sender, rcpt, smtp.message(sender=sender, extra=extra))


def results(message):
    return maildir.fields(message, "Authentication-Results")


@case()
def what_is_found_is_written_and_explained(t):
    server = world(t)
    reply = send(server, "joe@good.test")
    check.equal(reply[:3], "250")
    found = results(server.alice().one())
    check.equal(len(found), 1)
    check.contains(found[0], "mx.dawk.test;")
    check.contains(found[0], "spf=pass smtp.mailfrom=joe@good.test")
    check.contains(found[0], "dmarc=pass header.from=good.test")
    identifier = re.search(r"queued as (\w+)", reply).group(1)
    story = server.cli("explain", identifier)
    check.contains(story, "SPF: pass for good.test")
    check.contains(story, "DNS TXT _dmarc.good.test: v=DMARC1; p=reject")
    facts = json.loads(server.cli("explain", identifier, "--json"))
    event = next(e for e in facts["history"] if e["event"] == "received")
    check.equal(event["authentication"]["dmarc"]["result"], "pass")
    asked = {(q["type"], q["name"]) for q in event["authentication"]["lookups"]}
    check.true({("TXT", "good.test"), ("TXT", "_dmarc.good.test"), ("PTR", "1.0.0.127.in-addr.arpa")} <= asked,
               f"{asked}")


@case()
def forged_results_in_our_name_are_gone(t):
    server = world(t)
    forged = ("Authentication-Results: mx.dawk.test; dmarc=pass header.from=bank.test\r\n"
              "Authentication-Results: other.test; spf=pass\r\n")
    send(server, "joe@none.test", forged)
    found = results(server.alice().one())
    check.equal(len(found), 2)
    check.contains(found[0], "dmarc=none")
    check.equal(found[1], "other.test; spf=pass")


@case()
def a_forgery_goes_into_the_junk_folder(t):
    server = world(t)
    check.equal(send(server, "joe@bad.test")[:3], "250")
    junk = maildir.Maildir(os.path.join(server.alice().path, ".Junk"))
    message = junk.one()
    check.contains(maildir.fields(message, "X-Quarantine")[0], "dmarc=fail")
    check.equal(server.alice().count(), 0)


@case()
def the_operator_may_refuse(t):
    server = world(t, {"auth.dmarc": {"reject": "reject"}})
    reply = send(server, "joe@bad.test")
    check.equal(reply[:10], "550 5.7.26")
    check.contains(reply, "DMARC")
    identifier = re.search(r"\[(\w+)\]", reply).group(1)
    wait.until(lambda: "DMARC: fail for bad.test" in server.cli("explain", identifier), "the story of the refusal")


@case()
def spf_says_why_in_the_words_of_the_domain(t):
    server = world(t, {"auth.spf": {"fail": "reject"}})
    reply = send(server, "joe@bad.test")
    check.equal(reply[:10], "550 5.7.23")
    check.contains(reply, "bad.test explains: 127.0.0.1 is not ours")


@case()
def without_an_answer_the_sender_comes_again(t):
    server = world(t, {"auth": {"exempt": [], "dns_failure": "defer"}})
    # The name server refuses zones that it does not have.
    check.equal(send(server, "joe@broken.example")[:3], "451")
    check.equal(send(server, "joe@good.test")[:3], "250")


@case()
def rules_are_for_their_domains(t):
    server = world(t, {"auth_rule": [{"from": ["bad.test"], "dmarc_reject": "accept"}]})
    send(server, "joe@bad.test")
    check.contains(results(server.alice().one())[0], "dmarc=fail")


@case()
def the_command_line_asks_the_same_name_server(t):
    t.need_isolation()
    names = Knot(t, ZONES).start()
    server = t.dawk(listeners=("mx",))
    with open(t.path("m.eml"), "w", encoding="ascii") as file:
        file.write(smtp.message(sender="joe@good.test").replace("\r\n", "\n"))
    found = json.loads(server.cli("auth-check", t.path("m.eml"), "--ip", "127.0.0.1", "--from", "joe@good.test",
                                  "--helo", "client.good.test", "--resolver", f"127.0.0.1:{names.port}", "--json"))
    check.equal(found["result"], "pass")
    check.equal(found["spf"]["result"], "pass")
    check.contains(found["header"], "Authentication-Results:")
    check.true(any(q["name"] == "_dmarc.good.test" and q["answer"] for q in found["lookups"]), f"{found['lookups']}")


def zone_text(keys, origin):
    """Lines of a zone for key records: strings of at most 255 octets."""
    out = ""
    for name, text in keys.items():
        parts = " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))
        out += f"{name.removesuffix('.' + origin)} TXT {parts}\n"
    return out


@case(seconds=90)
def what_goes_on_is_sealed(t):
    """RFC 8617 §5.1: our results go along under seal, and a second time around the chain grows."""
    t.need_isolation()
    sink = smtp.FakeServer()
    port = ports.free()
    server = t.dawk(start=False, listeners=("mx",),
                    routes=[{"to": "far.test", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"}],
                    config={"dns": {"forwarders": [f"127.0.0.1:{port}"]},
                            "auth": {"exempt": [], "arc_seal": "dawk.test"}, "dkim": [{"domain": "dawk.test"}]})
    server.cli("dkim", "generate", "dawk.test", "--active")
    keys = signatures.records(server, "dawk.test")
    Knot(t, {**ZONES, "dawk.test.": zone_text(keys, "dawk.test")}, port=port).start()
    server.add_alias("away@dawk.test", "x@far.test")
    server.start()

    def verdict(octets):
        path = t.path("sealed.eml")
        with open(path, "wb") as file:
            file.write(octets)
        return json.loads(server.cli("arc", "verify", path, "--zone", signatures.zone(t, keys), "--json"))

    check.equal(send(server, "joe@good.test", rcpt="away@dawk.test")[:3], "250")
    wait.until(lambda: sink.mails, "the message")
    once = sink.mails[0].content
    found = verdict(once)
    check.equal((found["result"], found["sets"], found["sealers"]), ("pass", 1, ["dawk.test"]), found["reason"])
    check.contains(found["last_results"], "dmarc=pass header.from=good.test")
    check.equal(verdict(once.replace(b"dmarc=pass", b"dmarc=fail"))["result"], "fail")
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello("client.good.test")
        check.equal(client.mail("joe@good.test", "away@dawk.test", once)[:3], "250")
    wait.until(lambda: len(sink.mails) > 1, "it comes by again")
    twice = verdict(sink.mails[1].content)
    check.equal((twice["result"], twice["sets"], twice["oldest_pass"]), ("pass", 2, 0), twice["reason"])
    check.contains(twice["last_results"], "arc=pass")
    check.equal(send(server, "joe@good.test")[:3], "250")
    check.lacks(server.alice().one(), b"ARC-Seal", "what stays here is not sealed")
