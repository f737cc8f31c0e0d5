"""Mail servers and name servers that others wrote, set up in the case's folder."""
import os
import pwd
import subprocess

from . import ports, tls, wait


class Postfix:
    """A Postfix with its own folders. `settings` go to main.cf; `boxes` are addresses with a Maildir."""

    def __init__(self, t, boxes=(), settings=None, name="postfix", port=None):
        t.need_root()
        t.need_program("postfix")
        self.t, self.dir, self.port = t, t.path(name, "").rstrip("/"), port or ports.free()
        user = pwd.getpwnam("postfix")
        domains = sorted({box.split("@")[1] for box in boxes})
        for folder in ("queue", "data", "conf", "mail"):
            os.makedirs(os.path.join(self.dir, folder), exist_ok=True)
        for folder in ("data", "mail"):
            os.chown(os.path.join(self.dir, folder), user.pw_uid, user.pw_gid)
        for domain in domains:
            os.makedirs(os.path.join(self.dir, "mail", domain))
            os.chown(os.path.join(self.dir, "mail", domain), user.pw_uid, user.pw_gid)
        self.log_path = os.path.join(self.dir, "postfix.log")
        main = {
            "compatibility_level": "3.6", "queue_directory": f"{self.dir}/queue",
            "data_directory": f"{self.dir}/data", "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin", "mail_owner": "postfix", "setgid_group": "postdrop",
            "myhostname": "postfix.test", "mydestination": "", "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8", "alias_maps": "", "alias_database": "",
            "local_recipient_maps": "", "local_transport": "error:none", "queue_minfree": "0",
            "virtual_mailbox_domains": " ".join(domains), "virtual_mailbox_base": f"{self.dir}/mail",
            "virtual_mailbox_maps": f"texthash:{self.dir}/conf/boxes" if boxes else "",
            "virtual_uid_maps": f"static:{user.pw_uid}", "virtual_gid_maps": f"static:{user.pw_gid}",
            "virtual_minimum_uid": "1", "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtp_dns_support_level": "disabled", "disable_dns_lookups": "yes", "smtputf8_enable": "yes",
            "maillog_file": self.log_path, "maillog_file_prefixes": t.dir, "smtp_tls_security_level": "may",
            "message_size_limit": "200000000", "virtual_mailbox_limit": "0", "mailbox_size_limit": "0",
            "minimal_backoff_time": "1s", "queue_run_delay": "1s",
        }
        main.update(settings or {})
        self._write("main.cf", "".join(f"{k} = {v}\n" for k, v in main.items()))
        self._write("boxes", "".join(f"{b} {b.split('@')[1]}/{b.split('@')[0]}/\n" for b in boxes))
        inner = ["pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
                 "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
                 "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "smtp unix - - n - - smtp",
                 "lmtp unix - - n - - lmtp", "relay unix - - n - - smtp", "error unix - - n - - error",
                 "retry unix - - n - - error", "virtual unix - n n - - virtual", "anvil unix - - n - 1 anvil",
                 "scache unix - - n - 1 scache", "tlsmgr unix - - n 1000? 1 tlsmgr", "proxymap unix - - n - - proxymap",
                 "postlog unix-dgram n - n - 1 postlogd", "flush unix n - n 1000? 0 flush",
                 "verify unix - - n - 1 verify", "showq unix n - n - - showq"]
        self._write("master.cf", f"127.0.0.1:{self.port} inet n - n - - smtpd\n" + "\n".join(inner) + "\n")
        t.undo(self.stop)

    def _write(self, name, text):
        with open(os.path.join(self.dir, "conf", name), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        done = subprocess.run(["postfix", "-c", f"{self.dir}/conf", "start"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError("postfix start: " + done.stdout)
        wait.for_port(self.port)
        return self

    def stop(self):
        subprocess.run(["postfix", "-c", f"{self.dir}/conf", "abort"], capture_output=True, check=False)

    def box(self, address):
        from .maildir import Maildir
        local, domain = address.split("@")
        return Maildir(os.path.join(self.dir, "mail", domain, local))


class Dovecot:
    """LMTP and IMAP for one user, whose password is `password`; the mail at `location` belongs to `owner`."""

    def __init__(self, t, users=("alice@dawk.test",), password="imap secret", name="dovecot",
                 location="maildir:~/Maildir", owner="postfix"):
        t.need_root()
        t.need_program("dovecot", "doveadm")
        self.t, self.dir, self.password = t, t.path(name, "").rstrip("/"), password
        self.lmtp_port, self.imap_port = ports.free(), ports.free()
        self.lmtp_path = os.path.join(self.dir, "lmtp.sock")
        self.log_path = os.path.join(self.dir, "dovecot.log")
        mail = os.path.join(self.dir, "mail")
        os.makedirs(mail)
        user = pwd.getpwnam(owner)
        os.chown(mail, user.pw_uid, user.pw_gid)
        with open(os.path.join(self.dir, "users"), "w", encoding="utf-8") as file:
            for one in users:
                file.write(f"{one}:{{PLAIN}}{password}:{user.pw_uid}:{user.pw_gid}::{mail}/{one}::\n")
        with open(os.path.join(self.dir, "dovecot.conf"), "w", encoding="utf-8") as file:
            file.write(f"""
base_dir = {self.dir}/run
state_dir = {self.dir}/state
instance_name = {name}
log_path = {self.log_path}
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = {location}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {self.dir}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {self.dir}/users
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener {self.lmtp_path} {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.lmtp_port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol lmtp {{
  auth_username_format = %Lu
}}
""")
        t.undo(self.stop)

    def start(self):
        self.log = open(os.path.join(self.dir, "dovecot.out"), "wb")
        self.process = subprocess.Popen(["dovecot", "-F", "-c", f"{self.dir}/dovecot.conf"], stdout=self.log,
                                        stderr=self.log)
        wait.for_port(self.lmtp_port, process=self.process)
        wait.for_port(self.imap_port, process=self.process)
        return self

    def stop(self):
        if getattr(self, "process", None) and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        if hasattr(self, "log"):
            self.log.close()


class Knot:
    """An authoritative name server for the zones given as {origin: text of records}."""

    def __init__(self, t, zones, name="knot", port=None):
        t.need_program("knotd")
        self.t, self.dir, self.port = t, t.path(name, "").rstrip("/"), port or ports.free()
        for folder in ("run", "db"):
            os.makedirs(os.path.join(self.dir, folder), exist_ok=True)
        config = [f'server:\n    rundir: "{self.dir}/run"\n    listen: 127.0.0.1@{self.port}\n    udp-workers: 1\n'
                  "    tcp-workers: 1\n    background-workers: 1\n",
                  f'log:\n  - target: "{self.dir}/knot.log"\n    any: info\n',
                  f'database:\n    storage: "{self.dir}/db"\n', "zone:\n"]
        for origin, records in zones.items():
            path = os.path.join(self.dir, origin + "zone")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"$ORIGIN {origin}\n$TTL 300\n@ SOA ns.{origin} host.{origin} 1 3600 600 86400 60\n"
                           f"@ NS ns.{origin}\nns A 127.0.0.1\n" + records)
            config.append(f'  - domain: {origin}\n    file: "{path}"\n')
        self.config = os.path.join(self.dir, "knot.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("".join(config))
        t.undo(self.stop)

    def start(self):
        self.log = open(os.path.join(self.dir, "knot.out"), "wb")
        self.process = subprocess.Popen(["knotd", "-c", self.config], stdout=self.log, stderr=self.log)
        wait.for_port(self.port, process=self.process)
        return self

    def stop(self):
        if getattr(self, "process", None) and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if hasattr(self, "log"):
            self.log.close()


def client_ca_environment(t):
    return {**os.environ, "SSL_CERT_FILE": tls.authority(t), "CURL_CA_BUNDLE": tls.authority(t),
            "NODE_EXTRA_CA_CERTS": tls.authority(t)}
