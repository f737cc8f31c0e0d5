"""SMTP by hand: a client that sends exactly what it is told, and a scripted server."""
import socket
import ssl
import threading


class Raw:
    """A client connection: octets out, replies in. `first` is said without waiting for the greeting."""

    def __init__(self, port, host="127.0.0.1", timeout=30, greet=True, path=None, source="", first=b""):
        if path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(path)
        else:
            self.sock = socket.create_connection((host, port), timeout=timeout, source_address=(source, 0))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if first:
            self.sock.sendall(first)
        self.buffer = b""
        self.greeting = self.reply() if greet else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\n" not in self.buffer:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError(f"closed with {self.buffer!r} unread")
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def reply(self):
        """One whole reply as text with line ends; fails on anything that is no reply."""
        text = b""
        while True:
            line = self.line()
            if not line.endswith(b"\r\n") or not line[:3].isdigit() or line[3:4] not in (b" ", b"-", b"\r"):
                raise AssertionError(f"not a reply line: {line!r}")
            text += line
            if line[3:4] != b"-":
                return text.decode("utf-8")

    def ask(self, command):
        """Sends a command line, gives the reply."""
        self.send(command + "\r\n" if isinstance(command, str) else command + b"\r\n")
        return self.reply()

    def code(self, command):
        return int(self.ask(command)[:3])

    def expect(self, command, *codes):
        """Like ask(), and the reply must have one of the codes."""
        text = self.ask(command)
        if int(text[:3]) not in codes:
            raise AssertionError(f"{command!r}: {text!r}, wanted {codes}")
        return text

    def hello(self, name="client.test"):
        return self.expect("EHLO " + name, 250)

    def starttls(self, context=None, name="localhost"):
        self.expect("STARTTLS", 220)
        self.wrap(context, name)

    def wrap(self, context=None, name="localhost"):
        if context is None:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=name)

    def mail(self, sender, recipients, data, parameters=""):
        """One transaction; the reply to the end of data."""
        self.expect(f"MAIL FROM:<{sender}>{parameters}", 250)
        for recipient in recipients if isinstance(recipients, (list, tuple)) else [recipients]:
            self.expect(f"RCPT TO:<{recipient}>", 250)
        self.expect("DATA", 354)
        self.send(stuffed(data) + b".\r\n")
        return self.reply()

    def at_end(self):
        """Whether the peer has closed."""
        try:
            got = self.sock.recv(1)
        except (ConnectionResetError, ssl.SSLError):
            return True
        if got:
            self.buffer += got
        return not got


def stuffed(data):
    data = data if isinstance(data, bytes) else data.encode()
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    if data.startswith(b"."):
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..")


def message(subject="Test", body="Hello\r\n", sender="sender@client.test", to="alice@dawk.test", extra=""):
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n"
            f"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{abs(hash((subject, body)))}@client.test>\r\n"
            f"{extra}\r\n{body}")


