"""The server's side of the conversation: order, limits, and attacks that worked on others."""
import base64
import socket

from harness import check, smtp, wait
from harness.cases import case, cases_of
from harness.dawk import PASSWORDS

RELAY_TRICKS = [
    "victim@elsewhere.test", "victim%elsewhere.test@dawk.test", "elsewhere.test!victim@dawk.test",
    '"victim@elsewhere.test"@dawk.test', "@dawk.test:victim@elsewhere.test",
    "@dawk.test,@mx.dawk.test:victim@elsewhere.test", '"victim%elsewhere.test"@dawk.test',
    "victim@[127.0.0.1]", "victim@[127.0.0.2]", "victim@[IPv6:::1]", "victim@elsewhere.test@dawk.test",
    "victim@dawk.test.", "victim@dawk.test@elsewhere.test", "victim@xn--dawk-.test", "victim@sub.dawk.test",
    "victim@dawk.test\\@elsewhere.test", "victim\x00@dawk.test", "victim", "<victim@elsewhere.test>",
    "victim@elsewhere.test,alice@dawk.test", "alice@dawk.test,victim@elsewhere.test", "victim@DAWK.TEST.elsewhere.test",
]


@case("smoke")
def the_mx_listener_is_no_open_relay(t):
    server = t.dawk()
    for trick in RELAY_TRICKS:
        with smtp.Raw(server.ports["mx"]) as client:
            client.hello()
            client.expect("MAIL FROM:<alice@dawk.test>", 250)
            reply = client.ask(f"RCPT TO:<{trick}>")
            check.matches(reply, r"^5\d\d[ -]5\.", trick)
    check.equal(server.queue(), [])


@case()
def the_relay_listener_asks_for_its_networks(t):
    server = t.dawk(start=False)
    server.config["listener"][3]["allow"] = ["192.0.2.0/24"]
    server.write_config()
    server.start()
    with smtp.Raw(server.ports["relay"]) as client:
        if client.greeting.startswith("220"):
            client.hello()
            client.expect("MAIL FROM:<a@b.test>", 250, 554, 550)
            check.matches(client.ask("RCPT TO:<victim@elsewhere.test>"), r"^5\d\d ")
        else:
            check.matches(client.greeting, r"^554 ")


