#include <gmock/gmock.h>

#include "cmd/dawk/run_fixture.hpp"

namespace dawk::cmd {
namespace {

using ::testing::HasSubstr;

class SpoolCommand : public CommandLine {
  protected:
    SpoolCommand() {
        write("dawk.toml", "hostname = \"mx.example.org\"\nstate_dir = \"" +
                               (folder_ / "state").string() + "\"\n");
        std::filesystem::create_directories("state");
        std::filesystem::create_directories("mail");
        write("mail/one.eml", "To: someone@example.com\nSubject: one\n\nbody\n");
    }
};

TEST_F(SpoolCommand, AMessageGoesInIsCheckedAndComesOut) {
    auto const none = dawk({"spool", "check"});
    EXPECT_EQ(none.code, static_cast<int>(Exit::unavailable));
    EXPECT_THAT(none.err, HasSubstr("no spool"));
    EXPECT_THAT(dawk({"spool", "import", "mail"}).out, HasSubstr("1 messages"));
    auto const checked = dawk({"--json", "spool", "check"});
    EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
    EXPECT_THAT(checked.out, HasSubstr("\"sound\":true,\"messages\":1"));
    EXPECT_THAT(dawk({"spool", "export", "out"}).out, HasSubstr("1 messages"));
    unsigned files = 0;
    for (auto const& entry : std::filesystem::directory_iterator("out")) {
        ++files;
        auto const text = read(entry.path().string());
        EXPECT_THAT(text, HasSubstr(entry.path().extension() == ".eml" ? "Subject: one\r\n"
                                                                       : "someone@example.com"));
    }
    EXPECT_EQ(files, 2U);
    EXPECT_EQ(dawk({"spool", "repair", "state/new"}).code, 0);
    EXPECT_EQ(dawk({"spool", "check", "--spool", "state/new"}).code, 0);
    EXPECT_EQ(dawk({"spool", "repair", "state/new"}).code, static_cast<int>(Exit::unavailable));
}

}  // namespace
}  // namespace dawk::cmd
