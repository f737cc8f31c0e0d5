#include "dawk/config/config.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <boost/pfr.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/config/document.hpp"
#include "dawk/config/keys.hpp"
#include "dawk/config/manual.hpp"

namespace dawk::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view least = "hostname = \"mx.dawk.test\"\nstate_dir = \"var\"\n";
constexpr std::string_view identity =
    "[tls]\ncertificate = \"var/cert.pem\"\nkey = \"var/key.pem\"\n";

// Settings of a text that begins with what must be there.
mta::SettingsPtr settings_of(std::string_view text) {
    auto const loaded = load_text(std::string(least) + std::string(text), "t.toml");
    EXPECT_TRUE(loaded.settings) << loaded.text();
    return loaded.settings ? loaded.settings : std::make_shared<mta::Settings>();
}

// The problems of a text that begins with two lines, which are there.
std::string problems_of(std::string_view text) {
    return load_text(std::string(least) + std::string(text), "t.toml").text();
}

std::string file_text(std::string const& name) {
    std::ifstream in(std::string(DAWK_SOURCE_DIR) + "/" + name);
    EXPECT_TRUE(in) << name;
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Load, TheQuickstartAsItIs) {
    auto const loaded = load(DAWK_SOURCE_DIR "/examples/quickstart.toml");
    ASSERT_TRUE(loaded.settings) << loaded.text();
    EXPECT_THAT(loaded.problems, IsEmpty()) << loaded.text();
    auto const& s = *loaded.settings;
    EXPECT_EQ(s.hostname, "mx.dawk.test");
    EXPECT_EQ(s.state_dir, "var");
    EXPECT_EQ(s.admin_socket, "var/dawk.sock");
    EXPECT_EQ(s.postmaster, "postmaster@dawk.test");
    ASSERT_EQ(s.listeners.size(), 3U);
    EXPECT_EQ(s.listeners[0].address, "127.0.0.1:2525");
    EXPECT_EQ(s.listeners[0].service, mta::Service::mx);
    EXPECT_EQ(s.listeners[0].tls, mta::ListenerTls::starttls);
    EXPECT_EQ(s.listeners[1].service, mta::Service::submission);
    EXPECT_EQ(s.listeners[2].tls, mta::ListenerTls::implicit);
    EXPECT_EQ(s.tls.certificate, "var/tls/cert.pem");
    EXPECT_EQ(s.tls.key, "var/tls/key.pem");
    EXPECT_EQ(s.http_address, "127.0.0.1:8025");
    ASSERT_EQ(s.routing.domains.size(), 1U);
    EXPECT_EQ(s.routing.domains[0].name, "dawk.test");
    EXPECT_EQ(s.routing.domains[0].deliver, "maildir:var/mail/{domain}/{local}");
}

TEST(Load, LittleIsNeededAndTheRestIsTheStandards) {
    auto const settings = settings_of("");
    mta::Settings const untouched;
    EXPECT_EQ(settings->limits.smtp.message_size_bytes, untouched.limits.smtp.message_size_bytes);
    EXPECT_EQ(settings->queue.retry, untouched.queue.retry);
    EXPECT_EQ(settings->server_timeouts.command, std::chrono::minutes(5));
    EXPECT_EQ(settings->routing.default_deliver, "maildir:var/mail/{domain}/{local}");
    EXPECT_EQ(settings->postmaster, "postmaster@mx.dawk.test");
    EXPECT_EQ(problems_of(""),
              "t.toml: warning: there is no [[listener]]: nothing will be received\n");
}

