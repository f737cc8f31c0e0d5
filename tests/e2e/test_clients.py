"""Programs that others wrote send mail through every door."""
import os
import smtplib
import ssl
import subprocess
from email.message import EmailMessage

from harness import check, smtp, tls
from harness.cases import case, cases_of
from harness.dawk import PASSWORDS
from harness.maildir import fields, split
from harness.peers import client_ca_environment

ALICE, BOB = "alice@dawk.test", "bob@dawk.test"


def letter(subject="From a client"):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = BOB, ALICE, subject
    mail["Date"], mail["Message-ID"] = "Sun, 22 Nov 2026 12:00:00 +0000", "<letter@client.test>"
    mail.set_content("Zwölf Boxkämpfer jagen Viktor.\n.a line with a dot\n")
    mail.add_attachment(os.urandom(3000), maintype="application", subtype="octet-stream", filename="a.bin")
    mail.set_boundary("a-boundary-of-the-letter")
    return mail


def arrived(server, mail, keywords):
    """The letter is in alice's mailbox octet for octet below what was put before it."""
    got = server.alice().one().replace(b"\r\n", b"\n")
    wanted = mail.as_bytes().replace(b"\r\n", b"\n")
    check.true(got.endswith(wanted), f"not the same letter: {got[:3000]!r}")
    received = fields(got, "Received")
    check.equal(len(received), 1, "Received fields")
    check.matches(received[0], rf"with {keywords}\b")
    check.equal(fields(got, "Return-Path"), [f"<{BOB}>"])


@case("smoke")
def smtplib_plain_to_our_domain(t):
    server, mail = t.dawk(), letter()
    with smtplib.SMTP("127.0.0.1", server.ports["mx"]) as client:
        client.send_message(mail, BOB, [ALICE])
    arrived(server, mail, "ESMTP")


@case("smoke")
def smtplib_starttls_to_our_domain(t):
    server, mail = t.dawk(), letter()
    with smtplib.SMTP("localhost", server.ports["mx"]) as client:
        client.starttls(context=tls.client_context(t))
        client.send_message(mail, BOB, [ALICE])
    arrived(server, mail, "ESMTPS")


@cases_of([(m, m) for m in ("PLAIN", "LOGIN")], "smoke")
def smtplib_starttls_and_login(t, mechanism):
    server, mail = t.dawk(), letter()
    with smtplib.SMTP("localhost", server.ports["submission"]) as client:
        client.starttls(context=tls.client_context(t))
        client.ehlo()
        client.user, client.password = BOB, PASSWORDS["bob"]
        client.auth(mechanism, getattr(client, "auth_" + mechanism.lower()))
        client.send_message(mail, BOB, [ALICE])
    arrived(server, mail, "ESMTPSA")


@case()
def smtplib_implicit_tls_and_login(t):
    server, mail = t.dawk(), letter()
    with smtplib.SMTP_SSL("localhost", server.ports["submissions"], context=tls.client_context(t)) as client:
        client.login(BOB, PASSWORDS["bob"])
        client.send_message(mail, BOB, [ALICE])
    arrived(server, mail, "ESMTPSA")


@case()
def smtplib_wrong_password_is_refused(t):
    server = t.dawk()
    for user, password in ((BOB, "wrong"), ("nobody@dawk.test", PASSWORDS["bob"])):
        with smtplib.SMTP_SSL("localhost", server.ports["submissions"], context=tls.client_context(t)) as client:
            try:
                client.login(user, password)
            except smtplib.SMTPAuthenticationError as refusal:
                check.equal(refusal.smtp_code, 535)
                check.true(refusal.smtp_error.startswith(b"5.7.8"))
            else:
                raise AssertionError(f"{user} logged in")


@case()
def smtplib_sends_utf8_addresses(t):
    server = t.dawk(users=("alice", "bob", "jürgen"))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "zoë@client.test", "jürgen@dawk.test", "Grüße"
    mail.set_content("Hallo\n")
    with smtplib.SMTP("127.0.0.1", server.ports["mx"]) as client:
        client.send_message(mail, "zoë@client.test", ["jürgen@dawk.test"])
    got = server.box("jürgen").one()
    check.contains(got.decode(), "To: jürgen@dawk.test")
    check.matches(fields(got, "Received")[0], r"with UTF8SMTP\b")


def swaks(server, listener, *options):
    done = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(server.ports[listener]), "--from", BOB,
                           "--to", ALICE, "--ehlo", "swaks.test", *options], capture_output=True, text=True,
                          timeout=50, check=False)
    return done.returncode, done.stdout + done.stderr


@cases_of([("plain", ("mx", [])), ("starttls", ("mx", ["--tls"])), ("pipelined", ("mx", ["--pipeline"])),
           ("auth-plain", ("submission", ["--tls", "--auth", "PLAIN"])),
           ("auth-login", ("submission", ["--tls", "--auth", "LOGIN"])),
           ("implicit", ("submissions", ["--tls-on-connect", "--auth", "PLAIN"])),
           ("relay", ("relay", []))])
def swaks_sends(t, how):
    t.need_program("swaks")
    server, (listener, options) = t.dawk(), how
    if "--auth" in options:
        options = options + ["--auth-user", BOB, "--auth-password", PASSWORDS["bob"]]
    code, output = swaks(server, listener, *options)
    check.equal(code, 0, output)
    check.contains(server.alice().one().decode(), "test")


