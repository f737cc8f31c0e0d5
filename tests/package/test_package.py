"""The installed library, used by a project that knows nothing but find_package(dawk)."""
import os
import subprocess

from harness import check
from harness.cases import case

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, **options)
    check.equal(done.returncode, 0, " ".join(command) + "\n" + done.stdout[-5000:] + done.stderr[-5000:])
    return done.stdout


def says_who_sent_it(t, program):
    """The example of docs/library.md, which is this very program."""
    with open(os.path.join(HERE, "consumer", "who.cpp"), encoding="utf-8") as file:
        example = "".join("    " + line if line.strip() else line for line in file)
    with open(os.path.join(ROOT, "docs", "library.md"), encoding="utf-8") as file:
        check.contains(file.read(), example)
    with open(t.path("m.eml"), "w", encoding="ascii", newline="") as file:
        file.write("From: joe@example.org\r\nSubject: hi\r\n\r\nHello\r\n")
    with open(t.path("zone.json"), "w", encoding="ascii") as file:
        file.write('{"example.org": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},'
                   ' "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]}}')
    output = run(program, t.path("m.eml"), t.path("zone.json"), "192.0.2.1", "joe@example.org", "mx.example.org")
    check.contains(output, "Authentication-Results: mx.us.test;")
    check.contains(output, "DMARC: pass, SPF passed for example.org")


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


@case(seconds=600)
def an_outside_project_finds_builds_and_runs(t):
    prefix, build = t.path("prefix", ""), t.path("consumer", "")
    run("cmake", "--install", t.build, "--prefix", prefix)
    run("cmake", "-S", os.path.join(HERE, "consumer"), "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    output = run(os.path.join(build, "consumer"))
    check.contains(output, "250-library.test")
    says_who_sent_it(t, os.path.join(build, "who"))
    for where, _, files in os.walk(prefix):
        for name in files:
            if name.endswith(".cmake"):
                with open(os.path.join(where, name), encoding="utf-8") as file:
                    check.lacks(file.read(), ROOT, f"{name} names the source tree")


@case(seconds=600)
def the_example_of_the_documentation_builds_and_runs(t):
    prefix, build = t.path("prefix", ""), t.path("example", "")
    source = os.path.join(ROOT, "examples", "mailauth")
    run("cmake", "--install", t.build, "--prefix", prefix)
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    message, zone = os.path.join(source, "message.eml"), os.path.join(source, "zone.json")
    sender = ["joe@football.example", "mx.football.example", zone]
    output = run(os.path.join(build, "who_sent_it"), message, "192.0.2.1", *sender)
    page = read(ROOT, "docs", "mailauth.md")
    for line in output.split("\n\n")[0].splitlines():
        check.contains(page, "    " + line, "the page says what the program says")
    check.contains(output, "DKIM:  pass by football.example")
    check.contains(output, "dmarc=pass")
    check.contains(page, read(source, "who_sent_it.cpp"), "the page shows the program as it is")
    forged = t.path("forged.eml")
    with open(forged, "w", encoding="utf-8") as file:
        file.write(read(message).replace("lost", "won"))
    done = subprocess.run([os.path.join(build, "who_sent_it"), forged, "203.0.113.1", *sender],
                          capture_output=True, text=True, timeout=60, check=False)
    check.equal(done.returncode, 1, done.stderr)
    check.contains(done.stdout, "DMARC: fail for football.example")
