"""Postfix before and behind us."""
import subprocess

from harness import check, smtp, wait
from harness.cases import case, cases_of
from harness.maildir import fields
from harness.peers import Postfix

BODIES = {"plain": b"Hello\r\n", "dots": b".\r\n..\r\n.x\r\n", "eight": "Grüße\r\n".encode() + bytes(range(160, 256)) + b"\r\n",
          "long": b"y" * 990 + b"\r\n", "from": b"From the start\r\n", "empty": b""}


def submit(port, rcpt, data, parameters=" BODY=8BITMIME"):
    with smtp.Raw(port) as client:
        client.hello()
        reply = client.mail("sender@client.test", rcpt, data, parameters)
        check.equal(reply[:3], "250", reply)


def body_of(message):
    return message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]


@case(seconds=90)
def postfix_takes_what_we_pass_on(t):
    post = Postfix(t, ["carol@post.test"]).start()
    server = t.dawk(listeners=("relay",), routes=[{"to": "post.test", "via": f"smtp:127.0.0.1:{post.port}",
                                                   "tls": "none"}])
    for name, body in BODIES.items():
        submit(server.ports["relay"], "carol@post.test", smtp.message(name, "").encode() + body)
    got = {fields(m.decode("latin-1").encode(), "Subject")[0]: body_of(m) for m in post.box("carol@post.test").wait(len(BODIES))}
    check.equal(got, {name: body.replace(b"\r\n", b"\n") for name, body in BODIES.items()})
    server.wait_queue_empty()


@case(seconds=90)
def postfix_passes_on_to_us(t):
    server = t.dawk(listeners=("mx",))
    post = Postfix(t, settings={"relayhost": f"[127.0.0.1]:{server.ports['mx']}"}).start()
    for name, body in BODIES.items():
        submit(post.port, "alice@dawk.test", smtp.message(name, "").encode() + body)
    got = {fields(m.decode("latin-1").encode(), "Subject")[0]: body_of(m) for m in server.alice().wait(len(BODIES))}
    check.equal(got, {name: body.replace(b"\r\n", b"\n") for name, body in BODIES.items()})
    message = server.alice().messages()[0]
    check.equal(len(fields(message, "Received")), 2)
    check.contains(fields(message, "Received")[0], "from postfix.test")


@case(seconds=90)
def postfix_uses_our_tls(t):
    server = t.dawk(listeners=("mx",))
    post = Postfix(t, settings={"relayhost": f"[127.0.0.1]:{server.ports['mx']}",
                                "smtp_tls_security_level": "encrypt"}).start()
    submit(post.port, "alice@dawk.test", smtp.message())
    check.matches(fields(server.alice().one(), "Received")[0], r"with ESMTPS\b")


@case(seconds=90)
def we_use_the_tls_of_postfix(t):
    from harness import tls
    cert, key = tls.certificate(t, "localhost")
    post = Postfix(t, ["carol@post.test"],
                   {"smtpd_tls_cert_file": cert, "smtpd_tls_key_file": key, "smtpd_tls_security_level": "encrypt",
                    "smtpd_tls_received_header": "yes"}).start()
    server = t.dawk(listeners=("relay",), routes=[{"to": "post.test", "via": f"smtp:localhost:{post.port}",
                                                   "tls": "verified", "ca_file": tls.authority(t)}])
    submit(server.ports["relay"], "carol@post.test", smtp.message())
    message = post.box("carol@post.test").one()
    check.matches(fields(message, "Received")[0], r"using TLSv1\.3")


@case(seconds=90)
def a_refusal_by_postfix_becomes_our_report(t):
    post = Postfix(t, ["carol@post.test"]).start()
    server = t.dawk(listeners=("mx", "relay"), routes=[{"to": "post.test", "via": f"smtp:127.0.0.1:{post.port}",
                                                        "tls": "none"}])
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        client.mail("alice@dawk.test", ["carol@post.test", "nobody@post.test"], smtp.message())
    post.box("carol@post.test").one()
    report = server.alice().one()
    check.contains(report, b"nobody@post.test")
    check.contains(report, b"5.1.1")
    check.lacks(report.split(b"message/delivery-status")[1].split(b"--")[0], b"carol")


@case(seconds=90)
def our_refusal_becomes_a_report_of_postfix(t):
    server = t.dawk(listeners=("mx",))
    post = Postfix(t, ["carol@post.test"], {"relayhost": f"[127.0.0.1]:{server.ports['mx']}"}).start()
    with smtp.Raw(post.port) as client:
        client.hello()
        client.mail("carol@post.test", "nobody@dawk.test", smtp.message())
    report = post.box("carol@post.test").one()
    check.contains(report, b"5.1.1")
    check.contains(report, b"nobody@dawk.test")


@cases_of([("BDAT", {}), ("DATA", {"smtp_discard_ehlo_keywords": "chunking"})], seconds=90)
def a_large_message_comes_through_postfix(t, settings):
    server = t.dawk(listeners=("mx",))
    post = Postfix(t, settings={"relayhost": f"[127.0.0.1]:{server.ports['mx']}", **settings}).start()
    body = b"".join(b"%06d " % i + b"z" * 900 + b"\r\n" for i in range(12000))
    submit(post.port, "alice@dawk.test", smtp.message("large", "").encode() + body)
    check.equal(body_of(server.alice().one(60)), body.replace(b"\r\n", b"\n"))


@case(seconds=120)
def smtp_source_of_postfix_can_load_us(t):
    t.need_program("smtp-source")
    server = t.dawk(listeners=("mx",))
    done = subprocess.run(["smtp-source", "-s", "20", "-m", "500", "-l", "3000", "-f", "a@client.test", "-t",
                           "alice@dawk.test", f"inet:127.0.0.1:{server.ports['mx']}"], capture_output=True, text=True,
                          timeout=100, check=False)
    check.equal(done.returncode, 0, done.stderr)
    server.alice().wait(500, 60)


@case(seconds=120)
def smtp_sink_of_postfix_takes_all(t):
    t.need_program("smtp-sink")
    from harness import ports
    port = ports.free()
    with open(t.path("sink.err"), "wb") as err:
        sink = subprocess.Popen(["smtp-sink", "-u", "postfix", "-c", f"127.0.0.1:{port}", "100"],
                                stdout=err, stderr=err)
    t.undo(sink.kill)
    wait.for_port(port, process=sink)
    server = t.dawk(listeners=("relay",), routes=[{"to": "*", "via": f"smtp:127.0.0.1:{port}", "tls": "none"}])
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(100):
            client.mail("a@client.test", f"u{i}@else.test", smtp.message())
    server.wait_queue_empty(60)
