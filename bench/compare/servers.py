"""The servers compared, each set up for throughput at its normal durability, in a folder of its own."""
import os
import pwd
import shutil
import signal
import socket
import subprocess

from . import measure

MAILBOXES = 100
DOMAIN = "sink.invalid"
SENDER_DOMAIN = "load.invalid"  # of From in what dawk-load sends


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
            return probe.recv(512).startswith(b"220")
    except OSError:
        return False


class Server:
    """mode: "hold" (accept and keep), "relay" (to sink), "signed" (relay, with a DKIM signature), "maildir"."""

    def __init__(self, folder, mode, sink_port, sessions):
        self.dir, self.mode, self.sink_port, self.sessions = folder, mode, sink_port, sessions
        self.port = free_port()
        self.mail = os.path.join(folder, "mail")
        os.makedirs(self.mail)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def cpu_seconds(self):
        """Of all processes that the work is done by."""
        return measure.cpu_seconds(self.pid)

    def delivered(self):
        """Messages in the mailboxes."""
        count = 0
        for where, _, files in os.walk(self.mail):
            if where.endswith(("/new", "/cur")):
                count += len(files)
        return count


class Postfix(Server):
    """Own configuration, queue and data folders; what an expert sets for throughput, and nothing that
    weakens it: a message is synced before 250, as Postfix always does. No syslog daemon is needed, and its
    log costs it nothing, which Dawk's does."""
    name = "postfix"
    needs_root = True
    milter = None

    @staticmethod
    def version():
        return "Postfix " + subprocess.run(["postconf", "-dh", "mail_version"], capture_output=True, text=True,
                                           check=True).stdout.strip()

    def start(self):
        os.chmod(self.dir, 0o755)
        user = pwd.getpwnam("postfix")
        for name in ("queue", "data"):
            os.makedirs(os.path.join(self.dir, name))
        os.chown(os.path.join(self.dir, "data"), user.pw_uid, user.pw_gid)
        os.chown(self.mail, user.pw_uid, user.pw_gid)
        os.makedirs(os.path.join(self.dir, "conf"))
        processes = max(200, self.sessions + 100)
        recipient = {"hold": "check_recipient_access static:HOLD, permit_mynetworks, reject",
                     }.get(self.mode, "permit_mynetworks, reject")
        settings = {
            "compatibility_level": "3.6", "queue_directory": f"{self.dir}/queue",
            "data_directory": f"{self.dir}/data", "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin", "mail_owner": "postfix", "setgid_group": "postdrop",
            "myhostname": "mx.bench.invalid", "mydomain": "bench.invalid", "mydestination": "",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8",
            "alias_maps": "", "alias_database": "", "local_recipient_maps": "", "local_transport": "error:none",
            "default_process_limit": str(processes), "in_flow_delay": "0", "queue_minfree": "0",
            "smtpd_peername_lookup": "no", "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0", "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_recipient_restrictions": recipient, "smtpd_tls_security_level": "none",
            "smtp_tls_security_level": "none", "smtp_dns_support_level": "disabled",
            "smtp_host_lookup": "native", "enable_original_recipient": "no",
            "receive_override_options": "no_address_mappings", "local_header_rewrite_clients": "",
            "message_size_limit": "104857600", "mailbox_size_limit": "0", "virtual_mailbox_limit": "0",
            "qmgr_message_active_limit": "40000", "qmgr_message_recipient_limit": "40000",
            "initial_destination_concurrency": "50", "default_destination_concurrency_limit": "50",
            "default_destination_recipient_limit": "100", "minimal_backoff_time": "3600s",
            "smtp_connection_cache_on_demand": "yes", "disable_dns_lookups": "yes",
        }
        if self.mode in ("relay", "signed"):
            settings["relayhost"] = f"[127.0.0.1]:{self.sink_port}"
        if self.mode == "signed":
            settings.update({"smtpd_milters": f"unix:{self._start_opendkim()}", "milter_default_action": "tempfail"})
        if self.mode == "maildir":
            settings.update({
                "receive_override_options": "", "virtual_mailbox_domains": DOMAIN,
                "virtual_mailbox_base": self.mail, "virtual_mailbox_maps": f"hash:{self.dir}/conf/boxes",
                "virtual_uid_maps": f"static:{user.pw_uid}", "virtual_gid_maps": f"static:{user.pw_gid}",
                "virtual_minimum_uid": "1", "virtual_destination_concurrency_limit": "50"})
        self.write("conf/main.cf", "".join(f"{k} = {v}\n" for k, v in settings.items()))
        self.write("conf/master.cf", self._services())
        self.write("conf/boxes", "".join(f"user{i}@{DOMAIN} user{i}/\n" for i in range(MAILBOXES)))
        subprocess.run(["postmap", "-c", f"{self.dir}/conf", f"hash:{self.dir}/conf/boxes"], check=True)
        self._postfix("start")
        pid_file = f"{self.dir}/queue/pid/master.pid"
        self.pid = int(measure.until(lambda: os.path.exists(pid_file) and open(pid_file).read().strip(),
                                     "Postfix's master"))
        measure.until(lambda: greets(self.port), "Postfix")

    def _start_opendkim(self):
        """The milter as its documentation has it, signing only, with an RSA key of 2048 bits."""
        path, key = f"{self.dir}/opendkim.sock", f"{self.dir}/opendkim.pem"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        conf = self.write("opendkim.conf", f"Mode s\nDomain {SENDER_DOMAIN}\nSelector s\nKeyFile {key}\n"
                          f"Socket local:{path}\nSyslog no\nRequireSafeKeys no\nCanonicalization relaxed/relaxed\n"
                          "OversignHeaders From\nInternalHosts 127.0.0.1\nUMask 000\n")
        self.milter = subprocess.Popen(["/usr/sbin/opendkim", "-f", "-x", conf])
        measure.until(lambda: os.path.exists(path), "OpenDKIM")
        return path

    def cpu_seconds(self):
        return super().cpu_seconds() + (measure.cpu_seconds(self.milter.pid) if self.milter else 0)

    def _services(self):
        inner = [
            ("pickup unix n - n 60 1", "pickup"), ("cleanup unix n - n - 0", "cleanup"),
            ("qmgr unix n - n 300 1", "qmgr"), ("rewrite unix - - n - -", "trivial-rewrite"),
            ("bounce unix - - n - 0", "bounce"), ("defer unix - - n - 0", "bounce"),
            ("trace unix - - n - 0", "bounce"), ("flush unix n - n 1000? 0", "flush"),
            ("proxymap unix - - n - -", "proxymap"), ("smtp unix - - n - -", "smtp"),
            ("relay unix - - n - -", "smtp"), ("error unix - - n - -", "error"), ("retry unix - - n - -", "error"),
            ("virtual unix - n n - -", "virtual"), ("anvil unix - - n - 1", "anvil"),
            ("scache unix - - n - 1", "scache"), ("tlsmgr unix - - n 1000? 1", "tlsmgr"),
            ("showq unix n - n - -", "showq"), ("postlog unix-dgram n - n - 1", "postlogd")]
        lines = [f"127.0.0.1:{self.port} inet n - n - - smtpd"] + [f"{a} {b}" for a, b in inner]
        return "\n".join(lines) + "\n"

    def _postfix(self, command, check=True):
        done = subprocess.run(["postfix", "-c", f"{self.dir}/conf", command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"postfix {command}: {done.stdout}")

    def stop(self):
        self._postfix("abort", check=False)
        if self.milter:
            self.milter.kill()
            self.milter.wait()
        measure.until(lambda: measure.stat(self.pid) is None, "Postfix's end")


class Dawk(Server):
    """The release build with its defaults; the route and the domains are all that is set."""
    name = "dawk"
    needs_root = False
    binary = ""

    @classmethod
    def version(cls):
        done = subprocess.run([cls.binary, "--version"], capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).strip().split("\n")[0]

    def start(self):
        config = [f'hostname = "mx.bench.invalid"\nstate_dir = "{self.dir}/state"\n',
                  f'[[listener]]\naddress = "127.0.0.1:{self.port}"\nservice = "relay"\ntls = "none"\n'
                  'allow = ["127.0.0.0/8"]\n', f'[log]\nfile = "{self.dir}/dawk.log"\n']
        if self.mode == "maildir":
            config.append(f'[[domain]]\nname = "{DOMAIN}"\ndeliver = "maildir:{self.mail}/{{local}}"\n')
        else:
            config.append(f'[[route]]\nto = "*"\nvia = "smtp:127.0.0.1:{self.sink_port or 9}"\ntls = "none"\n')
        if self.mode == "hold":
            # A next hop that is not there: after one attempt everything waits.
            config.append('[queue]\nretry = ["1h"]\nbackoff_first = "1h"\nbackoff_max = "1h"\n')
        path = self.write("dawk.toml", "\n".join(config))
        self._give_away()
        if self.mode == "maildir":
            self._add_mailboxes(path)
        if self.mode == "signed":
            subprocess.run([self.binary, "dkim", "generate", SENDER_DOMAIN, "--algorithm", "rsa", "--active",
                            "--config", path], check=True, capture_output=True)
        self.log = open(os.path.join(self.dir, "dawk.err"), "wb")
        self.process = subprocess.Popen([self.binary, "serve", "--config", path], stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        measure.until(self._up, "Dawk", 30)

    def _give_away(self):
        """Started by root, it becomes the owner of its state folder."""
        os.makedirs(f"{self.dir}/state")
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chmod(self.dir, 0o755)
            for folder in (self.dir, self.mail, f"{self.dir}/state"):
                os.chown(folder, user.pw_uid, user.pw_gid)

    def _up(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.dir, "dawk.err"), encoding="utf-8", errors="replace") as file:
                raise RuntimeError("dawk ended: " + file.read()[-2000:])
        return greets(self.port)

    def _add_mailboxes(self, path):
        names = [f"user{i}@{DOMAIN}" for i in range(MAILBOXES)]
        for name in names:
            subprocess.run([self.binary, "user", "add", name, "--config", path, "--password-file", "-"],
                           input="a bench password\n", text=True, check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()


SERVERS = {"dawk": Dawk, "postfix": Postfix}


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
