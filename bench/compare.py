#!/usr/bin/env python3
"""Dawk and Postfix under the same load, in turn (A B A B ...); called by script/bench."""
import argparse
import datetime
import json
import os
import sys
import tempfile

from compare import report, rows, servers

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of 2 seconds a row")
    parser.add_argument("--only", action="append", metavar="ROW", choices=[r.name for r in rows.ROWS],
                        help=", ".join(r.name for r in rows.ROWS))
    parser.add_argument("--server", choices=sorted(servers.SERVERS))
    parser.add_argument("--repeat", type=int, help="runs of each server (3)")
    parser.add_argument("--seconds", type=float, help="of load in a run (6)")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--work", default="/var/tmp", help="folder on the disk to measure")
    parser.add_argument("--no-keep", action="store_true", help="write no file under bench/results")
    options = parser.parse_args()
    options.repeat = options.repeat or (1 if options.quick else 3)
    options.seconds = options.seconds or (2 if options.quick else 6)
    return options


def find_tools(build):
    tools = {"dawk": os.path.join(build, "cmd", "dawk", "dawk")}
    for name in ("dawk-load", "dawk-sink"):
        tools[name] = os.path.join(build, "bench", name)
    return tools


def main():
    options = arguments()
    tools = find_tools(options.build)
    servers.Dawk.binary = tools["dawk"]
    chosen = [r for r in rows.ROWS if not options.only or r.name in options.only]
    names = [options.server] if options.server else ["postfix", "dawk"]
    classes = [servers.SERVERS[name] for name in names]
    if any(c.needs_root for c in classes) and os.geteuid() != 0:
        sys.exit("Postfix needs root to start; use --server dawk")
    results = {}
    versions = [c.version() for c in classes]
    facts = report.conditions(ROOT, versions, {"seconds": options.seconds, "sessions": options.sessions,
                                               "repeat": options.repeat})
    with tempfile.TemporaryDirectory(prefix="dawk-bench-", dir=options.work) as work:
        os.chmod(work, 0o755)
        bench = rows.Bench(tools, work, options.seconds, options.sessions)
        for row in chosen:
            for turn in range(1 if row.name == "idle" else options.repeat):
                for server in classes:
                    result = bench.measure(row, server)
                    results.setdefault(row.name, {}).setdefault(server.name, []).append(result)
                    shown = {k: round(v, 1) for k, v in result.items() if isinstance(v, (int, float))}
                    print(f"{row.name} {turn + 1} {server.name}: {shown}", file=sys.stderr, flush=True)
    finish(options, chosen, results, facts)


def finish(options, chosen, results, facts):
    text = report.table(chosen, results)
    notes = report.troubles(results)
    head = "\n".join(f"- {key}: {value}" for key, value in facts.items())
    if notes:
        text += "\nTroubles:\n" + "\n".join("- " + note for note in notes) + "\n"
    print("\n" + text)
    if not options.no_keep:
        stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H%M")
        folder = os.path.join(ROOT, "bench", "results")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, stamp + ".json"), "w", encoding="utf-8") as file:
            json.dump({"conditions": facts, "results": results}, file, indent=1)
        with open(os.path.join(folder, stamp + ".md"), "w", encoding="utf-8") as file:
            file.write(f"# Dawk and Postfix, {stamp}\n\n{head}\n\nMedians of {options.repeat} runs in turn, with "
                       f"their range.\n\n{text}\n")
        print(f"kept as bench/results/{stamp}.md")


if __name__ == "__main__":
    main()
