#include <gmock/gmock.h>

#include "dawk/directory_sqlite/database.hpp"

#include "cmd/dawk/json.hpp"
#include "cmd/dawk/run_fixture.hpp"

namespace dawk::cmd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

int code_of(Exit code) {
    return static_cast<int>(code);
}

TEST_F(CommandLine, HelpAndVersion) {
    EXPECT_THAT(dawk({"--version"}).out, StartsWith("dawk "));
    EXPECT_EQ(dawk({"--version"}).code, 0);
    auto const help = dawk({"--help"});
    EXPECT_EQ(help.code, 0);
    for (auto const* word : {"domain", "user", "alias", "config", "help", "--config", "--json"})
        EXPECT_THAT(help.out, HasSubstr(word));
    EXPECT_EQ(dawk({"help"}).out, help.out);
    auto const add = dawk({"help", "user", "add"});
    EXPECT_THAT(add.out, HasSubstr("Usage: dawk user add"));
    EXPECT_EQ(dawk({"user", "add", "--help"}).out, add.out);
    EXPECT_EQ(dawk({"help", "nonsense"}).code, code_of(Exit::usage));
}

TEST_F(CommandLine, SaysWhatWasMeant) {
    auto const nothing = dawk({});
    EXPECT_EQ(nothing.code, code_of(Exit::usage));
    EXPECT_THAT(nothing.err, HasSubstr("Usage: dawk"));
    EXPECT_EQ(nothing.out, "");
    auto const unknown = dawk({"usr", "list"});
    EXPECT_EQ(unknown.code, code_of(Exit::usage));
    EXPECT_EQ(unknown.err, "dawk: there is no command usr; did you mean user?\nTry: dawk --help\n");
    EXPECT_EQ(dawk({"user", "lst"}).err,
              "dawk: there is no command lst; did you mean list?\nTry: dawk user --help\n");
    EXPECT_EQ(dawk({"user", "list", "--jsn"}).err,
              "dawk: there is no option --jsn; did you mean --json?\nTry: dawk user list --help\n");
    EXPECT_EQ(dawk({"user", "add"}).err, "dawk: ADDRESS is required\nTry: dawk user add --help\n");
    EXPECT_THAT(dawk({"user", "add", "a", "b"}).err, HasSubstr("nothing more is expected"));
    EXPECT_EQ(dawk({"queue", "list", "--limit", "x"}).err,
              "dawk: --limit = x: a number is expected\nTry: dawk queue list --help\n");
    EXPECT_EQ(dawk({"queue", "list", "--domain"}).err,
              "dawk: --domain needs a value\nTry: dawk queue list --help\n");
    EXPECT_EQ(dawk({"help", "qeuue"}).err,
              "dawk: there is no command qeuue; did you mean queue?\n");
}

TEST_F(CommandLine, ACommandThatNeedsAnotherExplainsItself) {
    for (std::string const group :
         {"queue", "user", "alias", "domain", "config", "tls", "spool", "dkim", "report"}) {
        auto const alone = dawk({group});
        EXPECT_EQ(alone.code, code_of(Exit::usage)) << group;
        EXPECT_THAT(alone.err, HasSubstr("Usage: dawk " + group)) << group;
    }
}

TEST_F(CommandLine, WithoutAConfigurationItSaysSo) {
    auto const ran = dawk({"user", "list", "-c", "none.toml"});
    EXPECT_EQ(ran.code, code_of(Exit::config));
    EXPECT_EQ(ran.err,
              "none.toml: error: cannot be read: No such file or directory\n"
              "dawk: name the configuration with --config FILE\n");
    write("dawk.toml", "hostname = 5\n");
    EXPECT_THAT(dawk({"user", "list"}).err, HasSubstr("dawk.toml:1:12: error: hostname: "));
    ::setenv("DAWK_CONFIG", "other.toml", 1);
    EXPECT_THAT(dawk({"user", "list"}).err, StartsWith("other.toml: error: "));
    ::unsetenv("DAWK_CONFIG");
}

class Names : public CommandLine {
  protected:
    Names() {
        write("dawk.toml",
              "hostname = \"mx.dawk.test\"\nstate_dir = \"var/state\"\n"
              "[[domain]]\nname = \"Dawk.test\"\n");
        write("password", "correct horse\nnot this\n");
    }
    Ran add_user(std::string const& address) {
        return dawk({"user", "add", address, "--password-file", "password"});
    }
};

