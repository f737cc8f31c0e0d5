#include "dawk/dmarcreport/unpack.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <zlib.h>

#include "dawk/base/ascii.hpp"

namespace dawk::dmarcreport {
namespace {

constexpr std::size_t buffer_bytes = 64U << 10U;
constexpr int gzip_window = 15 + 16, raw_window = -15;  // as inflateInit2 names them

// Out against in, all along.
class Gauge {
  public:
    Gauge(UnpackLimits const& limits, std::uint64_t in)
        : limits_(limits), in_(std::max<std::uint64_t>(in, 1)) {}
    std::optional<Refusal> add(std::uint64_t out) {
        out_ += out;
        if (out_ > limits_.octets)
            return Refusal{Errc::too_long, "it comes to more than " +
                                               std::to_string(limits_.octets) +
                                               " octets when it is unpacked"};
        if (out_ > limits_.ratio_from && out_ / in_ > limits_.ratio)
            return Refusal{Errc::too_long, "it grows more than " + std::to_string(limits_.ratio) +
                                               " times when it is unpacked"};
        return std::nullopt;
    }

  private:
    UnpackLimits const& limits_;
    std::uint64_t in_, out_ = 0;
};

struct EndInflate {
    void operator()(z_stream* z) const { inflateEnd(z); }
};

Refusal damaged(std::string_view what) {
    return {Errc::corrupt, "the " + std::string(what) + " is damaged or cut short"};
}

// One deflated stream, or for gzip any number of members. The sink may say that it has enough.
Outcome<void> inflate_all(std::string_view octets, int window, Gauge& gauge, Sink const& sink) {
    auto const* const what = window == gzip_window ? "gzip file" : "file in the zip archive";
    z_stream z{};
    if (inflateInit2(&z, window) != Z_OK) return Refusal{Errc::unavailable, "no memory to unpack"};
    std::unique_ptr<z_stream, EndInflate> const ends(&z);
    auto const buffer = std::make_unique<std::array<unsigned char, buffer_bytes>>();
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
    z.avail_in = static_cast<uInt>(octets.size());
    for (;;) {
        z.next_out = buffer->data();
        z.avail_out = buffer_bytes;
        int const code = inflate(&z, Z_NO_FLUSH);
        std::size_t const got = buffer_bytes - z.avail_out;
        if (auto bomb = gauge.add(got)) return *bomb;
        if (got > 0 && !sink({reinterpret_cast<char const*>(buffer->data()), got})) return {};
        if (code == Z_STREAM_END) {
            // Another member may follow (RFC 1952 §2.2); padding behind it is passed over.
            bool const has_more = window == gzip_window && z.avail_in > 2 && z.next_in[0] == 0x1F &&
                                  z.next_in[1] == 0x8B;
            if (!has_more) return {};
            if (inflateReset(&z) != Z_OK) return damaged(what);
            continue;
        }
        if (code != Z_OK || (got == 0 && z.avail_in == 0)) return damaged(what);
    }
}

std::uint32_t number(std::string_view octets, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = size; i > 0; --i)
        value = value << 8U | static_cast<unsigned char>(octets[at + i - 1]);
    return value;
}

constexpr std::string_view end_mark("PK\5\6", 4), entry_mark("PK\1\2", 4), file_mark("PK\3\4", 4);
constexpr std::size_t end_bytes = 22, entry_bytes = 46, file_bytes = 30;

struct Entry {
    std::string_view name;
    std::uint32_t flags = 0, method = 0, crc = 0, packed = 0, size = 0, offset = 0;
};

// The central directory; it counts, not what stands before each file.
Outcome<std::vector<Entry>> entries_of(std::string_view zip, UnpackLimits const& limits) {
    auto const end = zip.rfind(end_mark);
    if (end == zip.npos || zip.size() - end < end_bytes) return damaged("zip archive");
    auto const count = number(zip, end + 10, 2);
    auto at = static_cast<std::size_t>(number(zip, end + 16, 4));
    if (count > limits.entries)
        return Refusal{Errc::too_many, "the zip archive has too many files"};
    std::vector<Entry> out;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (at > end || end - at < entry_bytes || zip.substr(at, 4) != entry_mark)
            return damaged("zip archive");
        Entry e;
        e.flags = number(zip, at + 8, 2);
        e.method = number(zip, at + 10, 2);
        e.crc = number(zip, at + 16, 4);
        e.packed = number(zip, at + 20, 4);
        e.size = number(zip, at + 24, 4);
        e.offset = number(zip, at + 42, 4);
        auto const name_size = number(zip, at + 28, 2);
        std::size_t const tail = name_size + number(zip, at + 30, 2) + number(zip, at + 32, 2);
        if (end - at - entry_bytes < tail) return damaged("zip archive");
        e.name = zip.substr(at + entry_bytes, name_size);
        at += entry_bytes + tail;
        out.push_back(e);
    }
    return out;
}

