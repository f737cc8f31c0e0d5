"""Assertions that tell both sides."""


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what}: got {_short(got)}, wanted {_short(wanted)}{_difference(got, wanted)}")


def contains(whole, part, what=""):
    if part not in whole:
        raise AssertionError(f"{what}: no {_short(part)} in {_short(whole)}")


def lacks(whole, part, what=""):
    if part in whole:
        raise AssertionError(f"{what}: {_short(part)} in {_short(whole)}")


def true(value, what=""):
    if not value:
        raise AssertionError(what or "not true")


def at_most(value, limit, what=""):
    if value > limit:
        raise AssertionError(f"{what}: {value} is more than {limit}")


def matches(text, pattern, what=""):
    import re
    if not re.search(pattern, text, re.S):
        raise AssertionError(f"{what}: {_short(text)} does not match {pattern}")


def _short(value, size=2000):
    text = repr(value)
    return text if len(text) <= size else text[:size] + f"... ({len(text)} characters)"


def _difference(got, wanted):
    if not isinstance(got, (bytes, str)) or not isinstance(wanted, type(got)) or len(got) + len(wanted) < 200:
        return ""
    for index, (a, b) in enumerate(zip(got, wanted)):
        if a != b:
            return f"; first difference at {index}: {got[index:index + 40]!r}, wanted {wanted[index:index + 40]!r}"
    return f"; one is longer: {len(got)}, {len(wanted)}"
