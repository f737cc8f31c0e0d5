#include "dawk/dmarcreport/unpack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "dawk/dmarcreport/compose.hpp"

namespace dawk::dmarcreport {
namespace {

using testing::HasSubstr;

std::string little(std::uint64_t value, int size) {
    std::string out;
    for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
    return out;
}

std::string deflated(std::string const& text) {
    auto const packed = gzip(text);
    return packed.substr(10, packed.size() - 18);  // without the frame of gzip
}

struct File {
    std::string name, octets;
    int method = 8;
    int flags = 0;
};

std::string zip(std::vector<File> const& files) {
    std::string out, directory;
    for (auto const& f : files) {
        auto const packed = f.method == 8 ? deflated(f.octets) : f.octets;
        auto const crc = crc32(0, reinterpret_cast<Bytef const*>(f.octets.data()),
                               static_cast<uInt>(f.octets.size()));
        auto const common = little(static_cast<unsigned>(f.flags), 2) +
                            little(static_cast<unsigned>(f.method), 2) + little(0, 4) +
                            little(crc, 4) + little(packed.size(), 4) + little(f.octets.size(), 4) +
                            little(f.name.size(), 2) + little(0, 2);
        directory += "PK\1\2" + little(20, 2) + little(20, 2) + common + little(0, 2) +
                     little(0, 2) + little(0, 2) + little(0, 4) + little(out.size(), 4) + f.name;
        out += "PK\3\4" + little(20, 2) + common + f.name + packed;
    }
    auto const at = out.size();
    return out + directory + "PK\5\6" + little(0, 4) + little(files.size(), 2) +
           little(files.size(), 2) + little(directory.size(), 4) + little(at, 4) + little(0, 2);
}

// What comes out, or "!" and the reason.
std::string unpacked(std::string const& octets, UnpackLimits limits = {}) {
    std::string out;
    auto const done = unpack(octets, limits, [&](std::string_view piece) {
        out += piece;
        return true;
    });
    return done ? out : "!" + done.error().reason;
}

TEST(Unpack, GzipOfOneAndOfSeveralMembers) {
    EXPECT_EQ(unpacked(gzip("one")), "one");
    EXPECT_EQ(unpacked(gzip("one") + gzip(" two")), "one two");
    EXPECT_EQ(unpacked(gzip("one") + std::string(8, '\0')), "one") << "padding";
    EXPECT_EQ(unpacked("<plain/>"), "<plain/>");
}

TEST(Unpack, ZipGivesItsFirstXmlFile) {
    EXPECT_EQ(unpacked(zip({{"readme.txt", "no"}, {"a.XML", "<yes/>"}})), "<yes/>");
    EXPECT_EQ(unpacked(zip({{"only", "<yes/>", 0}})), "<yes/>");
    EXPECT_THAT(unpacked(zip({{"a.txt", ""}, {"b.txt", ""}})), HasSubstr("!there is no XML"));
    EXPECT_THAT(unpacked(zip({})), HasSubstr("!there is no XML"));
}

TEST(Unpack, WhatCannotBeTrustedIsRefused) {
    EXPECT_THAT(unpacked(zip({{"a.xml", "x", 8, 1}})), HasSubstr("!the zip archive is encrypted"));
    EXPECT_THAT(unpacked(zip({{"a.xml", "x", 12}})), HasSubstr("method 12"));
    std::vector<File> many(101, File{"a.xml", "x"});
    EXPECT_THAT(unpacked(zip(many)), HasSubstr("too many files"));
    many.pop_back();
    EXPECT_EQ(unpacked(zip(many)), "x");
    auto wrong = zip({{"a.xml", "stored", 0}});
    wrong[wrong.find("stored")] = 'S';
    EXPECT_THAT(unpacked(wrong), HasSubstr("damaged"));
}

TEST(Unpack, EveryCutAndEveryFlippedOctetIsHarmless) {
    for (auto const& whole : {gzip("some text, some text"), zip({{"a.xml", "some text"}})}) {
        for (std::size_t cut = 0; cut < whole.size(); ++cut) {
            EXPECT_NE(unpacked(whole.substr(0, cut)), unpacked(whole)) << cut;
            auto flipped = whole;
            flipped[cut] = static_cast<char>(flipped[cut] ^ 0xFF);
            unpacked(flipped);
        }
    }
}

TEST(Unpack, BombsAreRefused) {
    std::string const zeros(4U << 20U, '0');
    EXPECT_THAT(unpacked(gzip(zeros)), HasSubstr("grows more than 300 times"));
    EXPECT_THAT(unpacked(zip({{"a.xml", zeros}})), HasSubstr("grows more than"));
    UnpackLimits limits;
    limits.ratio = 100'000;
    EXPECT_EQ(unpacked(gzip(zeros), limits).size(), zeros.size());
    limits.octets = zeros.size();
    EXPECT_EQ(unpacked(gzip(zeros), limits).size(), zeros.size());
    limits.octets = zeros.size() - 1;
    EXPECT_THAT(unpacked(gzip(zeros), limits), HasSubstr("comes to more than"));
    EXPECT_THAT(unpacked(zip({{"a.xml", zeros}}), limits), HasSubstr("comes to more than"));
    EXPECT_THAT(unpacked(zeros, limits), HasSubstr("more than"));
}

TEST(Unpack, TheSinkMayHaveEnough) {
    int calls = 0;
    auto const done = unpack(gzip(std::string(1U << 20U, 'a')), {}, [&](std::string_view) {
        ++calls;
        return false;
    });
    EXPECT_TRUE(done);
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace dawk::dmarcreport
