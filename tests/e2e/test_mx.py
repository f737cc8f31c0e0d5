"""Delivery by MX records: an authoritative name server and hosts on port 25, in a network namespace."""
from harness import check, smtp, tls, wait
from harness.cases import case
from harness.peers import Knot

FAST = {"queue": {"retry": ["1s"], "backoff_first": "1s", "backoff_max": "1s"}}


def world(t, zones, config=None, listeners=("mx", "relay")):
    """A server whose resolver asks a name server with these zones."""
    t.need_isolation()
    names = Knot(t, zones).start()
    merged = {"dns": {"forwarders": [f"127.0.0.1:{names.port}"]}, **(config or FAST)}
    return t.dawk(listeners=listeners, config=merged)


def send(server, rcpt, sender="alice@dawk.test"):
    with smtp.Raw(server.ports["relay"]) as client:
        client.hello()
        check.equal(client.mail(sender, rcpt, smtp.message())[:3], "250")


def host(number, **options):
    return smtp.FakeServer(port=25, host=f"127.0.0.{number}", **options)


@case()
def the_best_preference_is_tried_first(t):
    best, worse = host(11), host(12)
    server = world(t, {"else.test.": "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.11\nmx2 A 127.0.0.12\n"})
    for _ in range(10):
        send(server, "u@else.test")
    wait.until(lambda: len(best.mails) == 10, "ten at the best")
    check.equal(worse.connections, 0)


@case()
def the_next_host_takes_over(t):
    second = host(12)
    server = world(t, {"else.test.": "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.11\nmx2 A 127.0.0.12\n"})
    send(server, "u@else.test")
    wait.until(lambda: second.mails, "the second host")


@case()
def every_address_of_a_host_is_tried(t):
    last = host(14)
    server = world(t, {"else.test.": "@ MX 10 mx\nmx A 127.0.0.12\nmx A 127.0.0.13\nmx A 127.0.0.14\n"})
    send(server, "u@else.test")
    wait.until(lambda: last.mails, "the address that answers")


@case()
def equal_preferences_share_the_load(t):
    hosts = [host(n) for n in (11, 12)]
    server = world(t, {f"d{i}.test.": "@ MX 10 mx1\n@ MX 10 mx2\nmx1 A 127.0.0.11\nmx2 A 127.0.0.12\n"
                       for i in range(24)})
    for i in range(24):
        send(server, f"u@d{i}.test")
    wait.until(lambda: sum(len(h.mails) for h in hosts) == 24, "all of them")
    check.true(all(h.mails for h in hosts), f"{[len(h.mails) for h in hosts]}")


@case()
def without_mx_the_address_is_the_host(t):
    target = host(15)
    server = world(t, {"else.test.": "@ A 127.0.0.15\n"})
    send(server, "u@else.test")
    wait.until(lambda: target.mails, "delivery to the implicit MX")


@case()
def a_null_mx_is_final(t):
    bystander = host(16)
    server = world(t, {"null.test.": "@ MX 0 .\n@ A 127.0.0.16\n"})
    send(server, "u@null.test")
    report = server.alice().one()
    check.contains(report, b"5.1.10")
    check.equal(bystander.connections, 0)


@case()
def an_unknown_domain_is_final(t):
    server = world(t, {"test.": "dummy A 127.0.0.1\n"})
    send(server, "u@nothere.test")
    check.matches(server.alice().one().decode(), r"5\.1\.2|5\.4\.4")


@case()
def unusable_mx_does_not_fall_back_to_the_address(t):
    bystander = host(17)
    server = world(t, {"else.test.": "@ MX 10 nothere\n@ A 127.0.0.17\n"})
    send(server, "u@else.test")
    wait.until(lambda: server.alice().count() or (server.attempted()), "a verdict")
    wait.never(lambda: bystander.connections, 2, "a connection to the address record")


@case()
def servfail_is_temporary(t):
    t.need_isolation()
    bystander = host(18)
    names = Knot(t, {"other.test.": "@ A 127.0.0.1\n"}).start()  # refuses every other zone
    server = t.dawk(listeners=("mx", "relay"), config={"dns": {"forwarders": [f"127.0.0.1:{names.port}"]}, **FAST})
    send(server, "u@broken.example")
    wait.until(lambda: "4.4.3" in str(server.queue()) or "4.4.3" in server.cli("queue", "list", "--json"),
               "a temporary failure")
    check.equal(server.alice().count(), 0)
    check.equal(bystander.connections, 0)


@case()
def our_own_name_in_the_mx_list_is_no_loop(t):
    better = host(19)
    server = world(t, {"backup.test.": "@ MX 10 mx1\n@ MX 20 mx.dawk.test.\n@ MX 30 mx3\nmx1 A 127.0.0.18\n"
                                       "mx3 A 127.0.0.19\n", "dawk.test.": "mx A 127.0.0.1\n"})
    send(server, "u@backup.test")
    wait.until(server.attempted, "an attempt at the better one")
    check.equal(better.connections, 0, "a worse host than ourselves was tried")


@case()
def a_domain_that_points_at_us_alone_is_an_error(t):
    server = world(t, {"loop.test.": "@ MX 10 mx.dawk.test.\n", "dawk.test.": "mx A 127.0.0.1\n"})
    send(server, "u@loop.test")
    check.contains(server.alice().one(), b"5.4.6")


@case()
def a_cname_is_followed(t):
    target = host(20)
    server = world(t, {"test.": "alias CNAME real\nreal MX 10 mx\nmx A 127.0.0.20\n"})
    send(server, "u@alias.test")
    wait.until(lambda: target.mails, "delivery")


@case()
def opportunistic_tls_is_the_default_by_mx(t):
    target = host(21, tls=tls.server_context(t, "anything.test"))
    server = world(t, {"else.test.": "@ MX 10 mx\nmx A 127.0.0.21\n"})
    send(server, "u@else.test")
    wait.until(lambda: target.mails, "delivery")
    check.true(target.mails[0].secure)


@case()
def an_address_literal_needs_no_names(t):
    target = host(22)
    server = world(t, {"test.": "dummy A 127.0.0.1\n"})
    send(server, "u@[127.0.0.22]")
    wait.until(lambda: target.mails, "delivery")
