#include "dawk/routing/routing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/routing/via.hpp"

namespace dawk::routing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RouteConfig to(std::string to, std::string via) {
    RouteConfig config;
    config.to = std::move(to);
    config.via = std::move(via);
    return config;
}

TEST(Router, GoesByMxWithoutRoutes) {
    Router const router(Config{});
    auto const route = router.route_remote("Example.ORG.");
    EXPECT_EQ(route.kind, Route::Kind::mx);
    EXPECT_EQ(route.key, "mx:example.org");
    EXPECT_EQ(route.domain, "example.org");
    EXPECT_EQ(route.tls, TlsMode::opportunistic);
}

TEST(Router, MostSpecificRouteWinsWhateverTheOrder) {
    Config config;
    config.routes = {to("*", "smtp:any"), to(".example.org", "smtp:below"),
                     to(".a.example.org", "smtp:deeper"), to("example.org", "smtp:exact"),
                     to("x.a.example.org", "mx")};
    for (int turn = 0; turn < 2; ++turn) {
        Router const router(config);
        EXPECT_EQ(router.route_remote("example.org").host, "exact");
        EXPECT_EQ(router.route_remote("b.example.org").host, "below");
        EXPECT_EQ(router.route_remote("b.c.example.org").host, "below");
        EXPECT_EQ(router.route_remote("a.example.org").host, "below");
        EXPECT_EQ(router.route_remote("b.a.example.org").host, "deeper");
        EXPECT_EQ(router.route_remote("x.a.example.org").key, "mx:x.a.example.org");
        EXPECT_EQ(router.route_remote("notexample.org").host, "any");
        EXPECT_EQ(router.route_remote("[192.0.2.1]").host, "any");
        std::reverse(config.routes.begin(), config.routes.end());
    }
}

TEST(Router, SmartHostDefaults) {
    struct Row {
        std::string via, user;
        std::optional<TlsMode> tls;
        std::string key;
        TlsMode expected;
    };
    std::vector<Row> const rows = {
        {"smtp:relay.example", "", {}, "smtp:relay.example:25", TlsMode::opportunistic},
        {"smtp:Relay.Example:2525", "", {}, "smtp:relay.example:2525", TlsMode::opportunistic},
        {"smtp:relay.example", "me", {}, "smtp:relay.example:587", TlsMode::verified},
        {"smtp:relay.example", "me", TlsMode::implicit, "smtp:relay.example:465",
         TlsMode::implicit},
        {"smtp:127.0.0.1:2526", "", {}, "smtp:127.0.0.1:2526", TlsMode::none},
        {"smtp:localhost", "", {}, "smtp:localhost:25", TlsMode::none},
        {"smtp:[::1]:26", "", {}, "smtp:[::1]:26", TlsMode::none},
        {"smtp:[2001:db8::1]", "", TlsMode::required, "smtp:[2001:db8::1]:25", TlsMode::required},
    };
    for (auto const& row : rows) {
        Config config;
        config.routes = {to("*", row.via)};
        config.routes[0].user = row.user;
        if (!row.user.empty()) config.routes[0].password_file = "/secret";
        config.routes[0].tls = row.tls;
        EXPECT_THAT(Router::check(config), IsEmpty()) << row.via;
        auto const route = Router(config).route_remote("example.org");
        EXPECT_EQ(route.key, row.key);
        EXPECT_EQ(route.tls, row.expected) << row.via;
        auto const again = Router(config).route_of_key(row.key);
        ASSERT_TRUE(again) << row.key;
        EXPECT_EQ(again->port, route.port);
    }
}

TEST(Router, SamePlaceWithOtherSettingsIsAnotherDestination) {
    Config config;
    config.routes = {to("a.example", "smtp:relay:25"), to("b.example", "smtp:relay"),
                     to("c.example", "smtp:relay"), to("d.example", "smtp:relay")};
    config.routes[2].tls = TlsMode::required;
    config.routes[3].tls = TlsMode::verified;
    Router const router(config);
    EXPECT_EQ(router.route_remote("a.example").key, "smtp:relay:25");
    EXPECT_EQ(router.route_remote("b.example").key, "smtp:relay:25");
    EXPECT_EQ(router.route_remote("c.example").key, "smtp:relay:25#2");
    EXPECT_EQ(router.route_remote("d.example").key, "smtp:relay:25#3");
    ASSERT_TRUE(router.route_of_key("smtp:relay:25#3"));
    EXPECT_EQ(router.route_of_key("smtp:relay:25#3")->tls, TlsMode::verified);
    EXPECT_FALSE(router.route_of_key("smtp:relay:25#4"));
}

