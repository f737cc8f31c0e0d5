// The contract of every Directory engine, as tests. An engine's test file includes this and adds
//
//     INSTANTIATE_TEST_SUITE_P(Mem, DirectoryContract, ::testing::Values(MakeDirectory(make_mem)));
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dawk/directory/directory.hpp"
#include "dawk/directory/names.hpp"
#include "dawk/rt/run.hpp"

namespace dawk::directory::contract {

class Subject {
  public:
    virtual ~Subject() = default;
    virtual Directory& directory() = 0;
};
// Made with crypto::PasswordCost::cheapest().
using MakeDirectory = std::function<std::unique_ptr<Subject>(mail::Address postmaster)>;

using rt::run;

inline mail::Address address(std::string_view text) {
    if (text.starts_with("*@")) return {"*", std::string(text.substr(2))};
    return mail::parse_mailbox(text, {.utf8 = true}).value();
}
inline std::vector<mail::Address> list(std::initializer_list<std::string_view> texts) {
    std::vector<mail::Address> out;
    for (auto const text : texts) out.push_back(address(text));
    return out;
}

class DirectoryContract : public ::testing::TestWithParam<MakeDirectory> {
  protected:
    void SetUp() override { open({}); }
    void open(mail::Address postmaster) {
        subject_ = GetParam()(std::move(postmaster));
        ASSERT_TRUE(run(dir().add_domain("dawk.test")));
    }
    Directory& dir() { return subject_->directory(); }
    void user(std::string_view name) { ASSERT_TRUE(run(dir().add_user(address(name), "pass"))); }
    void alias(std::string_view name, std::initializer_list<std::string_view> targets) {
        Alias const a{address(name), list(targets)};
        ASSERT_TRUE(run(dir().add_alias(a)));
    }
    Found found(std::string_view name) { return run(dir().find(address(name))).value(); }
    // What mail to name turns into, as text: "mailbox a@b detail", "alias a@b,c@d", "unknown" ...
    std::string resolved(std::string_view name) { return text(found(name)); }
    static std::string text(Found const& f) {
        std::string out;
        switch (f.kind) {
            case Found::Kind::mailbox:
                out = "mailbox ";
                break;
            case Found::Kind::alias:
                out = "alias ";
                break;
            case Found::Kind::unknown:
                out = "unknown";
                break;
            case Found::Kind::disabled:
                out = "disabled";
                break;
        }
        for (std::size_t i = 0; i < f.targets.size(); ++i)
            out += (i > 0 ? "," : "") + f.targets[i].text();
        return f.detail.empty() ? out : out + " " + f.detail;
    }
    LoginResult login(std::string name, std::string password) {
        return run(dir().login(std::move(name), std::move(password))).value();
    }

