#include "dawk/config/keys.hpp"

#include <algorithm>

// One line a key: where it lives. Capture-free, so that the table is plain data.
#define AT(member) [](mta::Settings& s, std::size_t) -> Ref { return &s.member; }
#define EACH(list, member) [](mta::Settings& s, std::size_t i) -> Ref { return &s.list[i].member; }

namespace dawk::config {
namespace {

constexpr std::int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
constexpr std::int64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib;
constexpr std::int64_t count_max = 10'000'000;

using Keys = std::vector<Key>;

void add_top(Keys& k) {
    k.push_back({.path = "hostname",
                 .ref = AT(hostname),
                 .doc = "The name of this server, as it greets others and writes it into trace "
                        "fields. It should have an address record, and the address a pointer back "
                        "to it; other servers look.",
                 .standard = "RFC 5321 §2.3.5, §4.1.4",
                 .example = "\"mx.example.org\"",
                 .required = true});
    k.push_back({.path = "state_dir",
                 .ref = AT(state_dir),
                 .doc = "The folder for everything that must survive a restart: the spool, the "
                        "directory of users, the admin socket. Relative paths, here and in every "
                        "other key, are relative to the working directory of the process.",
                 .example = "\"/var/lib/dawk\"",
                 .required = true});
    k.push_back({.path = "admin_socket",
                 .ref = AT(admin_socket),
                 .doc = "The Unix socket on which the running server takes orders from the dawk "
                        "command.",
                 .example = "\"/run/dawk/dawk.sock\"",
                 .default_words = "dawk.sock in state_dir"});
    k.push_back({.path = "postmaster",
                 .ref = AT(postmaster),
                 .doc = "Where mail to the postmaster of every domain goes that has no user or "
                        "alias of that name, and what can be returned to nobody else.",
                 .standard = "RFC 5321 §4.5.1",
                 .example = "\"postmaster@example.org\"",
                 .default_words = "postmaster at the first [[domain]], or at hostname"});
    k.push_back(
        {.path = "threads",
         .ref = AT(threads),
         .doc = "How many threads serve connections; 0 is one for two cores, and two at least.",
         .max = 256});
    k.push_back({.path = "grace",
                 .ref = AT(grace),
                 .doc = "How long open transactions may go on when the server is told to stop.",
                 .max = hour});
}

void add_listeners(Keys& k) {
    k.push_back({.path = "listener[].address",
                 .ref = EACH(listeners, address),
                 .doc = "Where to listen: address:port, [IPv6]:port, unix:/path, or systemd:NAME "
                        "for the socket of that name which systemd passes.",
                 .example = "\"[::]:25\"",
                 .required = true});
    k.push_back({.path = "listener[].service",
                 .ref = EACH(listeners, service),
                 .doc = "What is offered there. mx takes mail for our domains from anybody. "
                        "submission takes mail to anywhere from users who log in. relay takes mail "
                        "to anywhere from the networks in allow.",
                 .standard = "RFC 5321, RFC 6409"});
    k.push_back({.path = "listener[].tls",
                 .ref = EACH(listeners, tls),
                 .doc = "none, starttls (offered after the greeting) or implicit (from the first "
                        "octet; for submission on port 465). With submission, passwords are taken "
                        "over TLS only.",
                 .standard = "RFC 3207, RFC 8314"});
    k.push_back({.path = "listener[].durability",
                 .ref = EACH(listeners, durability),
                 .doc = "When a message is acknowledged: disk, after it is synced; memory, before. "
                        "With memory, a crash loses mail that the sender believes delivered.",
                 .standard = "RFC 5321 §6.1"});
    k.push_back({.path = "listener[].allow",
                 .ref = EACH(listeners, allow),
                 .doc = "The networks that may relay. Only with service relay.",
                 .example = "[\"192.0.2.0/24\", \"2001:db8::/32\"]"});
}

void add_places(Keys& k) {
    k.push_back({.path = "tls.certificate",
                 .ref = AT(tls.certificate),
                 .doc = "A PEM file: the server's certificate, then those between it and its root.",
                 .example = "\"/etc/dawk/tls/cert.pem\""});
    k.push_back({.path = "tls.key",
                 .ref = AT(tls.key),
                 .doc = "A PEM file: the certificate's private key, readable for the server only.",
                 .example = "\"/etc/dawk/tls/key.pem\""});
    k.push_back({.path = "http.address",
                 .ref = AT(http_address),
                 .doc = "Where the web console, metrics and the API are served. Keep it on this "
                        "machine, or behind a proxy that knows who may see it.",
                 .example = "\"127.0.0.1:8025\"",
                 .default_words = "not served"});
    k.push_back({.path = "domain[].name",
                 .ref = EACH(routing.domains, name),
                 .doc = "A domain whose mail is delivered here. Domains can also be added with "
                        "dawk domain add, without a restart.",
                 .example = "\"example.org\"",
                 .required = true});
    k.push_back({.path = "domain[].deliver",
                 .ref = EACH(routing.domains, deliver),
                 .doc =
                     "How: maildir:PATH with {domain}, {local} and {detail} (what follows \"+\") "
                     "in it; lmtp:HOST:PORT or lmtp:unix:/PATH for another program.",
                 .standard = "RFC 2033",
                 .example = "\"lmtp:unix:/run/dovecot/lmtp\"",
                 .default_words = "delivery.default"});
}

void add_routes(Keys& k) {
    k.push_back({.path = "route[].to",
                 .ref = EACH(routing.routes, to),
                 .doc = "Mail to which domain goes this way: a domain, \".domain\" for everything "
                        "below it, or \"*\". The most specific route wins, whatever the order.",
                 .example = "\"partner.example\"",
                 .required = true});
    k.push_back({.path = "route[].via",
                 .ref = EACH(routing.routes, via),
                 .doc = "The way: mx, as DNS says, or smtp:HOST or smtp:HOST:PORT.",
                 .example = "\"smtp:smarthost.example:587\"",
                 .required = true});
    k.push_back({.path = "route[].tls",
                 .ref = EACH(routing.routes, tls),
                 .doc =
                     "none; opportunistic, if offered and with any certificate; required, with "
                     "any certificate; verified, with one valid for the host; implicit, the same "
                     "from the first octet.",
                 .standard = "RFC 7435, RFC 8314",
                 .example = "\"verified\"",
                 .default_words = "none to this machine; verified with user; else opportunistic"});
    k.push_back({.path = "route[].user",
                 .ref = EACH(routing.routes, user),
                 .doc = "The name to log in with. Only over verified or implicit TLS.",
                 .standard = "RFC 4954",
                 .example = "\"dawk\""});
    k.push_back({.path = "route[].password_file",
                 .ref = EACH(routing.routes, password_file),
                 .doc = "The file whose first line is the password.",
                 .example = "\"/etc/dawk/smarthost.password\""});
    k.push_back({.path = "route[].ca_file",
                 .ref = EACH(routing.routes, ca_file),
                 .doc = "A PEM file with the roots to verify certificates against.",
                 .example = "\"/etc/ssl/partner-ca.pem\"",
                 .default_words = "the system's roots"});
    k.push_back({.path = "delivery.default",
                 .ref = AT(routing.default_deliver),
                 .doc = "How mail is delivered to domains that say nothing else, as in "
                        "domain.deliver.",
                 .example = "\"maildir:/var/mail/{domain}/{local}\"",
                 .default_words = "maildir:mail/{domain}/{local} in state_dir"});
    k.push_back({.path = "delivery.mx_port",
                 .ref = AT(mx_port),
                 .doc = "The port on which hosts found by MX are spoken to. Another than 25 is for "
                        "tests only.",
                 .min = 1,
                 .max = 65535});
    k.push_back({.path = "dns.forwarders",
                 .ref = AT(dns.forwarders),
                 .doc =
                     "The resolvers to ask, address:port. One that validates DNSSEC should be on "
                     "this machine.",
                 .example = "[\"127.0.0.1:53\"]",
                 .default_words = "the system's"});
    k.push_back({.path = "dns.timeout",
                 .ref = AT(dns.timeout),
                 .doc = "How long one question may take, with all its repetitions.",
                 .standard = "RFC 5321 §5.1",
                 .min = second,
                 .max = 10 * minute});
    k.push_back({.path = "dns.client_names",
                 .ref = AT(dns.client_names),
                 .doc = "Look up the names of the hosts that connect, for trace fields and the "
                        "log. Nothing waits for them longer than five seconds.",
                 .standard = "RFC 5321 §4.4"});
}

void add_dkim(Keys& k) {
    k.push_back({.path = "dkim[].domain",
                 .ref = EACH(dkim, domain),
                 .doc = "The domain of From that these signatures are for, and d= in them. Domains "
                        "below it that have no keys of their own are signed with the same.",
                 .standard = "RFC 6376 §3.5",
                 .example = "\"example.org\"",
                 .required = true});
    k.push_back({.path = "dkim[].selector",
                 .ref = EACH(dkim, selector),
                 .doc = "The selector of key, where DNS has its public half.",
                 .standard = "RFC 6376 §3.1",
                 .example = "\"s2026\"",
                 .default_words = "those of the keys that dawk dkim keeps"});
    k.push_back({.path = "dkim[].key",
                 .ref = EACH(dkim, key),
                 .doc = "A private key for the server only: a PEM file, or the pkcs11: URI of one "
                        "in a token. With several [[dkim]] for one domain its mail has as many "
                        "signatures, as with RSA and Ed25519 side by side.",
                 .standard = "RFC 8463, RFC 7512",
                 .example = "\"/etc/dawk/dkim/example.org.pem\"",
                 .default_words = "the keys that dawk dkim keeps in state_dir/dkim"});
    k.push_back({.path = "dkim[].headers",
                 .ref = EACH(dkim, headers),
                 .doc = "The fields that are signed where they occur.",
                 .standard = "RFC 6376 §5.4",
                 .example = "[\"Sender\", \"Reply-To\", \"References\"]",
                 .default_words = "what RFC 6376 advises"});
    k.push_back({.path = "dkim[].oversign",
                 .ref = EACH(dkim, oversign),
                 .doc = "The fields that are signed once more than they occur, so that none can be "
                        "added. From always is.",
                 .standard = "RFC 6376 §8.15",
                 .example = "[\"From\", \"To\", \"Cc\", \"Subject\", \"Date\"]",
                 .default_words = "From, To, Cc, Subject, Date, Message-ID and those of MIME"});
    k.push_back({.path = "dkim[].expire",
                 .ref = EACH(dkim, expire),
                 .doc = "How long a signature is good; 0s for ever. Longer than queue.expire, or "
                        "mail that waits arrives with a signature that has run out.",
                 .standard = "RFC 6376 §3.5",
                 .max = 365 * day});
    k.push_back({.path = "dkim[].canonicalization",
                 .ref = EACH(dkim, canonicalization),
                 .doc = "How much a signature bears on the way, header fields before body: relaxed "
                        "bears changes of white space, simple none.",
                 .standard = "RFC 6376 §3.4",
                 .choices = "relaxed/relaxed, relaxed/simple, simple/relaxed, simple/simple"});
}

void add_queue(Keys& k) {
    k.push_back({.path = "queue.retry",
                 .ref = AT(queue.retry),
                 .doc = "The waits between attempts to deliver to a recipient. The last repeats.",
                 .standard = "RFC 5321 §4.5.4.1",
                 .min = second,
                 .max = 7 * day});
    k.push_back({.path = "queue.jitter",
                 .ref = AT(queue.jitter),
                 .doc =
                     "How much each wait is varied at random, so that messages deferred together "
                     "do not come back together: 0.1 is 10 percent either way. At most 0.5."});
    k.push_back({.path = "queue.expire",
                 .ref = AT(queue.expire),
                 .doc = "When to give up, and tell the sender.",
                 .standard = "RFC 5321 §4.5.4.1",
                 .min = second,
                 .max = 60 * day,
                 .advised_min = 4 * day});
    k.push_back({.path = "queue.expire_bounce",
                 .ref = AT(queue.expire_bounce),
                 .doc = "When to give up on a message without sender, such as a bounce.",
                 .min = second,
                 .max = 60 * day});
    k.push_back({.path = "queue.warn_after",
                 .ref = AT(queue.warn_after),
                 .doc = "When to tell the sender that a message is still waiting; 0s for never.",
                 .standard = "RFC 3461 §4.1",
                 .max = 60 * day});
}

void add_destinations(Keys& k) {
    k.push_back({.path = "queue.backoff_first",
                 .ref = AT(queue.backoff_first),
                 .doc = "After a destination failed as a whole, the wait before one message tries "
                        "it again; doubled with each failure.",
                 .min = second,
                 .max = day});
    k.push_back({.path = "queue.backoff_max",
                 .ref = AT(queue.backoff_max),
                 .doc = "The longest such wait.",
                 .min = second,
                 .max = 7 * day});
    k.push_back({.path = "queue.connections_per_destination",
                 .ref = AT(queue.connections_per_destination),
                 .doc = "Connections at once to one destination.",
                 .min = 1,
                 .max = 10'000});
    k.push_back({.path = "queue.connections",
                 .ref = AT(queue.connections_all),
                 .doc = "Connections at once to all destinations.",
                 .min = 1,
                 .max = 100'000});
    k.push_back({.path = "queue.messages_per_connection",
                 .ref = AT(queue.messages_per_connection),
                 .doc = "Messages over one connection before a new one is made.",
                 .min = 1,
                 .max = count_max});
    k.push_back({.path = "queue.connection_reuse",
                 .ref = AT(queue.connection_reuse),
                 .doc = "The age at which a connection is not used for a further message.",
                 .min = second,
                 .max = day});
    k.push_back({.path = "queue.connection_idle",
                 .ref = AT(queue.connection_idle),
                 .doc = "How long a connection stays open without work; 0s closes it at once.",
                 .max = 5 * minute});
    k.push_back({.path = "queue.recipients_per_transaction",
                 .ref = AT(queue.recipients_per_transaction),
                 .doc = "Recipients of one message in one transaction. Every server takes 100.",
                 .standard = "RFC 5321 §4.5.3.1.8",
                 .min = 1,
                 .max = 50'000});
    k.push_back({.path = "queue.hot_content",
                 .ref = AT(queue.hot_content_bytes),
                 .doc = "Memory for messages just received, so that they need not be read back for "
                        "delivery.",
                 .max = 64 * gib,
                 .is_size = true});
    k.push_back({.path = "queue.ready_per_destination",
                 .ref = AT(queue.ready_per_destination),
                 .doc = "Messages of one destination loaded ahead of their turn.",
                 .min = 1,
                 .max = 1'000'000});
    k.push_back({.path = "queue.ready",
                 .ref = AT(queue.ready_all),
                 .doc = "Messages of all destinations loaded ahead of their turn.",
                 .min = 1,
                 .max = count_max});
}

void add_limits(Keys& k) {
    k.push_back({.path = "limits.message_size",
                 .ref = AT(limits.smtp.message_size_bytes),
                 .doc = "The largest message accepted; announced with SIZE. 0 for no limit.",
                 .standard = "RFC 1870; RFC 5321 §4.5.3.1.7",
                 .max = 16 * gib,
                 .advised_min = 64 * kib,
                 .is_size = true});
    k.push_back({.path = "limits.recipients",
                 .ref = AT(limits.smtp.recipients),
                 .doc = "Recipients of one transaction; further ones are asked to come again.",
                 .standard = "RFC 5321 §4.5.3.1.8",
                 .min = 1,
                 .max = 100'000,
                 .advised_min = 100});
    k.push_back({.path = "limits.command_line",
                 .ref = AT(limits.smtp.command_line_bytes),
                 .doc = "The longest command.",
                 .standard = "RFC 5321 §4.5.3.1.4",
                 .min = 512,
                 .max = mib,
                 .is_size = true});
    k.push_back({.path = "limits.auth_line",
                 .ref = AT(limits.smtp.auth_line_bytes),
                 .doc = "The longest line of an AUTH exchange.",
                 .standard = "RFC 4954 §4",
                 .min = 512,
                 .max = mib,
                 .is_size = true});
    k.push_back({.path = "limits.header",
                 .ref = AT(limits.smtp.header_bytes),
                 .doc = "The longest header section of a message.",
                 .min = 4 * kib,
                 .max = 16 * mib,
                 .is_size = true});
}

void add_session_limits(Keys& k) {
    k.push_back({.path = "limits.hops",
                 .ref = AT(limits.smtp.hops),
                 .doc = "Received fields, above which a message is taken to go in circles.",
                 .standard = "RFC 5321 §6.3",
                 .min = 10,
                 .max = 1000,
                 .advised_min = 100});
    k.push_back({.path = "limits.errors",
                 .ref = AT(limits.smtp.errors),
                 .doc = "Refused commands in one session before it is ended.",
                 .min = 1,
                 .max = 10'000});
    k.push_back({.path = "limits.unknown_recipients",
                 .ref = AT(limits.smtp.unknown_recipients),
                 .doc = "Unknown recipients in one session before it is ended.",
                 .min = 1,
                 .max = 100'000});
    k.push_back({.path = "limits.auth_failures",
                 .ref = AT(limits.smtp.auth_failures),
                 .doc = "Failed logins in one session before it is ended.",
                 .standard = "RFC 4954 §4",
                 .min = 1,
                 .max = 100});
    k.push_back({.path = "limits.transactions",
                 .ref = AT(limits.smtp.transactions),
                 .doc = "Messages over one connection before it is ended.",
                 .min = 1,
                 .max = count_max});
    k.push_back({.path = "limits.connections",
                 .ref = AT(limits.connections),
                 .doc = "Connections from all clients at once.",
                 .min = 1,
                 .max = 1'000'000});
    k.push_back({.path = "limits.connections_per_address",
                 .ref = AT(limits.connections_per_address),
                 .doc = "Connections from one address at once. This machine and the networks in "
                        "allow are not counted.",
                 .min = 1,
                 .max = 1'000'000});
    k.push_back({.path = "limits.banner_delay",
                 .ref = AT(limits.banner_delay),
                 .doc = "How long strangers wait for our greeting. Programs that send spam often "
                        "do not wait; 0 notices only what came before the connection was taken.",
                 .max = minute});
    k.push_back({.path = "limits.refuse_early_talkers",
                 .ref = AT(limits.refuse_early_talkers),
                 .doc = "Who sends before our greeting is refused. Otherwise it is only noted in "
                        "the log.",
                 .standard = "RFC 5321 §4.3.1"});
    k.push_back({.path = "limits.disk_free_min",
                 .ref = AT(limits.disk_free_min_bytes),
                 .doc = "With less free space than this in state_dir, new mail is asked to come "
                        "again.",
                 .standard = "RFC 3463 §3.5 (4.3.1)",
                 .max = 1024 * gib,
                 .is_size = true});
}

Key timeout(std::string_view path, Ref (*ref)(mta::Settings&, std::size_t), std::string_view doc,
            std::string_view standard, std::int64_t advised_min) {
    return {.path = path,
            .ref = ref,
            .doc = doc,
            .standard = standard,
            .min = second,
            .max = day,
            .advised_min = advised_min};
}

void add_timeouts(Keys& k) {
    k.push_back(timeout("timeouts.server.command", AT(server_timeouts.command),
                        "For the client's next command.", "RFC 5321 §4.5.3.2.7", 5 * minute));
    k.push_back(timeout("timeouts.server.data_block", AT(server_timeouts.data_block),
                        "For the next piece of a message.", "RFC 5321 §4.5.3.2.5", 3 * minute));
    k.push_back(timeout("timeouts.server.transaction", AT(server_timeouts.transaction),
                        "For the whole of a message up to 64 MiB; longer ones get more.", "", 0));
    k.push_back(timeout("timeouts.server.tls_handshake", AT(server_timeouts.tls_handshake),
                        "For the handshake of TLS.", "", 0));
    k.push_back(timeout("timeouts.client.connect", AT(client_timeouts.connect),
                        "For a connection to one address.", "", 0));
    k.push_back(timeout("timeouts.client.banner", AT(client_timeouts.banner),
                        "For the server's greeting.", "RFC 5321 §4.5.3.2.1", 5 * minute));
    k.push_back(timeout("timeouts.client.ehlo", AT(client_timeouts.ehlo),
                        "For the reply to EHLO, STARTTLS and AUTH.", "", 0));
    k.push_back(timeout("timeouts.client.tls_handshake", AT(client_timeouts.tls_handshake),
                        "For the handshake of TLS.", "", 0));
    k.push_back(timeout("timeouts.client.mail", AT(client_timeouts.mail), "For the reply to MAIL.",
                        "RFC 5321 §4.5.3.2.2", 5 * minute));
    k.push_back(timeout("timeouts.client.rcpt", AT(client_timeouts.rcpt), "For the reply to RCPT.",
                        "RFC 5321 §4.5.3.2.3", 5 * minute));
    k.push_back(timeout("timeouts.client.data_start", AT(client_timeouts.data_start),
                        "For the reply to DATA.", "RFC 5321 §4.5.3.2.4", 2 * minute));
    k.push_back(timeout("timeouts.client.data_block", AT(client_timeouts.data_block),
                        "For the server to take the next piece of a message.",
                        "RFC 5321 §4.5.3.2.5", 3 * minute));
    k.push_back(timeout("timeouts.client.data_end", AT(client_timeouts.data_end),
                        "For the reply to a message. Too short, and messages arrive twice.",
                        "RFC 5321 §4.5.3.2.6", 10 * minute));
    k.push_back(
        timeout("timeouts.client.quit", AT(client_timeouts.quit), "For the reply to QUIT.", "", 0));
}

constexpr std::string_view actions = "accept, tag, quarantine, reject";

void add_auth(Keys& k) {
    k.push_back({.path = "auth.verify",
                 .ref = AT(auth.verify),
                 .doc =
                     "Whether listeners with service mx find out who really sent a message: SPF, "
                     "DKIM, DMARC, ARC and reverse DNS. The results go into an "
                     "Authentication-Results field, and dawk explain tells them.",
                 .standard = "RFC 8601"});
    k.push_back({.path = "auth.id",
                 .ref = AT(auth.id),
                 .doc = "The name under which results are written. Fields of others that bear it "
                        "are taken out.",
                 .standard = "RFC 8601 §2.5, §5",
                 .example = "\"example.org\"",
                 .default_words = "hostname"});
    k.push_back({.path = "auth.exempt",
                 .ref = AT(auth.exempt),
                 .doc = "The networks whose mail is not examined."});
    k.push_back({.path = "auth.timeout",
                 .ref = AT(auth.timeout),
                 .doc = "How long DNS may take for what is asked of the sender, and again for what "
                        "is asked of the message.",
                 .standard = "RFC 7208 §4.6.4",
                 .min = second,
                 .max = 5 * minute,
                 .advised_min = 20 * second});
    k.push_back({.path = "auth.dns_failure",
                 .ref = AT(auth.dns_failure),
                 .doc = "What is done when DNS does not answer what a verdict hangs on: accept the "
                        "message as it is, or defer it with 451.",
                 .standard = "RFC 9989 §5.3.6; RFC 7208 §8.6",
                 .choices = "accept, defer"});
    k.push_back({.path = "auth.quarantine_folder",
                 .ref = AT(auth.quarantine_folder),
                 .doc = "The folder of a Maildir that mail in quarantine is delivered to. Mail for "
                        "other programs has the field X-Quarantine to go by.",
                 .example = "\"Junk\""});
    k.push_back({.path = "auth.forwarders",
                 .ref = AT(auth.forwarders),
                 .doc = "The networks of those who forward mail to us for our users: what fails "
                        "from there is accepted.",
                 .standard = "RFC 7960",
                 .example = "[\"192.0.2.0/24\"]"});
    k.push_back({.path = "auth.arc_trusted",
                 .ref = AT(auth.arc_trusted),
                 .doc = "The domains whose ARC seals are believed: what fails here is accepted if "
                        "one of them saw DMARC pass.",
                 .standard = "RFC 8617 §7.2",
                 .example = "[\"lists.example.org\"]"});
    k.push_back({.path = "auth.arc_seal",
                 .ref = AT(auth.arc_seal),
                 .doc = "The domain in whose name examined mail is sealed with ARC when it goes on "
                        "to another server, as by an alias to elsewhere. It is done with the "
                        "domain's key for DKIM.",
                 .standard = "RFC 8617 §5.1",
                 .example = "\"example.org\"",
                 .default_words = "nothing is sealed"});
}

Key action(std::string_view path, Ref (*ref)(mta::Settings&, std::size_t), std::string_view doc,
           std::string_view standard = {}) {
    return {.path = path, .ref = ref, .doc = doc, .standard = standard, .choices = actions};
}

void add_auth_actions(Keys& k) {
    k.push_back(action("auth.spf.fail", AT(auth.actions.spf_fail),
                       "The domain of MAIL FROM says that this client may not send for it. Those "
                       "who forward mail look like that, too.",
                       "RFC 7208 §8.4"));
    k.push_back(action("auth.spf.softfail", AT(auth.actions.spf_softfail),
                       "It says that probably it may not.", "RFC 7208 §8.5"));
    k.push_back(action("auth.spf.permerror", AT(auth.actions.spf_permerror),
                       "What it says cannot be understood.", "RFC 7208 §8.7"));
    k.push_back(action("auth.spf.helo_fail", AT(auth.actions.helo_fail),
                       "The name in EHLO says that this client may not use it.", "RFC 7208 §2.3"));
    k.push_back(action("auth.dkim.fail", AT(auth.actions.dkim_fail),
                       "There are signatures, and none of them passes.", "RFC 6376 §6.3"));
    k.push_back(action("auth.dmarc.none", AT(auth.actions.dmarc_none),
                       "DMARC fails, and the author's domain asks for nothing.", "RFC 9989 §5.4"));
    k.push_back(action("auth.dmarc.quarantine", AT(auth.actions.dmarc_quarantine),
                       "DMARC fails, and the author's domain asks for quarantine.",
                       "RFC 9989 §5.4"));
    k.push_back(action("auth.dmarc.reject", AT(auth.actions.dmarc_reject),
                       "DMARC fails, and the author's domain asks to reject. That alone must not "
                       "be the reason to do so: mailing lists would lose their subscribers.",
                       "RFC 9989 §7.4"));
    k.push_back(action("auth.dmarc.permerror", AT(auth.actions.dmarc_permerror),
                       "The message does not have exactly one author domain, so that nobody's "
                       "policy applies.",
                       "RFC 9989 §11.5"));
}

#define IN_RULE(member) EACH(auth_rules, member)

void add_auth_rules(Keys& k) {
    k.push_back({.path = "auth_rule[].from",
                 .ref = IN_RULE(from),
                 .doc = "For mail of these domains, by author or MAIL FROM: a domain, or "
                        "\".domain\" for everything below it. Without, of all.",
                 .example = "[\"bank.example\", \".bank.example\"]"});
    k.push_back({.path = "auth_rule[].to",
                 .ref = IN_RULE(to),
                 .doc = "For mail to these domains of ours. Without, to all. A message is rejected "
                        "if that is the choice for all of its recipients; else it goes into "
                        "quarantine for those whose choice it is.",
                 .example = "[\"example.org\"]"});
    k.push_back(action("auth_rule[].spf_fail", IN_RULE(actions.spf_fail), "As auth.spf.fail."));
    k.push_back(
        action("auth_rule[].spf_softfail", IN_RULE(actions.spf_softfail), "As auth.spf.softfail."));
    k.push_back(action("auth_rule[].spf_permerror", IN_RULE(actions.spf_permerror),
                       "As auth.spf.permerror."));
    k.push_back(
        action("auth_rule[].helo_fail", IN_RULE(actions.helo_fail), "As auth.spf.helo_fail."));
    k.push_back(action("auth_rule[].dkim_fail", IN_RULE(actions.dkim_fail), "As auth.dkim.fail."));
    k.push_back(
        action("auth_rule[].dmarc_none", IN_RULE(actions.dmarc_none), "As auth.dmarc.none."));
    k.push_back(action("auth_rule[].dmarc_quarantine", IN_RULE(actions.dmarc_quarantine),
                       "As auth.dmarc.quarantine."));
    k.push_back(
        action("auth_rule[].dmarc_reject", IN_RULE(actions.dmarc_reject), "As auth.dmarc.reject."));
    k.push_back(action("auth_rule[].dmarc_permerror", IN_RULE(actions.dmarc_permerror),
                       "As auth.dmarc.permerror."));
    for (auto& key : k)
        if (key.section() == "auth_rule[]" && !key.choices.empty())
            key.default_words = "as in general", key.example = "\"reject\"";
}

void add_rest(Keys& k) {
    k.push_back({.path = "spool.large_content",
                 .ref = AT(spool.large_content_bytes),
                 .doc = "Messages larger than this get a file of their own.",
                 .min = 4 * kib,
                 .max = 64 * mib,
                 .is_size = true});
    k.push_back({.path = "spool.history_age",
                 .ref = AT(spool.history_age),
                 .doc = "How long what happened to each message is remembered; in whole hours.",
                 .min = hour,
                 .max = 3650 * day});
    k.push_back({.path = "spool.history_size",
                 .ref = AT(spool.history_bytes),
                 .doc = "How much of that is kept at most.",
                 .min = mib,
                 .max = 1024 * gib,
                 .is_size = true});
    k.push_back({.path = "log.file",
                 .ref = AT(log.file),
                 .doc = "Where the log goes: a file, or \"-\" for standard output.",
                 .example = "\"-\"",
                 .default_words = "standard output"});
    k.push_back({.path = "log.level",
                 .ref = AT(log.level),
                 .doc = "What is logged: error, warning, info or debug.",
                 .choices = "error, warning, info, debug"});
    k.push_back({.path = "log.subjects",
                 .ref = AT(log.subjects),
                 .doc = "Whether subjects of messages are logged."});
}

void add_dmarc_reports(Keys& k) {
    k.push_back({.path = "dmarc.reports.from",
                 .ref = AT(dmarc_reports.from),
                 .doc = "Whose the reports are that this server sends once a day to domains that "
                        "ask for them. Mail from this address must pass DMARC itself, or nobody "
                        "takes the reports. Without it nothing is collected and nothing sent.",
                 .standard = "RFC 9990",
                 .example = "\"dmarc-reports@example.org\"",
                 .default_words = "no reports"});
    k.push_back({.path = "dmarc.reports.organization",
                 .ref = AT(dmarc_reports.organization),
                 .doc = "The name of who reports, as people know it.",
                 .example = "\"Example Org\"",
                 .default_words = "hostname"});
    k.push_back({.path = "dmarc.reports.contact",
                 .ref = AT(dmarc_reports.contact),
                 .doc = "What else helps those with questions, a web page for example.",
                 .example = "\"https://example.org/mail\""});
    k.push_back({.path = "dmarc.reports.size",
                 .ref = AT(dmarc_reports.size_max_bytes),
                 .doc = "The largest report that is sent, as a message.",
                 .min = 64 * kib,
                 .max = 100 * mib,
                 .is_size = true});
    k.push_back({.path = "dmarc.reports.inbox",
                 .ref = AT(dmarc_reports.inbox),
                 .doc = "The address in the rua tag of our own domains. What comes to it is "
                        "delivered as ever, and read if DMARC, SPF or DKIM says whose it is: dawk "
                        "report dmarc shows it. It must be an address of ours that takes mail.",
                 .standard = "RFC 9990",
                 .example = "\"dmarc@example.org\"",
                 .default_words = "none"});
    k.push_back({.path = "dmarc.reports.keep",
                 .ref = AT(dmarc_reports.keep),
                 .doc = "How long reports of others, and what ours are made of, are kept; in whole "
                        "hours.",
                 .min = 7 * day,
                 .max = 3650 * day});
    k.push_back({.path = "dmarc.reports.failures",
                 .ref = AT(dmarc_reports.failures),
                 .doc = "Whether single messages that fail are also reported, at once, to domains "
                        "that ask for it. The header of the message goes along, without the fields "
                        "that name its recipients; think of whose it is.",
                 .standard = "RFC 9991"});
    k.push_back({.path = "dmarc.reports.failures_per_hour",
                 .ref = AT(dmarc_reports.failures_per_hour),
                 .doc = "How many of these are sent in an hour at most, in all. For one domain and "
                        "source it is one.",
                 .min = 1,
                 .max = 10'000});
}

Keys make_keys() {
    Keys k;
    add_top(k);
    add_listeners(k);
    add_places(k);
    add_routes(k);
    add_dkim(k);
    add_queue(k);
    add_destinations(k);
    add_limits(k);
    add_session_limits(k);
    add_timeouts(k);
    add_auth(k);
    add_auth_actions(k);
    add_auth_rules(k);
    add_dmarc_reports(k);
    add_rest(k);
    return k;
}

}  // namespace

std::vector<Key> const& keys() {
    static Keys const table = make_keys();
    return table;
}

std::vector<Section> const& sections() {
    static std::vector<Section> const table = {
        {"", "The server itself."},
        {"listener[]", "One [[listener]] for each place where the server takes connections."},
        {"tls", "The identity that all listeners with TLS show."},
        {"http", "The web console, metrics and the API."},
        {"domain[]", "One [[domain]] for each domain with settings of its own."},
        {"route[]", "One [[route]] for each exception from delivery as DNS says."},
        {"delivery", "What domains and routes leave unsaid."},
        {"dkim[]",
         "One [[dkim]] for each domain whose mail is signed in another way than by default, and "
         "for each key that dawk dkim does not keep. Without any, mail from a domain is signed "
         "with the keys that dawk dkim made for it."},
        {"dns", "Where DNS is asked."},
        {"queue", "When delivery is tried, and how much at once."},
        {"limits", "What one client, session or message may take."},
        {"timeouts.server", "How long clients are waited for."},
        {"timeouts.client", "How long other servers are waited for."},
        {"auth", "Who really sent a message."},
        {"auth.spf",
         "What is done by what SPF finds: accept; tag, with a field X-Auth-Warning; "
         "quarantine; reject."},
        {"auth.dkim", "The same by what DKIM finds."},
        {"auth.dmarc",
         "The same by what DMARC finds. Of several findings the worst action counts."},
        {"auth_rule[]",
         "One [[auth_rule]] for each exception from these; the first that fits "
         "counts."},
        {"dmarc.reports", "DMARC reports: ours to others, and those of others."},
        {"spool", "How messages and their history are kept."},
        {"log", "What is written down."},
    };
    return table;
}

Key const* find_key(std::string_view path) noexcept {
    auto const& table = keys();
    auto const at =
        std::find_if(table.begin(), table.end(), [&](Key const& k) { return k.path == path; });
    return at == table.end() ? nullptr : &*at;
}

}  // namespace dawk::config
