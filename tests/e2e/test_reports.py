"""DMARC reports of others: they come as mail, are delivered and read, and shown by the command."""
import gzip
import io
import json
import os
import smtplib
import sqlite3
import zipfile
from email.message import EmailMessage

from harness import check, smtp, wait
from harness.cases import case
from harness.dawk import Dawk
from harness.peers import Knot

TEMPLATE = """<?xml version="1.0"?>
<feedback><report_metadata><org_name>{org}</org_name><email>dmarc@{org}</email><report_id>{id}</report_id>
<date_range><begin>{begin}</begin><end>{end}</end></date_range></report_metadata>
<policy_published><domain>dawk.test</domain><p>none</p></policy_published>
<record><row><source_ip>192.0.2.9</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition>
<dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>dawk.test</header_from></identifiers>
<auth_results><spf><domain>dawk.test</domain><result>fail</result></spf></auth_results></record></feedback>"""


def report(org="big.test", number=1, count=5, begin=1790000000):
    return TEMPLATE.format(org=org, id=number, count=count, begin=begin, end=begin + 86399).encode()


def zipped(octets):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.xml", octets)
    return out.getvalue()


def mail(octets, subtype):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "dmarc@big.test", "dmarc@dawk.test", "Report Domain: dawk.test"
    message.set_content("see the attachment")
    message.add_attachment(octets, maintype="application", subtype=subtype, filename="report." + subtype)
    return message


def send(dawk, message):
    with smtplib.SMTP("127.0.0.1", dawk.ports["mx"], timeout=20) as client:
        client.send_message(message, "dmarc@big.test", ["dmarc@dawk.test"])


def sources(dawk, *options):
    return json.loads(dawk.cli("report", "dmarc", "--since", "2020-01-01", "--json", *options))


def start(t):
    dawk = Dawk(t, listeners=("mx",), config={"dmarc.reports": {"inbox": "dmarc@dawk.test"}})
    dawk.add_alias("dmarc@dawk.test", "alice@dawk.test")
    return dawk.start()


@case("smoke")
def reports_that_come_as_mail_are_shown_and_delivered(t):
    dawk = start(t)
    send(dawk, mail(gzip.compress(report(number=1)), "gzip"))
    send(dawk, mail(zipped(report(number=2, count=7)), "zip"))
    send(dawk, mail(zipped(report(number=2, count=7)), "zip"))
    wait.until(lambda: sources(dawk) and sources(dawk)[0]["messages"] == 12, "both reports, each once")
    line = sources(dawk)[0]
    check.equal((line["domain"], line["source_ip"], line["passed"], line["dkim_aligned"], line["reports"]),
                ("dawk.test", "192.0.2.9", 12, 12, 2))
    check.contains(dawk.cli("report", "dmarc", "--since", "2020-01-01"), "192.0.2.9")
    listed = json.loads(dawk.cli("report", "dmarc", "--since", "2020-01-01", "--reports", "--json"))
    check.equal(sorted(r["report_id"] for r in listed), ["1", "2"])
    check.equal(sources(dawk, "--domain", "other.test"), [])
    dawk.alice().wait(3)
    check.equal(dawk.stop(), 0)


@case()
def bad_reports_harm_nobody(t):
    dawk = start(t)
    bomb = gzip.compress(b"<feedback>" + b" " * (64 << 20))
    send(dawk, mail(bomb, "gzip"))
    dawk.wait_log("grows more than 300 times")
    send(dawk, mail(gzip.compress(report())[:-9], "gzip"))
    dawk.wait_log("damaged or cut short")
    send(dawk, mail(b'<!DOCTYPE a [<!ENTITY b "c">]><feedback>&b;</feedback>', "xml"))
    dawk.wait_log("document type declaration")
    send(dawk, mail(report(), "xml"))
    wait.until(lambda: sources(dawk), "the good one")
    check.equal(dawk.stop(), 0)


@case()
def files_are_imported(t):
    dawk = Dawk(t, listeners=("mx",))
    good, bad = t.path("good.xml.gz"), t.path("bad.xml")
    with open(good, "wb") as file:
        file.write(gzip.compress(report()))
    with open(bad, "wb") as file:
        file.write(b"<html>no report</html>")
    check.contains(dawk.cli("report", "dmarc", "import", good), "dawk.test, by big.test, 1 records")
    check.contains(dawk.cli("report", "dmarc", "import", good), "it was there already")
    code, _, err = dawk.run("report", "dmarc", "import", bad, good)
    check.equal(code, 65)
    check.contains(err, "its root is <html>, not <feedback>")
    check.equal(sources(dawk)[0]["messages"], 5)
    check.equal(dawk.run("report", "dmarc", "--since", "yesterday")[0], 64)
    check.equal(dawk.run("report", "dmarc", "import", t.path("missing"))[0], 66)


ZONES = {
    "bad.test.": "@ TXT \"v=spf1 -all\"\n"
                 "_dmarc TXT \"v=DMARC1; p=none; rua=mailto:rua@bad.test; ruf=mailto:bob@dawk.test\"\n",
    "dawk.test.": "bad.test._report._dmarc TXT \"v=DMARC1\"\n",
}


def counted(dawk):
    path = os.path.join(dawk.state, "reports.db")
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute("SELECT domain, sum(count) FROM own_row GROUP BY domain").fetchall()
    finally:
        database.close()


@case()
def what_sessions_find_is_counted_and_a_failure_is_told(t):
    t.need_isolation()
    names = Knot(t, ZONES).start()
    dawk = Dawk(t, listeners=("mx",), config={
        "dns": {"forwarders": [f"127.0.0.1:{names.port}"]}, "auth": {"exempt": []},
        "dmarc.reports": {"from": "dmarc@dawk.test", "failures": True}}).start()
    for _ in range(3):
        with smtp.Raw(dawk.ports["mx"]) as client:
            client.hello("client.bad.test")
            client.mail("joe@bad.test", "alice@dawk.test", smtp.message(sender="joe@bad.test"))
    dawk.alice().wait(3)
    text = dawk.box("bob").one().decode()  # one for the three
    for part in ("Feedback-Type: auth-failure", "Auth-Failure: dmarc", "Source-IP: 127.0.0.1",
                 "Reported-Domain: bad.test", "Identity-Alignment: dkim, spf"):
        check.contains(text, part)
    check.lacks(text, "alice@dawk.test", "who got it is not told")
    check.equal(dawk.stop(), 0)
    check.equal(counted(dawk), [("bad.test", 3)])
