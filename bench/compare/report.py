"""The table, and what was measured under which conditions."""
import os
import platform
import statistics
import subprocess


def median(runs, key):
    values = [run[key] for run in runs if run.get(key) is not None]
    return statistics.median(values) if values else None


def spread(runs, key):
    values = [run[key] for run in runs]
    return f"{median(runs, key):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def judge(row, results):
    """The ratios of a row, and whether each requirement is met: {name: (value, wanted, met)}."""
    verdicts = {}
    dawk, postfix = results.get("dawk"), results.get("postfix")
    if row.memory and dawk:
        value = median(dawk, "thousand_mib")
        verdicts["memory"] = (value, row.memory, value <= row.memory)
    if not dawk or not postfix or row.name == "idle":
        return verdicts
    rate = median(dawk, "rate") / median(postfix, "rate")
    cpu = median(dawk, "cpu_us") / median(postfix, "cpu_us")
    verdicts["rate"] = (rate, row.rate, row.rate is None or rate >= row.rate)
    verdicts["cpu"] = (cpu, row.cpu, row.cpu is None or cpu <= row.cpu)
    return verdicts


def _cell(runs, render):
    return render(runs) if runs else "–"


def _times(verdict):
    if verdict is None:
        return "–"
    value, wanted, met = verdict
    text = f"{value:.1f}×"
    return text if wanted is None else f"{text} of {wanted}× {'✓' if met else '✗'}"


def _share(verdict):
    if verdict is None:
        return "–"
    value, wanted, met = verdict
    text = f"1/{1 / value:.1f}" if value else "0"
    return text if wanted is None else f"{text} of 1/{1 / wanted:.0f} {'✓' if met else '✗'}"


def table(rows, results):
    lines = ["| work | Postfix msg/s | Dawk msg/s | ratio, required | Postfix µs CPU/msg | Dawk | ratio, required "
             "| p50/p99 ms to 250: Postfix | Dawk |", "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        if row.name == "idle" or row.name not in results:
            continue
        by = results[row.name]
        verdicts = judge(row, by)
        cells = [row.title] + [_cell(by.get(s), lambda r: spread(r, "rate")) for s in ("postfix", "dawk")]
        cells.append(_times(verdicts.get("rate")))
        cells += [_cell(by.get(s), lambda r: f"{median(r, 'cpu_us'):,.0f}") for s in ("postfix", "dawk")]
        cells.append(_share(verdicts.get("cpu")))
        cells += [_cell(by.get(s), lambda r: f"{median(r, 'p50_ms'):.1f} / {median(r, 'p99_ms'):.1f}")
                  for s in ("postfix", "dawk")]
        lines.append("| " + " | ".join(cells) + " |")
    text = "\n".join(lines)
    if "idle" in results:
        text += "\n\n| memory (PSS of all processes) | idle MiB | 1,000 idle sessions MiB | processes | required |\n"
        text += "|---|---|---|---|---|\n"
        for server, runs in sorted(results["idle"].items()):
            wanted = "" if server != "dawk" else f"at most {40} {'✓' if median(runs, 'thousand_mib') <= 40 else '✗'}"
            text += (f"| {server} | {median(runs, 'idle_mib'):.1f} | {median(runs, 'thousand_mib'):.1f} | "
                     f"{median(runs, 'processes'):.0f} | {wanted} |\n")
    return text


def troubles(results):
    found = []
    for name, by in results.items():
        for server, runs in by.items():
            for run in runs:
                if run.get("failed") or run.get("errors"):
                    found.append(f"{name}, {server}: {run['failed']} failed, {run['errors']}")
    return found


def conditions(root, versions, options):
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "versions": versions,
            "commit": commit, "load_before": os.getloadavg()[0], **options}
