#!/usr/bin/env python3
"""Holds the rules of the house: module arrows, sizes, coroutine shapes, determinism, citations, words.

    tools/lint.py            everything that git knows and what is new
    tools/lint.py --format   formatting of C++ files instead, by clang-format 14

Prints `file:line: message` for each offence; exit code 1 when there is any.
"""
import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lint import arrows, coroutines, rfc_index, rules, source  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CPP = (".cpp", ".hpp")
TEXT = CPP + (".py", ".md", ".txt", ".cmake", ".toml", ".proto", ".tsv", ".yml", ".json", ".js", ".ts", ".in")


def files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
                            text=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
    else:  # an unpacked release has no repository
        names = [os.path.relpath(os.path.join(folder, name), ROOT)
                 for folder, folders, found in os.walk(ROOT)
                 for name in found if not _skip(folders)]
    return sorted(name for name in names if os.path.isfile(os.path.join(ROOT, name)))


def _skip(folders):
    folders[:] = [f for f in folders if f not in ("build", "var", "node_modules", ".git")]
    return False


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def is_script(path):
    if "." in os.path.basename(path) or path.startswith("fuzz/corpus/"):
        return False
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.read(2) == b"#!"


def check_tests_registered(names):
    """What a file is, its name says; where the build looks for it, it must lie."""
    known = set(names)
    for name in names:
        if re.search(r"_(test|fuzz|bench)\.cpp$", name):
            parts = name.split("/")
            if parts[0] == "dawk" and (len(parts) != 3 or f"dawk/{parts[1]}/CMakeLists.txt" not in known):
                yield name, 1, "not where dawk_module() finds it"
            if parts[0] not in ("dawk", "bench", "cmd", "tests"):
                yield name, 1, "no build file registers it"
        if name.endswith("_fuzz.cpp"):
            corpus = f"fuzz/corpus/{os.path.basename(name)[:-4]}/"
            if not any(n.startswith(corpus) for n in known):
                yield name, 1, f"no seeds in {corpus}"


def check_file(name, text, deps, known_rfcs):
    yield from rules.check_words(text)
    if name.endswith(CPP):
        yield from rules.check_cpp(name, text)
        yield from arrows.check(name, text, deps)
        yield from rules.check_citations(text, known_rfcs)
        if re.search(r"\bco_await\b|\bdetached\b|\bco_return\b", text):
            yield from coroutines.check(source.Source(name, text))
        if name.endswith("_test.cpp"):
            yield from rules.check_test_file(text)
    if name.endswith(".py") and name.startswith("tests/"):
        yield from rules.check_python_test(text)


def lint():
    names = files()
    deps = {n.split("/")[1]: arrows.declared(read(n)) for n in names
            if re.fullmatch(r"dawk/\w+/CMakeLists\.txt", n)}
    index = "docs/rfc/index.tsv"
    rows, problems = rfc_index.read(read(index))
    found = [(index, line, message) for line, message in problems]
    found += arrows.check_declared(deps)
    found += check_tests_registered(names)
    texts = {}
    for name in names:
        if not name.endswith(TEXT) and not is_script(name):
            continue
        if name.startswith("fuzz/corpus/"):
            continue
        text = read(name)
        part = arrows.module_of(name) or name.split("/")[0]
        if name.endswith(CPP + (".proto",)):
            texts[part] = texts.get(part, "") + text
        found += [(name, line, message) for line, message in check_file(name, text, deps, rows)]
    found += [(index, 1, message) for message in rfc_index.check_cited(rows, texts)]
    return found


def check_format():
    tool = next((t for t in ("clang-format-14", "clang-format") if _version(t) == "14"), None)
    if tool is None:
        sys.exit("clang-format 14 is not installed")
    cpp = [n for n in files() if n.endswith(CPP)]
    done = subprocess.run([tool, "--dry-run", "-Werror", "--ferror-limit=1", *cpp], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    bad = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.M)))
    if done.returncode != 0 and not bad:
        sys.exit(done.stderr)
    return [(name, 1, "not formatted, run clang-format -i") for name in bad]


def _version(tool):
    try:
        text = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return None
    match = re.search(r"version (\d+)", text)
    return match.group(1) if match else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--format", action="store_true")
    found = check_format() if parser.parse_args().format else lint()
    for name, line, message in found:
        print(f"{name}:{line}: {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
