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

// The first octet that is not ordinary, found the slow way; size if all are.
std::size_t first_odd(std::string_view text, LinePlace place) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool const lf = text[i] == '\n';
        if (lf != place.after_cr || (place.at_start && text[i] == '.')) return i;
        place = {.after_cr = text[i] == '\r', .at_start = lf};
    }
    return text.size();
}

TEST(LineEnds, WhatIsSkippedIsOrdinaryAndThePlaceIsRight) {
    // Lines of all lengths, so that their ends fall on all places of a block.
    std::string lines;
    for (std::size_t size = 0; size < 90; ++size) lines += std::string(size, 'a') + ".\r\n";
    std::size_t skipped = 0;
    for (std::size_t odd_at = 0; odd_at < 400; ++odd_at) {
        for (char const odd : {'\r', '\n', '.', 'a'}) {
            auto text = lines;
            text[odd_at] = odd;
            for (bool const after_cr : {false, true}) {
                LinePlace place{.after_cr = after_cr, .at_start = !after_cr};
                auto const odd_place = first_odd(text, place);
                auto const n = skip_ordinary<true>(text, place);
                EXPECT_LE(n, odd_place);
                if (n == 0) continue;
                skipped += n;
                EXPECT_EQ(place.after_cr, text[n - 1] == '\r');
                EXPECT_EQ(place.at_start, text[n - 1] == '\n');
            }
        }
    }
#if defined(__x86_64__)
    EXPECT_GT(skipped, 0U);
#endif
}

TEST(LineEnds, DotsAreOrdinaryToWhoDoesNotAsk) {
    std::string const text = std::string(10, 'a') + "\r\n." + std::string(51, 'b');
    LinePlace place;
    EXPECT_EQ(skip_ordinary<true>(text, place), 0U);
    EXPECT_TRUE(place.at_start);
#if defined(__x86_64__)
    EXPECT_EQ(skip_ordinary<false>(text, place), 64U);
    EXPECT_FALSE(place.at_start);
#endif
}

}  // namespace
}  // namespace dawk