TEST(Load, EveryTypeOfValue) {
    auto const s = settings_of(R"(
threads = 4
grace = "1m30s"
[queue]
retry = ["1m", "2h"]
jitter = 0
hot_content = 1048576
[limits]
message_size = "25MiB"
recipients = 500
[spool]
history_age = "7d"
[log]
level = "debug"
subjects = true
[dns]
forwarders = ["127.0.0.1:5353", "[::1]:53"]
timeout = "5s"
[timeouts.client]
connect = "10s"
[delivery]
mx_port = 2600
[[route]]
to = "partner.test"
via = "smtp:127.0.0.1:2600"
[[route]]
to = ".example"
via = "mx"
tls = "verified"
)");
    EXPECT_EQ(s->threads, 4U);
    EXPECT_EQ(s->grace, std::chrono::seconds(90));
    EXPECT_THAT(s->queue.retry, ElementsAre(std::chrono::minutes(1), std::chrono::hours(2)));
    EXPECT_EQ(s->queue.jitter, 0.0);
    EXPECT_EQ(s->queue.hot_content_bytes, 1048576U);
    EXPECT_EQ(s->limits.smtp.message_size_bytes, 25U << 20U);
    EXPECT_EQ(s->limits.smtp.recipients, 500U);
    EXPECT_EQ(s->spool.history_age, std::chrono::hours(168));
    EXPECT_EQ(s->log.level, "debug");
    EXPECT_TRUE(s->log.subjects);
    EXPECT_THAT(s->dns.forwarders, ElementsAre("127.0.0.1:5353", "[::1]:53"));
    EXPECT_EQ(s->dns.timeout, std::chrono::seconds(5));
    EXPECT_EQ(s->client_timeouts.connect, std::chrono::seconds(10));
    EXPECT_EQ(s->mx_port, 2600);
    ASSERT_EQ(s->routing.routes.size(), 2U);
    EXPECT_FALSE(s->routing.routes[0].tls);
    EXPECT_EQ(s->routing.routes[1].tls, routing::TlsMode::verified);
}

TEST(Load, AllProblemsAtOnceWithTheirPlaces) {
    auto const loaded = load_text(R"(hostnam = "mx.dawk.test"
state_dir = 5
[[listener]]
address = "127.0.0.1:2525"
service = "submision"
[queue]
retry = "5m"
expire = 5
[limits]
recipients = 0
retry = 1
)",
                                  "x.toml");
    EXPECT_FALSE(loaded.settings);
    auto const text = loaded.text();
    EXPECT_THAT(text, HasSubstr("x.toml:1:1: error: hostnam: there is no such key; did you mean "
                                "hostname?\n"));
    EXPECT_THAT(text, HasSubstr("x.toml: error: hostname: this key must be given; as in hostname = "
                                "\"mx.example.org\"\n"));
    EXPECT_THAT(text, HasSubstr("x.toml:2:13: error: state_dir: a text in quotes is expected, but "
                                "this is a whole number; write state_dir = \"5\"\n"));
    EXPECT_THAT(text, HasSubstr("x.toml:5:11: error: listener[1].service: \"submision\" is none of "
                                "mx, submission, relay; did you mean \"submission\"?\n"));
    EXPECT_THAT(text, HasSubstr("x.toml:7:9: error: queue.retry: a list is expected, but this is a "
                                "text; write retry = [\"5m\"]\n"));
    EXPECT_THAT(text, HasSubstr("x.toml:8:10: error: queue.expire: a duration needs a unit; write "
                                "expire = \"5s\"\n"));
    EXPECT_THAT(text, HasSubstr("x.toml:10:14: error: limits.recipients: this is less than 1, the "
                                "least\n"));
    EXPECT_THAT(text,
                HasSubstr("x.toml:11:1: error: limits.retry: there is no such key; it belongs "
                          "to [queue]\n"));
}

TEST(Load, SyntaxErrorsHaveAPlace) {
    EXPECT_THAT(load_text("a = = 1\n", "x.toml").text(), HasSubstr("x.toml:1:5: error: "));
    EXPECT_THAT(load_text("a = 1\na = 2\n", "x.toml").text(), HasSubstr("x.toml:2:"));
    EXPECT_THAT(load_text("a = \"\xff\"\n", "x.toml").text(), HasSubstr("error: "));
    auto const hint = [](std::string text) {
        auto const told = load_text(text, "x.toml").text();
        auto const semicolon = told.find("; ");
        return semicolon == told.npos ? told : told.substr(semicolon + 2);
    };
    EXPECT_EQ(hint("hostname = mx.a.test # ours\n"), "write hostname = \"mx.a.test\"\n");
    EXPECT_EQ(hint("[queue]\n  expire=5d\n"), "write expire = \"5d\"\n");
    EXPECT_EQ(hint("a = 1\na = 2\n"), "it stands above already; remove one of the two\n");
    EXPECT_EQ(hint("a = \"x\n"), "the text needs a quotation mark at its end\n");
    EXPECT_EQ(hint("a =\n"), "write a = and a value\n");
    EXPECT_EQ(hint("hostname mx.a.test\n"), "write key = value, or [table]\n");
    EXPECT_EQ(hint("[[listener]\n"), "write [name] for a table, [[name]] for one of several\n");
    EXPECT_EQ(hint("a = [\"x\"\nb = 1\n"), "a list ends with ], and has commas between\n");
    EXPECT_THAT(load_text(std::string(document_bytes_max + 1, ' '), "x.toml").text(),
                HasSubstr("larger than 1 MiB"));
    // What toml++ itself asserts to be impossible.
    for (auto const* text : {"[#", "[#x]\na = 1\n", "[[#", "[\x01", "\xC7\xAC\r", "a = 1\xC7\xAC"})
        EXPECT_THAT(load_text(text, "x.toml").text(), HasSubstr("x.toml:1:")) << text;
    std::string const deep(5000, '[');
    EXPECT_THAT(load_text("a = " + deep, "x.toml").text(), HasSubstr("error: "));
}

