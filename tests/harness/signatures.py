"""DKIM for tests: messages of many kinds, records of a server's keys, our own verdict on a message."""
import json

MESSAGES = {
    "plain": "Subject: plain\r\n\r\nHello\r\n",
    "empty": "Subject: empty\r\n\r\n",
    "spaces": "Subject:  many \t spaces  \r\n\r\n leading\ttab \r\ntrailing \t \r\n \r\n\r\nend\t\r\n\r\n\r\n",
    "folded": "Subject: a subject that is folded\r\n over\r\n\tthree lines\r\nTo: a@far.test,\r\n b@far.test\r\n\r\nx\r\n",
    "eight": "Subject: eight\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße aus Köln\r\n",
    "parts": "Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n"
             "--b\r\nContent-Type: text/html\r\n\r\n<p>two</p>\r\n--b--\r\n",
    "dots": "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n",
    "large": "Subject: large\r\n\r\n" + "All work and no play. \t \r\n" * 40000,
}


def message(name, sender="alice@dawk.test"):
    """One of MESSAGES with what every message has, as octets."""
    head = f"From: Alice <{sender}>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <{name}@dawk.test>\r\n"
    return (head + MESSAGES[name]).encode()


def wire(octets):
    """With CRLF, as it was signed; mailboxes keep LF."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def records(server, domain=None):
    """{name: text} of the server's keys, as `dawk dkim show` tells them."""
    shown = json.loads(server.cli("dkim", "show", *([domain] if domain else []), "--json"))
    return {key["name"]: key["record"] for key in shown["keys"]}


def write_json(t, name, value):
    path = t.path(name)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)
    return path


def zone(t, keys, name="zone.json"):
    """The path of a zone file for --zone with these TXT records."""
    return write_json(t, name, {owner: {"TXT": [text]} for owner, text in keys.items()})


def verdicts(server, t, octets, keys):
    """What `dawk dkim verify` says of each signature."""
    path = t.path("message.eml")
    with open(path, "wb") as file:
        file.write(octets)
    found = json.loads(server.cli("dkim", "verify", path, "--zone", zone(t, keys), "--json"))
    return [signature["result"] for signature in found["signatures"]]
