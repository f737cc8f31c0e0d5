#include <gmock/gmock.h>
#include <sys/stat.h>

#include "cmd/dawk/completion.hpp"
#include "cmd/dawk/run_fixture.hpp"

namespace dawk::cmd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

int code_of(Exit code) {
    return static_cast<int>(code);
}

unsigned mode_of(std::string const& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777U : 0;
}

TEST_F(CommandLine, MakesAnIdentityThatTheCheckTakes) {
    auto const made = dawk({"tls", "self-signed", "--out-dir", "var/tls", "--hostname",
                            "mx.dawk.test", "--hostname",
                            "b\xc3\xbc"
                            "cher.test",
                            "--hostname", "192.0.2.1"});
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_EQ(made.out, "var/tls/cert.pem\nvar/tls/key.pem\n");
    EXPECT_EQ(mode_of("var/tls/key.pem"), 0600U);
    EXPECT_THAT(read("var/tls/cert.pem"), StartsWith("-----BEGIN CERTIFICATE-----\n"));
    EXPECT_THAT(read("var/tls/key.pem"), StartsWith("-----BEGIN PRIVATE KEY-----\n"));
    auto const check = [&](std::string const& hostname) {
        write("dawk.toml", "hostname = \"" + hostname +
                               "\"\nstate_dir = \"/nonexistent\"\n[tls]\ncertificate = "
                               "\"var/tls/cert.pem\"\nkey = \"var/tls/key.pem\"\n[[listener]]\n"
                               "address = \"127.0.0.1:2525\"\n");
        return dawk({"config", "check"}).out;
    };
    EXPECT_EQ(check("mx.dawk.test"), "dawk.toml: no problem found\n");
    EXPECT_EQ(check("xn--bcher-kva.test"), "dawk.toml: no problem found\n");
    EXPECT_THAT(check("other.test"), HasSubstr("the certificate is not for \"other.test\""));

    auto const key = read("var/tls/key.pem");
    std::vector<std::string> again = {"tls",        "self-signed",  "--out-dir", "var/tls",
                                      "--hostname", "mx.dawk.test", "--days",    "3"};
    EXPECT_EQ(dawk(again).code, code_of(Exit::cannot_create));
    EXPECT_EQ(read("var/tls/key.pem"), key) << "nothing was touched";
    again.push_back("--force");
    EXPECT_EQ(dawk(again).code, 0);
    EXPECT_NE(read("var/tls/key.pem"), key);
    EXPECT_THAT(check("mx.dawk.test"), HasSubstr("expires within two weeks"));
    write("var/tls/key.pem", key);
    ::chmod("var/tls/key.pem", 0644);
    EXPECT_THAT(check("mx.dawk.test"), HasSubstr("the key does not belong to the certificate"));
    EXPECT_THAT(check("mx.dawk.test"), HasSubstr("can be read by every user of this machine"));
}

TEST_F(CommandLine, RefusesNamesNoServerHas) {
    for (auto const* name : {"", "a b", "x,DNS:evil.test", "*."}) {
        auto const ran = dawk({"tls", "self-signed", "--out-dir", "t", "--hostname", name});
        EXPECT_NE(ran.code, 0) << name;
        EXPECT_FALSE(std::filesystem::exists("t/key.pem")) << name;
    }
    EXPECT_EQ(
        dawk({"tls", "self-signed", "--out-dir", "t", "--hostname", "a.test", "--days", "0"}).code,
        code_of(Exit::usage));
}

TEST_F(CommandLine, WithoutAServerItSaysSo) {
    for (auto const* command : {"status", "reload", "stop"}) {
        auto const ran = dawk({command, "--state-dir", "var"});
        EXPECT_EQ(ran.code, code_of(Exit::unavailable)) << command;
        EXPECT_EQ(ran.err, "dawk: no server runs here (nobody listens on var/dawk.sock)\n");
    }
    EXPECT_EQ(dawk({"stop", "--wait", "long", "--state-dir", "var"}).code, code_of(Exit::usage));
}

// What bash would offer for the words, the last of which is being typed.
std::string completed(std::string const& words, int at) {
    auto const command = "bash -c 'source ./dawk.bash; COMP_WORDS=(" + words +
                         "); COMP_CWORD=" + std::to_string(at) +
                         "; _dawk; echo \"${COMPREPLY[@]}\"' > offered 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream in("offered");
    std::string line;
    std::getline(in, line);
    return line;
}

TEST_F(CommandLine, BashCompletesCommandsOptionsAndFiles) {
    write("dawk.bash", dawk({"completion", "bash"}).out);
    write("some.toml", "");
    EXPECT_EQ(completed("dawk us", 1), "user");
    EXPECT_EQ(completed("dawk user p", 2), "passwd");
    EXPECT_EQ(completed("dawk --json user p", 3), "passwd");
    EXPECT_EQ(completed("dawk user add --pass", 3), "--password-file");
    EXPECT_EQ(completed("dawk user add --js", 3), "--json");
    EXPECT_EQ(completed("dawk --config som", 2), "some.toml");
    EXPECT_EQ(completed("dawk config check som", 3), "some.toml");
    EXPECT_EQ(completed("dawk tls self-signed --days 3", 4), "");
}

TEST_F(CommandLine, EveryShellGetsEveryCommand) {
    auto const app = make_app();
    std::vector<CommandWords> open = {all_commands(*app)};
    auto const bash = dawk({"completion", "bash"}).out;
    auto const zsh = dawk({"completion", "zsh"}).out;
    auto const fish = dawk({"completion", "fish"}).out;
    EXPECT_EQ(dawk({"completion", "csh"}).code, code_of(Exit::usage));
    std::size_t count = 0;
    while (!open.empty()) {
        auto const command = open.back();
        open.pop_back();
        ++count;
        for (auto const* script : {&bash, &zsh, &fish})
            EXPECT_THAT(*script, HasSubstr('"' + command.path + '"'));
        EXPECT_FALSE(command.description.empty()) << command.path;
        for (auto const& option : command.options) {
            EXPECT_FALSE(option.description.empty()) << command.path << ' ' << option.name;
            EXPECT_THAT(bash, HasSubstr(option.name));
            EXPECT_THAT(zsh, HasSubstr("'" + option.name + ':'));
            EXPECT_THAT(fish, HasSubstr("-l " + option.name.substr(2) + ' '));
        }
        open.insert(open.end(), command.below.begin(), command.below.end());
    }
    EXPECT_GT(count, 20U);
}

}  // namespace
}  // namespace dawk::cmd
