"""Reads what was delivered into a Maildir."""
import os

from . import wait
from .wait import PATIENCE


class Maildir:
    def __init__(self, path):
        self.path = path

    def files(self):
        found = []
        for name in ("new", "cur"):
            folder = os.path.join(self.path, name)
            if os.path.isdir(folder):
                found += [os.path.join(folder, f) for f in os.listdir(folder)]
        return sorted(found)

    def messages(self):
        result = []
        for path in self.files():
            with open(path, "rb") as file:
                result.append(file.read())
        return result

    def count(self):
        return len(self.files())

    def wait(self, count=1, seconds=PATIENCE):
        """The messages, as soon as there are at least so many; exactly so many are expected."""
        wait.until(lambda: self.count() >= count, f"{count} messages in {self.path}", seconds)
        found = self.messages()
        if len(found) != count:
            raise AssertionError(f"{len(found)} messages in {self.path}, wanted {count}")
        return found

    def one(self, seconds=PATIENCE):
        return self.wait(1, seconds)[0]


def split(message):
    """(header, body) at the first empty line."""
    header, _, body = message.replace(b"\r\n", b"\n").partition(b"\n\n")
    return header.decode("utf-8"), body


def fields(message, name):
    """Values of a header field, unfolded, in order."""
    header, _ = split(message)
    unfolded = header.replace("\n ", " ").replace("\n\t", " ")
    return [line.split(":", 1)[1].strip() for line in unfolded.split("\n")
            if line.split(":", 1)[0].lower() == name.lower()]
