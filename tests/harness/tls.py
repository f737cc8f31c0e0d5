"""Keys and certificates for tests, made by the openssl program once per case."""
import os
import ssl
import subprocess


def authority(t):
    """A certificate authority of the case's own: path of its certificate."""
    ca, key = t.path("tls", "ca.pem"), t.path("tls", "ca.key")
    if not os.path.exists(ca):
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                 "-out", ca, "-days", "30", "-subj", "/CN=Test Authority",
                 "-addext", "basicConstraints=critical,CA:TRUE")
    return ca


def certificate(t, name, *more):
    """(certificate, key) for the names, signed by the case's authority."""
    ca = authority(t)
    cert, key, request = (t.path("tls", f"{name}.{kind}") for kind in ("pem", "key", "csr"))
    if not os.path.exists(cert):
        names = ",".join(f"DNS:{n}" for n in (name, *more)) + ",IP:127.0.0.1"
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                 request, "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}")
        _openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", t.path("tls", "ca.key"), "-CAcreateserial",
                 "-days", "30", "-copy_extensions", "copy", "-out", cert)
        # Servers of the case run as different users.
        os.chmod(key, 0o644)
    return cert, key


def server_context(t, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(t, name))
    return context


def client_context(t):
    """Trusts the case's authority and checks names."""
    return ssl.create_default_context(cafile=authority(t))


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
