"""Dovecot behind us: what we hand over by LMTP a mail reader finds by IMAP."""
import imaplib

from harness import check, smtp, wait
from harness.cases import case, cases_of
from harness.peers import Dovecot

FAST = {"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}}


def start(t, how, users=("alice",)):
    dove = Dovecot(t).start()
    via = f"lmtp:127.0.0.1:{dove.lmtp_port}" if how == "tcp" else f"lmtp:unix:{dove.lmtp_path}"
    server = t.dawk(listeners=("mx",), domains=[{"name": "dawk.test", "deliver": via}], users=users, config=FAST)
    return dove, server


def fetch_all(dove):
    with imaplib.IMAP4("127.0.0.1", dove.imap_port) as client:
        client.login("alice@dawk.test", dove.password)
        client.select()
        _, found = client.search(None, "ALL")
        return [client.fetch(number, "(RFC822)")[1][0][1] for number in found[0].split()]


@cases_of([("over TCP", "tcp"), ("over a Unix socket", "unix")], seconds=90)
def mail_is_read_by_imap(t, how):
    dove, server = start(t, how)
    body = "Grüße\r\n.dot\r\n..two\r\n" + "x" * 990 + "\r\n"
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        for i in range(10):
            client.mail("a@client.test", "alice@dawk.test", smtp.message(f"m{i}", body), " BODY=8BITMIME")
    got = wait.until(lambda: (lambda m: m if len(m) == 10 else None)(fetch_all(dove)), "ten messages", step=0.2)
    for message in got:
        check.true(message.endswith(("\r\n\r\n" + body).encode()), message[-1500:])
        check.contains(message, b"Return-Path: <a@client.test>")
        check.contains(message, b"Received: from client.test")
    server.wait_queue_empty()


@case(seconds=90)
def a_maildir_of_ours_is_shown_by_imap(t):
    """Dovecot reads the very folders that Dawk delivers into, while it does."""
    server = t.dawk(listeners=("mx",))
    dove = Dovecot(t, owner="nobody", location=f"maildir:{server.mail}/%d/%n").start()
    body = "Grüße\r\n.dot\r\n" + "x" * 990 + "\r\n"
    for count in (3, 6):  # the second time the folder is known, and its mail has been moved
        with smtp.Raw(server.ports["mx"]) as client:
            client.hello()
            for i in range(3):
                client.mail("a@client.test", "alice@dawk.test", smtp.message(f"m{i}", body), " BODY=8BITMIME")
        got = wait.until(lambda: (lambda m: m if len(m) == count else None)(fetch_all(dove)), f"{count} messages",
                         step=0.2)
    for message in got:
        check.true(message.endswith(("\r\n\r\n" + body).encode()), message[-1500:])
        check.true(message.startswith(b"Return-Path: <a@client.test>\r\n"), message[:200])
    with open(dove.log_path, encoding="utf-8", errors="replace") as file:
        check.lacks(file.read(), "Error:")


@case(seconds=90)
def a_user_that_dovecot_does_not_know_is_reported(t):
    dove, server = start(t, "tcp", users=("alice", "ghost"))
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.mail("alice@dawk.test", ["ghost@dawk.test"], smtp.message("to a ghost"))
    got = wait.until(lambda: fetch_all(dove), "the report", step=0.2)
    check.contains(got[0], b"ghost@dawk.test")
    check.contains(got[0], b"5.1.1")


@case(seconds=90)
def dovecot_away_means_waiting(t):
    dove, server = start(t, "tcp")
    dove.stop()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.mail("a@client.test", "alice@dawk.test", smtp.message())
    wait.until(server.attempted, "an attempt")
    dove.start()
    wait.until(lambda: fetch_all(dove), "delivery", step=0.2)
