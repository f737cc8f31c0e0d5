"""What was acknowledged is never lost, and what a full disk or a huge message does to the server."""
import hashlib
import json
import os
import re
import signal
import subprocess

from harness import check, smtp, wait
from harness.cases import case, cases_of
from harness.load import Load, number_of, numbers

HOLD = {"queue": {"retry": ["1h"], "backoff_first": "1h", "backoff_max": "1h"}}
ROUTE_NOWHERE = [{"to": "*", "via": "smtp:127.0.0.1:9", "tls": "none"}]


@cases_of([("maildir", "maildir"), ("relay", "relay")], "strict", seconds=240)
def nothing_acknowledged_is_missing_after_kill(t, way):
    """Twenty times under load: kill -9, start again. In the end every acknowledged message has arrived, and
    no more arrived twice than were on their way when it died."""
    rounds, acked = 20, t.path("acked")
    if way == "relay":
        sink = smtp.FakeServer()
        server = t.dawk(listeners=("relay",), start=False,
                        routes=[{"to": "*", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"}],
                        config={"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}})
        options = ["--rcpt", "user%d@sink.test"]
    else:
        server = t.dawk(listeners=("mx",), start=False)
        options = ["--rcpt", "alice@dawk.test"]
    total = 0
    for turn in range(rounds):
        server.start()
        before = len(numbers(acked))
        load = Load(t, list(server.ports.values())[0], acked, *options, *(["--pipeline"] if turn % 2 else []),
                    first=turn * 10_000_000)
        wait.until(lambda: len(numbers(acked)) >= before + 150, "acknowledged messages")
        server.kill()
        load.end()
        total = len(numbers(acked))
    server.start()
    server.wait_queue_empty(90)
    got = [number_of(m.content) for m in sink.mails] if way == "relay" else \
        [number_of(m) for m in server.alice().messages()]
    missing = numbers(acked) - set(got)
    check.equal(sorted(missing)[:10], [], f"{len(missing)} of {total} acknowledged messages are missing")
    check.at_most(len(got) - len(set(got)), rounds * 200, "messages that came twice")


@case("strace", "strict", seconds=90)
def the_sync_comes_before_the_reply(t):
    """By trace of the system calls: between the last octet of a message and its 250 lies a sync that ended."""
    t.need_program("strace")
    server = t.dawk(listeners=("relay",), start=False, routes=ROUTE_NOWHERE, config=HOLD)
    trace = t.path("trace")
    server.start(prefix=["strace", "-f", "-tt", "-s", "64", "-e", "trace=fsync,fdatasync,sync_file_range,sendto,"
                         "sendmsg,write,writev,recvfrom,recvmsg,read,readv,io_uring_enter", "-o", trace])
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(5):
            check.equal(client.mail("a@client.test", "b@else.test", smtp.message(f"sync {i}"))[:3], "250")
        big = "x" * 76 + "\r\n"
        check.equal(client.mail("a@client.test", "b@else.test", smtp.message("large", big * 10000))[:3], "250")
        client.expect("QUIT", 221)
    server.stop()
    with open(trace, encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    accepted = [i for i, line in enumerate(lines) if re.search(r'(?:sendto|sendmsg|writev?)\(.*"250 2\.0\.0', line)]
    check.equal(len(accepted), 6, "replies to the end of data")
    start = 0
    for end in accepted:
        between = lines[start:end]
        go_on = max(i for i, line in enumerate(between) if re.search(r'"354 ', line))
        synced = [line for line in between[go_on:] if
                  re.search(r"(?:fsync|fdatasync)(?:\(\d+\)| resumed>\)) += 0", line)]
        check.true(synced, "no sync between 354 and 250:\n" + "\n".join(between[go_on:])[-3000:])
        start = end + 1


@case(seconds=120)
def a_message_of_a_hundred_megabytes_needs_little_memory(t):
    server = t.dawk(listeners=("mx",), config={"limits": {"message_size": "200MiB"}})
    sent = hashlib.sha256()
    with smtp.Raw(server.ports["mx"], timeout=100) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
        server.alice().one()
        before = server.rss_mib()
        client.expect("MAIL FROM:<a@client.test>", 250)
        client.expect("RCPT TO:<alice@dawk.test>", 250)
        client.expect("DATA", 354)
        client.send("Subject: large\r\n\r\n")
        for i in range(105):
            block = large_block(i)
            sent.update(block)
            client.send(block)
        client.send(".\r\n")
        check.equal(client.reply()[:3], "250")
    got = max(server.alice().wait(2, 90), key=len)
    check.true(len(got) > 105 * 1000 * 1000)
    check.equal(hashlib.sha256(got.split(b"\r\n\r\n", 1)[1]).hexdigest(), sent.hexdigest(), "what arrived")
    check.at_most(server.rss_mib("VmHWM") - before, 64, "growth of memory in MiB")


def large_block(number):
    """A million octets in lines of the full length, no two of them alike."""
    return b"".join(b"%06d.%04d" % (number, i) + b"x" * 987 + b"\r\n" for i in range(1000))


@case(seconds=120)
def a_large_message_is_relayed_in_little_memory(t):
    sink = subprocess.Popen([t.tool("dawk-sink"), "--size", "200000000"], stdout=subprocess.PIPE, text=True)
    address = sink.stdout.readline().split()[1]
    server = t.dawk(listeners=("relay",), config={"limits": {"message_size": "200MiB"}},
                    routes=[{"to": "*", "via": f"smtp:{address}", "tls": "none"}])
    with smtp.Raw(server.ports["relay"], timeout=100) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "b@else.test", smtp.message())[:3], "250")
        server.wait_queue_empty()
        before = server.rss_mib()
        client.expect("MAIL FROM:<a@client.test>", 250)
        client.expect("RCPT TO:<b@else.test>", 250)
        client.send(b"DATA\r\n")
        check.equal(client.reply()[:3], "354")
        client.send("Subject: large\r\n\r\n")
        for i in range(105):
            client.send(large_block(i))
        client.send(".\r\n")
        check.equal(client.reply()[:3], "250")
    server.wait_queue_empty(90)
    check.at_most(server.rss_mib("VmHWM") - before, 64, "growth of memory in MiB")
    sink.send_signal(signal.SIGTERM)
    taken = json.loads(sink.communicate(timeout=20)[0].splitlines()[-1])
    check.equal(taken["messages"], 2)
    check.true(taken["bytes"] > 105_000_000, str(taken))


@case("alone", seconds=60)
def a_thousand_idle_sessions_need_little_memory(t):
    server = t.dawk(listeners=("mx",))
    load = subprocess.Popen([t.tool("dawk-load"), "--to", f"127.0.0.1:{server.ports['mx']}", "--sessions", "1000",
                             "--idle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    check.equal(load.stdout.readline(), "ready 1000\n")
    memory = server.pss_mib()
    output, _ = load.communicate(timeout=30)
    check.equal(json.loads(output.splitlines()[-1])["connections"], 1000)
    check.at_most(memory, 40, "MiB with 1,000 idle sessions")


def small_disk(t, name, megabytes):
    t.need_root()
    path = t.path(name, "").rstrip("/")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        t.skip("cannot mount a small disk: " + done.stderr.strip())
    t.undo(lambda: subprocess.run(["umount", "-l", path], check=False))
    return path


@case(seconds=90)
def a_full_disk_is_told_and_recovers(t):
    disk = small_disk(t, "disk", 192)
    server = t.dawk(listeners=("relay",), start=False, routes=ROUTE_NOWHERE,
                    config={**HOLD, "state_dir": disk + "/state", "limits": {"disk_free_min": "64MiB"}})
    server.start()
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "b@else.test", smtp.message())[:3], "250")
        filler = os.path.join(disk, "filler")
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        with open(filler, "wb") as file:
            file.write(b"\0" * (free - (40 << 20)))
        taken = 1

        def refused():
            nonlocal taken
            reply = _reply_of_message(client)
            taken += reply.startswith("250")
            return None if reply.startswith("250") else reply
        check.matches(wait.until(refused, "a refusal"), r"^452 4\.3\.1 ")
        os.unlink(filler)
        wait.until(lambda: _accepts(client), "acceptance again")
    check.equal(len(server.queue()), taken + 1)


@case(seconds=90)
def a_disk_that_fills_while_data_comes_is_survived(t):
    disk = small_disk(t, "disk", 160)
    server = t.dawk(listeners=("relay",), start=False, routes=ROUTE_NOWHERE,
                    config={**HOLD, "state_dir": disk + "/state",
                            "limits": {"disk_free_min": "1MiB", "message_size": "1GiB"}})
    server.start()
    block = (b"y" * 998 + b"\r\n") * 1000
    with smtp.Raw(server.ports["relay"], timeout=60) as client:
        client.hello()
        client.expect("MAIL FROM:<a@client.test>", 250)
        client.expect("RCPT TO:<b@else.test>", 250)
        client.expect("DATA", 354)
        client.send("Subject: too large for the disk\r\n\r\n")
        for _ in range(250):
            client.send(block)
        client.send(".\r\n")
        check.matches(client.reply(), r"^452 4\.3\.1 ")
        wait.until(lambda: _accepts(client), "a small message after it")
    check.equal(len(server.queue()), 1)
    check.true(server.alive())
    server.restart()
    check.equal(len(server.queue()), 1)


def _reply_of_message(client):
    """The first reply of a transaction that is no success, or the last."""
    for command in ("MAIL FROM:<a@client.test>", "RCPT TO:<b@else.test>", "DATA"):
        reply = client.ask(command)
        if reply[0] not in "23":
            client.ask("RSET")
            return reply
    client.send(smtp.message() + ".\r\n")
    return client.reply()


def _accepts(client):
    return _reply_of_message(client).startswith("250")


@case()
def queued_mail_outlives_restarts(t):
    sink = smtp.FakeServer(answers={"MAIL": "451 4.3.0 later"})
    server = t.dawk(listeners=("relay",),
                    routes=[{"to": "*", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"}],
                    config={"queue": {"retry": ["1s"], "backoff_first": "1s"}})
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(20):
            client.mail("a@client.test", f"u{i}@else.test", smtp.message(f"kept {i}"))
    wait.until(lambda: sink.commands, "an attempt")
    check.equal(len(server.queue()), 20)
    check.equal(server.stop(), 0)
    server.start()
    check.equal(len(server.queue()), 20)
    server.kill()
    sink.answers["MAIL"] = "250 2.1.0 ok"
    server.start()
    wait.until(lambda: len(sink.mails) >= 20, "20 messages")
    server.wait_queue_empty()
    check.equal(len(sink.mails), 20)


@case()
def a_second_server_does_not_share_the_spool(t):
    server = t.dawk(listeners=("mx",))
    with open(t.path("second.err"), "wb") as out:
        second = subprocess.Popen([server.binary, "serve", "--config", server.config_path], stdout=out, stderr=out)
        t.undo(second.kill)
        check.true(second.wait(30) != 0)
    check.true(server.alive())
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()


@case()
def memory_durability_is_said_at_start(t):
    server = t.dawk(listeners=("mx",), start=False)
    server.config["listener"][0]["durability"] = "memory"
    server.write_config()
    server.start()
    server.wait_log("durability: a crash loses mail")
    server.process.send_signal(signal.SIGTERM)
    check.equal(server.process.wait(30), 0)
