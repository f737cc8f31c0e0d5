"""Who connects: too early, too often, from where, and over sockets that somebody else has opened."""
import os
import subprocess
import sys

from harness import check, smtp, wait
from harness.cases import case, cases_of
from harness.maildir import fields
from harness.peers import Knot

OURS, THEIRS = "10.11.12.1", "10.11.12.9"


def lan(t):
    """Two addresses that are not loopback's, though nothing leaves the machine."""
    t.need_isolation()
    for address in (OURS, THEIRS):
        subprocess.run(["ip", "address", "add", address + "/24", "dev", "lo"], check=True)


def stranger(server, source=THEIRS, **options):
    return smtp.Raw(server.ports["mx"], host=OURS, source=source, **options)


@case("smoke")
def who_talks_before_the_banner_is_refused(t):
    lan(t)
    server = t.dawk(listeners=("mx",), host=OURS, config={"limits": {"banner_delay": "2s"}})
    with stranger(server, first=b"EHLO client.test\r\n", greet=False) as client:
        check.matches(client.reply(), r"^554 5\.5\.0 ")
        check.true(client.at_end())
    check.matches(server.wait_log(r'"code":554[^\n]*').group(0), "5.5.0")
    with stranger(server) as client:
        client.hello()


@case()
def who_talks_before_the_banner_may_be_heard(t):
    lan(t)
    server = t.dawk(listeners=("mx",), host=OURS,
                    config={"limits": {"banner_delay": "2s", "refuse_early_talkers": False}})
    with stranger(server, first=b"EHLO client.test\r\n") as client:
        check.matches(client.reply(), "^250")
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    server.alice().one()
    server.wait_log("talks before the banner")


@cases_of([("confirmed", "mail.client.test."), ("not confirmed", "other.client.test."), ("none", None)])
def the_name_of_a_client_stands_in_the_trace(t, name):
    lan(t)
    pointer = f"9 PTR {name}\n" if name else ""
    names = Knot(t, {"12.11.10.in-addr.arpa.": pointer,
                     "client.test.": f"mail A {THEIRS}\nother A 10.11.12.77\n"}).start()
    server = t.dawk(listeners=("mx",), host=OURS, config={"dns": {"forwarders": [f"127.0.0.1:{names.port}"]}})
    with stranger(server) as client:
        client.hello("helo.test")
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    said = "mail.client.test" if name == "mail.client.test." else "unknown"
    check.contains(fields(server.alice().one(), "Received")[0], f"from helo.test ({said} [{THEIRS}])")


@case()
def limits_of_connections_hold_across_threads(t):
    lan(t)
    server = t.dawk(listeners=("mx",), host=OURS,
                    config={"threads": 4, "limits": {"connections": 8, "connections_per_address": 5}})
    clients, first = [], []
    try:
        for _ in range(7):
            clients.append(stranger(server, greet=False))
            first.append(clients[-1].reply()[:3])
        check.equal(first, ["220"] * 5 + ["421"] * 2)
        for _ in range(4):
            clients.append(stranger(server, greet=False, source=OURS))
            first.append(clients[-1].reply()[:3])
        check.equal(first[7:], ["220"] * 3 + ["421"])
        clients[0].close()
        wait.until(lambda: greeting(server) == "220", "room again")
    finally:
        for client in clients:
            client.close()


@case()
def every_thread_relays(t):
    """Destinations belong to threads by a hash: none of them is a dead end."""
    sinks = [smtp.FakeServer() for _ in range(12)]
    server = t.dawk(listeners=("relay",), config={"threads": 4}, routes=[
        {"to": f"d{i}.test", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"} for i, sink in enumerate(sinks)])
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        for i in range(24):
            check.equal(client.mail("a@client.test", f"x@d{i % 12}.test", smtp.message(f"number {i}"))[:3], "250")
    server.wait_queue_empty(30)
    check.equal([len(sink.mails) for sink in sinks], [2] * 12)


def greeting(server):
    with stranger(server, greet=False) as client:
        return client.reply()[:3]


LAUNCHER = """
import os, socket, sys
made = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
made[1].bind(sys.argv[1]); made[1].listen(); os.chmod(sys.argv[1], 0o666)
with open(sys.argv[2], "w") as file: file.write(str(made[0].getsockname()[1]))
for at, one in ((13, made[0]), (14, made[1])): os.dup2(one.fileno(), at)
for at, wanted in ((13, 3), (14, 4)): os.dup2(at, wanted, inheritable=True); os.close(at)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="smtp:local")
os.execv(sys.argv[3], sys.argv[3:])
"""


@case("smoke")
def sockets_of_systemd_are_served(t):
    server = t.dawk(listeners=(), start=False, config={"threads": 2})
    server.config["listener"] = [{"address": "systemd:smtp", "service": "mx", "tls": "starttls"},
                                 {"address": "systemd:local", "service": "mx", "tls": "none"}]
    server.write_config()
    path, told = t.path("by-systemd.sock"), t.path("port")
    server.start(prefix=[sys.executable, "-c", LAUNCHER, path, told])
    with open(told, encoding="ascii") as file:
        port = int(file.read())
    for _ in range(8):  # both threads take from the one socket
        with smtp.Raw(port) as client:
            client.hello()
            client.starttls()
    with smtp.Raw(0, path=path) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    server.alice().one()
    check.equal(server.stop(), 0)
    check.true(os.path.exists(path), "a socket that is not ours was removed")


@case()
def a_socket_that_systemd_did_not_pass_is_said(t):
    server = t.dawk(listeners=(), start=False)
    server.config["listener"] = [{"address": "systemd:smtp", "service": "mx", "tls": "none"}]
    server.write_config()
    server.start(wait_ready=False)
    check.true(server.process.wait(30) != 0)
    check.contains(server.log(), "systemd:smtp")


@case(seconds=90)
def what_was_acknowledged_from_memory_is_on_disk_after_a_stop(t):
    """durability = "memory" may lose mail in a crash, but not by SIGTERM."""
    server = t.dawk(listeners=("relay",), start=False, routes=[{"to": "*", "via": "smtp:127.0.0.1:9", "tls": "none"}],
                    config={"queue": {"retry": ["1h"], "backoff_first": "1h", "backoff_max": "1h"}})
    server.config["listener"][0]["durability"] = "memory"
    server.write_config()
    server.start()
    acked = t.path("acked")
    load = subprocess.Popen([t.tool("dawk-load"), "--to", f"127.0.0.1:{server.ports['relay']}", "--acked", acked,
                             "--sessions", "20", "--messages", "1000000", "--max-connect-failures", "1"],
                            stdout=subprocess.PIPE, text=True)

    def count():
        if not os.path.exists(acked):
            return 0
        with open(acked, encoding="ascii") as file:
            return file.read().count("\n")
    wait.until(lambda: count() > 500, "acknowledged messages")
    check.equal(server.stop(), 0)
    load.communicate(timeout=30)
    server.start()
    stored = len(server.queue())
    check.true(stored >= count(), f"{count()} acknowledged, {stored} stored")