TEST(Router, LocalDomains) {
    Config config;
    config.domains = {{"Example.org", "maildir:var/{domain}/{local}"},
                      {"l.example", "lmtp:127.0.0.1:24"},
                      {"u.example", "lmtp:unix:/run/lmtp"},
                      {"d.example", ""}};
    config.default_deliver = "lmtp:store.example";
    ASSERT_THAT(Router::check(config), IsEmpty());
    Router const router(config);
    EXPECT_TRUE(router.has_domain("EXAMPLE.org"));
    EXPECT_FALSE(router.has_domain("sub.example.org"));
    EXPECT_EQ(router.route_local("example.ORG").key, "maildir:example.org");
    EXPECT_EQ(router.route_local("example.ORG").maildir, "var/{domain}/{local}");
    EXPECT_EQ(router.route_local("l.example").key, "lmtp:127.0.0.1:24");
    EXPECT_EQ(router.route_local("u.example").unix_path, "/run/lmtp");
    EXPECT_EQ(router.route_local("d.example").key, "lmtp:store.example:24");
    EXPECT_EQ(router.route_local("only.directory").key, "lmtp:store.example:24");
    for (auto const* domain :
         {"example.org", "l.example", "u.example", "d.example", "other.example"}) {
        EXPECT_EQ(router.key_of(domain, true), router.route_local(domain).key);
        EXPECT_EQ(router.key_of(domain, false), router.route_remote(domain).key);
        ASSERT_TRUE(router.route_of_key(router.key_of(domain, true)));
        EXPECT_EQ(router.route_of_key(router.key_of(domain, true))->key,
                  router.key_of(domain, true));
    }
}

TEST(Router, KeysOfAnOlderConfigurationGiveNothing) {
    Config config;
    config.domains = {{"l.example", "lmtp:127.0.0.1:24"}};
    config.routes = {to("via.example", "smtp:relay")};
    Router const router(config);
    EXPECT_TRUE(router.route_of_key("mx:free.example"));
    EXPECT_FALSE(router.route_of_key("mx:via.example"));
    EXPECT_FALSE(router.route_of_key("smtp:gone:25"));
    EXPECT_FALSE(router.route_of_key("lmtp:unix:/gone"));
    EXPECT_FALSE(router.route_of_key("maildir:l.example"));
    EXPECT_TRUE(router.route_of_key("maildir:directory.example"));
    EXPECT_FALSE(router.route_of_key(""));
    EXPECT_FALSE(router.route_of_key("pigeon:x"));
}

// RFC 5890 §2.3.2.4: two forms of one name are equal when their A-labels are.
TEST(Router, InternationalDomainsAreOneInBothForms) {
    Config config;
    config.domains = {{"b\u00fccher.example", "maildir:/{local}"}};
    config.routes = {to(".xn--bcher-kva.test", "smtp:relay")};
    Router const router(config);
    EXPECT_TRUE(router.has_domain("xn--bcher-kva.example"));
    EXPECT_TRUE(router.has_domain("B\u00dcCHER.example"));
    EXPECT_EQ(router.route_remote("x.b\u00fccher.test").host, "relay");
    EXPECT_EQ(router.key_of("\u00fc.example", false), "mx:xn--tda.example");
}

TEST(Router, LocalKeys) {
    EXPECT_TRUE(is_local_key("maildir:example.org"));
    EXPECT_TRUE(is_local_key("lmtp:unix:/x"));
    EXPECT_FALSE(is_local_key("mx:example.org"));
    EXPECT_FALSE(is_local_key("smtp:relay:25"));
}

