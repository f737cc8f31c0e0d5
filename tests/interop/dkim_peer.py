"""dkimpy and pyspf of Debian, for test_signatures.py; run by /usr/bin/python3, where Debian's modules are.

    dkim_peer.py verify KEYS.json < message     results as JSON, one a signature
    dkim_peer.py sign DOMAIN SELECTOR KEY ALGORITHM CANONICALIZATION < message     the field
    dkim_peer.py spf CASES.json                 result words as JSON
    dkim_peer.py arc-verify KEYS.json < message     "pass", "fail" or "none", and why
    dkim_peer.py arc-sign DOMAIN SELECTOR KEY < message     the three fields

KEYS.json: {name: text}; CASES.json: {"zone": as for dawk --zone, "cases": [[ip, from, helo], ...]}
KEY: PEM for rsa-sha256, 32 octets in base64 for ed25519-sha256.
"""
import json
import sys


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def verify(keys_path):
    import dkim
    keys = read_json(keys_path)

    def lookup(name, timeout=5):
        text = keys.get(name.decode().rstrip(".").lower())
        return None if text is None else text.encode()
    message = sys.stdin.buffer.read()
    count = len(dkim.DKIM(message).headers)
    signatures = sum(1 for name, _ in dkim.DKIM(message).headers[:count] if name.lower() == b"dkim-signature")
    results = []
    for index in range(signatures):
        try:
            good = dkim.DKIM(message).verify(idx=index, dnsfunc=lookup)
            results.append("pass" if good else "fail")
        except dkim.DKIMException as error:
            results.append(f"error: {error}")
    print(json.dumps(results))


def sign(domain, selector, key_path, algorithm, canonicalization):
    import dkim
    with open(key_path, "rb") as file:
        key = file.read().strip() + b"\n"
    if algorithm == "ed25519-sha256":
        key = key.strip()
    field = dkim.sign(sys.stdin.buffer.read(), selector.encode(), domain.encode(), key,
                      canonicalize=tuple(canonicalization.encode().split(b"/")),
                      signature_algorithm=algorithm.encode())
    sys.stdout.buffer.write(field)


def spf(cases_path):
    import spf as pyspf
    given = read_json(cases_path)
    zone = given["zone"]

    def lookup(name, qtype, tcpfallback=True, timeout=30):
        records = zone.get(str(name).rstrip(".").lower())
        if records in ("TIMEOUT", "SERVFAIL"):
            raise pyspf.TempError("DNS " + records)
        out = []
        for value in (records or {}).get(qtype, []):
            if qtype == "TXT":
                value = (value.encode(),)
            elif qtype == "MX":
                value = tuple(value)
            elif qtype == "A":
                import ipaddress
                value = str(ipaddress.IPv4Address(value))
            elif qtype == "AAAA":
                import ipaddress
                value = ipaddress.IPv6Address(value).packed
            out.append(((name, qtype), value))
        return out
    pyspf.DNSLookup = lookup
    print(json.dumps([pyspf.check2(i=ip, s=sender, h=helo)[0] for ip, sender, helo in given["cases"]]))


def arc_verify(keys_path):
    import dkim
    keys = read_json(keys_path)

    def lookup(name, timeout=5):
        text = keys.get(name.decode().rstrip(".").lower())
        return None if text is None else text.encode()
    result, _, reason = dkim.arc_verify(sys.stdin.buffer.read(), dnsfunc=lookup)
    print((result or b"none").decode(), reason)


def arc_sign(domain, selector, key_path):
    """For a message that bears Authentication-Results of this domain."""
    import dkim
    with open(key_path, "rb") as file:
        key = file.read()
    fields = dkim.arc_sign(sys.stdin.buffer.read(), selector.encode(), domain.encode(), key, domain.encode())
    sys.stdout.buffer.write(b"".join(fields))


if __name__ == "__main__":
    {"verify": verify, "sign": sign, "spf": spf, "arc-verify": arc_verify,
     "arc-sign": arc_sign}[sys.argv[1]](*sys.argv[2:])
