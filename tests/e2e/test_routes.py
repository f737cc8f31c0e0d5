"""Delivery to other hosts: retries, batches, TLS, and peers that behave badly."""
import email
import os

from harness import check, smtp, tls, wait
from harness.cases import case, cases_of
from harness.dawk import give_to_server

FAST = {"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}}


def to(sink, **more):
    return [{"to": "*", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none", **more}]


def send(server, rcpts=("one@else.test",), data=None, sender="a@client.test", parameters=""):
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        reply = client.mail(sender, list(rcpts), data or smtp.message(), parameters)
        check.equal(reply[:3], "250", reply)


@cases_of([("by BDAT", ("CHUNKING", "8BITMIME")), ("by DATA", ("8BITMIME",)),
           ("by DATA, pipelined", ("PIPELINING", "8BITMIME"))], "smoke")
def content_is_passed_on_octet_for_octet(t, extensions):
    sink = smtp.FakeServer(extensions=extensions)
    server = t.dawk(listeners=("relay",), routes=to(sink))
    data = smtp.message("relay").encode() + b".dot\r\n..two\r\n\xff\xfe\r\n" + b"x" * 998 + b"\r\n"
    send(server, data=data, parameters=" BODY=8BITMIME")
    wait.until(lambda: sink.mails, "the message")
    got = sink.mails[0].content
    check.true(got.endswith(data), f"not the same: {got[:1500]!r}")
    check.true(got.startswith(b"Received: from client.test"), got[:100])
    check.lacks(got, b"Return-Path")
    check.matches(sink.mails[0].mail, r"^MAIL FROM:<a@client\.test>.* BODY=8BITMIME")


@case()
def recipients_of_one_message_travel_together(t):
    sink = smtp.FakeServer()
    server = t.dawk(listeners=("relay",), routes=to(sink))
    send(server, [f"u{i}@d{i % 3}.test" for i in range(30)])
    wait.until(lambda: sink.mails, "the message")
    server.wait_queue_empty()
    check.equal(len(sink.mails), 1)
    check.equal(len(sink.mails[0].rcpts), 30)


@case()
def many_messages_share_connections(t):
    sink = smtp.FakeServer()
    server = t.dawk(listeners=("relay",), routes=to(sink))
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(200):
            client.mail("a@client.test", "b@else.test", smtp.message(f"m{i}"))
    wait.until(lambda: len(sink.mails) == 200, "200 messages")
    check.at_most(sink.connections, 40)


@case()
def only_refused_recipients_are_tried_again(t):
    sink = smtp.FakeServer(answers={"RCPT": lambda s, session, line:
                                    "450 4.2.0 later" if b"slow" in line and not later.is_set() else "250 2.1.5 ok"})
    import threading
    later = threading.Event()
    server = t.dawk(listeners=("relay",), routes=to(sink), config=FAST)
    send(server, ["fast@else.test", "slow@else.test"])
    wait.until(lambda: len(sink.mails) == 1, "the first")
    later.set()
    wait.until(lambda: len(sink.mails) == 2, "the second")
    server.wait_queue_empty()
    check.equal([len(m.rcpts) for m in sink.mails], [1, 1])
    check.contains(sink.mails[1].rcpts[0], "slow")


@cases_of([("greeting", {"greeting": ["421 4.3.2 not now", "220 fake.test"]}),
           ("EHLO closed", {"EHLO": [None, lambda s, session, line: s._default("EHLO", session, line)]}),
           ("MAIL", {"MAIL": ["451 4.3.0 try later", "250 2.1.0 ok"]}),
           ("DATA", {"DATA": ["451 4.3.0 try later", "354 go"]}),
           ("dot", {"dot": ["451 4.3.0 try later", "250 2.0.0 taken"]}),
           ("closed at dot", {"dot": [None, "250 2.0.0 taken"]}),
           ("421 at dot", {"dot": ["421 4.3.2 going down", "250 2.0.0 taken"]}),
           ("junk greeting", {"greeting": [b"hello there\r\n", "220 fake.test"]}),
           ("endless greeting", {"greeting": [b"220-x\r\n" * 20000, "220 fake.test"]}),
           ("endless line", {"MAIL": [b"250 " + b"x" * 2000000 + b"\r\n", "250 2.1.0 ok"]})])
def temporary_trouble_is_tried_again(t, answers):
    sink = smtp.FakeServer(answers=dict(answers))
    server = t.dawk(listeners=("relay",), routes=to(sink), config=FAST)
    send(server)
    wait.until(lambda: sink.mails and sink.mails[-1].replies[-1] == "250 2.0.0 taken", "delivery", 40)
    server.wait_queue_empty()
    check.true(server.alive())


@case()
def a_closed_port_is_tried_again(t):
    sink = smtp.FakeServer()
    sink.close()
    server = t.dawk(listeners=("relay",), routes=to(sink), config=FAST)
    send(server)
    wait.until(server.attempted, "an attempt")
    again = smtp.FakeServer(port=sink.port)
    wait.until(lambda: again.mails, "delivery")
    server.wait_queue_empty()


@case()
def a_dead_host_is_probed_by_one(t):
    sink = smtp.FakeServer(answers={"greeting": "421 4.3.2 not now"})
    server = t.dawk(listeners=("relay",), routes=to(sink),
                    config={"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}})
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(300):
            client.mail("a@client.test", f"u{i}@else.test", smtp.message())
    before = sink.connections
    wait.until(lambda: sink.connections >= before + 4, "four probes")
    check.at_most(sink.connections, 60)
    sink.answers["greeting"] = "220 fake.test"
    wait.until(lambda: len(sink.mails) == 300, "everything in the end", 60)


@case()
def an_old_host_with_helo_only_is_served(t):
    sink = smtp.FakeServer(answers={"EHLO": "502 5.5.1 what is that"})
    server = t.dawk(listeners=("relay",), routes=to(sink))
    send(server)
    wait.until(lambda: sink.mails, "delivery by HELO")
    check.true(any(c.startswith("HELO ") for c in sink.commands))


@case()
def eight_bit_mail_to_a_seven_bit_host_is_not_mangled(t):
    sink = smtp.FakeServer(extensions=("PIPELINING",))
    server = t.dawk(listeners=("relay", "mx"), routes=to(sink), config=FAST)
    send(server, data=smtp.message("x").encode() + "Grüße\r\n".encode(), sender="alice@dawk.test",
         parameters=" BODY=8BITMIME")

    def settled():
        return sink.mails or server.alice().count()
    wait.until(settled, "delivery or a report")
    if sink.mails:
        content = sink.mails[0].content
        check.true(all(b < 128 for b in content), "eight bits to a host that does not take them")
    else:
        check.contains(server.alice().one(), b"5.6.3")


@case()
def a_large_eight_bit_mail_is_converted_on_its_way(t):
    """Too large for memory: read twice, then sent as quoted-printable, with its size said beforehand."""
    sink = smtp.FakeServer(extensions=("PIPELINING", "SIZE 100000000"))
    server = t.dawk(listeners=("relay", "mx"), routes=to(sink), config=FAST)
    lines = "Grüße aus einer Zeile, die oft kommt\r\n" * 40000
    head = smtp.message("large", "", extra="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                           "Content-Transfer-Encoding: 8bit\r\n")
    send(server, data=head.encode() + lines.encode(), sender="alice@dawk.test", parameters=" BODY=8BITMIME")
    wait.until(lambda: sink.mails or server.alice().count(), "delivery or a report")
    check.true(sink.mails, "it came back")
    mail = sink.mails[0]
    check.true(all(b < 128 for b in mail.content), "eight bits to a host that does not take them")
    got = email.message_from_bytes(mail.content)
    check.equal(got["Content-Transfer-Encoding"], "quoted-printable")
    check.true(got.get_payload(decode=True) == lines.encode(), "it is not what was sent")
    check.contains(mail.mail, f"SIZE={len(mail.content)}")


@case()
def international_mail_needs_an_international_host(t):
    sink = smtp.FakeServer(extensions=("PIPELINING", "8BITMIME"))
    server = t.dawk(listeners=("relay", "mx"), routes=to(sink), config=FAST)
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        client.expect("MAIL FROM:<alice@dawk.test> SMTPUTF8", 250)
        client.expect("RCPT TO:<jürgen@else.test>", 250)
        client.expect("DATA", 354)
        client.send(smtp.message("Grüße") + ".\r\n")
        check.equal(client.reply()[:3], "250")
    check.contains(server.alice().one(), b"5.6.7")
    check.equal(sink.mails, [])


# -- TLS as a client ------------------------------------------------------------------------------------------


def tls_sink(t, name="localhost", **options):
    return smtp.FakeServer(tls=tls.server_context(t, name), **options)


@case("smoke")
def tls_is_used_where_it_is_offered(t):
    sink = tls_sink(t)
    server = t.dawk(listeners=("relay",), routes=to(sink, tls="opportunistic"))
    send(server)
    wait.until(lambda: sink.mails, "delivery")
    check.true(sink.mails[0].secure)
    check.equal([c for c in sink.commands if c.startswith("EHLO")].__len__(), 2)


@case()
def opportunistic_goes_on_without_tls_after_a_broken_handshake(t):
    sink = smtp.FakeServer(extensions=("PIPELINING", "STARTTLS"), answers={"STAR": "220 go"})

    def break_off(s, session, line):
        session.sock.sendall(b"220 go ahead\r\n")
        session.sock.recv(1000)
        session.sock.sendall(b"this is no TLS at all\r\n" * 10)
        return None
    sink.answers["STAR"] = break_off
    server = t.dawk(listeners=("relay",), routes=to(sink, tls="opportunistic"), config=FAST)
    send(server)
    wait.until(lambda: sink.mails, "delivery in the clear")
    check.equal(sink.mails[0].secure, False)


@cases_of([("required, not offered", "required"), ("verified, not offered", "verified")])
def without_tls_nothing_is_said_where_tls_is_demanded(t, mode):
    sink = smtp.FakeServer()
    trust = {"ca_file": tls.authority(t)} if mode == "verified" else {}
    server = t.dawk(listeners=("relay",), routes=to(sink, tls=mode, **trust), config=FAST)
    send(server)
    wait.until(lambda: sink.connections >= 2, "two attempts")
    check.equal(sink.mails, [])
    check.true(not any(c.startswith(("MAIL", "RCPT", "DATA")) for c in sink.commands), str(sink.commands))


@case()
def verified_refuses_a_foreign_certificate(t):
    sink = tls_sink(t, "other.test")
    server = t.dawk(listeners=("relay",), config=FAST,
                    routes=[{"to": "*", "via": f"smtp:localhost:{sink.port}", "tls": "verified",
                             "ca_file": tls.authority(t)}])
    send(server)
    wait.until(lambda: sink.connections >= 1 and server.attempted(), "an attempt")
    wait.never(lambda: sink.mails, 1, "delivery to a stranger")
    check.true(not any(c.startswith("MAIL") for c in sink.commands))


@case()
def verified_accepts_the_right_one_and_logs_in(t):
    import base64
    import re
    seen = []

    def auth(s, session, line):
        seen.append((session.secure, line))
        return "235 2.7.0 welcome"
    sink = tls_sink(t, extensions=("PIPELINING", "AUTH PLAIN LOGIN"), answers={"AUTH": auth})
    secret = t.path("secret")
    with open(secret, "w", encoding="ascii") as file:
        file.write("smart secret\n")
    os.chmod(secret, 0o600)
    give_to_server(secret)
    server = t.dawk(listeners=("relay",), routes=to(sink, tls="verified", ca_file=tls.authority(t), user="me",
                                                    password_file=secret))
    send(server)
    wait.until(lambda: sink.mails, "delivery")
    secure, line = seen[0]
    check.true(secure, "credentials in the clear")
    token = re.match(rb"AUTH PLAIN (\S+)", line).group(1)
    check.equal(base64.b64decode(token), b"\0me\0smart secret")


@case()
def replies_injected_before_tls_are_not_believed(t):
    """What a man in the middle appends to the 220 of STARTTLS must not be taken for replies under TLS."""
    injected = b"220 go ahead\r\n250-fake.test\r\n250 SIZE 1\r\n550 5.1.1 injected\r\n550 5.1.1 injected\r\n"
    sink = tls_sink(t, answers={"STAR": injected})
    server = t.dawk(listeners=("mx", "relay"), routes=to(sink, tls="opportunistic"), config=FAST)
    send(server, sender="alice@dawk.test")

    def settled():
        return sink.mails or sink.connections >= 2
    wait.until(settled, "delivery, or a second attempt")
    check.equal(server.alice().count(), 0, "a bounce made from an injected reply")


@case()
def lmtp_answers_for_each_recipient(t):
    sink = smtp.FakeServer(lmtp=True, answers={"dot": lambda s, session, line:
                           "452 4.2.2 over quota" if "full" in session.current and not s.used.get("again") else
                           "250 2.0.0 stored"})
    server = t.dawk(listeners=("mx",), domains=[{"name": "dawk.test", "deliver": f"lmtp:127.0.0.1:{sink.port}"}],
                    config=FAST, users=("alice", "full"))
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.mail("a@client.test", ["alice@dawk.test", "full@dawk.test"], smtp.message())
    wait.until(lambda: len(sink.mails) >= 2, "a second attempt for one")
    check.equal([len(m.rcpts) for m in sink.mails[:2]], [2, 1])
    sink.used["again"] = True
    server.wait_queue_empty()
    check.true(sink.commands[0].startswith("LHLO mx.dawk.test"))
    check.lacks(sink.mails[0].content, b"Return-Path")  # the store makes the final delivery, RFC 5321 §4.4


@case()
def most_specific_route_wins(t):
    sinks = {name: smtp.FakeServer() for name in ("all", "sub", "exact")}
    server = t.dawk(listeners=("relay",), routes=[
        {"to": pattern, "via": f"smtp:127.0.0.1:{sinks[name].port}", "tls": "none"}
        for pattern, name in (("*", "all"), (".else.test", "sub"), ("exact.else.test", "exact"))])
    send(server, ["a@exact.else.test", "b@other.else.test", "c@else.test", "d@third.test"])
    wait.until(lambda: all(s.mails for s in sinks.values()), "all three")
    server.wait_queue_empty()
    got = {name: sorted(r.split("<")[1].split(">")[0] for m in s.mails for r in m.rcpts) for name, s in sinks.items()}
    check.equal(got, {"exact": ["a@exact.else.test"], "sub": ["b@other.else.test"],
                      "all": ["c@else.test", "d@third.test"]})


@case()
def a_slow_destination_does_not_hold_up_others(t):
    import threading
    gate = threading.Event()

    def stall(s, session, line):
        gate.wait(60)
        return "250 2.0.0 taken"
    slow, fast = smtp.FakeServer(answers={"dot": stall}), smtp.FakeServer()
    server = t.dawk(listeners=("relay",), routes=[
        {"to": "slow.test", "via": f"smtp:127.0.0.1:{slow.port}", "tls": "none"},
        {"to": "*", "via": f"smtp:127.0.0.1:{fast.port}", "tls": "none"}])
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(100):
            client.mail("a@client.test", f"u{i}@slow.test", smtp.message())
        client.mail("a@client.test", "u@fast.test", smtp.message())
    wait.until(lambda: fast.mails, "the fast one")
    gate.set()
    wait.until(lambda: len(slow.mails) == 100, "the slow ones")