TEST(RouterCheck, SaysEveryProblemOnce) {
    Config config;
    config.domains = {{"example.org", "maildir:x"},
                      {"EXAMPLE.org.", "lmtp:unix:relative"},
                      {"not a domain", ""},
                      {"p.example", "lmtp:host:25"},
                      {"q.example", "pipe:/bin/cat"},
                      {"r.example", "maildir:/{local}/{who}"},
                      {"s.example", "maildir:/{local}/}"}};
    config.default_deliver = "lmtp:";
    config.routes = {to("example.org", "mx"),     to("a..b", "mx"),
                     to("b.example", "smtp:"),    to("b.example", "ftp:x"),
                     to("c.example", "smtp:h:0"), to("d.example", "smtp:h")};
    config.routes[5].password_file = "/secret";
    EXPECT_THAT(
        Router::check(config),
        ElementsAre(HasSubstr("{local}"), HasSubstr("given twice"), HasSubstr("absolute path"),
                    HasSubstr("not a domain name"), HasSubstr("RFC 2033"),
                    HasSubstr("not a way to deliver"), HasSubstr("{who}"), HasSubstr("brace"),
                    HasSubstr("default_deliver"), HasSubstr("domain of ours"),
                    HasSubstr("neither a domain"), HasSubstr("not smtp:host[:port]"),
                    HasSubstr("given twice"), HasSubstr("not a way"),
                    HasSubstr("not smtp:host[:port]"), HasSubstr("no user")));
}

TEST(RouterCheck, CredentialsNeedVerifiedTls) {
    for (auto const tls : {TlsMode::none, TlsMode::opportunistic, TlsMode::required}) {
        Config config;
        config.routes = {to("*", "smtp:relay.example")};
        config.routes[0].user = "me";
        config.routes[0].password_file = "/secret";
        config.routes[0].tls = tls;
        EXPECT_THAT(Router::check(config), ElementsAre(HasSubstr("not checked")));
        config.routes[0].via = "smtp:127.0.0.1";
        EXPECT_THAT(Router::check(config), IsEmpty());
        config.routes[0].via = "mx";
        EXPECT_THAT(Router::check(config), ElementsAre(HasSubstr("fixed next hop")));
    }
}

TEST(RouterCheck, SettingsWithoutEffect) {
    Config config;
    config.routes = {to("*", "smtp:relay.example")};
    config.routes[0].ca_file = "/ca.pem";
    EXPECT_THAT(Router::check(config), ElementsAre(HasSubstr("ca_file")));
    config.routes[0].tls = TlsMode::verified;
    EXPECT_THAT(Router::check(config), IsEmpty());
    config.routes[0].via = "mx";
    EXPECT_THAT(Router::check(config), IsEmpty());
    config.routes[0].tls = TlsMode::implicit;
    EXPECT_THAT(Router::check(config), ElementsAre(HasSubstr("implicit"), HasSubstr("ca_file")));
}

TEST(Via, HostAndPort) {
    for (auto const* text :
         {"host", "host:1", "a.b.c:65535", "192.0.2.1", "[192.0.2.1]:25", "[::1]",
          "[2001:db8::192.0.2.1]:25", "[1:2:3:4:5:6:7:8]", "[::]", "x_y.example"})
        EXPECT_TRUE(parse_host_port(text)) << text;
    for (auto const* text : {"",           ":25",
                             "host:",      "host:0",
                             "host:65536", "host:25x",
                             "[::1",       "[host]",
                             "::1",        "[1:2:3:4:5:6:7:8:9]",
                             "[1::2::3]",  "[1:2:3:4:5:6:7::8]",
                             "[:1]",       "[1:]",
                             "1.2.3",      "256.1.1.1",
                             "1.2.3.4.5",  "-a.example",
                             "a b",        "[::1]25",
                             "a..b"})
        EXPECT_FALSE(parse_host_port(text)) << text;
}

TEST(Via, LoopbackIsOnlyThisMachine) {
    for (auto const* host : {"localhost", "LocalHost", "127.0.0.1", "127.255.0.1", "::1"})
        EXPECT_TRUE(is_loopback(host)) << host;
    for (auto const* host : {"localhost.example", "127.example", "127.0.0", "10.0.0.1", "::2", ""})
        EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace dawk::routing
