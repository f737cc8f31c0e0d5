#include "dawk/authres/authres.hpp"

#include <gtest/gtest.h>

namespace dawk::authres {
namespace {

TEST(AuthRes, WhatIsComposedIsReadBack) {
    std::vector<MethodResult> const results = {
        {"spf", "pass", "", {{"smtp", "mailfrom", "joe@example.org"}}},
        {"dkim",
         "fail",
         "the body was changed",
         {{"header", "d", "example.org"}, {"header", "b", "ab+/="}}},
        {"iprev", "pass", "", {{"policy", "iprev", "2001:db8::1"}}},
    };
    auto const field = compose("mx.dawk.test", results);
    EXPECT_TRUE(field.starts_with(
        "Authentication-Results: mx.dawk.test;\r\n\tspf=pass smtp.mailfrom=joe@example.org;"));
    auto const parsed = parse(field.substr(field.find(':') + 1));
    ASSERT_TRUE(parsed) << field;
    EXPECT_EQ(parsed->authserv_id, "mx.dawk.test");
    EXPECT_EQ(parsed->results, results);
    EXPECT_EQ(compose("x", {}), "Authentication-Results: x; none\r\n");
}

TEST(AuthRes, NoValueCanAddAResult) {
    for (std::string const value : {"a;dkim=pass", "a\r\nX: y", "a (", "a\" dkim=pass \"", "a\\",
                                    "\"", "a@b@c", "a b", "", "\x80", "a\0b"}) {
        auto const field = compose("x", {{"spf", "fail", value, {{"smtp", "mailfrom", value}}}});
        auto const parsed = parse(field.substr(field.find(':') + 1));
        ASSERT_TRUE(parsed) << field;
        ASSERT_EQ(parsed->results.size(), 1U) << field;
        EXPECT_EQ(parsed->results[0].result, "fail");
        EXPECT_EQ(parsed->results[0].properties.size(), 1U) << field;
        EXPECT_EQ(field.find("\r\nX"), field.npos);
    }
}

TEST(AuthRes, OnlyUtf8StandsBesideAscii) {
    auto const written = [](std::string value) {
        auto const field = compose("x", {{"spf", "fail", "", {{"smtp", "helo", value}}}});
        return field.substr(field.find("helo=") + 5);
    };
    EXPECT_EQ(written("b\xC3\xBC\x80\xC3."), "\"b\xC3\xBC??.\"\r\n");
    auto const cut = written(std::string(254, 'a') + "\xC3\xBC");
    EXPECT_EQ(cut, '"' + std::string(254, 'a') + "?\"\r\n");
}

TEST(AuthRes, OursIsKnownInAnyDress) {
    for (auto const* body :
         {" mx.dawk.test; none", " MX.Dawk.Test; spf=pass", "\r\n (c (d)) mx.dawk.test (e) 1; none",
          "\"mx.dawk.test\"; spf=pass", " mx.dawk.test garbage ~~"}) {
        EXPECT_TRUE(has_id(body, "mx.dawk.test")) << body;
    }
    for (auto const* body :
         {" mx.dawk.tests; none", " other; mx.dawk.test", "", " (mx.dawk.test"}) {
        EXPECT_FALSE(has_id(body, "mx.dawk.test")) << body;
    }
}

TEST(AuthRes, RefusesWhatIsNone) {
    for (auto const* body :
         {"", ";", " x; spf", " x; spf=", " x; spf=pass smtp=", " x; spf=pass smtp.a=b c",
          " x y; none", " x; none=pass none", " x; spf=pass (", " x; spf=pass a.b=\"c",
          " x; s\x97"
          "f=pass",
          " x; spf=p\x97"
          "ss",
          " x; \"spf\"=pass", " x; spf=pass \"a.b\"=c"}) {
        EXPECT_FALSE(parse(body)) << body;
    }
    EXPECT_TRUE(parse(" x 1; none"));
    EXPECT_TRUE(parse(" x; dkim/1=pass (good) header.i=@y.test reason=\"a\\\"b\" ;"));
}

}  // namespace
}  // namespace dawk::authres
