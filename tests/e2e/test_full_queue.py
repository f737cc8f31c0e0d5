"""A start with a long queue: nothing of it is in the way of new mail, and memory does not grow with it."""
import collections
import subprocess

from harness import check, smtp, wait
from harness.cases import case
from harness.maildir import fields

DEAD = [{"to": "*", "via": "smtp:127.0.0.1:9", "tls": "none"}]
MESSAGES = 100_000


def fill(t, server, *options):
    subprocess.run([t.tool("dawk-fill"), "--config", server.config_path, *options], check=True, cwd=server.dir,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["chown", "-R", "--reference", server.mail, server.state], check=True)


def gauge(server, name):
    return float(next(line.split()[1] for line in server.get("/metrics")[1].splitlines() if line.startswith(name)))


@case(seconds=180)
def a_long_queue_for_a_dead_host_is_no_burden(t):
    server = t.dawk(listeners=("mx",), start=False, routes=DEAD)
    fill(t, server, "--messages", str(MESSAGES), "--size", "600")
    server.start()
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    server.alice().one()
    server.wait_log(r"127\.0\.0\.1:9")
    # One finds out that the host is dead, the others wait where they are.
    check.at_most(gauge(server, "dawk_queue_ready"), 100, "messages read into memory")
    check.at_most(server.rss_mib("VmHWM"), 128, "MiB with a long queue")
    listed = server.cli("queue", "list", "--limit", "5", "--json")
    check.contains(listed, "fill.test")
    check.equal(server.stop(), 0)


@case(seconds=180)
def a_long_queue_for_many_domains_is_no_burden(t):
    server = t.dawk(listeners=("mx",), start=False, config={"dns": {"forwarders": ["127.0.0.1:9"]}})
    fill(t, server, "--messages", str(MESSAGES), "--domains", "5000", "--size", "600")
    server.start()
    wait.until(lambda: gauge(server, "dawk_destinations ") >= 5000, "all destinations known", 60)
    with smtp.Raw(server.ports["mx"]) as client:
        client.hello()
        check.equal(client.mail("a@client.test", "alice@dawk.test", smtp.message())[:3], "250")
    server.alice().one()
    check.at_most(server.rss_mib("VmHWM"), 192, "MiB with many destinations")


@case(seconds=120)
def what_lay_on_disk_is_delivered_once(t):
    sink = smtp.FakeServer()
    server = t.dawk(listeners=("mx",), start=False,
                    routes=[{"to": "*", "via": f"smtp:127.0.0.1:{sink.port}", "tls": "none"}])
    fill(t, server, "--messages", "5000", "--size", "600")
    server.start()
    wait.until(lambda: len(sink.mails) >= 5000, "all of them", 90)
    server.wait_queue_empty()
    to = collections.Counter(mail.rcpts[0].split(">")[0] for mail in sink.mails)
    check.equal(len(to), 5000)
    check.equal(max(to.values()), 1)
    check.matches(fields(sink.mails[0].content, "Subject")[0], "One of many")