TEST(Load, AFileWithErrorsStillTellsWhereTheServerIs) {
    auto const bad = load_text("hostname = 5\nstate_dir = \"/x\"\n", "x.toml");
    EXPECT_FALSE(bad.settings);
    EXPECT_EQ(bad.admin_socket, "/x/dawk.sock");
    EXPECT_EQ(load_text("admin_socket = \"/run/d\"\nstate_dir = \"/x\"\n", "").admin_socket,
              "/run/d");
    EXPECT_EQ(load_text("hostname = \"a.test\"\n", "").admin_socket, "");
    EXPECT_EQ(load_text("state_dir = \"/x\"\nx = = 1\n", "").admin_socket, "");
}

TEST(Load, AFileThatCannotBeReadIsSaid) {
    EXPECT_EQ(load("/nonexistent/dawk.toml").text(),
              "/nonexistent/dawk.toml: error: cannot be read: No such file or directory\n");
    EXPECT_THAT(load("/").text(), HasSubstr("directory"));
}

TEST(Load, TablesAndListsAreNotMixedUp) {
    EXPECT_THAT(
        problems_of("queue = 5\n"),
        HasSubstr("t.toml:3:1: error: queue: this is a table, not a key with a value; write "
                  "[queue] on a line of its own\n"));
    EXPECT_THAT(problems_of("[listener]\naddress = \"127.0.0.1:1\"\n"),
                HasSubstr("listener: there may be several of these; write [[listener]]"));
    EXPECT_THAT(problems_of("listener = [1]\n"), HasSubstr("listener[1]: a table is expected"));
    EXPECT_THAT(problems_of("[queue.retry]\nx = 1\n"), HasSubstr("a list is expected"));
    EXPECT_THAT(problems_of("[nonsense]\nx = 1\n"), HasSubstr("nonsense: there is no such key"));
    EXPECT_THAT(problems_of("[queue]\nhostname = \"x\"\n"),
                HasSubstr("hostname stands at the top, before any [table]"));
}

