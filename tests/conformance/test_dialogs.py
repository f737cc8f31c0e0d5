"""Conversations that the standards decide, as tables: what is sent, and the reply that must come.

Each line is (octets or command, pattern of the reply). A command gets its CRLF; bytes go as they are.
"""
from harness import check, smtp
from harness.cases import cases_of

OK = r"^250[ -]"
HELLO = ("EHLO client.test", OK)
MAIL = ("MAIL FROM:<a@client.test>", r"^250 2\.1\.0 ")
RCPT = ("RCPT TO:<alice@dawk.test>", r"^250 2\.1\.5 ")
BODY = b"Subject: x\r\n\r\nx\r\n.\r\n"
LOCAL_64, LABEL_63 = "l" * 64, "d" * 63

DIALOGS = {
    "RFC 5321 §3.3 DATA needs a recipient": [HELLO, MAIL, ("DATA", r"^503 5\.5\.1 ")],
    "RFC 5321 §4.1.1.1 HELO needs a name": [("HELO", r"^501 5\.5\.4 "), ("EHLO", r"^501 5\.5\.4 "),
                                            ("HELO client.test", r"^250 ")],
    "RFC 5321 §4.1.1.1 HELO has one line": [("HELO client.test", r"^250 [^\r]*\r\n$")],
    "RFC 5321 §4.1.3 address literal in EHLO": [("EHLO [127.0.0.1]", OK), ("EHLO [IPv6:::1]", OK)],
    "RFC 5321 §4.1.4 EHLO resets": [HELLO, MAIL, RCPT, HELLO, ("DATA", r"^503 ")],
    "RFC 5321 §4.1.4 refused EHLO changes nothing": [HELLO, MAIL, ("EHLO", r"^501 "), RCPT],
    "RFC 5321 §4.1.4 NOOP HELP VRFY RSET before EHLO": [("NOOP", r"^250 2\.0\.0 "), ("RSET", r"^250 2\.0\.0 "),
                                                        ("VRFY alice", r"^252 2\.5\.0 "), ("HELP", r"^214 2\.0\.0 "),
                                                        ("EXPN staff", r"^550 5\.7\.2 ")],
    "RFC 5321 §2.4 verbs in any case": [("ehlo client.test", OK), ("mAiL fRoM:<a@client.test>", OK),
                                        ("rcpt TO:<alice@dawk.test>", OK), ("quit", r"^221 2\.0\.0 ")],
    "RFC 5321 §4.1.1.2 null reverse-path": [HELLO, ("MAIL FROM:<>", OK), RCPT],
    "RFC 5321 §4.1.1.2 path needs brackets": [HELLO, ("MAIL FROM:a@client.test", r"^250 2\.1\.0 "),
                                              ("RSET", OK)],
    "RFC 5321 §4.1.1.2 one MAIL at a time": [HELLO, MAIL, ("MAIL FROM:<b@client.test>", r"^503 5\.5\.1 ")],
    "RFC 5321 §4.1.1.11 unknown parameter": [HELLO, ("MAIL FROM:<a@client.test> FOO=bar", r"^555 5\.5\.4 "), MAIL,
                                             ("RCPT TO:<alice@dawk.test> FOO=bar", r"^555 5\.5\.4 "), RCPT],
    "RFC 5321 §4.1.1.3 postmaster without domain": [HELLO, MAIL, ("RCPT TO:<Postmaster>", OK)],
    "RFC 5321 §4.1.1.3 no other name without domain": [HELLO, MAIL, ("RCPT TO:<alice>", r"^501 5\.1\.3 ")],
    "RFC 5321 §4.1.2 source route parses": [HELLO, ("MAIL FROM:<@a.test,@b.test:a@client.test>", OK)],
    "RFC 5321 §4.1.2 quoted local part": [HELLO, ('MAIL FROM:<"a b\\"c"@client.test>', OK), RCPT],
    "RFC 5321 §4.1.2 bad addresses": [HELLO] + [(f"MAIL FROM:<{bad}>", r"^501 5\.1\.7 ") for bad in (
        "a@", "@client.test", "a b@client.test", "a@client..test", "a@-client.test", ".a@client.test",
        "a..b@client.test", "a@[300.1.1.1]", "a@client.test>x")] + [MAIL],
    "RFC 5321 §4.5.3.1.1 local part of 64": [HELLO, (f"MAIL FROM:<{LOCAL_64}@client.test>", OK)],
    "RFC 5321 §4.5.3.1.3 path over 256": [HELLO, (f"MAIL FROM:<a@{'.'.join([LABEL_63] * 3)}.{'d' * 61}>",
                                                  r"^501 5\.1\.7 ")],
    "RFC 5321 §4.5.3.1.4 command line of 512": [HELLO, ("NOOP " + "x" * 505, OK), MAIL],
    "RFC 5321 §4.1.1.5 RSET forgets": [HELLO, MAIL, RCPT, ("RSET", OK), ("DATA", r"^503 ")],
    "RFC 5321 §4.1.1.9 NOOP with a string": [HELLO, ("NOOP hello there", OK)],
    "RFC 5321 §4.1.1.10 QUIT": [("QUIT", r"^221 2\.0\.0 ")],
    "RFC 5321 §4.2.4 unknown command": [HELLO, ("FOO", r"^500 5\.5\.1 "), ("EXPN list", r"^550 5\.7\.2 ")],
    "RFC 5321 §2.3.8 bare LF in a command": [HELLO, (b"NOOP\nNOOP\r\n", r"^550 5\.5\.2 ")],
    "RFC 5321 §4.1.1.4 empty message": [HELLO, MAIL, RCPT, ("DATA", r"^354 "), (b".\r\n", r"^250 2\.0\.0 ")],
    "RFC 5321 §4.1.1.4 two messages": [HELLO, MAIL, RCPT, ("DATA", r"^354 "), (BODY, r"^250 2\.0\.0 "), MAIL, RCPT,
                                       ("DATA", r"^354 "), (BODY, r"^250 2\.0\.0 ")],
    "RFC 5321 §4.1.1.4 DATA takes no argument": [HELLO, MAIL, RCPT, ("DATA now", r"^501 5\.5\.4 ")],
    "RFC 1870 §6 size at MAIL": [HELLO, ("MAIL FROM:<a@client.test> SIZE=1000", OK), ("RSET", OK),
                                 ("MAIL FROM:<a@client.test> SIZE=99999999999", r"^552 5\.3\.4 "),
                                 ("MAIL FROM:<a@client.test> SIZE=x", r"^501 5\.5\.4 "),
                                 ("MAIL FROM:<a@client.test> SIZE=123456789012345678901", r"^501 5\.5\.4 ")],
    "RFC 6152 §2 BODY": [HELLO, ("MAIL FROM:<a@client.test> BODY=8BITMIME", OK), ("RSET", OK),
                         ("MAIL FROM:<a@client.test> BODY=7BIT", OK), ("RSET", OK),
                         ("MAIL FROM:<a@client.test> BODY=9BIT", r"^501 5\.5\.4 ")],
    "RFC 2034 §4 no enhanced codes where none belong": [HELLO, MAIL, RCPT, ("DATA", r"^354 (?!\d\.\d)"), (BODY, OK)],
    "RFC 3030 §2 chunks": [HELLO, MAIL, RCPT, (b"BDAT 3\r\na\r\n", OK), (b"BDAT 0 LAST\r\n", OK)],
    "RFC 3030 §2 BDAT needs recipients": [HELLO, MAIL, (b"BDAT 3\r\na\r\n", r"^503 5\.5\.1 "), ("NOOP", OK)],
    "RFC 3030 §2 DATA after BDAT": [HELLO, MAIL, RCPT, (b"BDAT 3\r\na\r\n", OK), ("DATA", r"^503 5\.5\.1 ")],
    "RFC 3030 §2 bad chunk sizes": [HELLO, MAIL, RCPT, ("BDAT", r"^501 ")],
    "RFC 3461 §4 parameters": [HELLO, ("MAIL FROM:<a@client.test> RET=HDRS ENVID=x+2Dy", OK),
                               ("RCPT TO:<alice@dawk.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@client.test", OK)],
    "RFC 3461 §4.1 NEVER stands alone": [HELLO, MAIL, ("RCPT TO:<alice@dawk.test> NOTIFY=NEVER,FAILURE",
                                                       r"^501 5\.5\.4 "), RCPT],
    "RFC 3461 §4.3 RET has two values": [HELLO, ("MAIL FROM:<a@client.test> RET=SOME", r"^501 5\.5\.4 "),
                                         ("MAIL FROM:<a@client.test> RET=FULL RET=HDRS", r"^501 5\.5\.4 ")],
    "RFC 6531 §3.4 UTF-8 needs its parameter": [HELLO, ("MAIL FROM:<zoë@client.test>", r"^550 5\.6\.7 "),
                                                ("MAIL FROM:<zoë@client.test> SMTPUTF8", OK)],
    "RFC 6531 §3.4 bad UTF-8": [HELLO, (b"MAIL FROM:<zo\xff@client.test> SMTPUTF8\r\n", r"^5\d\d ")],
    "RFC 3207 §4 STARTTLS takes no argument": [HELLO, ("STARTTLS now", r"^501 5\.5\.4 ")],
    "RFC 3207 §4 STARTTLS needs EHLO": [("STARTTLS", r"^503 5\.5\.1 ")],
    "RFC 4954 §4 AUTH is not for this port": [HELLO, ("AUTH PLAIN", r"^502 5\.5\.1 ")],
    "RFC 2033 §4.1 LHLO is not for SMTP": [("LHLO client.test", r"^500 ")],
}


@cases_of([(name, dialog) for name, dialog in DIALOGS.items()])
def dialog(t, lines):
    server = t.dawk(listeners=("mx",), users=("alice",))
    with smtp.Raw(server.ports["mx"]) as client:
        for sent, pattern in lines:
            reply = client.ask(sent) if isinstance(sent, str) else (client.send(sent), client.reply())[1]
            check.matches(reply, pattern, f"after {sent[:100]!r}")
    check.true(server.alive())
