"""The load source and the sink of bench/ against each other: what they count must be true."""
import json
import os
import signal
import subprocess

from harness import check, smtp
from harness.cases import case


def start_sink(t, *options):
    process = subprocess.Popen([t.tool("dawk-sink"), *options], stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[1]
    return process, address


def counts(process):
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    return json.loads(output.splitlines()[-1])


def load(t, address, *options, wanted=0):
    done = subprocess.run([t.tool("dawk-load"), "--to", address, *options], stdout=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    check.equal(done.returncode, wanted, "exit code of dawk-load: " + done.stdout)
    return json.loads(done.stdout.splitlines()[-1])


@case("smoke")
def every_way_of_sending_arrives_whole(t):
    for options in ([], ["--pipeline"], ["--per-connection", "1"], ["--size", "300000", "--sessions", "5"],
                    ["--recipients", "3", "--pipeline"], ["--size", "10"]):
        sink, address = start_sink(t)
        sent = load(t, address, "--messages", "300", *options)
        taken = counts(sink)
        check.equal(sent["messages"], 300)
        check.equal(taken["messages"], 300, str(options))
        check.equal(taken["recipients"], 900 if "--recipients" in options else 300)
        if "--per-connection" in options:
            # A session may have its next connection open before it learns that nothing is left to send.
            check.true(300 <= taken["connections"] <= 350, str(taken))
        if "--size" not in options:
            check.equal(taken["bytes"], 300 * 2048)


@case()
def lmtp_answers_each_recipient(t):
    # One session: among several, all three recipients of a message may be fourth ones.
    sink, address = start_sink(t, "--lmtp", "--reject-every", "4", "--reject-at", "rcpt")
    sent = load(t, address, "--lhlo", "--sessions", "1", "--messages", "100", "--recipients", "3", wanted=1)
    taken = counts(sink)
    check.equal((sent["messages"], sent["errors"]), (100, {"rcpt 451": 75}))
    check.equal((taken["recipients"], taken["refused"]), (225, 75))


@case()
def refusals_are_counted_by_stage_and_code(t):
    for stage in ("mail", "rcpt", "data", "dot"):
        for pipeline in ([], ["--pipeline"]):
            sink, address = start_sink(t, "--reject-every", "4", "--reject-at", stage, "--reject-code", "550")
            sent = load(t, address, "--messages", "200", *pipeline, wanted=1)
            taken = counts(sink)
            errors = {f"{stage} 550": 50}
            if pipeline and stage in ("mail", "rcpt"):
                errors |= {"data 503": 50}  # in the same group, after all recipients were refused
            if pipeline and stage == "mail":
                errors |= {"rcpt 503": 50}
            check.equal(sent["errors"], errors, f"{stage} {pipeline}")
            check.equal((sent["messages"], sent["failed"]), (150, 50))
            check.equal(taken["refused"], 50)


@case()
def acknowledged_numbers_are_written(t):
    sink, address = start_sink(t)
    path = t.path("acked")
    load(t, address, "--messages", "100", "--first", "1000", "--acked", path)
    counts(sink)
    with open(path, encoding="ascii") as file:
        check.equal(sorted(int(line) for line in file), list(range(1000, 1100)))


@case()
def idle_sessions_are_held_until_told(t):
    sink, address = start_sink(t)
    process = subprocess.Popen([t.tool("dawk-load"), "--to", address, "--sessions", "200", "--idle"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    check.equal(process.stdout.readline(), "ready 200\n")
    sink.send_signal(signal.SIGUSR1)
    check.equal(json.loads(sink.stdout.readline())["most_open"], 200)
    output, _ = process.communicate(timeout=20)
    check.equal(json.loads(output.splitlines()[-1])["connections"], 200)
    counts(sink)


@case()
def a_closed_port_is_reported(t):
    sent = load(t, "127.0.0.1:1", "--sessions", "2", "--max-connect-failures", "2", wanted=1)
    check.equal(sent["errors"], {"connect Connection refused": 4})


@case()
def the_sink_takes_chunks_and_ends_data_at_any_cut(t):
    sink, address = start_sink(t, "--chunking")
    with smtp.Raw(int(address.split(":")[1])) as client:
        client.hello()
        client.expect("MAIL FROM:<a@b.test>", 250)
        client.expect("RCPT TO:<c@d.test>", 250)
        client.send("BDAT 5\r\nhello")
        check.equal(client.reply()[:3], "250")
        client.send("BDAT 3 LAST\r\nabc")
        check.equal(client.reply()[:3], "250")
        text = b"a\r\r\n.\r\n"
        for cut in range(len(text) + 1):
            client.expect("MAIL FROM:<a@b.test>", 250)
            client.expect("RCPT TO:<c@d.test>", 250)
            client.expect("DATA", 354)
            client.send(text[:cut])
            client.send(text[cut:])
            check.equal(client.reply()[:3], "250")
    taken = counts(sink)
    check.equal(taken["messages"], len(text) + 2)
    check.equal(os.path.exists("/proc/%d" % sink.pid), False)