TEST(Load, WrongValuesAreToldWhatToWrite) {
    struct Row {
        std::string_view text, problem;
    };
    for (auto const& row : {
             Row{"threads = \"4\"", "write threads = 4, without quotes"},
             Row{"threads = -1", "less than 0"},
             Row{"threads = 257", "more than 256"},
             Row{"threads = 1.5", "a whole number is expected, but this is a fraction"},
             Row{"grace = \"5 minutes\"", "\"5 minutes\" is not a duration; write numbers with"},
             Row{"grace = \"1500ms\"", "not in whole seconds"},
             Row{"grace = \"2h\"", "more than \"1h\", the most"},
             Row{"log.subjects = \"yes\"", "write true or false, without quotes"},
             Row{"queue.jitter = 0.6", "not from 0.0 to 0.5"},
             Row{"queue.jitter = nan", "not from 0.0 to 0.5"},
             Row{"queue.jitter = \"a\"", "a fraction is expected"},
             Row{"queue.retry = []", "at least one wait"},
             Row{"queue.retry = [\"5m\", 10]", "t.toml:3:22: error: queue.retry: a duration needs"},
             Row{"queue.retry = [\"0s\"]", "less than \"1s\""},
             Row{"limits.message_size = \"25 MB\"", "is not a size"},
             Row{"limits.message_size = \"17GiB\"", "more than \"16GiB\""},
             Row{"limits.command_line = 100", "less than \"512B\""},
             Row{"limits.recipients = 99999999999999", "more than 100000"},
             Row{"spool.history_age = \"90m\"", "not in whole hours"},
             Row{"log.level = \"warn\"", "did you mean \"warning\"?"},
             Row{"log.file = \"a\\u0000b\"", "holds a control character"},
             Row{"dns.forwarders = [53]", "a text in quotes is expected"},
             Row{"dns.forwarders = [\"localhost:53\"]", "is not address:port"},
             Row{"http.address = \"8025\"", "is no place to listen"},
             Row{"postmaster = \"root\"", "is not an address"},
             Row{"grace = 2024-01-01", "but this is a date or time"},
         }) {
        auto const loaded = load_text(std::string(least) + std::string(row.text) + '\n', "t.toml");
        EXPECT_FALSE(loaded.settings) << row.text;
        EXPECT_THAT(loaded.text(), HasSubstr(std::string(row.problem))) << row.text;
    }
}

TEST(Check, SubmissionNeedsTls) {  // RFC 8314 §3
    EXPECT_THAT(problems_of("[[listener]]\naddress = \"[::]:587\"\nservice = \"submission\"\n"
                            "tls = \"none\"\n"),
                HasSubstr("t.toml:6:1: error: listener[1].tls: passwords must not travel without "
                          "TLS"));
    EXPECT_THAT(problems_of("[[listener]]\naddress = \"[::]:587\"\nservice = \"submission\"\n"),
                HasSubstr("t.toml:3:1: error: listener[1].tls: there is no certificate to show"));
    EXPECT_THAT(problems_of("[tls]\nkey = \"a\"\n"),
                HasSubstr("certificate and key need each other"));
}

TEST(Check, OpenRelaysAreRefused) {
    auto const relay = [](std::string_view address, std::string_view allow) {
        return problems_of(
            "[[listener]]\naddress = \"" + std::string(address) +
            "\"\nservice = \"relay\"\ntls = \"none\"\nallow = " + std::string(allow) + "\n");
    };
    EXPECT_THAT(relay("[::]:25", "[\"0.0.0.0/0\"]"), HasSubstr("error: listener[1].allow: "
                                                               "\"0.0.0.0/0\" makes this an open "
                                                               "relay"));
    EXPECT_THAT(relay("[::]:25", "[\"10.0.0.0/8\", \"::/0\"]"), HasSubstr("open relay"));
    EXPECT_THAT(relay("[::]:25", "[\"64.0.0.0/2\"]"),
                HasSubstr("warning: listener[1].allow: "
                          "\"64.0.0.0/2\" lets a large part"));
    EXPECT_EQ(relay("[::]:25", "[\"10.0.0.0/8\", \"2001:db8::/32\", \"192.0.2.1\"]"), "");
    EXPECT_EQ(relay("127.0.0.1:25", "[\"0.0.0.0/0\"]"), "");
    EXPECT_THAT(relay("[::]:25", "[]"), HasSubstr("nobody could relay here"));
    EXPECT_THAT(relay("[::]:25", "[\"10.0.0.1/8\"]"), HasSubstr("is not a network"));
    EXPECT_THAT(relay("[::]:25", "[\"example.org\"]"), HasSubstr("is not a network"));
    EXPECT_THAT(problems_of("[[listener]]\naddress = \"[::]:25\"\ntls = \"none\"\nallow = "
                            "[\"10.0.0.0/8\"]\n"),
                HasSubstr("no effect with service mx"));
}

TEST(Check, TheStateFolderHasNoPlaceholders) {
    auto const told =
        load_text("hostname = \"mx.a.test\"\nstate_dir = \"/var/{domain}\"\n", "x.toml").text();
    EXPECT_THAT(told, HasSubstr("x.toml:2:1: error: state_dir: \"/var/{domain}\" has a brace"));
}

