"""Disks that fail and fill, limits that are reached, kills at any moment: what was acknowledged arrives."""
import base64
import errno
import os
import re
import signal
import subprocess
import threading
import urllib.error

from harness import check, smtp, wait
from harness.cases import case, cases_of
from harness.dawk import PASSWORDS
from harness.faults import FailingDisk
from harness.load import Load, number_of, numbers

FAST = {"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}}
HOLD = {"queue": {"retry": ["1h"], "backoff_first": "1h", "backoff_max": "1h"}}
NOWHERE = [{"to": "*", "via": "smtp:127.0.0.1:9", "tls": "none"}]
# A longer mode for machines with time: DAWK_FAULT_ROUNDS=50 tests/run.py e2e --match faults
ROUNDS = int(os.environ.get("DAWK_FAULT_ROUNDS", "0"))


def relay_to(sink):
    return [{"to": "*", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"}]


def arrived(sink):
    return [number_of(mail.content) for mail in sink.mails]


def all_arrived(server, sink, acked, twice=0):
    """Every acknowledged message has arrived; no more than so many came again."""
    server.wait_queue_empty(60)
    got = arrived(sink)
    missing = numbers(acked) - set(got)
    check.equal(sorted(missing)[:10], [], f"{len(missing)} acknowledged messages are missing")
    check.at_most(len(got) - len(set(got)), twice, "messages that came twice")
    return set(got)


def readiness(server):
    try:
        return server.get("/readyz")[0]
    except urllib.error.HTTPError as error:
        return error.code


def only_told_to_try_again(report):
    for what in report["errors"]:
        check.matches(what, r" 45[12]$", "an answer while the disk failed")


# -- killed ------------------------------------------------------------------------------------------------


class Submitter(threading.Thread):
    """Submits as bob over TLS until the server is gone; keeps the numbers that got their 250."""

    def __init__(self, server, first):
        super().__init__(daemon=True)
        self.server, self.next, self.acked = server, first, set()
        self.start()

    def run(self):
        token = base64.b64encode(f"\0bob@dawk.test\0{PASSWORDS['bob']}".encode()).decode()
        try:
            with smtp.Raw(self.server.ports["submissions"], greet=False, timeout=20) as client:
                client.wrap()
                client.reply()
                client.hello()
                client.expect("AUTH PLAIN " + token, 235)
                while True:
                    text = smtp.message(f"submitted {self.next}", sender="bob@dawk.test").replace(
                        "Message-ID: <", f"Message-ID: <{self.next}@load.", 1)
                    if client.mail("bob@dawk.test", "someone@sink.test", text).startswith("250"):
                        self.acked.add(self.next)
                    self.next += 1
        except (OSError, EOFError, AssertionError):
            return  # killed: what was acknowledged is known


def refuses_every_fifth(sink, session, line):
    return "550 5.1.1 no such user" if b"user0@" in line else "250 2.1.5 ok"


@case(seconds=240)
def every_way_of_the_mail_survives_kills(t):
    """Relay, submission, LMTP and bounces at once; kill -9 in the midst of it, again and again."""
    relay, store = smtp.FakeServer(), smtp.FakeServer(lmtp=True, answers={"RCPT": refuses_every_fifth})
    users = [f"user{i}" for i in range(5)]
    server = t.dawk(listeners=("relay", "submissions"), start=False, routes=relay_to(relay), config=FAST)
    server.config["domain"].append({"name": "store.test", "deliver": f"lmtp:127.0.0.1:{store.port}"})
    server.write_config()
    for user in users:
        server.add_user(f"{user}@store.test", user + " secret")
    rounds, to_relay, to_store, submitted = ROUNDS or 6, t.path("acked-relay"), t.path("acked-store"), set()
    for turn in range(rounds):
        server.start()
        before = len(numbers(to_relay)), len(numbers(to_store))
        loads = [Load(t, server.ports["relay"], to_relay, "--rcpt", "user%d@sink.test", first=turn * 1_000_000,
                      sessions=8),
                 Load(t, server.ports["relay"], to_store, "--rcpt", "user%d@store.test", "--rcpt-modulo", "5",
                      "--from", "alice@dawk.test", first=500_000_000 + turn * 1_000_000, sessions=4)]
        submitter = Submitter(server, 900_000_000 + turn * 1_000_000)
        wait.until(lambda: len(numbers(to_relay)) >= before[0] + 60 and len(numbers(to_store)) >= before[1] + 30
                   and len(submitter.acked) >= 3, "acknowledged messages of all kinds", 60)
        server.kill()
        for load in loads:
            load.end()
        submitter.join(30)
        submitted |= submitter.acked
    server.start()
    server.wait_queue_empty(90)
    got = arrived(relay)
    missing = (numbers(to_relay) | submitted) - set(got)
    check.equal(sorted(missing)[:10], [], "acknowledged for the relay and not there")
    stored = [number_of(mail.content) for mail in store.mails]
    bounced = [int(n) for m in server.alice().messages() for n in re.findall(rb"Message-ID: <(\d+)@load", m)]
    missing = numbers(to_store) - set(stored) - set(bounced)
    check.equal(sorted(missing)[:10], [], "acknowledged for the store, and neither there nor bounced")
    check.equal(sorted(set(stored) & set(bounced))[:10], [], "stored and bounced")
    check.true(bounced, "no bounce was made")
    for what, all_of in (("relayed", got), ("stored", stored), ("bounced", bounced)):
        check.at_most(len(all_of) - len(set(all_of)), rounds * 60, what + " twice")


# -- a disk that fails --------------------------------------------------------------------------------------


@cases_of([("sync", ("syncs", errno.EIO, 1, False)), ("write", ("writes", errno.EIO, 1, False)),
           ("torn_write", ("writes", errno.EIO, 1, True)), ("full", ("writes", errno.ENOSPC, 3, True)),
           ("full_at_sync", ("syncs", errno.ENOSPC, 2, False))], seconds=120)
def a_failure_is_told_and_overcome(t, fault):
    """The disk fails under load, the server says 45x, goes on by itself, and keeps its word: what it took
    arrives, once; what it refused does not. Then it dies, and the same holds."""
    kind, error, count, short = fault
    sink, acked = smtp.FakeServer(), t.path("acked")
    server = t.dawk(listeners=("relay",), start=False, routes=relay_to(sink), config=FAST)
    disk = FailingDisk(t, server.state + "/spool")
    server.start(env=disk.environment)
    load = Load(t, server.ports["relay"], acked, "--rcpt", "user%d@sink.test", sessions=8)
    for turn in range(ROUNDS or 3):
        before = len(numbers(acked))
        wait.until(lambda: len(numbers(acked)) > before + 30, "acknowledged messages")
        hit = disk.hit(kind)
        disk.fail(kind, error, count, skip=turn * 3, short=short)
        wait.until(lambda: disk.hit(kind) >= hit + count, "the failures")
        disk.mend()
        now = len(numbers(acked))
        wait.until(lambda: len(numbers(acked)) > now + 30, "acknowledged messages after it")
    wait.until(lambda: readiness(server) == 200, "readiness")
    server.wait_log("the spool cannot write")
    server.wait_log("the spool can write again")
    server.kill()
    report = load.end()
    check.true(report["errors"])
    server.start()
    all_arrived(server, sink, acked, twice=100)


@case(seconds=90)
def what_is_refused_is_not_delivered(t):
    """Nobody is told 451 and delivered all the same, for he will send it again."""
    sink, acked = smtp.FakeServer(), t.path("acked")
    server = t.dawk(listeners=("relay",), start=False, routes=relay_to(sink), config=FAST)
    disk = FailingDisk(t, server.state + "/spool")
    server.start(env=disk.environment)
    load = Load(t, server.ports["relay"], acked, "--rcpt", "user%d@sink.test", sessions=5, seconds=8)
    for kind in ("syncs", "writes", "syncs"):
        before, hit = len(numbers(acked)), disk.hit(kind)
        wait.until(lambda: len(numbers(acked)) > before + 20 or load.process.poll() is not None, "acknowledged mail")
        disk.fail(kind, errno.EIO, 2)
        wait.until(lambda: disk.hit(kind) >= hit + 2 or load.process.poll() is not None, "two failures")
    disk.mend()
    report = load.end(60)
    only_told_to_try_again(report)
    check.true(report["failed"] > 0, "nothing was refused")
    wait.until(lambda: readiness(server) == 200, "readiness")
    got = all_arrived(server, sink, acked)
    check.equal(sorted(got - numbers(acked))[:10], [], "refused and delivered")


@case(seconds=90)
def a_disk_that_stays_broken_takes_nothing(t):
    server = t.dawk(listeners=("relay",), start=False, routes=NOWHERE, config=HOLD)
    disk = FailingDisk(t, server.state + "/spool")
    server.start(env=disk.environment)
    large = "x" * 76 + "\r\n"
    with smtp.Raw(server.ports["relay"], timeout=60) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "b@else.test", smtp.message("before"))[:3], "250")
        disk.fail("syncs", errno.EIO)
        for text in (smtp.message("small"), smtp.message("large", large * 12000), smtp.message("again")):
            check.matches(taken(client, text), r"^45[12] 4\.3\.")
        check.equal(readiness(server), 503)
        check.true(server.alive())
        check.equal(server.get("/healthz")[0], 200)
        disk.mend()
        wait.until(lambda: readiness(server) == 200, "readiness")
        for text in (smtp.message("after"), smtp.message("large after", large * 12000)):
            check.equal(taken(client, text)[:3], "250")
    check.equal(len(server.queue()), 3)
    disk.fail("syncs", errno.EIO)
    server.kill()
    server.start()
    check.equal(len(server.queue()), 3)


def taken(client, text):
    """The first reply of a transaction that is no success, or the last."""
    for command in ("MAIL FROM:<a@client.test>", "RCPT TO:<b@else.test>", "DATA"):
        reply = client.ask(command)
        if reply[0] not in "23":
            client.ask("RSET")
            return reply
    client.send(smtp.stuffed(text) + b".\r\n")
    return client.reply()


@case(seconds=90)
def killed_while_the_disk_fails_it_keeps_its_word(t):
    sink, acked = smtp.FakeServer(), t.path("acked")
    server = t.dawk(listeners=("relay",), start=False, routes=relay_to(sink), config=FAST)
    disk = FailingDisk(t, server.state + "/spool")
    for turn in range(ROUNDS or 4):
        disk.mend()
        server.start(env=disk.environment)
        before = len(numbers(acked))
        load = Load(t, server.ports["relay"], acked, "--rcpt", "user%d@sink.test", first=turn * 1_000_000, sessions=8)
        wait.until(lambda: len(numbers(acked)) > before + 50, "acknowledged messages")
        kind = ("syncs", "writes")[turn % 2]
        hit = disk.hit(kind)
        disk.fail(kind, (errno.EIO, errno.ENOSPC)[turn // 2 % 2], short=True)
        wait.until(lambda: disk.hit(kind) > hit, "a failure")
        server.kill()
        load.end()
    disk.mend()
    server.start()
    all_arrived(server, sink, acked, twice=400)


# -- limits -------------------------------------------------------------------------------------------------


@case(seconds=120)
def a_full_disk_under_load_loses_nothing(t):
    """It fills, it is emptied, it fills and the server is killed: on a small disk of its own."""
    t.need_root()
    path = t.path("disk", "").rstrip("/")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", path], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        t.skip("cannot mount a small disk: " + done.stderr.strip())
    t.undo(lambda: subprocess.run(["umount", "-l", path], check=False))
    sink, acked, filler = smtp.FakeServer(), t.path("acked"), os.path.join(path, "filler")
    server = t.dawk(listeners=("relay",), start=False, routes=relay_to(sink),
                    config={**FAST, "state_dir": path + "/state", "limits": {"disk_free_min": "1MiB"}})
    for turn in range(ROUNDS or 2):
        server.start()
        load = Load(t, server.ports["relay"], acked, "--rcpt", "user%d@sink.test", "--size", "20000",
                    first=turn * 1_000_000, sessions=8)
        before = len(numbers(acked))
        wait.until(lambda: len(numbers(acked)) > before + 50, "acknowledged messages")
        fill(path, filler)
        wait.until(lambda: readiness(server) == 503, "trouble")
        if turn % 2 == 0:
            os.unlink(filler)
            wait.until(lambda: readiness(server) == 200, "readiness")
            now = len(numbers(acked))
            wait.until(lambda: len(numbers(acked)) > now + 50, "acknowledged messages")
            fill(path, filler)
            wait.until(lambda: readiness(server) == 503, "trouble")
        server.kill()
        load.end()
        os.unlink(filler)
    server.start()
    all_arrived(server, sink, acked, twice=400)


def fill(disk, path):
    """To the last octet."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * (1 << 20))
        except OSError as error:
            check.equal(error.errno, errno.ENOSPC)
        try:
            while True:
                file.write(b"\0" * 512)
        except OSError as error:
            check.equal(error.errno, errno.ENOSPC)


@case(seconds=90)
def without_descriptors_mail_already_taken_is_safe(t):
    """More connections than the process may have: some are not served, and nothing is lost."""
    sink, acked = smtp.FakeServer(), t.path("acked")
    server = t.dawk(listeners=("relay",), start=False, routes=relay_to(sink), config=FAST)
    server.start(prefix=["prlimit", "--nofile=160:160"])
    first = Load(t, server.ports["relay"], acked, "--rcpt", "user%d@sink.test", sessions=5, messages=100)
    first.end(60)
    crowd = subprocess.Popen([t.tool("dawk-load"), "--to", f"127.0.0.1:{server.ports['relay']}", "--sessions", "300",
                              "--idle", "--max-connect-failures", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)
    t.undo(crowd.kill)
    wait.until(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) >= 120 or crowd.poll() is not None, "the crowd")
    check.true(server.alive())
    crowd.kill()
    crowd.wait()

    def takes_mail():
        try:
            with smtp.Raw(server.ports["relay"], timeout=5) as client:
                client.hello()
                return taken(client, smtp.message("after")).startswith("250")
        except (OSError, EOFError, AssertionError):
            return False
    wait.until(takes_mail, "mail taken again")
    check.true(server.alive())
    wait.until(lambda: readiness(server) == 200, "readiness")
    server.wait_queue_empty(60)
    got = {number_of(m.content) for m in sink.mails if b"@load" in m.content}
    check.equal(sorted(numbers(acked) - got), [])


@case(seconds=120)
def memory_is_bounded_by_the_limits_not_by_the_peers(t):
    """Many large messages at once, with less memory than they hold together."""
    acked = t.path("acked")
    server = t.dawk(listeners=("relay",), start=False, routes=NOWHERE, config=HOLD)
    server.start(prefix=["prlimit", f"--data={512 << 20}"])
    load = Load(t, server.ports["relay"], acked, "--rcpt", "user%d@sink.test", "--size", str(10 << 20), sessions=60,
                messages=60)
    report = load.end(90)
    check.true(server.alive())
    check.equal(report["messages"], 60, str(report["errors"]))
    server.kill()
    server.start()
    check.equal(sum(m["size"] for m in server.queue()), 60 * (10 << 20))


def starts_with(server, mebibytes):
    try:
        server.start(prefix=["prlimit", f"--data={mebibytes << 20}"])
    except AssertionError:
        server.kill()
        return False
    return True


@case("strict", seconds=180)
def with_too_little_memory_what_was_taken_arrives(t):
    """No more memory than it needs to start, and a load that wants more: it refuses, or it dies and is
    started again; nothing it took is lost."""
    sink, acked, trouble = smtp.FakeServer(), t.path("acked"), 0
    server = t.dawk(listeners=("relay",), start=False, routes=relay_to(sink), config=FAST)
    least = next(m for m in range(96, 1024, 16) if starts_with(server, m))
    server.kill()
    for turn in range(ROUNDS or 4):
        if not starts_with(server, least + 4 * turn):
            continue
        before = len(numbers(acked))
        load = Load(t, server.ports["relay"], acked, "--rcpt", "user%d@sink.test", "--size", "200000",
                    first=turn * 1_000_000, sessions=80)
        wait.until(lambda: len(numbers(acked)) > before + 400 or load.process.poll() is not None, "the load", 60)
        trouble += not server.alive()
        server.kill()
        trouble += any(re.search(r" 4\d\d$", what) for what in load.end()["errors"])
    check.true(trouble, "there was enough memory after all")
    check.true(numbers(acked), "nothing was acknowledged")
    server.start()
    all_arrived(server, sink, acked, twice=400)


# -- a spool that cannot be trusted -------------------------------------------------------------------------


def filled(t):
    """A server that was killed with forty messages in its queue."""
    server = t.dawk(listeners=("relay",), routes=NOWHERE, config=HOLD)
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(40):
            check.equal(client.mail("a@client.test", f"u{i}@else.test", smtp.message(f"kept {i}", "y" * 3000))[:3], "250")
    server.kill()
    return server, os.path.join(server.state, "spool", "db")


def refused_to_serve(server):
    """What it says; it must not serve."""
    with open(server.out_path, "wb") as out:
        process = subprocess.Popen([server.binary, "serve", "--config", server.config_path], stdout=out, stderr=out,
                                   cwd=server.dir)
        server.t.undo(process.kill)
        check.equal(process.wait(30), 65, "exit code")
    with open(server.out_path, encoding="utf-8") as file:
        return file.read()


def log_of(database):
    return max((os.path.join(database, name) for name in os.listdir(database) if name.endswith(".log")),
               key=os.path.getsize)


@case()
def a_damaged_log_is_refused_and_repaired(t):
    server, database = filled(t)
    path = log_of(database)
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"\xff" * 8)
    said = refused_to_serve(server)
    check.contains(said, "the write-ahead log is damaged")
    check.contains(said, "dawk spool repair")
    code, out, _ = server.run("spool", "check")
    check.equal(code, 1)
    check.contains(out, "damaged")
    new = os.path.join(server.state, "spool.new")
    code, out, _ = server.run("spool", "repair", new)
    check.equal(code, 1, "something is lost: " + out)
    os.rename(os.path.join(server.state, "spool"), os.path.join(server.state, "spool.old"))
    os.rename(new, os.path.join(server.state, "spool"))
    server.start()
    left = len(server.queue())
    check.true(30 <= left <= 39, f"{left} messages were saved")


@case()
def a_torn_end_of_the_log_is_no_damage(t):
    server, database = filled(t)
    with open(log_of(database), "ab") as file:
        file.write(b"\x12\x34\x56\x78\x00\x20\x01 half a record")
    server.start()
    check.equal(len(server.queue()), 40)


@cases_of([("CURRENT", r"CURRENT$"), ("table", r"\.sst$"), ("MANIFEST", r"^MANIFEST-\d+$")])
def a_missing_file_is_refused(t, pattern):
    server, database = filled(t)
    server.start()
    check.equal(server.stop(), 0)
    for name in [n for n in os.listdir(database) if re.search(pattern, n)][:1]:
        os.unlink(os.path.join(database, name))
    before = sorted(n for n in os.listdir(database) if n.endswith((".sst", ".blob")))
    check.contains(refused_to_serve(server), "dawk spool repair")
    check.equal(sorted(n for n in os.listdir(database) if n.endswith((".sst", ".blob"))), before)
    check.equal(server.run("spool", "check")[0], 1)
    new = os.path.join(server.state, "spool.new")
    code, out, err = server.run("spool", "repair", new)
    check.true(code in (0, 1), out + err)
    os.rename(os.path.join(server.state, "spool"), os.path.join(server.state, "spool.old"))
    os.rename(new, os.path.join(server.state, "spool"))
    server.start()
    if "table" not in pattern and not pattern.startswith(r"\."):
        check.equal(len(server.queue()), 40)
