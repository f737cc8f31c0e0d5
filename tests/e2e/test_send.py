"""dawk send against the real server: by every door, from files and standard input, and on a terminal."""
import email
import email.policy
import json
import os
import pty
import subprocess

from harness import check, tls, wait
from harness.cases import case, cases_of
from harness.dawk import PASSWORDS

ALICE, BOB = "alice@dawk.test", "bob@dawk.test"


def send(server, port, *options, text_in=None):
    """(exit code, standard output, standard error)."""
    return server.run("send", "--server", f"localhost:{server.ports[port]}", "--helo", "client.test", *options,
                      text_in=text_in, config=False)


def password_file(t):
    path = t.path("bobs-password")
    with open(path, "w", encoding="ascii") as file:
        file.write(PASSWORDS["bob"] + "\n")
    return path


def read(message):
    return email.message_from_bytes(message, policy=email.policy.default)


@case("smoke")
def a_text_from_standard_input_with_files(t):
    server = t.dawk(listeners=("mx",))
    octets = os.urandom(300_000)
    with open(t.path("photo.png"), "wb") as file:
        file.write(octets)
    code, out, err = send(server, "mx", "--from", "Böb <bob@client.test>", "--to", ALICE, "--subject", "Grüße",
                          "--body-file", "-", "--attach", t.path("photo.png"), text_in="Zwölf Boxkämpfer\n.dot\n")
    check.equal(code, 0, err)
    check.matches(out, r"^accepted by \S+ for 1 recipient: 250 2\.0\.0 ")
    got = read(server.alice().one())
    check.equal(got["Subject"], "Grüße")
    check.equal(got.get_body().get_content().replace("\r\n", "\n"), "Zwölf Boxkämpfer\n.dot\n")
    photo = next(got.iter_attachments())
    check.equal((photo.get_filename(), photo.get_content_type()), ("photo.png", "image/png"))
    check.true(photo.get_content() == octets, "another picture")


@cases_of([("STARTTLS", ("submission", [])), ("implicit TLS", ("submissions", ["--tls", "implicit"]))])
def who_logs_in_may_send(t, how):
    server, (port, options) = t.dawk(), how
    login = ["--user", BOB, "--password-file", password_file(t), "--ca-file", tls.authority(t)]
    code, out, err = send(server, port, *options, *login, "--to", ALICE, "--body", "x", "--json")
    check.equal(code, 0, err)
    told = json.loads(out)
    check.equal([(r["address"], r["result"]) for r in told["recipients"]], [(ALICE, "accepted")])
    check.matches(told["tls"], r"^TLSv1\.3 ")
    check.equal(read(server.alice().one())["From"], BOB)
    code, _, err = send(server, port, *options, "--to", ALICE, "--from", BOB, "--body", "x", "--insecure")
    check.equal(code, 77)
    check.contains(err, "530 5.7.0")


@case()
def what_went_wrong_is_told_by_words_and_code(t):
    server = t.dawk()
    with open(t.path("wrong"), "w", encoding="ascii") as file:
        file.write("wrong\n")
    ca = ["--ca-file", tls.authority(t)]
    code, _, err = send(server, "submission", "--user", BOB, "--password-file", t.path("wrong"), *ca, "--to", ALICE,
                        "--body", "x")
    check.equal(code, 77)
    check.contains(err, "535 5.7.8")
    code, _, err = send(server, "mx", "--from", BOB, "--to", "nobody@dawk.test", "--to", ALICE, "--body", "x")
    check.equal(code, 67)
    check.contains(err, "nobody@dawk.test: refused: 550 5.1.1")
    server.alice().one()
    code, _, err = send(server, "submissions", "--tls", "implicit", "--to", ALICE, "--body", "x")
    check.equal(code, 69)
    check.contains(err, "certificate")
    check.contains(err, "--ca-file")
    server.stop()
    code, _, err = send(server, "mx", "--from", BOB, "--to", ALICE, "--body", "x")
    check.equal(code, 69)
    check.matches(err, r"^dawk: cannot connect to \S+: Connection refused\n$")


@case()
def a_long_upload_shows_its_progress_on_a_terminal(t):
    server = t.dawk(listeners=("mx",))
    path = t.path("large.bin")
    with open(path, "wb") as file:
        file.write(os.urandom(8 << 20))
    terminal, inside = pty.openpty()
    with subprocess.Popen([server.binary, "send", "--server", f"127.0.0.1:{server.ports['mx']}", "--from", BOB, "--to",
                           ALICE, "--body", "x", "--attach", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=inside) as process:
        os.close(inside)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
        check.matches(process.stdout.read().decode(), r"^accepted by ")
    os.close(terminal)
    check.equal(process.returncode, 0)
    check.contains(shown, b"100 %")
    check.true(shown.count(b"\r[") > 10, shown[:500])
    wait.until(lambda: server.alice().count(), "the message")