TEST(Check, PlacesToListen) {
    auto const at = [](std::string_view address) {
        return problems_of("[[listener]]\naddress = \"" + std::string(address) +
                           "\"\ntls = \"none\"\n");
    };
    for (auto const* good : {"127.0.0.1:2525", "unix:/run/dawk/lmtp", "127.0.0.1:0"})
        EXPECT_EQ(at(good), "") << good;
    for (auto const* bad :
         {"", "25", "localhost:25", "[::]", "systemd:", "systemd:a:b", "127.0.0.1:70000"})
        EXPECT_THAT(at(bad), HasSubstr("is no place to listen")) << bad;
    EXPECT_THAT(at("[::]:25"), HasSubstr("warning: listener[1].tls: others cannot encrypt"));
    EXPECT_THAT(problems_of("[[listener]]\naddress = \"127.0.0.1:25\"\ntls = \"none\"\n"
                            "[[listener]]\naddress = \"127.0.0.1:25\"\ntls = \"none\"\n"),
                HasSubstr("t.toml:7:1: error: listener[2].address: \"127.0.0.1:25\" is taken by "
                          "listener[1]"));
}

TEST(Check, RoutingProblemsHaveThePlaceOfTheirRule) {
    EXPECT_THAT(
        problems_of("[[domain]]\nname = \"a.test\"\n[[domain]]\nname = \"b.test\"\n"
                    "deliver = \"mbox:x\"\n"),
        HasSubstr("t.toml:7:1: error: domain[2].deliver: \"mbox:x\" is not a way to deliver"));
    EXPECT_THAT(problems_of("[[route]]\nto = \"a.test\"\nvia = \"mx\"\n[[route]]\nto = "
                            "\"a.test\"\nvia = \"mx\"\n"),
                HasSubstr("t.toml:7:1: error: route[2].to: it is given twice"));
    EXPECT_THAT(problems_of("[[domain]]\nname = \"a.test\"\n[[route]]\nto = \"a.test\"\nvia = "
                            "\"mx\"\n"),
                HasSubstr("never used"));
    EXPECT_THAT(problems_of("[delivery]\ndefault = \"maildir:x\"\n"), HasSubstr("{local}"));
    EXPECT_THAT(problems_of("[[route]]\nto = \"*\"\nvia = \"smtp:relay.test\"\nuser = \"x\"\n"),
                HasSubstr("no password_file"));
}

TEST(Check, RulesBehindWiderOnesAreNeverUsed) {
    auto const rule = [](std::string from, std::string to) {
        return "[[auth_rule]]\n" + (from.empty() ? "" : "from = [" + from + "]\n") +
               (to.empty() ? "" : "to = [" + to + "]\n") + "spf_fail = \"reject\"\n";
    };
    auto const told = [&](std::string first, std::string second) {
        return problems_of(first + second).find("never used, because auth_rule[1] fits first") !=
               std::string::npos;
    };
    EXPECT_TRUE(told(rule("", ""), rule("\"a.test\"", "")));
    EXPECT_TRUE(told(rule("\".a.test\"", ""), rule("\"x.A.test\", \".y.a.test\"", "\"us.test\"")));
    EXPECT_TRUE(told(rule("\"a.test\"", ""), rule("\"a.test\"", "")));
    EXPECT_FALSE(told(rule("\"a.test\"", ""), rule("", "")));
    EXPECT_FALSE(told(rule("\".a.test\"", ""), rule("\"a.test\"", "")));
    EXPECT_FALSE(told(rule("\"a.test\"", "\"us.test\""), rule("\"a.test\"", "")));
    EXPECT_FALSE(told(rule("\".a.test\"", ""), rule("\"x.a.test\", \"b.test\"", "")));
}

