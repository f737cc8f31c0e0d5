#include "dawk/spool_rocks/log_check.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "dawk/base/ascii.hpp"
#include "dawk/base/crc32c.hpp"
#include "dawk/spool_rocks/disk_format.hpp"
#include "dawk/spool_rocks/manifest.hpp"

namespace dawk::spool_rocks {
namespace {

// The format of RocksDB's logs: blocks of 32 KiB; a record is one fragment or several, none of
// which crosses a block. Each: masked CRC-32C of type and octets (4), length (2), type (1), octets;
// little-endian.
constexpr std::size_t header_bytes = 7;
enum Type : unsigned char { zero = 0, full = 1, first = 2, middle = 3, last = 4 };

struct Fragment {
    unsigned char type = zero;
    std::size_t end = 0;  // 0: nothing that could be one
    bool is_intact = false;
    bool begins_a_record() const { return type == full || type == first; }
    bool ends_a_record() const { return type == full || type == last; }
};

Fragment fragment_at(std::string_view block, std::size_t at) {
    auto const header = block.substr(at, header_bytes);
    Fragment out;
    out.type = static_cast<unsigned char>(header[6]);
    auto const end = at + header_bytes + little_endian(header.substr(4, 2));
    if (out.type < full || out.type > last || end > block.size()) return out;
    out.end = end;
    auto const covered = block.substr(at + 6, end - at - 6);
    out.is_intact = masked(crc32c(covered)) == little_endian(header.substr(0, 4));
    return out;
}

}  // namespace

// Behind damage it goes on where the damaged fragment says that it ends, or with the next block:
// both are places that RocksDB wrote, never octets of a message, which anybody may have made look
// like a log.
void LogScanner::feed(std::string_view block) {
    std::size_t at = 0;
    // A recycled log has another format, and what lies behind its end is an older log's.
    if (at_ == 0 && block.size() > 6 && block[6] > last && block[6] <= last + 4) recycled_ = true;
    while (block.size() - at >= header_bytes) {
        auto const fragment = fragment_at(block, at);
        bool const fits = fragment.is_intact && fragment.begins_a_record() != inside_;
        if (!damaged_ && !fits) damaged_ = true;
        if (damaged_ && fragment.is_intact && fragment.begins_a_record()) behind_ = true;
        if (fragment.end == 0) break;
        at = fragment.end;
        if (damaged_) continue;
        inside_ = !fragment.ends_a_record();
        if (inside_) continue;
        intact_ = at_ + at;
        has_records_ = true;
    }
    bool const is_padding = block.size() == block_bytes && block.size() - at < header_bytes;
    at_ += block.size();
    if (!damaged_ && !inside_ && is_padding) intact_ = at_;
}

void LogScanner::finish() {
    if (intact_ < at_) damaged_ = true;
    if (recycled_) damaged_ = behind_ = false;
}

namespace {

struct LogName {
    std::uint64_t number = 0;
    std::string path;
};

std::vector<LogName> logs_of(rocksdb::FileSystem& files, std::string const& database) {
    std::vector<std::string> names;
    files.GetChildren(database, {}, &names, nullptr).PermitUncheckedError();
    std::vector<LogName> out;
    for (auto const& name : names) {
        auto const digits = std::string_view(name).substr(0, name.find('.'));
        if (!name.ends_with(".log") || digits.empty() || digits.size() > 18) continue;
        if (!std::all_of(digits.begin(), digits.end(), ascii::is_digit)) continue;
        out.push_back({std::stoull(name), database + "/" + name});
    }
    std::sort(out.begin(), out.end(),
              [](LogName const& a, LogName const& b) { return a.number < b.number; });
    return out;
}

}  // namespace

Result<LogScanner> scan_log(rocksdb::FileSystem& files, std::string const& path) {
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    if (!files.NewSequentialFile(path, {}, &file, nullptr).ok()) return Errc::io_error;
    LogScanner scanner;
    std::string block;
    std::string scratch(LogScanner::block_bytes, '\0');
    for (;;) {
        rocksdb::Slice piece;
        auto const wanted = scratch.size() - block.size();
        if (!file->Read(wanted, {}, &piece, scratch.data(), nullptr).ok()) return Errc::io_error;
        block.append(piece.data(), piece.size());
        if (!piece.empty() && block.size() < scratch.size()) continue;
        scanner.feed(block);
        if (block.size() < scratch.size()) break;
        block.clear();
    }
    scanner.finish();
    return scanner;
}

namespace {

std::string at_octet(std::string const& path, std::uint64_t at) {
    return path.substr(path.rfind('/') + 1) + " at octet " + std::to_string(at);
}

}  // namespace

Result<LogState> examine_logs(rocksdb::FileSystem& files, std::string const& database) {
    LogState state;
    for (auto const& log : logs_of(files, database)) {
        DAWK_TRY(auto const scanner, scan_log(files, log.path));
        if (state.torn && scanner.has_records()) {
            state.damage = at_octet(state.torn->file, state.torn->intact);
            return state;
        }
        if (scanner.has_record_behind_damage()) {
            state.damage = at_octet(log.path, scanner.intact());
            return state;
        }
        if (scanner.is_damaged() && !state.torn) {
            state.torn = LogState::Torn{log.path, scanner.intact()};
        }
    }
    return state;
}

rocksdb::IOStatus cut_torn_end(rocksdb::FileSystem& files, LogState::Torn const& torn) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    auto status = files.ReopenWritableFile(torn.file, {}, &file, nullptr);
    if (status.ok()) status = file->Truncate(torn.intact, {}, nullptr);
    if (status.ok()) status = file->Sync({}, nullptr);
    if (!file) return status;
    auto const closed = file->Close({}, nullptr);
    return status.ok() ? closed : status;
}

namespace {

bool has_large_contents(rocksdb::FileSystem& files, std::string const& folder) {
    auto const children = [&](std::string const& path) {
        std::vector<std::string> names;
        files.GetChildren(path, {}, &names, nullptr).PermitUncheckedError();
        std::erase_if(names, [](std::string const& name) { return name.starts_with('.'); });
        return names;
    };
    for (auto const& a : children(folder)) {
        for (auto const& b : children(folder + "/" + a)) {
            if (!children(folder + "/" + a + "/" + b).empty()) return true;
        }
    }
    return false;
}

}  // namespace

// A database that is being made has at most its first MANIFEST beside what is not CURRENT yet.
std::string lost_database(rocksdb::FileSystem& files, std::string const& folder) {
    auto const database = folder + "/db";
    std::vector<std::string> names;
    files.GetChildren(database, {}, &names, nullptr).PermitUncheckedError();
    if (files.FileExists(database + "/CURRENT", {}, nullptr).ok()) {
        // The next log is always on disk before the last one goes.
        auto const has = [&](std::string_view extension) {
            return std::any_of(names.begin(), names.end(),
                               [&](auto const& name) { return name.ends_with(extension); });
        };
        return has(".sst") && !has(".log") ? "the write-ahead log is missing" : "";
    }
    for (auto const& name : names) {
        bool const holds_mail =
            name.ends_with(".sst") || name.ends_with(".blob") || name.ends_with(".log");
        bool const is_later = is_manifest(name) && name != "MANIFEST-000001";
        if (holds_mail || is_later) return "CURRENT is missing beside " + name;
    }
    if (has_large_contents(files, folder + "/large")) {
        return "there are large contents, but no database";
    }
    return {};
}

}  // namespace dawk::spool_rocks