class FakeServer:
    """A server that does as it is told.

    `answers` maps verbs (and "greeting", "dot") to a reply, a list of replies used in turn (the last for ever),
    or a function (server, session, line) -> reply or None to close. Everything received is kept.
    """

    def __init__(self, port=0, host="127.0.0.1", answers=None, extensions=("PIPELINING", "8BITMIME", "SIZE 100000000",
                 "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "CHUNKING"), tls=None, lmtp=False):
        self.answers, self.extensions, self.tls, self.lmtp = dict(answers or {}), list(extensions), tls, lmtp
        self.lock = threading.Lock()
        self.mails, self.commands, self.connections = [], [], 0
        self.used = {}
        self.listener = socket.create_server((host, port), reuse_port=False, backlog=100)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _answer(self, key, session, line, default):
        answer = self.answers.get(key, default)
        if isinstance(answer, list):
            with self.lock:
                turn = self.used.get(key, 0)
                self.used[key] = turn + 1
            answer = answer[min(turn, len(answer) - 1)]
        if callable(answer):
            answer = answer(self, session, line)
        return answer

    def _serve(self, client):
        session = Session(client)
        try:
            self._talk(session)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            session.sock.close()

    def _say(self, session, reply):
        """False: close the connection."""
        if reply is None:
            return False
        if reply == "":
            return True
        data = reply if isinstance(reply, bytes) else (reply + "\r\n").encode()
        session.sock.sendall(data)
        return not data.startswith((b"421", b"221"))

    def _talk(self, session):
        if not self._say(session, self._answer("greeting", session, b"", "220 fake.test ESMTP")):
            return
        while True:
            line = session.line()
            verb = line[:4].upper().decode("latin-1")
            with self.lock:
                self.commands.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if verb == "STAR" and self.tls:
                if not self._say(session, self._answer("STAR", session, line, "220 go ahead")):
                    return
                session.sock = self.tls.wrap_socket(session.sock, server_side=True)
                session.buffer, session.secure = b"", True
                continue
            reply = self._answer(verb, session, line, self._default(verb, session, line))
            if not self._say(session, reply):
                return
            code = (reply or b"" if isinstance(reply, bytes) else reply)[:3]
            if not self._after(verb, session, line, code if isinstance(code, str) else code.decode()):
                return

    def _default(self, verb, session, line):
        if verb in ("EHLO", "LHLO"):
            offers = list(self.extensions)
            if self.tls and not session.secure:
                offers.append("STARTTLS")
            lines = ["fake.test"] + offers
            return "\r\n".join(f"250{'-' if i + 1 < len(lines) else ' '}{l}" for i, l in enumerate(lines))
        if verb == "RCPT" and session.mail is None:
            return "503 5.5.1 no sender"
        if verb == "DATA" and not session.rcpts:
            return "503 5.5.1 no recipients"
        return {"HELO": "250 fake.test", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on",
                "RSET": "250 2.0.0 ok", "NOOP": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye",
                "BDAT": ""}.get(verb, "500 5.5.1 what")

    def _after(self, verb, session, line, code):
        ok = code[:1] in ("2", "3")
        if verb == "MAIL" and ok:
            session.mail, session.rcpts, session.data = line.decode("utf-8", "replace").strip(), [], b""
        if verb in ("RSET", "EHLO", "HELO", "LHLO"):
            session.mail, session.rcpts, session.data = None, [], b""
        if verb == "RCPT" and ok:
            session.rcpts.append(line.decode("utf-8", "replace").strip())
        if verb == "DATA" and code == "354":
            session.data, session.chunked = session.until_dot(), False
            return self._end(session, line)
        if verb == "BDAT":
            words = line.decode().split()
            if not session.rcpts:
                session.exactly(int(words[1]))
                return self._say(session, "503 5.5.1 no recipients")
            session.chunked = True
            session.data += session.exactly(int(words[1]))
            if len(words) == 3:
                return self._end(session, line)
            return self._say(session, self._answer("chunk", session, line, "250 2.0.0 more"))
        return True

    def _end(self, session, line):
        replies = []
        for recipient in session.rcpts if self.lmtp else [None]:
            session.current = recipient
            replies.append(self._answer("dot", session, line, "250 2.0.0 taken"))
        with self.lock:
            self.mails.append(Mail(session, replies))
        session.mail, session.rcpts, session.data = None, [], b""
        return all([self._say(session, reply) for reply in replies])


class Session:
    def __init__(self, sock):
        self.sock, self.buffer, self.secure = sock, b"", False
        self.mail, self.rcpts, self.data, self.current, self.chunked = None, [], b"", None, False
        sock.settimeout(120)

    def _more(self):
        got = self.sock.recv(65536)
        if not got:
            raise EOFError
        self.buffer += got

    def line(self):
        while b"\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def exactly(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def until_dot(self):
        """The content as sent, still stuffed, without the final dot."""
        while not (self.buffer.startswith(b".\r\n") or b"\r\n.\r\n" in self.buffer):
            self._more()
        if self.buffer.startswith(b".\r\n"):
            self.buffer = self.buffer[3:]
            return b""
        data, self.buffer = self.buffer.split(b"\r\n.\r\n", 1)
        return data + b"\r\n"


class Mail:
    def __init__(self, session, replies):
        self.mail, self.rcpts, self.raw, self.replies = session.mail, list(session.rcpts), session.data, replies
        self.secure, self.chunked = session.secure, session.chunked

    @property
    def content(self):
        if self.chunked:
            return self.raw
        data = self.raw[1:] if self.raw.startswith(b"..") else self.raw
        return data.replace(b"\r\n..", b"\r\n.")