TEST(Check, SignaturesThatCouldNotBe) {
    std::string const domain = "[[dkim]]\ndomain = \"a.test\"\n";
    EXPECT_THAT(problems_of(domain + "expire = \"10d\"\noversign = [\"From\"]\n"),
                Not(HasSubstr("dkim")));
    EXPECT_THAT(problems_of("[[dkim]]\ndomain = \"[192.0.2.1]\"\n"), HasSubstr("not a domain"));
    EXPECT_THAT(problems_of("[[dkim]]\nselector = \"s\"\n"), HasSubstr("dkim[1].domain"));
    EXPECT_THAT(problems_of(domain + "selector = \"s\"\n"),
                HasSubstr("error: dkim[1].key: selector and key need each other"));
    EXPECT_THAT(problems_of(domain + "key = \"k.pem\"\n"), HasSubstr("dkim[1].selector"));
    EXPECT_THAT(problems_of(domain + "selector = \"a b\"\nkey = \"k.pem\"\n"),
                HasSubstr("cannot stand in a name of DNS"));
    EXPECT_THAT(problems_of(domain + "headers = [\"Received\"]\n"),
                HasSubstr("it changes on the way"));
    EXPECT_THAT(problems_of(domain + "oversign = [\"a:b\"]\n"), HasSubstr("name of a field"));
    EXPECT_THAT(problems_of(domain + "canonicalization = \"none\"\n"), HasSubstr("relaxed/simple"));
    EXPECT_THAT(problems_of(domain + "expire = \"1h\"\n"), HasSubstr("run out"));
    EXPECT_THAT(problems_of(domain + domain), HasSubstr("dkim[2].domain: it is given twice"));
    auto const key = domain + "selector = \"s\"\nkey = \"k.pem\"\n";
    EXPECT_THAT(problems_of(key + key), HasSubstr("dkim[2].selector: it is given twice"));
}

TEST(Check, QueueNumbersThatContradict) {
    EXPECT_THAT(problems_of("[queue]\nretry = [\"6d\"]\n"), HasSubstr("after expire"));
    EXPECT_THAT(problems_of("[queue]\nbackoff_first = \"2h\"\n"),
                HasSubstr("more than backoff_max"));
    EXPECT_THAT(problems_of("[queue]\nwarn_after = \"6d\"\n"), HasSubstr("no warning"));
    EXPECT_THAT(problems_of("[queue]\nconnections = 5\n"),
                HasSubstr("more than queue.connections"));
}

TEST(Check, LessThanTheStandardAsksForIsSaid) {
    EXPECT_THAT(problems_of("[timeouts.server]\ncommand = \"1m\"\n"),
                HasSubstr("warning: timeouts.server.command: less than the \"5m\" that RFC 5321 "
                          "§4.5.3.2.7 asks for"));
    EXPECT_THAT(problems_of("[limits]\nrecipients = 50\n"), HasSubstr("less than the 100 that"));
    EXPECT_THAT(problems_of("[limits]\nmessage_size = 0\n"), Not(HasSubstr("message_size")));
    EXPECT_THAT(problems_of("[queue]\nexpire = \"1d\"\n"), HasSubstr("RFC 5321 §4.5.4.1"));
}

TEST(Show, LoadsToTheSame) {
    for (auto const& text :
         {file_text("examples/quickstart.toml"),
          std::string(least) + "threads = 3\npostmaster = \"a\\\\b@x.test\"\n"}) {
        auto const first = load_text(text, "t.toml");
        if (!first.settings) continue;
        auto const shown = show(*first.settings);
        auto const second = load_text(shown, "shown");
        ASSERT_TRUE(second.settings) << second.text() << shown;
        EXPECT_EQ(show(*second.settings), shown);
        EXPECT_EQ(values(*second.settings), values(*first.settings));
    }
}

// A setting that no key reaches could never be set: every field of the structures has one.
TEST(Keys, EveryFieldOfTheSettingsHasOne) {
    std::size_t fields =
        boost::pfr::tuple_size_v<mta::Settings> - 15;  // structures, below, and the keys themselves
    fields += boost::pfr::tuple_size_v<mta::ListenerSettings>;
    fields += boost::pfr::tuple_size_v<mta::TlsSettings>;
    fields += boost::pfr::tuple_size_v<routing::Config> - 2;  // two lists
    fields += boost::pfr::tuple_size_v<routing::DomainConfig>;
    fields += boost::pfr::tuple_size_v<routing::RouteConfig>;
    fields += boost::pfr::tuple_size_v<mta::DnsSettings>;
    fields += boost::pfr::tuple_size_v<queue::Policy>;
    fields += boost::pfr::tuple_size_v<mta::LimitSettings> - 1;
    fields += boost::pfr::tuple_size_v<smtp::Limits>;
    fields += boost::pfr::tuple_size_v<smtp::ServerTimeouts>;
    fields += boost::pfr::tuple_size_v<smtp::ClientTimeouts>;
    fields += boost::pfr::tuple_size_v<mta::SpoolSettings>;
    fields += boost::pfr::tuple_size_v<mta::LogSettings>;
    fields += boost::pfr::tuple_size_v<mta::AuthSettings> - 1;
    fields += boost::pfr::tuple_size_v<mta::AuthRule> - 1;
    fields += boost::pfr::tuple_size_v<mta::AuthActions> * 2;
    fields += boost::pfr::tuple_size_v<mta::DkimSettings>;
    fields += boost::pfr::tuple_size_v<mta::DmarcReportSettings>;
    EXPECT_EQ(keys().size(), fields) << "a field was added to Settings: give it a key in keys.cpp";
}