Outcome<void> unpack_entry(std::string_view zip, Entry const& entry, UnpackLimits const& limits,
                           Sink const& sink) {
    if ((entry.flags & 1U) != 0) return Refusal{Errc::unsupported, "the zip archive is encrypted"};
    if (entry.packed == 0xFFFFFFFFU || entry.offset == 0xFFFFFFFFU)
        return Refusal{Errc::unsupported, "the zip archive is of the 64 bit kind"};
    if (entry.method != 0 && entry.method != 8)
        return Refusal{Errc::unsupported, "the zip archive uses method " +
                                              std::to_string(entry.method) +
                                              ", which is not deflate"};
    std::size_t const at = entry.offset;
    if (at > zip.size() || zip.size() - at < file_bytes || zip.substr(at, 4) != file_mark)
        return damaged("zip archive");
    std::size_t const begin = at + file_bytes + number(zip, at + 26, 2) + number(zip, at + 28, 2);
    if (begin > zip.size() || zip.size() - begin < entry.packed) return damaged("zip archive");
    auto const packed = zip.substr(begin, entry.packed);
    Gauge gauge(limits, packed.size());
    uLong crc = crc32(0, nullptr, 0);
    bool has_enough = false;
    auto const checked = [&](std::string_view piece) {
        crc = crc32(crc, reinterpret_cast<Bytef const*>(piece.data()),
                    static_cast<uInt>(piece.size()));
        has_enough = !sink(piece);
        return !has_enough;
    };
    if (entry.method == 0) {
        if (auto bomb = gauge.add(packed.size())) return *bomb;
        checked(packed);
    } else {
        auto const done = inflate_all(packed, raw_window, gauge, checked);
        if (!done) return done.error();
    }
    if (!has_enough && crc != entry.crc) return damaged("file in the zip archive");
    return {};
}

Outcome<void> unpack_zip(std::string_view zip, UnpackLimits const& limits, Sink const& sink) {
    auto const entries = entries_of(zip, limits);
    if (!entries) return entries.error();
    auto found = std::find_if(entries->begin(), entries->end(),
                              [](Entry const& e) { return ascii::iends_with(e.name, ".xml"); });
    if (found == entries->end() && entries->size() == 1) found = entries->begin();
    if (found == entries->end())
        return Refusal{Errc::not_found, "there is no XML file in the zip archive"};
    return unpack_entry(zip, *found, limits, sink);
}

}  // namespace

Packing packing_of(std::string_view octets) noexcept {
    if (octets.starts_with("\x1F\x8B")) return Packing::gzip;
    if (octets.starts_with(file_mark) || octets.starts_with(end_mark)) return Packing::zip;
    return Packing::none;
}

Outcome<void> unpack(std::string_view octets, UnpackLimits const& limits, Sink const& sink) {
    if (octets.size() > limits.octets)
        return Refusal{Errc::too_long,
                       "it has more than " + std::to_string(limits.octets) + " octets"};
    Gauge gauge(limits, octets.size());
    switch (packing_of(octets)) {
        case Packing::gzip:
            return inflate_all(octets, gzip_window, gauge, sink);
        case Packing::zip:
            return unpack_zip(octets, limits, sink);
        case Packing::none:
            break;
    }
    if (!octets.empty()) sink(octets);
    return {};
}

}  // namespace dawk::dmarcreport