TEST_F(Names, UsersOfAConfiguredDomainCanBeAddedAtOnce) {
    auto const ran = add_user("Anna@dawk.TEST");
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(dawk({"user", "list"}).out, "anna@dawk.test\n");
    EXPECT_EQ(dawk({"user", "list", "--json"}).out,
              "[{\"address\":\"anna@dawk.test\",\"disabled\":false}]\n");
    EXPECT_EQ(dawk({"domain", "list", "--json"}).out,
              "[{\"domain\":\"dawk.test\",\"configured\":true,\"added\":true}]\n");
    auto const database = directory_sqlite::Database::open("var/state/directory.db").value();
    auto const login = database->login("anna@dawk.test").value();
    ASSERT_TRUE(login);
    EXPECT_TRUE(crypto::PasswordRecord::parse(login->record)->verify("correct horse"));
}

TEST_F(Names, UsersAreChangedAndRemoved) {
    ASSERT_EQ(add_user("anna@dawk.test").code, 0);
    EXPECT_EQ(add_user("anna@dawk.test").code, code_of(Exit::data));
    EXPECT_EQ(dawk({"user", "disable", "anna@dawk.test"}).code, 0);
    EXPECT_EQ(dawk({"user", "list", "dawk.test"}).out, "anna@dawk.test (disabled)\n");
    EXPECT_EQ(dawk({"user", "enable", "anna@dawk.test"}).code, 0);
    write("password", "new one\r\n");
    EXPECT_EQ(dawk({"user", "passwd", "anna@dawk.test", "--password-file", "password"}).code, 0);
    auto const database = directory_sqlite::Database::open("var/state/directory.db").value();
    EXPECT_TRUE(crypto::PasswordRecord::parse(database->login("anna@dawk.test").value()->record)
                    ->verify("new one"));
    EXPECT_EQ(dawk({"user", "remove", "anna@dawk.test", "--json"}).out,
              "{\"result\":\"removed\",\"address\":\"anna@dawk.test\"}\n");
    auto const gone = dawk({"user", "remove", "anna@dawk.test"});
    EXPECT_EQ(gone.code, code_of(Exit::no_user));
    EXPECT_EQ(gone.err, "dawk: anna@dawk.test: there is no such user\n");
    EXPECT_EQ(dawk({"user", "passwd", "anna@dawk.test", "--password-file", "password"}).code,
              code_of(Exit::no_user));
    EXPECT_EQ(dawk({"user", "list"}).out, "");
}

TEST_F(Names, BadInputIsRefusedInWords) {
    auto const other = add_user("a@other.test");
    EXPECT_EQ(other.code, code_of(Exit::no_user));
    EXPECT_EQ(other.err, "dawk: other.test is not a domain of ours; see dawk domain add\n");
    EXPECT_EQ(add_user("no address").err, "dawk: no address is not an address\n");
    EXPECT_EQ(add_user("*@dawk.test").code, code_of(Exit::data));
    write("password", "\n");
    EXPECT_THAT(add_user("a@dawk.test").err, HasSubstr("a password is not empty"));
    write("password", std::string(2000, 'x'));
    EXPECT_THAT(add_user("a@dawk.test").err, HasSubstr("at most 1024 octets"));
    write("password", std::string(5000, 'x'));
    EXPECT_THAT(add_user("a@dawk.test").err, HasSubstr("the line is too long"));
    std::filesystem::remove("password");
    EXPECT_EQ(add_user("a@dawk.test").code, code_of(Exit::no_input));
    EXPECT_EQ(dawk({"user", "list"}).out, "");
}

TEST_F(Names, AliasesComeAndGo) {
    ASSERT_EQ(add_user("anna@dawk.test").code, 0);
    auto const added = dawk({"alias", "add", "info@dawk.test", "anna@dawk.test", "X@example.org"});
    EXPECT_EQ(added.code, 0) << added.err;
    EXPECT_EQ(added.err, "");
    EXPECT_EQ(dawk({"alias", "add", "*@dawk.test", "gone@dawk.test"}).err,
              "dawk: warning: there is no gone@dawk.test here yet\n");
    EXPECT_EQ(dawk({"alias", "list"}).out,
              "*@dawk.test: gone@dawk.test\ninfo@dawk.test: anna@dawk.test X@example.org\n");
    EXPECT_EQ(dawk({"alias", "remove", "*@dawk.test"}).code, 0);
    EXPECT_EQ(
        dawk({"--json", "alias", "list", "dawk.test"}).out,
        "[{\"address\":\"info@dawk.test\",\"targets\":[\"anna@dawk.test\",\"X@example.org\"]}]"
        "\n");
    EXPECT_THAT(dawk({"alias", "add", "anna@dawk.test", "x@example.org"}).err,
                HasSubstr("there is a user or an alias of that name"));
    EXPECT_EQ(dawk({"alias", "remove", "none@dawk.test"}).code, code_of(Exit::no_user));
}

