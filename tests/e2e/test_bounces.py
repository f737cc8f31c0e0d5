"""Delivery status notifications: who gets one, and what it says."""
import email
import email.policy

from harness import check, smtp, wait
from harness.cases import case, cases_of

FAST = {"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}}


def relay(t, answers, config=None, **options):
    """A server that relays else.test into a peer with these answers; mail for dawk.test stays here."""
    sink = smtp.FakeServer(answers=answers, **options)
    server = t.dawk(listeners=("mx", "relay"), config=config or FAST,
                    routes=[{"to": "*", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"}])
    return server, sink


def send(server, rcpt="lost@else.test", sender="alice@dawk.test", mail_parameters="", rcpt_parameters="", data=None,
         listener="relay"):
    with smtp.Raw(server.ports[listener]) as client:
        client.hello()
        client.expect(f"MAIL FROM:<{sender}>{mail_parameters}", 250)
        client.expect(f"RCPT TO:<{rcpt}>{rcpt_parameters}", 250)
        client.expect("DATA", 354)
        client.send(smtp.stuffed(data or smtp.message("The original", "Secret body\r\n")) + b".\r\n")
        check.equal(client.reply()[:3], "250")


def parts(raw):
    """(whole, text, per-message fields, [per-recipient fields], third part) of a report."""
    whole = email.message_from_bytes(raw, policy=email.policy.default)
    check.equal(whole.get_content_type(), "multipart/report")
    check.equal(whole.get_param("report-type"), "delivery-status")
    text, status, original = list(whole.iter_parts())
    check.equal(status.get_content_type(), "message/delivery-status")
    groups = status.get_payload()
    return whole, text.get_content(), groups[0], groups[1:], original


@case("smoke")
def a_refused_recipient_is_reported_to_the_sender(t):
    server, _ = relay(t, {"RCPT": "550 5.1.1 no such user here"})
    send(server, mail_parameters=" ENVID=QQ314", rcpt_parameters=" ORCPT=rfc822;Lost@else.test")
    raw = server.alice().one()
    whole, text, message, recipients, original = parts(raw)
    check.contains(raw[:200], b"Return-Path: <>")
    check.equal(whole["Auto-Submitted"], "auto-replied")
    check.contains(whole["To"], "alice@dawk.test")
    check.matches(whole["From"], r"(?i)mailer-daemon|postmaster")
    check.contains(text, "lost@else.test")
    check.contains(text, "550 5.1.1 no such user here")
    check.equal(message["Original-Envelope-Id"], "QQ314")
    check.matches(message["Reporting-MTA"], r"^dns; ?mx\.dawk\.test$")
    check.true(message["Arrival-Date"])
    check.equal(len(recipients), 1)
    one = recipients[0]
    check.matches(one["Final-Recipient"], r"(?i)^rfc822; ?lost@else\.test$")
    check.matches(one["Original-Recipient"], r"(?i)^rfc822; ?Lost@else\.test$")
    check.equal((one["Action"], one["Status"]), ("failed", "5.1.1"))
    check.matches(one["Diagnostic-Code"], r"^smtp; ?550 5\.1\.1 no such user here")
    check.true(one["Remote-MTA"])
    check.contains(original.as_string(), "Subject: The original")


@cases_of([("FULL", True), ("HDRS", False)])
def ret_decides_what_comes_back(t, whole):
    server, _ = relay(t, {"RCPT": "550 5.1.1 no"})
    send(server, mail_parameters=" RET=" + ("FULL" if whole else "HDRS"))
    _, _, _, _, original = parts(server.alice().one())
    check.equal(original.get_content_type(), "message/rfc822" if whole else "text/rfc822-headers")
    check.equal("Secret body" in original.as_string(), whole)


@case()
def notify_never_keeps_silent(t):
    server, sink = relay(t, {"RCPT": "550 5.1.1 no"})
    send(server, rcpt_parameters=" NOTIFY=NEVER")
    wait.until(lambda: any("RCPT" in c for c in sink.commands), "the attempt")
    server.wait_queue_empty()
    check.equal(server.alice().count(), 0)


@case()
def notify_success_is_passed_on_or_reported(t):
    server, sink = relay(t, {})
    send(server, rcpt="fine@else.test", rcpt_parameters=" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;fine@else.test")
    wait.until(lambda: sink.mails, "delivery")
    check.matches(sink.mails[0].rcpts[0], r"NOTIFY=(SUCCESS,FAILURE|FAILURE,SUCCESS)")
    server.wait_queue_empty()
    check.equal(server.alice().count(), 0)


@case()
def a_hop_without_dsn_is_told_as_relayed(t):
    server, sink = relay(t, {}, extensions=("PIPELINING", "8BITMIME"))
    send(server, rcpt="fine@else.test", rcpt_parameters=" NOTIFY=SUCCESS")
    wait.until(lambda: sink.mails, "delivery")
    check.lacks(sink.mails[0].rcpts[0], "NOTIFY")
    _, _, _, recipients, _ = parts(server.alice().one())
    check.equal((recipients[0]["Action"], recipients[0]["Status"]), ("relayed", "2.0.0"))


@case()
def local_delivery_is_told_as_delivered(t):
    server, _ = relay(t, {})
    send(server, rcpt="bob@dawk.test", rcpt_parameters=" NOTIFY=SUCCESS", listener="mx")
    server.box("bob").one()
    _, _, _, recipients, _ = parts(server.alice().one())
    check.equal(recipients[0]["Action"], "delivered")
    check.matches(recipients[0]["Status"], r"^2\.")


@case()
def an_alias_of_several_is_told_as_expanded(t):
    """And no more: who stands behind it is not the sender's business (RFC 3461 section 5.2.7.3)."""
    server, sink = relay(t, {})
    server.add_alias("team@dawk.test", "bob@dawk.test", "far@else.test")
    send(server, rcpt="team@dawk.test", rcpt_parameters=" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;team@dawk.test",
         listener="mx")
    server.box("bob").one()
    wait.until(lambda: sink.mails, "the far target")
    check.matches(sink.mails[0].rcpts[0], r"NOTIFY=FAILURE ORCPT=rfc822;team@dawk\.test")
    report = server.alice().one()
    _, _, _, recipients, _ = parts(report)
    check.equal((recipients[0]["Action"], recipients[0]["Final-Recipient"]), ("expanded", "rfc822; team@dawk.test"))
    check.equal(len(recipients), 1)
    check.lacks(report, b"far@else.test")
    server.wait_queue_empty()
    check.equal(server.alice().count(), 1)


@case()
def the_null_sender_gets_no_report_but_the_postmaster_does(t):
    server, sink = relay(t, {"RCPT": "550 5.1.1 no"})
    send(server, sender="", data=smtp.message("A bounce of somebody"))
    wait.until(lambda: any("RCPT" in c for c in sink.commands), "the attempt")
    raw = server.alice().one()
    check.contains(raw, b"A bounce of somebody")
    server.wait_queue_empty()
    check.equal(server.alice().count(), 1)


@case()
def what_expires_is_reported(t):
    server, _ = relay(t, {"RCPT": "451 4.2.0 mailbox busy"}, {"queue": {"retry": ["1s"], "expire": "3s"}})
    send(server)
    _, text, _, recipients, _ = parts(server.alice().one())
    check.equal(recipients[0]["Action"], "failed")
    check.matches(recipients[0]["Status"], r"^[45]\.\d\.\d$")
    check.contains(text, "451 4.2.0 mailbox busy")


@case()
def a_delay_is_told_once(t):
    server, _ = relay(t, {"RCPT": "451 4.2.0 mailbox busy"}, {"queue": {"retry": ["1s"], "warn_after": "2s"}})
    send(server, rcpt_parameters=" NOTIFY=DELAY,FAILURE")
    _, _, _, recipients, _ = parts(server.alice().one())
    check.equal((recipients[0]["Action"], recipients[0]["Status"]), ("delayed", "4.2.0"))
    check.true(recipients[0]["Will-Retry-Until"])
    wait.never(lambda: server.alice().count() > 1, 3, "a second delay report")


@case()
def several_recipients_share_a_report(t):
    server, _ = relay(t, {"RCPT": lambda s, session, line: "550 5.1.1 unknown" if b"bad" in line else "250 2.1.5 ok"})
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        client.mail("alice@dawk.test", ["bad1@else.test", "good@else.test", "bad2@else.test"], smtp.message())
    _, _, _, recipients, _ = parts(server.alice().one())
    names = sorted(r["Final-Recipient"].split(";")[1].strip() for r in recipients)
    check.equal(names, ["bad1@else.test", "bad2@else.test"])


@case()
def what_a_peer_says_cannot_forge_a_report(t):
    evil = b"550-5.1.1 first\r\n550-5.1.1 --boundary\r\n550 5.1.1 \xff\x1b[31m <script>\r\n"
    server, _ = relay(t, {"RCPT": evil})
    send(server)
    raw = server.alice().one()
    check.lacks(raw, b"\x1b")
    _, _, _, recipients, _ = parts(raw)
    check.equal(len(recipients), 1)


@case()
def an_international_recipient_is_reported(t):
    server, _ = relay(t, {"RCPT": "550 5.1.1 no"})
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        client.expect("MAIL FROM:<alice@dawk.test> SMTPUTF8", 250)
        client.expect("RCPT TO:<jürgen@else.test>", 250)
        client.expect("DATA", 354)
        client.send(smtp.message("Grüße") + ".\r\n")
        check.equal(client.reply()[:3], "250")
    raw = server.alice().one()
    check.matches(raw.decode("utf-8", "replace"), r"(?i)jürgen@else\.test|\\x\{FC\}rgen@else\.test")