    std::unique_ptr<Subject> subject_;
};

TEST_P(DirectoryContract, DomainsComeAndGo) {
    EXPECT_TRUE(run(dir().has_domain("DAWK.test")).value());
    EXPECT_FALSE(run(dir().has_domain("other.test")).value());
    EXPECT_FALSE(run(dir().has_domain("[192.0.2.1]")).value());
    EXPECT_FALSE(run(dir().has_domain("")).value());
    EXPECT_EQ(run(dir().add_domain("Dawk.Test")).error(), Errc::exists);
    EXPECT_TRUE(
        run(dir().add_domain("b\xc3\xbc"
                             "cher.test")));
    EXPECT_TRUE(run(dir().has_domain("xn--bcher-kva.test")).value());
    EXPECT_TRUE(run(dir().has_domain("B\xc3\x9c"
                                     "CHER.test"))
                    .value());
    EXPECT_EQ(run(dir().domains()).value(),
              (std::vector<std::string>{"dawk.test", "xn--bcher-kva.test"}));
    EXPECT_EQ(run(dir().add_domain("no domain")).error(), Errc::bad_syntax);
    EXPECT_EQ(run(dir().add_domain("[192.0.2.1]")).error(), Errc::bad_syntax);
    EXPECT_TRUE(run(dir().remove_domain("XN--bcher-kva.test")));
    EXPECT_EQ(run(dir().remove_domain("xn--bcher-kva.test")).error(), Errc::not_found);
    EXPECT_FALSE(run(dir().has_domain("xn--bcher-kva.test")).value());
}

TEST_P(DirectoryContract, ADomainInUseStays) {
    user("anna@dawk.test");
    EXPECT_EQ(run(dir().remove_domain("dawk.test")).error(), Errc::conflict);
    ASSERT_TRUE(run(dir().remove_user(address("anna@dawk.test"))));
    alias("info@dawk.test", {"x@example.org"});
    EXPECT_EQ(run(dir().remove_domain("dawk.test")).error(), Errc::conflict);
    ASSERT_TRUE(run(dir().remove_alias(address("info@dawk.test"))));
    EXPECT_TRUE(run(dir().remove_domain("dawk.test")));
}

TEST_P(DirectoryContract, UsersAreFoundInAnyCase) {
    user("Anna@DAWK.test");
    EXPECT_EQ(resolved("anna@dawk.test"), "mailbox anna@dawk.test");
    EXPECT_EQ(resolved("ANNA@Dawk.Test"), "mailbox anna@dawk.test");
    EXPECT_EQ(resolved("hanna@dawk.test"), "unknown");
    EXPECT_EQ(resolved("anna@other.test"), "unknown");
    EXPECT_EQ(run(dir().add_user(address("aNNa@dawk.test"), "pass")).error(), Errc::exists);
    EXPECT_EQ(run(dir().add_user(address("a@other.test"), "pass")).error(), Errc::not_found);
    EXPECT_TRUE(run(dir().remove_user(address("ANNA@dawk.test"))));
    EXPECT_EQ(resolved("anna@dawk.test"), "unknown");
    EXPECT_EQ(run(dir().remove_user(address("anna@dawk.test"))).error(), Errc::not_found);
}

TEST_P(DirectoryContract, NamesThatCouldBecomeAPathAreRefused) {
    for (auto const* local : {"*", "../x", "a/b", ".hidden", "", "a\nb"}) {
        mail::Address const bad{local, "dawk.test"};
        EXPECT_EQ(run(dir().add_user(bad, "pass")).error(), Errc::bad_syntax) << local;
    }
    mail::Address const long_name{std::string(65, 'a'), "dawk.test"};
    EXPECT_EQ(run(dir().add_user(long_name, "pass")).error(), Errc::too_long);
    EXPECT_EQ(run(dir().add_user(address("a@dawk.test"), "")).error(), Errc::bad_syntax);
    EXPECT_TRUE(run(dir().users("")).value().empty());
}

TEST_P(DirectoryContract, SubaddressGoesToTheUserUnlessItHasItsOwn) {
    user("anna@dawk.test");
    user("anna+vip@dawk.test");
    alias("team@dawk.test", {"anna@dawk.test"});
    EXPECT_EQ(resolved("Anna+Lists.Dawk@dawk.test"), "mailbox anna@dawk.test Lists.Dawk");
    EXPECT_EQ(resolved("anna+a+b@dawk.test"), "mailbox anna@dawk.test a+b");
    EXPECT_EQ(resolved("anna+@dawk.test"), "mailbox anna@dawk.test");
    EXPECT_EQ(resolved("anna+vip@dawk.test"), "mailbox anna+vip@dawk.test");
    EXPECT_EQ(resolved("team+x@dawk.test"), "alias anna@dawk.test");
    EXPECT_EQ(resolved("+anna@dawk.test"), "unknown");
}

TEST_P(DirectoryContract, DisabledUsersAreNotUnknown) {
    user("anna@dawk.test");
    ASSERT_TRUE(run(dir().set_disabled(address("ANNA@dawk.test"), true)));
    EXPECT_EQ(resolved("anna@dawk.test"), "disabled");
    EXPECT_EQ(resolved("anna+x@dawk.test"), "disabled");
    EXPECT_EQ(login("anna@dawk.test", "pass"), LoginResult::disabled);
    EXPECT_EQ(login("anna@dawk.test", "wrong"), LoginResult::bad_credentials);
    EXPECT_EQ(run(dir().may_log_in("anna@dawk.test")).value(), LoginResult::disabled);
    ASSERT_TRUE(run(dir().set_disabled(address("anna@dawk.test"), false)));
    EXPECT_EQ(resolved("anna@dawk.test"), "mailbox anna@dawk.test");
    EXPECT_EQ(login("anna@dawk.test", "pass"), LoginResult::ok);
    EXPECT_EQ(run(dir().set_disabled(address("b@dawk.test"), true)).error(), Errc::not_found);
}

TEST_P(DirectoryContract, AliasesAreFlatAndWithoutDuplicates) {
    ASSERT_TRUE(run(dir().add_domain("second.test")));
    user("anna@dawk.test");
    user("ben@second.test");
    alias("all@dawk.test", {"anna@dawk.test", "team@second.test", "Out@Example.org"});
    alias("team@second.test", {"BEN@second.test", "anna@dawk.test", "Out@example.org"});
    EXPECT_EQ(resolved("ALL@dawk.test"), "alias anna@dawk.test,ben@second.test,Out@example.org");
    alias("tagged@dawk.test", {"anna+Lists@dawk.test"});
    EXPECT_EQ(resolved("tagged@dawk.test"), "alias anna+Lists@dawk.test");
}

TEST_P(DirectoryContract, AliasesAreRefusedWhereTheyWouldHide) {
    user("anna@dawk.test");
    alias("info@dawk.test", {"anna@dawk.test"});
    auto const add = [&](std::string_view name, std::vector<mail::Address> targets) {
        return run(dir().add_alias(Alias{address(name), std::move(targets)})).error();
    };
    EXPECT_EQ(add("anna@dawk.test", list({"x@example.org"})), Errc::exists);
    EXPECT_EQ(add("INFO@dawk.test", list({"x@example.org"})), Errc::exists);
    EXPECT_EQ(add("x@other.test", list({"x@example.org"})), Errc::not_found);
    EXPECT_EQ(add("x@dawk.test", {}), Errc::bad_syntax);
    EXPECT_EQ(add("x@dawk.test", {mail::Address{"a\r\nb", "example.org"}}), Errc::bad_syntax);
    EXPECT_EQ(add("x@dawk.test", {mail::Address{"a", ""}}), Errc::bad_syntax);
    EXPECT_EQ(run(dir().add_user(address("info@dawk.test"), "pass")).error(), Errc::exists);
    EXPECT_TRUE(run(dir().remove_alias(address("Info@dawk.test"))));
    EXPECT_EQ(run(dir().remove_alias(address("info@dawk.test"))).error(), Errc::not_found);
    EXPECT_EQ(resolved("info@dawk.test"), "unknown");
}

TEST_P(DirectoryContract, LoopsAreCutAndDeadTargetsLeftOut) {
    user("anna@dawk.test");
    alias("a@dawk.test", {"b@dawk.test", "anna@dawk.test"});
    alias("b@dawk.test", {"a@dawk.test", "b@dawk.test", "x@example.org"});
    EXPECT_EQ(resolved("a@dawk.test"), "alias x@example.org,anna@dawk.test");
    EXPECT_EQ(resolved("b@dawk.test"), "alias anna@dawk.test,x@example.org");
    alias("only@dawk.test", {"only@dawk.test"});
    EXPECT_EQ(resolved("only@dawk.test"), "unknown");
    alias("old@dawk.test", {"gone@dawk.test"});
    EXPECT_EQ(resolved("old@dawk.test"), "unknown");
}

TEST_P(DirectoryContract, DepthAndTargetsAreBounded) {
    user("anna@dawk.test");
    std::string next = "anna@dawk.test";
    for (std::size_t i = 0; i < alias_depth_max; ++i) {
        std::string const name = "d" + std::to_string(i) + "@dawk.test";
        alias(name, {next});
        next = name;
    }
    EXPECT_EQ(resolved(next), "alias anna@dawk.test");
    alias("deep@dawk.test", {next});
    EXPECT_EQ(run(dir().find(address("deep@dawk.test"))).error(), Errc::too_many);

    Alias big{address("big@dawk.test"), {}};
    for (std::size_t i = 0; i < alias_targets_max; ++i)
        big.targets.push_back(mail::Address{"u" + std::to_string(i), "example.org"});
    ASSERT_TRUE(run(dir().add_alias(big)));
    EXPECT_EQ(found("big@dawk.test").targets.size(), alias_targets_max);
    alias("bigger@dawk.test", {"big@dawk.test", "one@example.org"});
    EXPECT_EQ(run(dir().find(address("bigger@dawk.test"))).error(), Errc::too_many);
    big.address = address("huge@dawk.test");
    big.targets.push_back(address("one@example.org"));
    EXPECT_EQ(run(dir().add_alias(big)).error(), Errc::too_many);
}

TEST_P(DirectoryContract, CatchAllTakesWhatNobodyElseDoes) {
    user("anna@dawk.test");
    user("ben@dawk.test");
    ASSERT_TRUE(run(dir().set_disabled(address("ben@dawk.test"), true)));
    alias("*@dawk.test", {"anna+rest@dawk.test"});
    EXPECT_EQ(resolved("anna@dawk.test"), "mailbox anna@dawk.test");
    EXPECT_EQ(resolved("ben@dawk.test"), "disabled");
    EXPECT_EQ(resolved("postmaster@dawk.test"), "mailbox postmaster@dawk.test");
    EXPECT_EQ(resolved("whoever@dawk.test"), "alias anna+rest@dawk.test");
    EXPECT_EQ(resolved("who+ever@dawk.test"), "alias anna+rest@dawk.test");
    EXPECT_EQ(resolved("whoever@other.test"), "unknown");
}

TEST_P(DirectoryContract, EveryDomainHasAPostmaster) {  // RFC 5321 §4.5.1
    EXPECT_EQ(resolved("PostMaster@dawk.test"), "mailbox postmaster@dawk.test");
    mail::Address const bare{"Postmaster", ""};
    EXPECT_EQ(text(run(dir().find(bare)).value()), "unknown");

    open(address("anna@dawk.test"));
    ASSERT_TRUE(run(dir().add_domain("second.test")));
    EXPECT_EQ(resolved("postmaster@second.test"), "mailbox postmaster@second.test")
        << "the configured one does not exist";
    user("anna@dawk.test");
    EXPECT_EQ(resolved("POSTMASTER@second.test"), "alias anna@dawk.test");
    EXPECT_EQ(text(run(dir().find(bare)).value()), "alias anna@dawk.test");
    EXPECT_EQ(resolved("postmaster@other.test"), "unknown");
    alias("postmaster@second.test", {"x@example.org"});
    EXPECT_EQ(resolved("postmaster@second.test"), "alias x@example.org");

    open(address("postmaster@dawk.test"));
    ASSERT_TRUE(run(dir().add_domain("second.test")));
    EXPECT_EQ(resolved("postmaster@dawk.test"), "mailbox postmaster@dawk.test");
    EXPECT_EQ(resolved("postmaster@second.test"), "alias postmaster@dawk.test");
    EXPECT_EQ(text(run(dir().find(bare)).value()), "alias postmaster@dawk.test");
}

TEST_P(DirectoryContract, LoginNeedsTheWholeNameAndThePassword) {
    user("anna@dawk.test");
    alias("info@dawk.test", {"anna@dawk.test"});
    EXPECT_EQ(login("anna@dawk.test", "pass"), LoginResult::ok);
    EXPECT_EQ(login("Anna@DAWK.test", "pass"), LoginResult::ok);
    for (auto const* name :
         {"anna", "anna@", "@dawk.test", "", "info@dawk.test", "anna+x@dawk.test", "ben@dawk.test",
          "anna@other.test", "anna@dawk.test ", "*@dawk.test", "' OR 1=1 --@dawk.test"})
        EXPECT_EQ(login(name, "pass"), LoginResult::bad_credentials) << name;
    for (auto const* password : {"", "Pass", "pass ", "\xff"})
        EXPECT_EQ(login("anna@dawk.test", password), LoginResult::bad_credentials) << password;
    EXPECT_EQ(login("anna@dawk.test", std::string(100'000, 'x')), LoginResult::bad_credentials);
    ASSERT_TRUE(run(dir().set_password(address("ANNA@dawk.test"),
                                       "n\xc3\xa4"
                                       "chstes")));
    EXPECT_EQ(login("anna@dawk.test", "pass"), LoginResult::bad_credentials);
    EXPECT_EQ(login("anna@dawk.test",
                    "n\xc3\xa4"
                    "chstes"),
              LoginResult::ok);
    EXPECT_EQ(run(dir().set_password(address("ben@dawk.test"), "x")).error(), Errc::not_found);
    EXPECT_EQ(run(dir().set_password(address("anna@dawk.test"), "")).error(), Errc::bad_syntax);
}

TEST_P(DirectoryContract, ScramKeysOfUnknownNamesLookReal) {
    user("anna@dawk.test");
    auto const real = run(dir().scram_keys("Anna@dawk.test")).value();
    EXPECT_EQ(real, crypto::ScramKeys::make("pass", real.salt, real.iterations));
    auto const fake = run(dir().scram_keys("ben@dawk.test")).value();
    EXPECT_EQ(fake, run(dir().scram_keys("ben@dawk.test")).value());
    EXPECT_NE(fake.salt, run(dir().scram_keys("cleo@dawk.test")).value().salt);
    EXPECT_EQ(fake.iterations, real.iterations);
    EXPECT_EQ(fake.salt.size(), real.salt.size());
    EXPECT_EQ(run(dir().may_log_in("anna@dawk.test")).value(), LoginResult::ok);
    EXPECT_EQ(run(dir().may_log_in("ben@dawk.test")).value(), LoginResult::bad_credentials);
}

TEST_P(DirectoryContract, ListsAreSortedAndCanBeOfOneDomain) {
    ASSERT_TRUE(run(dir().add_domain("alpha.test")));
    user("ben@dawk.test");
    user("anna@dawk.test");
    user("zoe@alpha.test");
    ASSERT_TRUE(run(dir().set_disabled(address("ben@dawk.test"), true)));
    alias("info@dawk.test", {"b@example.org", "a@example.org"});
    alias("*@alpha.test", {"zoe@alpha.test"});
    auto const all = run(dir().users("")).value();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].address, address("zoe@alpha.test"));
    EXPECT_EQ(all[1].address, address("anna@dawk.test"));
    EXPECT_FALSE(all[1].disabled);
    EXPECT_TRUE(all[2].disabled);
    EXPECT_EQ(run(dir().users("ALPHA.test")).value().size(), 1U);
    EXPECT_EQ(run(dir().users("none.test")).value().size(), 0U);
    auto const some = run(dir().aliases("dawk.test")).value();
    ASSERT_EQ(some.size(), 1U);
    EXPECT_EQ(some[0].targets, list({"b@example.org", "a@example.org"})) << "in the order given";
    auto const both = run(dir().aliases("")).value();
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].address.local, "*");
}

}  // namespace dawk::directory::contract
