#include "dawk/smtp/extensions.hpp"

#include <gtest/gtest.h>

namespace dawk::smtp {
namespace {

TEST(Extensions, UnknownAndWrongLinesDoNoHarm) {
    auto const x = parse_extensions(
        "mx.example hello\nXYZ 1 2\n\nsize 12x\nAUTH=LOGIN plain\nAUTH PLAIN\nPipelining\n"
        "LIMITS RCPTMAX=100 MAILMAX=0\n8BITMIME junk\n  \nSIZE");
    EXPECT_EQ(x.name, "mx.example");
    EXPECT_TRUE(x.pipelining && x.eight_bit_mime && x.size);
    EXPECT_EQ(x.size_max, 0U);
    EXPECT_EQ(x.auth, (std::vector<std::string>{"LOGIN", "PLAIN"}));
    EXPECT_EQ(x.recipients_max, 0U) << "one malformed item voids the line (RFC 9422 §3)";
    EXPECT_EQ(parse_extensions("m\nLIMITS RCPTMAX=100 RCPTDOMAINMAX=1").recipients_max, 100U);
    EXPECT_EQ(parse_extensions("m\nSIZE 99999999999999999999").size_max, 0U);
}

}  // namespace
}  // namespace dawk::smtp
