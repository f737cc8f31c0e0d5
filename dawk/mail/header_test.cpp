#include "dawk/mail/header.hpp"

#include <gtest/gtest.h>

namespace dawk::mail {
namespace {

using State = HeaderScanner::State;

// All that can be seen of a result, as text.
std::string show(HeaderScanner& scanner) {
    if (scanner.state() != State::done) return std::to_string(static_cast<int>(scanner.state()));
    auto const section = scanner.take();
    std::string out;
    for (auto const f : section)
        out.append(f.name).append("|").append(f.value()).append("|").append(f.raw);
    return out + std::to_string(section.body_offset()) + "/" +
           std::to_string(static_cast<int>(section.ended_by())) + "/" +
           std::string{section.block()};
}

std::string scan(std::vector<std::string_view> const& pieces, HeaderLimits limits = {}) {
    HeaderScanner scanner{limits};
    for (auto const piece : pieces) scanner.feed(piece);
    scanner.finish();
    return show(scanner);
}

// Whole, byte by byte, and cut into two at each place: the result must be one.
std::string scan_all_ways(std::string_view text, HeaderLimits limits = {}) {
    auto const whole = scan({text}, limits);
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        EXPECT_EQ(scan({text.substr(0, i), text.substr(i)}, limits), whole) << i;
        bytes.push_back(text.substr(i, 1));
    }
    EXPECT_EQ(scan(bytes, limits), whole);
    return whole;
}

HeaderSection parse(std::string_view text) {
    return *HeaderSection::parse(text);
}

TEST(HeaderSection, KeepsFieldsInOrderWithDuplicates) {
    auto const h = parse("Received: a\r\nreceived: b\r\n c\r\nSubject:x\r\n\r\nbody: no\r\n");
    ASSERT_EQ(h.size(), 3U);
    EXPECT_EQ(h.count("RECEIVED"), 2U);
    EXPECT_EQ(h.first("received")->value(), "a");
    EXPECT_EQ(h.last("received")->value(), "b c");
    EXPECT_EQ(h.last("received")->raw, "received: b\r\n c\r\n");
    EXPECT_EQ(h[2].body, "x");
    EXPECT_EQ(h.find("received").size(), 2U);
    EXPECT_EQ(h.value("Subject"), "x");
    EXPECT_EQ(h.value("To"), "");
    EXPECT_FALSE(h.has("To"));
    EXPECT_EQ(h.body_offset(), 43U);
    EXPECT_EQ(h.ended_by(), HeaderEnd::blank_line);
}

TEST(HeaderSection, FirstLineThatIsNoFieldEndsIt) {
    auto const h = parse("A: 1\r\nno field\r\nB: 2\r\n\r\n");
    EXPECT_EQ(h.size(), 1U);
    EXPECT_EQ(h.ended_by(), HeaderEnd::no_field);
    EXPECT_EQ(h.body_offset(), 6U);
    EXPECT_EQ(parse(" A: 1\r\n\r\n").size(), 0U) << "a fold of nothing";
    EXPECT_EQ(parse("From x Thu Jan 1 00:00:00\r\nA: 1\r\n").body_offset(), 0U);
    EXPECT_EQ(parse(": x\r\n").ended_by(), HeaderEnd::no_field);
}

TEST(HeaderSection, ContentMayEndInTheHeader) {
    EXPECT_EQ(parse("").ended_by(), HeaderEnd::end_of_content);
    auto const h = parse("A: 1\r\nB: 2");
    EXPECT_EQ(h.size(), 2U);
    EXPECT_EQ(h[1].raw, "B: 2");
    EXPECT_EQ(h.body_offset(), 10U);
    EXPECT_EQ(parse("\r\n").body_offset(), 2U);
    EXPECT_EQ(parse("\r\nA: 1").size(), 0U);
}

TEST(HeaderSection, ObsoleteForms) {
    auto const h = parse("Subject \t: x\r\n \r\n y\r\nA: \r\n\r\n");
    ASSERT_EQ(h.size(), 2U) << "a line of white space is part of a fold (RFC 5322 §4.2)";
    EXPECT_EQ(h[0].name, "Subject");
    EXPECT_EQ(h[0].value(), "x  y");
    EXPECT_EQ(h[1].value(), "");
}

TEST(HeaderSection, LinesMayEndWithLfAloneInFiles) {
    auto const h = parse("A: 1\nB: 2\n 3\n\nbody");
    ASSERT_EQ(h.size(), 2U);
    EXPECT_EQ(h[1].value(), "2 3");
    EXPECT_EQ(h.body_offset(), 14U);
    auto const cr = parse("A: 1\rB: 2\r\n\r\n");
    ASSERT_EQ(cr.size(), 1U) << "a bare CR ends no line";
    EXPECT_EQ(cr[0].value(), "1 B: 2");
}

TEST(HeaderSection, BlockWithoutDropsWholeFields) {
    auto const h = parse("Bcc: a,\r\n b\r\nTo: c\r\nBCC: d\r\n\r\nbody");
    EXPECT_EQ(h.block_without({"bcc", "return-path"}), "To: c\r\n");
    EXPECT_EQ(h.block(), "Bcc: a,\r\n b\r\nTo: c\r\nBCC: d\r\n");
}

TEST(HeaderScanner, ResultDoesNotDependOnTheCuts) {
    for (std::string_view const text :
         {"A: 1\r\nB: 2\r\n 3\r\n\r\nbody\r\n\r\nX: y\r\n", "A: 1\n\nx", "A: 1\r\nrubbish\r\n\r\n",
          "\r\n", "A", "A:", "A: 1\r\n\r", "A: 1\r", "\n", " \r\n\r\n", "A: 1\r\r\n\r\n",
          "A: 1\r\n\r\r\n", "a b: c\r\n\r\n"})
        scan_all_ways(text);
}

TEST(HeaderScanner, HoldsItsLimitsWhateverTheCuts) {
    HeaderLimits const limits{.size_bytes = 12, .fields = 2};
    EXPECT_EQ(scan_all_ways("A: 1\r\nB: 2\r\n\r\nx", limits).substr(0, 1), "A");
    EXPECT_EQ(scan_all_ways("A: 1\r\nB: 23\r\n\r\nx", limits), "2") << "too large by one";
    EXPECT_EQ(scan_all_ways("A: 1\r\nB: 23\r\n", limits), "2");
    EXPECT_EQ(scan_all_ways("A: 1\r\nB: 234567890", limits), "2");
    EXPECT_EQ(scan_all_ways("A:\r\nB:\r\nC:\r\n\r\n", limits), "3") << "too many";
    EXPECT_EQ(scan_all_ways("AAAAAAAAAAAAAAAAAAAAAA", limits), "2") << "may yet be a field";
    EXPECT_EQ(scan_all_ways("A: 1\r\na b c d e f g h i", limits), "A|1|A: 1\r\n6/1/A: 1\r\n");
    EXPECT_EQ(scan_all_ways("\xFF"
                            "aaaaaaaaaaaaaaaaaaaaaa",
                            limits),
              "0/1/");
}

TEST(Unfold, LeavesNoLineEnd) {
    EXPECT_EQ(unfold("a\r\n b\n\tc"), "a b\tc");
    EXPECT_EQ(unfold(std::string_view{"a\rb\nc\r\n\0d", 9}), "a b c  d");
    EXPECT_EQ(unfold("a\r\n"), "a ");
}

}  // namespace
}  // namespace dawk::mail
