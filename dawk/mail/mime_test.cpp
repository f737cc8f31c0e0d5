#include "dawk/mail/mime.hpp"

#include <map>

#include <gtest/gtest.h>

namespace dawk::mail {
namespace {

class Bodies final : public MimeSink {
  public:
    void on_part(std::uint32_t index, MimePart const& part) override {
        types[index] = part.type.name();
    }
    void on_body(std::uint32_t index, std::string_view octets) override { bodies[index] += octets; }
    void on_end(std::uint32_t index, MimePart const&) override { ends.push_back(index); }
    std::map<std::uint32_t, std::string> types, bodies;
    std::vector<std::uint32_t> ends;
};

// Structure and bodies as text: "depth type(body) ...".
std::string show(std::string_view content, std::size_t cut, MimeLimits limits = {}) {
    Bodies bodies;
    MimeScanner scanner{limits, &bodies};
    for (auto rest = content; !rest.empty(); rest.remove_prefix(std::min(cut, rest.size())))
        if (auto const error = scanner.feed(rest.substr(0, cut))) return error.message();
    if (auto const error = scanner.finish()) return error.message();
    std::string out;
    EXPECT_EQ(bodies.ends.size(), scanner.parts().size());
    for (std::uint32_t i = 0; auto const& part : scanner.parts()) {
        out += std::to_string(part.depth) + " " + part.type.name() + (part.is_cut ? "!" : "");
        if (!part.is_container) {
            out += "(" + bodies.bodies[i] + ")";
            EXPECT_EQ(bodies.bodies[i],
                      content.substr(part.body_begin, part.body_end - part.body_begin));
        }
        EXPECT_EQ(bodies.types[i], part.type.name());
        EXPECT_EQ(part.body_begin - part.begin, part.header.body_offset());
        EXPECT_EQ(content.substr(part.begin, part.header.block().size()), part.header.block());
        out += "; ";
        ++i;
    }
    return out;
}

std::string show_all_ways(std::string_view content, MimeLimits limits = {}) {
    auto const whole = show(content, content.size() + 1, limits);
    for (std::size_t cut = 1; cut < 20; ++cut) EXPECT_EQ(show(content, cut, limits), whole) << cut;
    return whole;
}

std::string const multi = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

TEST(MimeScanner, PlainMessage) {
    EXPECT_EQ(show_all_ways("Subject: x\r\n\r\nbody\r\n--b\r\n"),
              "0 text/plain(body\r\n--b\r\n); ");
    EXPECT_EQ(show_all_ways(""), "0 text/plain(); ");
    EXPECT_EQ(show_all_ways("Subject: x"), "0 text/plain(); ");
    EXPECT_EQ(show_all_ways("no header"), "0 text/plain(no header); ");
    EXPECT_EQ(show_all_ways("A: 1\r\nno header"), "0 text/plain(no header); ");
    EXPECT_EQ(show_all_ways("A: 1\r\n\r"), "0 text/plain(); ");
    EXPECT_EQ(show_all_ways("no header\r\nat all"), "0 text/plain(no header\r\nat all); ");
}

TEST(MimeScanner, Multipart) {  // RFC 2046 §5.1.1
    EXPECT_EQ(show_all_ways(multi + "preamble\r\n--b\r\n\r\none\r\n\r\n--b \t\r\nContent-Type: "
                                    "text/html\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n--b\r\n"),
              "0 multipart/mixed; 1 text/plain(one\r\n); 1 text/html(two); ");
    EXPECT_EQ(show_all_ways(multi + "--b\r\n\r\n--b--"), "0 multipart/mixed; 1 text/plain(); ");
    EXPECT_EQ(show_all_ways(multi + "--b\n\na\n--b--\n"), "0 multipart/mixed; 1 text/plain(a); ");
    EXPECT_EQ(show_all_ways(multi + "--b\r\n\r\na\r\r\n--b--"),
              "0 multipart/mixed; 1 text/plain(a\r); ");
    EXPECT_EQ(show_all_ways(multi + "--bb\r\n--b-\r\n--b x\r\n-b\r\n --b"), "0 multipart/mixed!; ")
        << "none of these is one";
}

TEST(MimeScanner, PartsMayBeCutAnywhere) {
    EXPECT_EQ(show_all_ways(multi + "--b\r\n\r\na\r\n"),
              "0 multipart/mixed!; 1 text/plain(a\r\n); ");
    EXPECT_EQ(show_all_ways(multi + "--b\r\nContent-Type: text/html\r\n--b\r\nX: y"),
              "0 multipart/mixed!; 1 text/html(); 1 text/plain(); ");
    EXPECT_EQ(show_all_ways(multi + "--b\r\nContent-Type: message/rfc822\r\n--b--"),
              "0 multipart/mixed; 1 message/rfc822; 2 text/plain(); ");
    EXPECT_EQ(show_all_ways(multi + "--b\r\nno field\r\n--b--"),
              "0 multipart/mixed; 1 text/plain(no field); ");
    EXPECT_EQ(show_all_ways("Content-Type: multipart/mixed\r\n\r\n--\r\n"),
              "0 multipart/mixed(--\r\n); ");
}

TEST(MimeScanner, NestedMultiparts) {
    std::string const inner =
        "--b\r\nContent-Type: multipart/alternative; "
        "boundary=c\r\n\r\n--c\r\n\r\n1\r\n--c\r\n\r\n2\r\n";
    EXPECT_EQ(show_all_ways(multi + inner + "--c--\r\n\r\n--b\r\n\r\n3\r\n--b--\r\n"),
              "0 multipart/mixed; 1 multipart/alternative; 2 text/plain(1); 2 text/plain(2); 1 "
              "text/plain(3); ");
    EXPECT_EQ(show_all_ways(multi + inner + "--b\r\n\r\n3\r\n--b--\r\n"),
              "0 multipart/mixed; 1 multipart/alternative!; 2 text/plain(1); 2 text/plain(2); 1 "
              "text/plain(3); ")
        << "an outer boundary ends all inner parts";
}

TEST(MimeScanner, EnclosedMessages) {  // RFC 2046 §5.2.1, §5.1.5
    EXPECT_EQ(show_all_ways("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n" + multi +
                            "--b\r\n\r\nx\r\n--b--\r\n"),
              "0 message/rfc822; 1 multipart/mixed; 2 text/plain(x); ");
    EXPECT_EQ(
        show_all_ways(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n"),
        "0 message/rfc822(QQ==\r\n); ");
    EXPECT_EQ(
        show_all_ways(
            "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: 1\r\n\r\nx\r\n--b--"),
        "0 multipart/digest; 1 message/rfc822; 2 text/plain(x); ");
}

TEST(MimeScanner, RefusesWhatIsAboveItsLimits) {
    MimeLimits limits;
    limits.parts = 3;
    EXPECT_EQ(show_all_ways(multi + "--b\r\n\r\n\r\n--b\r\n\r\n", limits).substr(0, 1), "0");
    EXPECT_EQ(show_all_ways(multi + "--b\r\n\r\n\r\n--b\r\n\r\n--b\r\n", limits), "too many");
    limits = {};
    limits.depth = 1;
    EXPECT_EQ(
        show_all_ways("Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\n", limits).substr(0, 1),
        "0");
    EXPECT_EQ(
        show_all_ways("Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n",
                      limits),
        "too many");
    limits = {};
    limits.header.size_bytes = 50;
    EXPECT_EQ(show_all_ways("A: " + std::string(45, 'x') + "\r\n\r\nbody", limits).substr(0, 1),
              "0");
    EXPECT_EQ(show_all_ways("A: " + std::string(46, 'x') + "\r\n\r\nbody", limits), "too long");
    EXPECT_EQ(show_all_ways("A: " + std::string(5000, 'x') + "\r\n\r\nbody", limits), "too long");
    EXPECT_EQ(show_all_ways("A " + std::string(5000, 'x') + "\r\n\r\nbody", limits).substr(0, 14),
              "0 text/plain(A");
    limits.headers_size_bytes = 60;
    EXPECT_EQ(show_all_ways(multi + "--b\r\nA: 23456789012345\r\n\r\n", limits), "too long");
}

TEST(MimeScanner, CyclesOfBoundariesAreBounded) {  // deep nesting with one and the same boundary
    std::string content;
    for (int i = 0; i < 100; ++i) content += multi + "--b\r\n";
    EXPECT_EQ(show(content, 1000), "too many");
}

TEST(MimeScanner, LongLinesStreamThrough) {
    for (std::size_t const size : {1021U, 1022U, 1023U, 1024U, 1025U, 5000U}) {
        auto const line = std::string(size, 'x');
        EXPECT_EQ(show_all_ways(multi + "--b\r\n\r\n" + line + "\r\n--b--"),
                  "0 multipart/mixed; 1 text/plain(" + line + "); ");
        EXPECT_EQ(show_all_ways(multi + "--b\r\n\r\n" + line + "\r\r\n\r\n--b--"),
                  "0 multipart/mixed; 1 text/plain(" + line + "\r\r\n); ");
        EXPECT_EQ(show_all_ways(multi + "--b" + std::string(size, ' ') + "\r\n\r\nx"),
                  size < 1020 ? "0 multipart/mixed; 1 text/plain(x); " : "0 multipart/mixed!; ");
    }
}

TEST(MimePart, DecodesBodies) {
    std::string const content =
        multi +
        "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
        "quoted-printable\r\n\r\ncaf=E9\r\n"
        "--b\r\nContent-Type: application/x; name=\"a.bin\"\r\nContent-Transfer-Encoding: "
        "base64\r\n"
        "Content-Disposition: attachment; filename=b.bin\r\n\r\nAAEC\r\n--b--\r\n";
    auto const parts = *parse_mime(content);
    ASSERT_EQ(parts.size(), 3U);
    EXPECT_EQ(decoded_text(parts[1], content), "caf\xC3\xA9");
    EXPECT_EQ(decoded_body(parts[2], content), std::string("\0\1\2", 3));
    EXPECT_EQ(file_name(parts[2]), "b.bin");
    EXPECT_EQ(parts[2].disposition.kind, "attachment");
    EXPECT_EQ(parts[2].parent, 0U);
}

}  // namespace
}  // namespace dawk::mail