TEST_F(Names, DomainsComeAndGo) {
    EXPECT_EQ(dawk({"domain", "list"}).out, "dawk.test\n") << "of the configuration";
    EXPECT_EQ(dawk({"domain", "add", "B.test", "a.test"}).code, 0);
    EXPECT_EQ(dawk({"domain", "list"}).out, "a.test\nb.test\ndawk.test\n");
    EXPECT_EQ(dawk({"domain", "add", "b.test"}).code, code_of(Exit::data));
    auto const none = dawk({"domain", "add", "not a domain"});
    EXPECT_EQ(none.code, code_of(Exit::data));
    EXPECT_EQ(none.err, "dawk: not a domain is not the name of a domain\n");
    EXPECT_THAT(dawk({"domain", "remove", "dawk.test"}).err, HasSubstr("in the configuration"));
    ASSERT_EQ(add_user("x@b.test").code, 0);
    EXPECT_THAT(dawk({"domain", "remove", "b.test"}).err, HasSubstr("still has users or aliases"));
    EXPECT_EQ(dawk({"domain", "remove", "a.test"}).code, 0);
    EXPECT_EQ(dawk({"domain", "remove", "a.test"}).code, code_of(Exit::no_user));
}

TEST_F(Names, TheStateFolderIsEnough) {
    std::filesystem::remove("dawk.toml");
    EXPECT_EQ(dawk({"--state-dir", "s", "domain", "add", "a.test"}).code, 0);
    EXPECT_EQ(dawk({"domain", "list", "--state-dir", "s"}).out, "a.test\n");
    EXPECT_TRUE(std::filesystem::exists("s/directory.db"));
}

TEST_F(Names, ConfigCheckTellsByItsCode) {
    auto const good = dawk({"config", "check"});
    EXPECT_EQ(good.code, 0);
    EXPECT_THAT(good.out,
                HasSubstr("dawk.toml:2:1: warning: state_dir: \"var/state\" is relative"));
    EXPECT_EQ(dawk({"config", "check", "--strict"}).code, code_of(Exit::config));
    write("bad.toml", "hostnam = \"x\"\n");
    auto const bad = dawk({"config", "check", "bad.toml"});
    EXPECT_EQ(bad.code, code_of(Exit::config));
    EXPECT_THAT(bad.out, HasSubstr("bad.toml:1:1: error: hostnam: there is no such key"));
    auto const json = dawk({"config", "check", "bad.toml", "--json"});
    EXPECT_EQ(json.code, code_of(Exit::config));
    EXPECT_THAT(json.out, StartsWith("{\"file\":\"bad.toml\",\"ok\":false,\"problems\":["));
    EXPECT_EQ(json.err, "");
}

TEST_F(Names, ConfigIsShownAndExplained) {
    auto const shown = dawk({"config", "show"});
    EXPECT_THAT(shown.out, HasSubstr("\n[[domain]]\nname = \"Dawk.test\"\n"));
    write("shown.toml", shown.out);
    EXPECT_EQ(dawk({"config", "show", "-c", "shown.toml"}).out, shown.out);
    EXPECT_THAT(dawk({"config", "show", "--json"}).out,
                HasSubstr("\"queue.retry\":[\"5m\", \"15m\", \"30m\", \"1h\", \"2h\", \"3h\"]"));
    EXPECT_THAT(dawk({"config", "keys", "retry"}).out,
                StartsWith("queue.retry (list of durations; default: [\"5m\", "));
    EXPECT_THAT(dawk({"config", "keys", "listener[].tls"}).out,
                StartsWith("listener[].tls (none | starttls | implicit; default: \"starttls\")"));
    EXPECT_EQ(dawk({"config", "keys", "nonsense"}).code, code_of(Exit::failed));
}

TEST(JsonText, EscapesWhatItMust) {
    EXPECT_EQ(Json("a\"b\\c\n\x01\x7f").text(), "\"a\\\"b\\\\c\\n\\u0001\\u007f\"");
    EXPECT_EQ(Json("gr\xc3\xbc\xc3\x9f \xff").text(), "\"gr\xc3\xbc\xc3\x9f \xef\xbf\xbd\"");
    EXPECT_EQ(Json::object({{"a", true}, {"b", Json::array({std::uint64_t{1}, Json()})}}).text(),
              "{\"a\":true,\"b\":[1,null]}");
    EXPECT_EQ(Json::array({}).text(), "[]");
}

}  // namespace
}  // namespace dawk::cmd