@case()
def swaks_is_refused_without_login_on_submission(t):
    t.need_program("swaks")
    server = t.dawk()
    code, output = swaks(server, "submission", "--tls")
    check.true(code != 0, output)
    check.matches(output, r"<[~*]\* 530[ -]5\.7\.0")


@cases_of([("plain", "plain"), ("login", "login"), ("scram", "scram-sha-256")])
def msmtp_submits(t, mechanism):
    t.need_program("msmtp")
    server = t.dawk()
    with smtp.Raw(server.ports["submissions"], greet=False) as client:
        client.wrap()
        client.reply()
        check.contains(client.hello(), mechanism.upper())
    config = t.path("msmtprc")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"account default\nhost localhost\nport {server.ports['submission']}\ntls on\ntls_starttls on\n"
                   f"tls_trust_file {tls.authority(t)}\nauth {mechanism}\nuser {BOB}\nfrom {BOB}\n"
                   f"password \"{PASSWORDS['bob']}\"\n")
    os.chmod(config, 0o600)
    text = "From: bob@dawk.test\nTo: alice@dawk.test\nSubject: msmtp\n\nHello from msmtp\n"
    done = subprocess.run(["msmtp", "-C", config, ALICE], input=text, capture_output=True, text=True, timeout=50,
                          check=False)
    check.equal(done.returncode, 0, done.stderr)
    check.contains(server.alice().one(), b"Hello from msmtp")


@case()
def msmtp_over_implicit_tls(t):
    t.need_program("msmtp")
    server = t.dawk()
    done = subprocess.run(["msmtp", "--file=/dev/null", "--host=localhost", f"--port={server.ports['submissions']}",
                           "--tls=on", "--tls-starttls=off", f"--tls-trust-file={tls.authority(t)}", "--auth=plain",
                           f"--user={BOB}", f"--passwordeval=printf %s \"{PASSWORDS['bob']}\"", f"--from={BOB}", ALICE],
                          input="Subject: implicit\n\nHello\n", capture_output=True, text=True, timeout=50,
                          check=False)
    check.equal(done.returncode, 0, done.stderr)
    check.contains(server.alice().one(), b"Subject: implicit")


@cases_of([("plain", ("smtp", "mx", [])), ("starttls", ("smtp", "submission", ["--ssl-reqd"])),
           ("implicit", ("smtps", "submissions", []))])
def curl_uploads(t, how):
    t.need_program("curl")
    server, (scheme, listener, options) = t.dawk(), how
    path = t.path("mail.txt")
    with open(path, "wb") as file:
        file.write(smtp.message("By curl", "Line\r\n.dot\r\n..two\r\n").encode())
    if listener != "mx":
        options = options + ["--user", f"{BOB}:{PASSWORDS['bob']}"]
    done = subprocess.run(["curl", "-sS", f"{scheme}://localhost:{server.ports[listener]}/client.test", "--mail-from",
                           BOB, "--mail-rcpt", ALICE, "--upload-file", path, "--cacert", tls.authority(t), *options],
                          capture_output=True, text=True, timeout=50, check=False)
    check.equal(done.returncode, 0, done.stderr)
    check.equal(split(server.alice().one())[1], b"Line\n.dot\n..two\n")


@case()
def mutt_sends_with_an_attachment(t):
    t.need_program("mutt")
    server = t.dawk()
    attachment = t.path("table.csv")
    with open(attachment, "w", encoding="ascii") as file:
        file.write("a,b\n1,2\n")
    config = t.path("muttrc")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f'set smtp_url="smtp://localhost:{server.ports["mx"]}/"\nset ssl_starttls=yes\n'
                   f'set certificate_file="{tls.authority(t)}"\nset from="{BOB}"\nset copy=no\n'
                   f'set ssl_force_tls=yes\nset hostname="client.test"\n')
    done = subprocess.run(["mutt", "-F", config, "-s", "By mutt", "-a", attachment, "--", ALICE], input="Hello\n",
                          capture_output=True, text=True, timeout=50, check=False,
                          env={**os.environ, "HOME": t.dir})
    check.equal(done.returncode, 0, done.stderr + done.stdout)
    got = server.alice().one()
    check.contains(got, b"table.csv")
    check.matches(fields(got, "Received")[0], r"with ESMTPS\b")


@cases_of([(h, h) for h in ("plain", "starttls", "implicit", "pooled")])
def nodemailer_sends(t, how):
    modules = os.path.join(os.path.dirname(t.build), "npm", "node_modules")
    t.need_program("node")
    if not os.path.isdir(os.path.join(modules, "nodemailer")):
        t.skip("nodemailer is not installed (script/test does that)")
    server = t.dawk()
    listener = {"plain": "mx", "starttls": "submission", "implicit": "submissions", "pooled": "submissions"}[how]
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node", "send.js")
    done = subprocess.run(["node", script, how, str(server.ports[listener]), BOB, PASSWORDS["bob"], ALICE],
                          capture_output=True, text=True, timeout=50, check=False,
                          env={**client_ca_environment(t), "NODE_PATH": modules})
    check.equal(done.returncode, 0, done.stderr + done.stdout)
    count = 20 if how == "pooled" else 1
    for got in server.alice().wait(count):
        check.contains(got.decode(), "Subject: nodemailer ")


@case()
def old_tls_is_refused(t):
    server = t.dawk()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        try:
            client.starttls(context)
        except (ssl.SSLError, ConnectionError):
            return
        raise AssertionError("TLS 1.1 was accepted")