TEST(Keys, AreBoundToPlacesOfTheirOwn) {
    mta::Settings settings;
    for (auto const* list : {"listener[]", "domain[]", "route[]", "auth_rule[]", "dkim[]"})
        list_grow(list, settings);
    std::set<void const*> places;
    std::set<std::string_view> paths;
    for (auto const& key : keys()) {
        auto const place =
            std::visit([](auto* p) { return static_cast<void const*>(p); }, key.ref(settings, 0));
        EXPECT_TRUE(places.insert(place).second) << key.path << " is bound to another's place";
        EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    }
}

TEST(Keys, AreDocumentedAndTheirDefaultsAndExamplesAreValid) {
    std::set<std::string_view> known;
    for (auto const& section : sections()) {
        known.insert(section.path);
        EXPECT_TRUE(section.doc.ends_with('.')) << section.path;
    }
    for (auto const& key : keys()) {
        EXPECT_TRUE(key.doc.size() > 10 && key.doc.ends_with('.')) << key.path;
        EXPECT_TRUE(known.contains(key.section())) << key.path;
        EXPECT_LE(key.min, key.max) << key.path;
        for (auto const& text : {std::string(key.example), default_text(key)}) {
            if (text.empty()) continue;
            std::string section(key.section());
            std::string document;
            if (key.is_listed())
                document = "[[" + section.substr(0, section.size() - 2) + "]]\n";
            else if (!section.empty())
                document = "[" + section + "]\n";
            document += std::string(key.name()) + " = " + text + '\n';
            for (auto const& problem : load_text(document, "t.toml").problems)
                EXPECT_FALSE(problem.key.ends_with(key.name()) && problem.position.line != 0 &&
                             problem.message.find("expected") != std::string::npos)
                    << key.path << ": " << problem.text("t");
        }
    }
}

// Both are committed for those who read them without building; manual.hpp says how to renew them.
TEST(Manual, TheFilesAreThoseOfTheTable) {
    EXPECT_EQ(file_text("docs/man/dawk.toml.5"), manual_page());
    EXPECT_EQ(file_text("examples/dawk.toml"), example_file());
}

TEST(Manual, NamesEveryKey) {
    auto const page = manual_page();
    for (auto const& key : keys())
        EXPECT_THAT(page, HasSubstr(".It Ic " + std::string(key.name()) + " Pq ")) << key.path;
}

TEST(Example, NamesEveryKeyAndLoads) {
    auto const text = file_text("examples/dawk.toml");
    auto const loaded = load_text(text, "examples/dawk.toml");
    EXPECT_TRUE(loaded.settings) << loaded.text();
    for (auto const& key : keys()) {
        auto const name = std::string(key.name()) + " = ";
        EXPECT_TRUE(text.find('\n' + name) != text.npos || text.find("\n#" + name) != text.npos)
            << key.path;
    }
}

// What is commented out must be right as well when it is taken in.
TEST(Example, LoadsWithEverythingTakenIn) {
    std::string text = file_text("examples/dawk.toml");
    for (std::size_t at = 0; (at = text.find("\n#", at)) != text.npos; ++at)
        if (text[at + 2] != ' ' && text[at + 2] != '\n') text.erase(at + 1, 1);
    auto const first = text.find("allow = ");
    ASSERT_NE(first, text.npos);
    text.insert(first, "# only with service relay: ");
    auto const loaded = load_text(text, "examples/dawk.toml");
    EXPECT_TRUE(loaded.settings) << loaded.text();
}

}  // namespace
}  // namespace dawk::config
