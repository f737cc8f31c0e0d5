"""Mail for our own domains: what arrives is what was sent, and it arrives at whom it should."""
import os
import re

from harness import check, smtp, wait
from harness.cases import case
from harness.maildir import fields, split

AWKWARD = {
    "dots": b".\r\n..\r\n...\r\n.x\r\n",
    "empty body": b"",
    "only line ends": b"\r\n\r\n\r\n",
    "eight bits": bytes(range(128, 256)) + b"\r\n",
    "long lines": b"x" * 998 + b"\r\n" + b"." * 998 + b"\r\n",
    "control characters": b"a\tb\x0bc\x0cd\x07\x1b[0m\x7f\r\n",
    "from line": b"From here on\r\n>From there\r\n",
    "trailing spaces": b"a  \r\n\t\r\n b \r\n",
    "no empty line at end": b"last",
}


def send(server, data, recipients=("alice@dawk.test",), sender="sender@client.test", listener="mx", parameters=""):
    with smtp.Raw(server.ports[listener]) as client:
        client.hello()
        reply = client.mail(sender, list(recipients), data, parameters)
        check.equal(reply[:3], "250", reply)
        return reply


def rcpt(server, address):
    """The reply to RCPT for the address."""
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.expect("MAIL FROM:<s@client.test>", 250)
        return client.ask(f"RCPT TO:<{address}>")


@case("smoke")
def content_arrives_octet_for_octet(t):
    server = t.dawk()
    for name, body in AWKWARD.items():
        data = smtp.message(name).encode().replace(b"Hello\r\n", b"") + body
        send(server, data, parameters=" BODY=8BITMIME")
    wanted = {}
    for name, body in AWKWARD.items():
        wanted[name] = body if not body or body.endswith(b"\r\n") else body + b"\r\n"
    for got in server.alice().wait(len(AWKWARD)):
        name = fields(got.decode("latin-1").encode(), "Subject")[0]
        body = got.split(b"\n\n", 1)[1] if b"\r\n\r\n" not in got else got.split(b"\r\n\r\n", 1)[1]
        check.equal(body.replace(b"\r\n", b"\n"), wanted[name].replace(b"\r\n", b"\n"), name)


