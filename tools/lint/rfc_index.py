"""docs/rfc/index.tsv: which RFC is kept how far, and where. number, status, title, module; tab separated."""
import re

STATUSES = ("yes", "partial", "no")


def read(text):
    """(rows, problems): rows as {number: (status, title, modules)}, problems as (line, message)."""
    rows, problems = {}, []
    last = 0
    for line, row in enumerate(text.split("\n"), 1):
        if not row or row.startswith("#"):
            continue
        fields = row.split("\t")
        if len(fields) != 4 or not fields[0].isdigit():
            problems.append((line, "a row is: number, status, title, module; separated by tabs"))
            continue
        number, status, title, modules = fields
        if status not in STATUSES:
            problems.append((line, f"status {status} is none of {', '.join(STATUSES)}"))
        if int(number) <= last:
            problems.append((line, f"RFC {number} is out of order or twice"))
        if not title:
            problems.append((line, "no title"))
        if status != "no" and modules == "-":
            problems.append((line, f"RFC {number} is kept, but by no module"))
        last = int(number)
        rows[number] = (status, title, [] if modules == "-" else modules.split(","))
    return rows, problems


def check_cited(rows, texts):
    """Each kept RFC is cited by the modules that keep it. texts: {module: all its source text}."""
    for number, (status, _, modules) in rows.items():
        for module in modules:
            if module not in texts:
                if status != "no":
                    yield f"RFC {number}: {module} is no module here"
            elif status != "no" and not re.search(rf"\bRFC {number}\b", texts[module]):
                yield f"RFC {number}: {module} keeps it but never cites it"
