"""What an operator does: reload, stop, look into the queue, ask why, watch."""
import json
import os
import re
import shutil
import signal
import subprocess

from harness import check, ports, smtp, tls, wait
from harness.cases import case
from harness.dawk import give_to_server

FAST = {"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}}


def to_sink(sink, **more):
    return [{"to": "*", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none", **more}]


@case("smoke")
def stopping_is_clean_and_quick(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        server.process.send_signal(signal.SIGTERM)
        check.matches(client.reply(), r"^421 4\.3\.2 ")
        check.true(client.at_end())
    check.equal(server.process.wait(30), 0)


@case()
def an_open_transaction_may_finish(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.expect("MAIL FROM:<a@client.test>", 250)
        client.expect("RCPT TO:<alice@dawk.test>", 250)
        client.expect("DATA", 354)
        client.send("Subject: half\r\n\r\nhalf")
        server.process.send_signal(signal.SIGTERM)
        wait.until(lambda: refuses(server.ports["mx"]), "closed listeners")
        client.send("\r\nother half\r\n.\r\n")
        check.equal(client.reply()[:3], "250")
    check.equal(server.process.wait(40), 0)
    server.start()
    check.contains(server.alice().one(), b"other half")


def refuses(port):
    try:
        smtp.Raw(port, timeout=2).close()
    except (OSError, EOFError, AssertionError):
        return True
    return False


@case()
def every_thread_stops_at_the_same_time(t):
    """An open transaction of one must not keep the listeners of the others open."""
    server = t.dawk(config={"threads": 4, "grace": "60s"})
    clients = [smtp.Raw(server.ports["mx"]) for _ in range(16)]
    for client in clients:
        client.hello()
        client.expect("MAIL FROM:<a@client.test>", 250)
    server.process.send_signal(signal.SIGTERM)
    wait.until(lambda: refuses(server.ports["mx"]) and refuses(server.ports["mx"]), "closed listeners")
    for client in clients:
        client.expect("RSET", 250)
        check.matches(client.reply(), r"^421 4\.3\.2 ")
    check.equal(server.process.wait(30), 0)


@case()
def reloads_at_once_are_done_one_after_the_other(t):
    server = t.dawk(config={"threads": 4})
    server.config["limits"] = {"message_size": "1MiB"}
    server.write_config()
    told = [subprocess.Popen([server.binary, "reload", "--config", server.config_path],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(8)]
    server.reload()
    codes = {one.wait(30) for one in told}
    check.true(0 in codes and codes <= {0, 75}, str(codes))
    server.wait_log("configuration reloaded")
    for _ in range(16):
        with smtp.Raw(server.ports["mx"]) as client:
            check.contains(client.hello(), "SIZE 1048576\r")
    check.equal(server.stop(), 0)


@case()
def reload_takes_the_new_configuration_and_keeps_sessions(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as old:
        old.hello()
        server.config["limits"] = {"message_size": "1MiB"}
        server.write_config()
        server.reload()

        def announced():
            with smtp.Raw(server.ports["mx"]) as new:
                return "SIZE 1048576\r" in new.hello()
        wait.until(announced, "the new size")
        check.equal(old.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    server.alice().one()


def certificate_of(server):
    with smtp.Raw(server.ports["submissions"], greet=False) as client:
        client.wrap()
        return client.sock.getpeercert(binary_form=True)


@case()
def reload_takes_a_new_certificate(t):
    """The files are read again though their names stay; what does not fit together is refused."""
    server = t.dawk(listeners=("submissions",))
    old = certificate_of(server)
    mine = [t.path("renewed.crt"), t.path("renewed.key")]
    for source, target in zip(tls.certificate(t, "renewed.test", "mx.dawk.test"), mine):
        shutil.copy(source, target)
    give_to_server(*mine)
    server.config["tls"] = {"certificate": mine[0], "key": server.config["tls"]["key"]}
    server.write_config()
    code, _, err = server.run("reload")
    check.equal(code, 78)
    check.contains(err, "key does not belong to certificate")
    check.equal(certificate_of(server), old)
    server.config["tls"]["key"] = mine[1]
    server.write_config()
    server.cli("reload")
    renewed = certificate_of(server)
    check.true(renewed != old, "still the old certificate")
    for source, target in zip(tls.certificate(t, "again.test", "mx.dawk.test"), mine):
        shutil.copyfile(source, target)
    server.cli("reload")
    check.true(certificate_of(server) not in (old, renewed), "the file was not read again")


@case()
def a_bad_configuration_changes_nothing(t):
    server = t.dawk()
    good = server.config["limits"] = {"message_size": "1MiB"}
    with open(server.config_path, "a", encoding="utf-8") as file:
        file.write("\n[limits]\nmessage_size = \"1 parsec\"\nno_such_key = 1\n")
    server.reload()
    server.wait_log(r"message_size")
    check.true(server.alive() and good)
    code, _, err = server.run("reload")
    check.equal(code, 78)
    check.matches(err, r"dawk\.toml:\d+:\d+: error: limits\.message_size: ")
    check.matches(err, r"dawk\.toml:\d+:\d+: error: limits\.no_such_key: ")
    check.contains(server.cli("status"), "ready")  # orders reach a server whose file is broken
    with smtp.Raw(server.ports["mx"]) as client:
        check.lacks(client.hello(), "SIZE 1048576\r")
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")


@case()
def a_bad_configuration_does_not_start_and_tells_every_line(t):
    server = t.dawk(start=False)
    with open(server.config_path, "a", encoding="utf-8") as file:
        file.write("\n[queue]\nexpire = \"never ever\"\n[limits]\nno_such_key = 1\n")
    done = subprocess.run([server.binary, "serve", "--config", server.config_path], capture_output=True, text=True, timeout=30,
                          check=False)
    check.true(done.returncode != 0)
    told = done.stdout + done.stderr
    for words in ("expire", "no_such_key"):
        check.matches(told, rf"dawk\.toml:\d+.*{words}")
    check.matches(told, rf"dawk\.toml:\d+")


@case("smoke")
def readiness_and_metrics_are_served(t):
    server = t.dawk()
    check.equal(server.get("/healthz")[0], 200)
    check.equal(server.get("/readyz")[0], 200)
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.mail("a@client.test", "alice@dawk.test", smtp.message())
    server.alice().one()

    def counted():
        return re.search(r'^dawk_events_total\{event="received"[^}]*\} 1(\.0)?$', server.get("/metrics")[1], re.M)
    wait.until(counted, "one received message in /metrics")


@case()
def the_queue_is_shown_held_and_emptied_by_command(t):
    sink = smtp.FakeServer(answers={"RCPT": "451 4.7.1 greylisted, come back"})
    server = t.dawk(listeners=("relay",), routes=to_sink(sink))
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        client.mail("a@client.test", "one@else.test", smtp.message("one"))
        client.mail("a@client.test", "two@else.test", smtp.message("two"))
    wait.until(lambda: server.cli("queue", "list", "--json").count("greylisted") == 2, "both answers in the queue")
    listed = server.queue()
    check.equal(len(listed), 2)
    text = server.cli("queue", "list")
    for words in ("one@else.test", "two@else.test", "a@client.test"):
        check.contains(text, words)
    one = next(m["id"] for m in listed if "one@else.test" in json.dumps(m))
    shown = server.cli("queue", "show", one)
    check.contains(shown, "451 4.7.1 greylisted, come back")
    check.contains(server.cli("queue", "cat", one), "Subject: one")
    server.cli("queue", "remove", one)
    check.equal(len(server.queue()), 1)
    two = server.queue()[0]["id"]
    server.cli("queue", "hold", two)
    sink.answers["RCPT"] = "250 2.1.5 ok"
    server.cli("queue", "release", two)
    server.cli("queue", "retry", two)
    wait.until(lambda: sink.mails, "the released message")
    server.wait_queue_empty()
    check.contains(sink.mails[0].content, b"Subject: two")


@case()
def filters_choose_by_domain_sender_age_and_state(t):
    sink = smtp.FakeServer(answers={"RCPT": "451 4.7.1 greylisted, come back"})
    server = t.dawk(listeners=("relay",), routes=to_sink(sink))
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        client.mail("a@client.test", ["u@one.test", "v@two.test"], smtp.message())
        client.mail("b@client.test", "w@two.test", smtp.message())
        client.mail("", "x@three.test", smtp.message())
    wait.until(lambda: server.cli("queue", "list", "--json").count("greylisted") == 4, "all answers")

    def senders(*filters):
        return sorted(m["sender"] for m in json.loads(server.cli("queue", "list", "--json", *filters)))
    check.equal(senders(), ["", "a@client.test", "b@client.test"])
    check.equal(senders("--domain", "two.test"), ["a@client.test", "b@client.test"])
    check.equal(senders("--recipient", "U@one.test"), ["a@client.test"])
    check.equal(senders("--sender", "b@client.test"), ["b@client.test"])
    check.equal(senders("--sender", "<>"), [""])
    check.equal(senders("--older-than", "1h"), [])
    check.equal(senders("--older-than", "0s", "--domain", "one.test"), ["a@client.test"])
    check.equal(json.loads(server.cli("queue", "hold", "--domain", "two.test", "--json"))["recipients"], 2)
    check.equal(senders("--state", "held"), ["a@client.test", "b@client.test"])
    check.equal(senders("--state", "waiting"), ["", "a@client.test"])
    check.contains(server.cli("queue", "list", "--state", "held"), "v@two.test")
    check.contains(server.cli("queue", "remove", "--state", "held"), "2")
    check.equal(senders("--domain", "two.test"), [])
    code, _, err = server.run("queue", "remove")
    check.equal((code, err), (64, "dawk: name messages, a filter, or --all\n"))
    check.equal(server.run("queue", "list", "--state", "stuck")[0], 64)
    server.cli("queue", "remove", "--all")
    check.equal(senders(), [])


@case()
def explain_tells_the_story_of_a_message(t):
    sink = smtp.FakeServer(answers={"RCPT": ["450 4.2.0 busy now", "250 2.1.5 ok"]})
    server = t.dawk(listeners=("relay",), routes=to_sink(sink), config=FAST)
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        reply = client.mail("a@client.test", "one@else.test", smtp.message("story"))
    wait.until(lambda: sink.mails, "delivery")
    server.wait_queue_empty()
    words = [w.strip(".,;<>()[]") for w in reply.split()]
    told = ""
    for word in words:
        code, out, _ = server.run("explain", word)
        if code == 0:
            told = out
            break
    check.true(told, f"no word of {reply!r} is an id that explain knows")
    for words in ("one@else.test", "450 4.2.0 busy now", "250 2.0.0 taken", "a@client.test"):
        check.contains(told, words)


@case()
def the_command_line_explains_itself(t):
    server = t.dawk(start=False)
    check.matches(server.run("--version", config=False)[1], r"dawk \d+\.\d+\.\d+")
    for command in ([], ["serve"], ["queue"], ["user"], ["explain"]):
        code, out, _ = server.run(*command, "--help", config=False)
        check.equal(code, 0)
        check.true(len(out) > 100, f"help of {command}: {out!r}")
    code, _, err = server.run("no-such-command", config=False)
    check.true(code != 0 and err)


@case()
def the_configuration_is_checked_by_command(t):
    server = t.dawk(start=False)
    code, out, err = server.run("config", "check", server.config_path, config=False)
    check.equal(code, 0, out + err)
    with open(server.config_path, "a", encoding="utf-8") as file:
        file.write("\n[limits]\nno_such_key = 1\n")
    code, out, err = server.run("config", "check", server.config_path, config=False)
    check.true(code != 0)
    check.matches(out + err, r"no_such_key")


@case()
def the_log_escapes_what_peers_say(t):
    server = t.dawk()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.ask(b"MAIL FROM:<\x1b[31mred\x07@client.test>")
        client.ask(b"\x1b]0;title\x07")
        client.ask(b"EHLO evil\xff\xfe")
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        client.mail("a@client.test", "alice@dawk.test", smtp.message())
    server.alice().one()
    check.lacks(server.log(), "\x1b")
    check.lacks(server.log(), "\x07")


@case()
def passwords_are_in_no_log_and_no_file(t):
    from harness.dawk import PASSWORDS
    import base64
    import os
    server = t.dawk()
    secret = PASSWORDS["bob"]
    for password in (secret, "wrong " + secret):
        token = base64.b64encode(f"\0bob@dawk.test\0{password}".encode()).decode()
        with smtp.Raw(server.ports["submissions"], greet=False) as client:
            client.wrap()
            client.reply()
            client.hello()
            client.ask("AUTH PLAIN " + token)
            client.ask("AUTH LOGIN")
            client.ask(base64.b64encode(b"bob@dawk.test").decode())
            client.ask(base64.b64encode(password.encode()).decode())
    server.stop()
    for where, _, files in os.walk(server.dir):
        for name in files:
            if name == "dawk.toml":
                continue
            with open(os.path.join(where, name), "rb") as file:
                content = file.read()
            for form in (secret.encode(), base64.b64encode(f"\0bob@dawk.test\0{secret}".encode()),
                         base64.b64encode(secret.encode())):
                check.lacks(content, form, name)


@case()
def the_process_keeps_no_rights(t):
    """Started by root it serves as the owner of its folder, without any capability, and gets none by exec."""
    t.need_root()
    server = t.dawk()
    with open(f"/proc/{server.pid}/status", encoding="ascii", errors="replace") as file:
        status = dict(line.split(":\t", 1) for line in file.read().split("\n") if ":\t" in line)
    check.true("0" not in status["Uid"].split(), "root: " + status["Uid"])
    check.equal([int(status[name].strip(), 16) for name in ("CapEff", "CapPrm", "CapInh")], [0, 0, 0])
    check.equal(status["NoNewPrivs"].strip(), "1")


@case()
def root_may_start_it_below_a_folder_that_only_he_may_enter(t):
    """As with a clone in his home: the server becomes another user, and its own paths are relative."""
    t.need_isolation()
    home = os.path.join(t.path("root", ""), "clone")
    var = os.path.join(home, "var")
    os.makedirs(var)
    give_to_server(var)
    os.chmod(os.path.dirname(home), 0o700)
    port = ports.free()
    with open(os.path.join(home, "dawk.toml"), "w", encoding="utf-8") as file:
        file.write('hostname = "mx.dawk.test"\nstate_dir = "var"\n'
                   f'[[listener]]\naddress = "127.0.0.1:{port}"\nservice = "mx"\ntls = "none"\n'
                   '[[domain]]\nname = "dawk.test"\ndeliver = "maildir:var/mail/{domain}/{local}"\n')
    dawk = t.tool("dawk")
    subprocess.run([dawk, "user", "add", "bob@dawk.test", "--config", "dawk.toml", "--password-file", "-"],
                   input=b"secret of bob\n", cwd=home, check=True, capture_output=True)
    # What root made for it is its own, as script/server sees to.
    give_to_server(*(os.path.join(var, name) for name in os.listdir(var)))
    with open(os.path.join(home, "out"), "wb") as out:
        process = subprocess.Popen([dawk, "serve", "--config", "dawk.toml"], cwd=home, stdout=out, stderr=out)
    t.undo(process.kill)
    wait.for_port(port, process=process)
    with smtp.Raw(port) as client:
        client.hello()
        client.mail("a@client.test", "bob@dawk.test", smtp.message())
    box = os.path.join(var, "mail", "dawk.test", "bob", "new")
    wait.until(lambda: os.path.isdir(box) and os.listdir(box), "the message in its mailbox")
    process.send_signal(signal.SIGTERM)
    check.equal(process.wait(30), 0)