@case()
def trace_fields_stand_on_top_once(t):
    server = t.dawk()
    data = smtp.message(extra="Return-Path: <forged@evil.test>\r\nReceived: from a by b; Sun, 22 Nov 2026 12:00:00 +0000\r\n")
    send(server, data)
    got = server.alice().one()
    header, _ = split(got)
    check.equal(fields(got, "Return-Path"), ["<sender@client.test>"])
    check.true(header.startswith("Return-Path: "), header)
    received = fields(got, "Received")
    check.equal(len(received), 2)
    check.matches(received[0], r"^from client\.test \(.*127\.0\.0\.1.*\) by mx\.dawk\.test .*with ESMTP id \S+")
    check.matches(received[0], r"for <?alice@dawk\.test>?")
    check.matches(received[0], r"; (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


@case()
def two_recipients_are_not_told_of_each_other(t):
    server = t.dawk()
    send(server, smtp.message(), ["alice@dawk.test", "bob@dawk.test"])
    for user in ("alice", "bob"):
        received = fields(server.box(user).one(), "Received")[0]
        check.true(not re.search(r"\bfor\b", received), received)


@case()
def a_forged_received_by_name_does_not_become_a_field(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.send("EHLO a(b\r\n")
        client.reply()
        client.send(b"EHLO evil.test\tX-Injected: yes\r\n")
        client.reply()
        client.hello("ok.test")
        check.equal(client.mail("s@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    check.lacks(server.alice().one(), b"\nX-Injected")


@case("smoke")
def names_are_found_without_regard_to_case_and_subaddress(t):
    server = t.dawk()
    for address in ("ALICE@DAWK.TEST", "Alice+lists@dawk.test", '"alice"@dawk.test'):
        send(server, smtp.message(address), [address])
    server.alice().wait(3)


@case()
def aliases_reach_every_target_once(t):
    server = t.dawk()
    server.add_alias("team@dawk.test", "alice@dawk.test", "bob@dawk.test", "inner@dawk.test")
    server.add_alias("inner@dawk.test", "alice@dawk.test", "team@dawk.test")
    send(server, smtp.message(), ["team@dawk.test"])
    server.alice().one()
    server.box("bob").one()
    server.wait_queue_empty()
    check.equal(server.alice().count(), 1)


@case()
def a_catch_all_takes_what_has_no_name(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.expect("MAIL FROM:<s@client.test>", 250)
        check.matches(client.expect("RCPT TO:<nobody@dawk.test>", 550), r"^550 5\.1\.1 ")
    server.add_alias("*@dawk.test", "bob@dawk.test")
    wait.until(lambda: rcpt(server, "nobody@dawk.test").startswith("250 "), "the alias to be noticed")
    send(server, smtp.message(), ["nobody@dawk.test"])
    send(server, smtp.message(), ["alice@dawk.test"])
    server.box("bob").one()
    server.alice().one()


@case("smoke")
def postmaster_is_always_there(t):
    server = t.dawk()
    for address in ("postmaster", "POSTMASTER", "Postmaster@dawk.test", "postmaster@DAWK.test"):
        send(server, smtp.message(address), [address])
    server.alice().wait(4)


@case()
def a_new_user_has_mail_at_once_and_a_disabled_one_none(t):
    server = t.dawk()
    server.add_user("carol@dawk.test", "carol's secret")
    send(server, smtp.message(), ["carol@dawk.test"])
    server.box("carol").one()
    server.cli("user", "disable", "carol@dawk.test")
    wait.until(lambda: rcpt(server, "carol@dawk.test").startswith("550 5.2.1 "), "the change to be noticed")


@case()
def a_mailbox_name_is_no_path(t):
    server = t.dawk()
    server.add_alias("*@dawk.test", "bob@dawk.test")
    for address in ('"../../escape"@dawk.test', '"a/b"@dawk.test', '".."@dawk.test', '"a\\\\b"@dawk.test'):
        with smtp.Raw(server.ports["mx"]) as client:
            client.hello()
            client.mail("s@client.test", address, smtp.message())
    server.wait_queue_empty()
    outside = [os.path.join(where, f) for where, folders, files in os.walk(t.dir) for f in folders + files
               if f in ("escape",) or "escape" in f]
    check.equal(outside, [])


@case()
def a_second_domain_keeps_its_mail_apart(t):
    mail = t.path("dawk", "mail", "")
    server = t.dawk(domains=[{"name": d, "deliver": f"maildir:{mail}{{domain}}/{{local}}"}
                             for d in ("dawk.test", "other.test")])
    server.add_user("alice@other.test", "another secret")
    send(server, smtp.message(), ["alice@other.test"])
    server.box("alice", "other.test").one()
    check.equal(server.alice().count(), 0)


@case()
def maildir_has_its_folders_and_a_finished_file(t):
    server = t.dawk()
    send(server, smtp.message())
    server.alice().one()
    box = server.alice().path
    check.equal(sorted(os.listdir(box))[:3], ["cur", "new", "tmp"])
    check.equal(os.listdir(os.path.join(box, "tmp")), [])
    name = os.listdir(os.path.join(box, "new"))[0]
    check.true("/" not in name and ":" not in name, name)
    check.equal(os.stat(os.path.join(box, "new", name)).st_mode & 0o077, 0, "others may read the mail")


@case()
def a_hundred_sessions_deliver_everything(t):
    import json
    import subprocess
    server = t.dawk()
    done = subprocess.run([t.tool("dawk-load"), "--to", f"127.0.0.1:{server.ports['mx']}", "--sessions", "100",
                           "--messages", "1000", "--rcpt", "alice@dawk.test", "--pipeline"],
                          stdout=subprocess.PIPE, text=True, timeout=50, check=False)
    check.equal(json.loads(done.stdout)["messages"], 1000, done.stdout)
    got = server.alice().wait(1000)
    numbers = {fields(m, "Message-ID")[0] for m in got}
    check.equal(len(numbers), 1000)
