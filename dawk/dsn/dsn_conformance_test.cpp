// Bounces collected by other projects, read at run time from DAWK_TESTDATA (default:
// ../shared/testdata beside the source tree); skipped where it is missing. The lists of replies in
// bounce-zonemta and bounce-kumomta hold no reports and are not used here.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/dsn/parse.hpp"

namespace dawk::dsn {
namespace {

namespace fs = std::filesystem;

fs::path testdata() {
    if (char const* given = std::getenv("DAWK_TESTDATA")) return given;
    return fs::path{DAWK_SOURCE_DIR}.parent_path() / "shared/testdata";
}

std::string read(fs::path const& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.starts_with("From ")) text.erase(0, text.find('\n') + 1);  // the line of an mbox
    return text;
}

std::string show(Result<ParsedReport> const& report) {
    if (!report) return report.error().message();
    std::string out;
    for (auto const& r : report->recipients) {
        if (!out.empty()) out += ", ";
        out += r.action ? to_string(*r.action) : "?";
        out += " " + r.status;
    }
    return out;
}

std::string times(int count, std::string const& one) {
    std::string out = one;
    for (int i = 1; i < count; ++i) out += ", " + one;
    return out;
}

// Read off the files by a person.
std::map<std::string, std::string> const expected{
    {"bounce-flufl/tests/data/dsn_01.txt", "failed 5.0.0"},
    {"bounce-flufl/tests/data/dsn_02.txt", "failed 4.4.7"},
    {"bounce-flufl/tests/data/dsn_03.txt", "failed 5.0.0"},  // "failure", and a reply for a status
    {"bounce-flufl/tests/data/dsn_04.txt", "failed 5.0.0"},
    {"bounce-flufl/tests/data/dsn_05.txt", "delayed 4.4.1"},
    {"bounce-flufl/tests/data/dsn_06.txt", "delayed 4.4.0"},
    {"bounce-flufl/tests/data/dsn_07.txt", "delayed 4.4.1"},
    {"bounce-flufl/tests/data/dsn_08.txt", "delayed 4.0.0"},
    {"bounce-flufl/tests/data/dsn_09.txt", "failed 5.0.0"},
    {"bounce-flufl/tests/data/dsn_10.txt", "failed 5.0.0"},
    {"bounce-flufl/tests/data/dsn_11.txt", times(11, "failed 5.1.1")},
    {"bounce-flufl/tests/data/dsn_12.txt", "failed 5.1.1"},
    {"bounce-flufl/tests/data/dsn_13.txt", "failed 5.1.1"},
    {"bounce-flufl/tests/data/dsn_14.txt", "failed 5.1.1"},  // status in the diagnostic only
    {"bounce-flufl/tests/data/dsn_15.txt", "failed 5.1.1"},
    {"bounce-flufl/tests/data/dsn_16.txt", "failed 5.0.0"},
    {"bounce-flufl/tests/data/dsn_17.txt", "delayed 4.3.0"},
    {"bounce-flufl/tests/data/simple_31.txt", "not found"},  // a status that names no recipient
    {"bounce-flufl/tests/data/netscape_01.txt", "not found"},
    {"mime-enmime/dsn/testdata/delayed_dsn.raw", "delayed 4.0.0"},
    {"mime-enmime/dsn/testdata/multi_recipient_dsn.raw",
     "failed 5.0.0, delayed 4.0.0, failed 5.0.0"},
    {"mime-enmime/dsn/testdata/simple_dsn.raw", "failed 4.0.0"},
    {"mime-enmime/dsn/testdata/simple_dsn_with_html.raw", "failed 4.0.0"},
    {"mime-enmime/dsn/testdata/dsn_with_multipart_alternative.raw", "failed 5.1.10"},
    {"mime-mimekit/messages/delivery-status.txt", "failed 5.0.0"},
    {"mime-mimekit/messages/delivery-status-no-blank-line.txt", "failed 5.0.0"},
    {"mime-mimekit/messages/delivery-status-multiple-blank-lines.txt", "? 5.5.0"},
    {"mime-mimekit/messages/delivery-status2.txt", "failed 5.0.0"},
    {"mime-nodemailer-mailparser/fixtures/delivery-status.eml", "failed 5.1.1"},
    {"mime-python-email/data/msg_16.txt", "failed 5.0.0"},
    {"mime-python-email/data/msg_43.txt", times(25, "failed 5.7.1")},
    {"mime-ruby-mail/emails/multipart_report_emails/multi_address_bounce1.eml",
     times(5, "failed 5.1.1")},
    {"mime-ruby-mail/emails/multipart_report_emails/multi_address_bounce2.eml",
     times(5, "failed 5.1.1")},
    {"mime-ruby-mail/emails/multipart_report_emails/multipart_report_multiple_status.eml",
     "failed 5.3.0"},
    {"mime-ruby-mail/emails/multipart_report_emails/report_422.eml", "delayed 4.2.2"},
    {"mime-ruby-mail/emails/multipart_report_emails/report_530.eml", "failed 5.3.0"},
};

TEST(DsnConformance, ReadsTheReportsOfOthers) {
    auto const root = testdata();
    if (!fs::exists(root)) GTEST_SKIP() << root << " is missing";
    for (auto const& [name, wanted] : expected) {
        auto const content = read(root / name);
        ASSERT_FALSE(content.empty()) << name;
        EXPECT_EQ(show(parse_report(content)), wanted) << name;
    }
}

// Addresses, found a second time without any parser: whatever stands behind "Final-Recipient: x;".
TEST(DsnConformance, FindsEveryFinalRecipient) {
    auto const root = testdata();
    if (!fs::exists(root)) GTEST_SKIP() << root << " is missing";
    std::size_t reports = 0;
    for (std::string const suite :
         {"bounce-flufl", "mime-enmime", "mime-ruby-mail", "mime-mimekit", "mime-python-email"}) {
        for (auto const& entry : fs::recursive_directory_iterator(root / suite)) {
            if (!entry.is_regular_file()) continue;
            auto const content = read(entry.path());
            auto const report = parse_report(content);
            if (!report) continue;
            ++reports;
            std::string_view rest = content;
            for (auto const& recipient : report->recipients) {
                if (recipient.final_recipient.empty()) continue;
                std::size_t at = 0;
                while (at < rest.size() &&
                       !ascii::istarts_with(rest.substr(at), "\nfinal-recipient:"))
                    ++at;
                ASSERT_LT(at, rest.size()) << entry.path();
                auto const line = rest.substr(at + 1, rest.find('\n', at + 1) - at - 1);
                EXPECT_NE(line.find(recipient.final_recipient), std::string_view::npos)
                    << entry.path() << line;
                rest.remove_prefix(at + 1);
            }
        }
    }
    EXPECT_GE(reports, 35U);
}

}  // namespace
}  // namespace dawk::dsn