@case("smoke")
def a_greeting_and_its_extensions(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        check.matches(client.greeting, r"^220 mx\.dawk\.test ESMTP\b")
        lines = client.hello().split("\r\n")
        check.true(lines[0].startswith("250-mx.dawk.test"), lines[0])
        offered = {line[4:].split(" ")[0] for line in lines[1:] if line}
        for word in ("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "STARTTLS",
                     "CHUNKING"):
            check.contains(offered, word)
        check.lacks(offered, "AUTH")
        client.starttls()
        offered = {line[4:].split(" ")[0] for line in client.hello().split("\r\n")[1:] if line}
        check.lacks(offered, "STARTTLS")
    with smtp.Raw(server.ports["submission"]) as client:
        check.lacks(client.hello(), "AUTH")
        client.starttls()
        check.matches(client.hello(), r"250[ -]AUTH [^\r]*\bPLAIN\b")


@case()
def commands_out_of_order_are_refused(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        for command in ("MAIL FROM:<a@b.test>", "RCPT TO:<alice@dawk.test>", "DATA"):
            check.matches(client.ask(command), r"^503 5\.5\.1 ")
        client.hello()
        for command in ("RCPT TO:<alice@dawk.test>", "DATA", "BDAT 0 LAST"):
            check.matches(client.ask(command)[:4], r"^503 ", command)
        client.expect("MAIL FROM:<a@b.test>", 250)
        client.expect("MAIL FROM:<a@b.test>", 503)
        client.expect("DATA", 503, 554)
        client.expect("RSET", 250)
        client.expect("RCPT TO:<alice@dawk.test>", 503)
        client.expect("NOOP whatever", 250)
        client.expect("VRFY alice", 252, 502)
        client.expect("HELP", 214)
        client.expect("NONSENSE", 500)
        client.expect("QUIT", 221)
        check.true(client.at_end())


BAD_ENDS = {name: raw for name, raw in [
    ("LF.LF", b"\n.\n"), ("LF.CRLF", b"\n.\r\n"), ("CRLF.LF", b"\r\n.\n"), ("CR.CR", b"\r.\r"), ("CR.CRLF", b"\r.\r\n"),
    ("CRLF.CR", b"\r\n.\r"), ("CR.LF", b"\r.\n"), ("LF.CR", b"\n.\r"), ("CRCRLF.CRCRLF", b"\r\r\n.\r\r\n"),
    ("NUL", b"\r\n.\x00\r\n"), ("LFLF", b"\n\n.\n\n"), ("CRLF.CRCRLF", b"\r\n.\r\r\n"), ("CRCRLF.CRLF", b"\r\r\n.\r\n"),
]}


@cases_of(sorted(BAD_ENDS.items()), "smuggling")
def only_crlf_dot_crlf_ends_data(t, end):
    """Whatever the cut between two reads, a wrong end of data begins no second message."""
    server = t.dawk(listeners=("mx",))
    hidden = (b"MAIL FROM:<smuggled@evil.test>\r\nRCPT TO:<bob@dawk.test>\r\nDATA\r\n"
              b"Subject: smuggled\r\n\r\nsmuggled\r\n.\r\n")
    data = b"Subject: outer\r\n\r\nouter" + end + hidden
    first = len(data) - len(hidden) - len(end)
    for cut in [0] + list(range(first - 1, first + len(end) + 3)):
        with smtp.Raw(server.ports["mx"]) as client:
            client.hello()
            client.expect("MAIL FROM:<a@client.test>", 250)
            client.expect("RCPT TO:<alice@dawk.test>", 250)
            client.expect("DATA", 354)
            client.send(data[:cut])
            if cut:
                wait.never(lambda: False, 0.02)
            try:
                client.send(data[cut:])
                reply = client.reply()
            except (OSError, EOFError):
                continue
            if reply[0] == "2":
                # A server may take the whole as one message only when no line end in it was wrong.
                check.true(end in (b"\r\n.\x00\r\n",), f"cut {cut}: accepted {reply!r}")
                continue
            check.matches(reply, r"^5\d\d ", f"cut {cut}")
            # What followed must not have been taken for commands.
            try:
                extra = client.reply()
            except (OSError, EOFError):
                continue
            check.matches(extra, r"^(421|5\d\d) ", f"cut {cut}")
    server.wait_queue_empty()
    check.equal(server.box("bob").count(), 0, "smuggled messages")


@case("smoke")
def data_at_every_cut_is_the_same_message(t):
    server = t.dawk(listeners=("mx",))
    data = smtp.stuffed(b"Subject: cut\r\n\r\na\r\n.b\r\n..\r\n.\r\n\r\n") + b".\r\n"
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        for cut in range(1, len(data)):
            client.expect("MAIL FROM:<a@client.test>", 250)
            client.expect("RCPT TO:<alice@dawk.test>", 250)
            client.expect("DATA", 354)
            client.send(data[:cut])
            client.send(data[cut:])
            check.equal(client.reply()[:3], "250", f"cut {cut}")
    got = server.alice().wait(len(data) - 1)
    bodies = {m.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1] for m in got}
    check.equal(bodies, {b"a\n.b\n..\n.\n\n"})


@case("smoke")
def bare_line_ends_in_commands_are_refused(t):
    server = t.dawk(listeners=("mx",))
    for line in (b"NOOP\n", b"NOOP\rNOOP\r\n", b"MAIL FROM:<a@b.test>\nRCPT TO:<alice@dawk.test>\r\n"):
        with smtp.Raw(server.ports["mx"]) as client:
            client.hello()
            client.send(line)
            check.matches(client.reply(), r"^5\d\d ", repr(line))


@case("smoke")
def nothing_survives_starttls(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.expect("MAIL FROM:<a@client.test>", 250)
        client.expect("RCPT TO:<alice@dawk.test>", 250)
        client.expect("RSET", 250)
        client.starttls()
        client.expect("MAIL FROM:<a@client.test>", 503)
        client.hello()
        client.expect("STARTTLS", 503, 502, 500)


@case("smoke")
def octets_pipelined_behind_starttls_are_not_obeyed(t):
    server = t.dawk()
    for injected in (b"MAIL FROM:<evil@client.test>\r\n", b"NOOP\r\n" * 50, b"EHLO evil\r\nAUTH PLAIN AGEAYg==\r\n"):
        with smtp.Raw(server.ports["submission"]) as client:
            client.hello()
            client.send(b"STARTTLS\r\n" + injected)
            reply = client.reply()
            if reply[:3] != "220":
                check.matches(reply, r"^5\d\d ")
                continue
            try:
                client.buffer = b""
                client.wrap()
                # Whatever comes first must be the answer to this EHLO, not to something injected.
                check.matches(client.hello("after.test"), r"^250-mx\.dawk\.test")
                client.expect("RCPT TO:<alice@dawk.test>", 503, 530)
            except (OSError, EOFError):
                continue  # closed: as good


@case()
def credentials_are_only_taken_under_tls(t):
    server = t.dawk()
    token = base64.b64encode(b"\0bob@dawk.test\0" + PASSWORDS["bob"].encode()).decode()
    with smtp.Raw(server.ports["submission"]) as client:
        client.hello()
        check.matches(client.ask("AUTH PLAIN " + token), r"^(530|538|502|503|504|500) ")
        check.matches(client.ask("MAIL FROM:<bob@dawk.test>"), r"^530 5\.7\.0 ")
        client.starttls()
        client.hello()
        check.matches(client.ask("MAIL FROM:<bob@dawk.test>"), r"^530 5\.7\.0 ")
        check.matches(client.ask("AUTH PLAIN " + token), r"^235 2\.7\.0 ")
        client.expect("AUTH PLAIN " + token, 503)
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.starttls()
        client.hello()
        check.matches(client.ask("AUTH PLAIN " + token), r"^5\d\d ")


@case()
def a_user_sends_only_as_himself(t):
    server = t.dawk()
    token = base64.b64encode(b"\0bob@dawk.test\0" + PASSWORDS["bob"].encode()).decode()
    with smtp.Raw(server.ports["submissions"], greet=False) as client:
        client.wrap()
        client.reply()
        client.hello()
        client.expect("AUTH PLAIN " + token, 235)
        check.matches(client.ask("MAIL FROM:<alice@dawk.test>"), r"^553 5\.7\.1 ")
        client.expect("MAIL FROM:<bob@dawk.test>", 250)


@case()
def password_guessing_ends_the_session(t):
    server = t.dawk()
    with smtp.Raw(server.ports["submissions"], greet=False) as client:
        client.wrap()
        client.reply()
        client.hello()
        token = base64.b64encode(b"\0bob@dawk.test\0wrong").decode()
        replies = []
        for _ in range(10):
            reply = client.ask("AUTH PLAIN " + token)
            replies.append(reply[:3])
            if reply.startswith("421"):
                break
        check.at_most(len(replies), 4)
        check.equal(replies[-1], "421")
        check.true(client.at_end())


@case()
def sizes_are_limited(t):
    server = t.dawk(config={"limits": {"message_size": "64KiB"}})
    with smtp.Raw(server.ports["mx"]) as client:
        check.matches(client.hello(), r"250[ -]SIZE 65536\r")
        check.matches(client.ask("MAIL FROM:<a@client.test> SIZE=65537"), r"^552 5\.3\.4 ")
        check.matches(client.ask("MAIL FROM:<a@client.test> SIZE=" + "9" * 20), r"^552 5\.3\.4 ")
        data = b"Subject: big\r\n\r\n" + b"x" * 76 + b"\r\n"
        check.matches(client.mail("a@client.test", "alice@dawk.test", data * 2000), r"^552 5\.3\.4 ")
        check.matches(client.mail("a@client.test", "alice@dawk.test", data), r"^250 ")
        client.expect("MAIL FROM:<a@client.test>", 250)
        client.expect("RCPT TO:<alice@dawk.test>", 250)
        client.send(b"BDAT 70000 LAST\r\n" + b"x" * 70000)
        check.matches(client.reply(), r"^552 5\.3\.4 ")
    server.alice().one()


@case()
def long_lines_are_refused_not_cut(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.send(b"NOOP " + b"x" * 10000 + b"\r\n")
        check.matches(client.reply(), r"^500 5\.5\.2 ")
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        try:
            client.send(b"EHLO " + b"x" * 10_000_000)
            client.send(b"\r\n")
            check.matches(client.reply(), r"^(500|501|421) ")
        except (OSError, EOFError):
            pass
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()


@case()
def too_many_errors_end_the_session(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        for count in range(200):
            reply = client.ask("NONSENSE")
            if reply.startswith("421"):
                break
        check.at_most(count, 100)
        check.true(client.at_end())


@case()
def recipients_are_limited_and_the_rest_is_temporary(t):
    server = t.dawk(config={"limits": {"recipients": 100}})
    server.add_alias("*@dawk.test", "alice@dawk.test")
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.expect("MAIL FROM:<a@client.test>", 250)
        for i in range(100):
            client.expect(f"RCPT TO:<u{i}@dawk.test>", 250)
        check.matches(client.ask("RCPT TO:<u100@dawk.test>"), r"^452 4\.5\.3 ")
        client.expect("DATA", 354)
        client.send(smtp.message() + ".\r\n")
        check.equal(client.reply()[:3], "250")


@case("smoke")
def everything_in_one_packet(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.send("MAIL FROM:<a@client.test>\r\nRCPT TO:<alice@dawk.test>\r\nRCPT TO:<nobody@dawk.test>\r\nDATA\r\n")
        check.equal([client.reply()[:3] for _ in range(4)], ["250", "250", "550", "354"])
        client.send(smtp.message() + ".\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n")
        check.equal([client.reply()[:3] for _ in range(4)], ["250", "250", "250", "354"])
        client.send(smtp.message() + ".\r\nQUIT\r\n")
        check.equal([client.reply()[:3] for _ in range(2)], ["250", "221"])
    server.alice().wait(2)


@case()
def chunks_carry_any_octets(t):
    server = t.dawk()
    body = b"Subject: chunks\r\n\r\n" + b"a\r\n.\r\n.b\r\n" + b"x" * 300000 + b"\r\n"
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.expect("MAIL FROM:<a@client.test>", 250)
        client.expect("RCPT TO:<alice@dawk.test>", 250)
        for part in (body[:1], body[1:25], body[25:200000]):
            client.send(b"BDAT %d\r\n" % len(part) + part)
            check.equal(client.reply()[:3], "250")
        client.send(b"BDAT %d LAST\r\n" % (len(body) - 200000) + body[200000:])
        check.equal(client.reply()[:3], "250")
        client.send(b"BDAT 5 LAST\r\nhello")
        check.equal(client.reply()[:3], "503")
        client.expect("NOOP", 250)
    check.true(server.alice().one().replace(b"\r\n", b"\n").endswith(body.replace(b"\r\n", b"\n")))


@case()
def a_loop_is_cut(t):
    server = t.dawk()
    hops = "".join(f"Received: from h{i} by h{i + 1}; Sun, 22 Nov 2026 12:00:00 +0000\r\n" for i in range(101))
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        check.matches(client.mail("a@client.test", "alice@dawk.test", smtp.message(extra=hops)), r"^554 5\.4\.6 ")


@case()
def http_is_sent_away(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nMAIL FROM:<a@b.test>\r\n")
        check.matches(client.reply(), r"^(421|5\d\d) ")
        replies = 0
        try:
            while replies < 10:
                client.reply()
                replies += 1
        except (OSError, EOFError):
            pass
        check.at_most(replies, 1)


@case()
def talking_before_the_greeting_is_noticed(t):
    server = t.dawk()
    with socket.create_connection(("127.0.0.1", server.ports["mx"])) as raw:
        raw.sendall(b"EHLO early.test\r\nMAIL FROM:<a@b.test>\r\n")
        raw.settimeout(20)
        got = raw.recv(65536)
        check.true(got[:3] in (b"220", b"554", b"421"), repr(got))
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()


@case()
def a_thousand_half_open_sessions_harm_nobody(t):
    server = t.dawk()
    held = []
    for i in range(1000):
        sock = socket.create_connection(("127.0.0.1", server.ports["mx"]))
        sock.sendall([b"", b"EH", b"EHLO x\r\nMAIL", b"EHLO x\r\nMAIL FROM:<a@client.test>\r\n"][i % 4])
        held.append(sock)
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    for sock in held:
        sock.close()
    server.alice().one()
    check.true(server.alive())
