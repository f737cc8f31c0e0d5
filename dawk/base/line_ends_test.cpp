#include "dawk/base/line_ends.hpp"

#include <string>

#include <gtest/gtest.h>

namespace dawk {
namespace {

TEST(LineEnds, AreFoundAtEveryPlaceOfEveryLength) {
    for (std::size_t size = 0; size < 70; ++size) {
        std::string const plain(size, 'x');
        EXPECT_EQ(find_line_end(plain), std::string::npos);
        for (std::size_t at = 0; at < size; ++at) {
            for (char const c : {'\r', '\n'}) {
                auto text = plain;
                text[at] = c;
                for (std::size_t from = 0; from <= size; ++from) {
                    EXPECT_EQ(find_line_end(text, from), text.find_first_of("\r\n", from));
                }
            }
        }
    }
}

TEST(LineEnds, TheFirstOfSeveralCounts) {
    std::string const text = std::string(40, 'a') + "\n" + std::string(3, '\x8d') + "\r\n";
    EXPECT_EQ(find_line_end(text), 40U);
    EXPECT_EQ(find_line_end(text, 41), 44U);
    EXPECT_EQ(find_line_end(text, 45), 45U);
    EXPECT_EQ(find_line_end(text, 46), std::string::npos);
}

}  // namespace
}  // namespace dawk
