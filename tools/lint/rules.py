"""Checks of single files: sizes, header comments, determinism, words, citations."""
import re

from . import arrows, source

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70

# Files that may do what others may not, each with its reason.
EXCEPTIONS = {
    "long function": {
        "dawk/config/keys.cpp": "the table of configuration keys: one entry after the other",
    },
    "world": {
        "dawk/config/machine.cpp": "compares a configuration with the machine it is read on",
    },
}

# Each with what to use instead. Adapters and cmd/ are the outside world themselves.
_CLOCKS = [
    (re.compile(r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\b"), "use Env's clock"),
    (re.compile(r"\b(?:clock_gettime|gettimeofday)\s*\(|(?<![\w.>:])(?:std::)?time\s*\(\s*(?:nullptr|NULL|0)\s*\)"),
     "use Env's clock"),
    (re.compile(r"\brandom_device\b|(?<![\w.>])s?rand\s*\(|\bgetrandom\s*\("), "use Env's rng"),
    (re.compile(r"\bRAND_bytes\b"), "use Env's rng"),  # crypto is its home
    (re.compile(r"\bstd::(?:uniform_\w+_distribution|shuffle)\b"), "differs by library: use the helpers of Rng"),
    (re.compile(r"\b(?:secure_)?getenv\s*\("), "configuration comes from Settings"),
    (re.compile(r"\bstd::(?:jthread|thread|async)\b|\bpthread_create\b"), "use the Work port"),
    (re.compile(r"\bthis_thread::sleep_\w+|(?<!\w)::(?:u|nano)?sleep\s*\(|\b(?:usleep|nanosleep)\s*\("), "nothing sleeps: use the clock"),
]
_UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
_MACHINE = re.compile(r"/(?:wor" r"k|far" r"m)/|/home/\w|/roo" r"t/\w|/tmp/ba" r"sh_")
_SLOPPY_RFC = re.compile(r"\bRFC-?\d|\brfc \d|\bRFC \d+,? (?:sec(?:tion|t)?s?\.?|chapter|para\w*)\b|\bRFC \d+ §§? ")
_RFC = re.compile(r"\bRFC (\d+)")
_DISABLED = re.compile(r"\bDISABLED_\w+")


def check_cpp(path, text):
    """All rules for one C++ file except arrows and coroutine shapes."""
    parsed = source.Source(path, text)
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield 1, f"{lines} lines, more than {FILE_LINES_MAX}"
    for first, last in parsed.function_bodies():
        if last - first + 1 > FUNCTION_LINES_MAX and path not in EXCEPTIONS["long function"]:
            yield first, f"function of {last - first + 1} lines, more than {FUNCTION_LINES_MAX}"
    if path.endswith(".hpp"):
        yield from _check_header(path, text, parsed.code)
    yield from _check_determinism(path, parsed.code)


def _check_header(path, text, code):
    opening = re.match(r"(?://[^\n]*\n)*", text).group(0).count("\n")
    if opening < 1:
        yield 1, "a header opens with lines saying what it is, how to use it, what it never does"
    if "#pragma once" not in text:
        yield 1, "no #pragma once"
    match = re.search(r"^using namespace\b", code, re.M)
    if match and not path.endswith("_test.hpp"):
        yield code.count("\n", 0, match.start()) + 1, "using namespace in a header"


def _check_determinism(path, code):
    module = arrows.module_of(path)
    if module is None or module in arrows.ADAPTERS or path.endswith("_bench.cpp") or \
            path in EXCEPTIONS["world"]:
        return
    is_test = path.endswith("_test.cpp")
    for pattern, instead in _CLOCKS:
        if is_test and ("getenv" in pattern.pattern or "jthread" in pattern.pattern):
            continue  # DAWK_TESTDATA; tests of what is called from several threads
        if module == "crypto" and "RAND_bytes" in pattern.pattern:
            continue
        for match in pattern.finditer(code):
            yield code.count("\n", 0, match.start()) + 1, f"{match.group(0).strip(' (')}: {instead}"


def check_words(text):
    """For every text file."""
    for number, line in enumerate(text.split("\n"), 1):
        if _UNFINISHED.search(line):
            yield number, "says it is unfinished: finish it, or open an issue"
        if _MACHINE.search(line):
            yield number, "a path of one machine"


def check_citations(text, known):
    """Comments of C++ files: the form `RFC n §s`, and every RFC in docs/rfc/index.tsv."""
    for line, comment in source.comments(text):
        for match in _SLOPPY_RFC.finditer(comment):
            yield line + comment.count("\n", 0, match.start()), \
                f"write citations as `RFC 5321 §4.5.3`: {match.group(0)}"
        for match in _RFC.finditer(comment):
            if match.group(1) not in known:
                yield line + comment.count("\n", 0, match.start()), \
                    f"RFC {match.group(1)} is not in docs/rfc/index.tsv"


def check_test_file(text):
    code = source.blank(text)
    match = _DISABLED.search(code)
    if match:
        yield code.count("\n", 0, match.start()) + 1, "a disabled test"
    if not re.search(r"\b(?:TYPED_)?TEST(?:_F|_P)?\s*\(", code) and "gtest" in text:
        yield 1, "a test file without a test"


def check_python_test(text):
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(r"\btime\.sleep\b|\bfrom time import .*\bsleep\b", line):
            yield number, "tests do not sleep: wait for a condition"
