#include "dawk/spool_rocks/manifest.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "dawk/base/ascii.hpp"
#include "dawk/base/crc32c.hpp"
#include "dawk/spool_rocks/counted_file.hpp"
#include "dawk/spool_rocks/disk_format.hpp"

namespace dawk::spool_rocks {
namespace {

using rocksdb::IOStatus;

constexpr std::string_view mark_suffix = ".synced";

// A mark is a row of these: a length (8 octets) and the CRC-32C of it (4), little-endian.
constexpr std::size_t mark_bytes = 12;

std::string mark_record(std::uint64_t length) {
    std::string out;
    for (unsigned i = 0; i < 8; ++i) out += static_cast<char>((length >> (8 * i)) & 0xFFU);
    auto const sum = crc32c(out);
    for (unsigned i = 0; i < 4; ++i) out += static_cast<char>((sum >> (8 * i)) & 0xFFU);
    return out;
}

// Lengths only grow, and each was true; so the greatest that can be read holds, whatever became of
// the others.
std::optional<std::uint64_t> marked_length(std::string_view mark) {
    std::optional<std::uint64_t> out;
    for (; mark.size() >= mark_bytes; mark.remove_prefix(mark_bytes)) {
        auto const length = mark.substr(0, 8);
        if (crc32c(length) != little_endian(mark.substr(8, 4))) continue;
        out = std::max(out.value_or(0), little_endian(length));
    }
    return out;
}

class MarkedManifest final : public CountedFile {
  public:
    MarkedManifest(std::unique_ptr<rocksdb::FSWritableFile> file,
                   std::unique_ptr<rocksdb::FSWritableFile> mark)
        : CountedFile(std::move(file)), mark_(std::move(mark)) {}

    IOStatus Close(IOOptions const& options, Context* context) override {
        auto const own = Base::Close(options, context);
        auto const other = mark_->Close(options, context);
        return own.ok() ? other : own;
    }

  private:
    IOStatus appended(std::size_t size, IOStatus status) override {
        written_ += size;
        return status;
    }
    // After a failure RocksDB writes no more to it.
    IOStatus synced(std::uint64_t up_to, IOStatus status) override {
        if (!status.ok()) has_failed_ = true;
        if (has_failed_ || up_to == marked_) return status;
        marked_ = up_to;
        status = mark_->Append(mark_record(up_to), {}, nullptr);
        if (status.ok()) status = mark_->Sync({}, nullptr);
        return status;
    }
    std::uint64_t written() const override { return written_; }

    std::unique_ptr<rocksdb::FSWritableFile> mark_;
    std::uint64_t written_ = 0, marked_ = 0;
    bool has_failed_ = false;
};

std::string name_of(std::string const& path) {
    return path.substr(path.rfind('/') + 1);
}

// What CURRENT names; empty: nothing that could be one.
std::string current_manifest(rocksdb::FileSystem& files, std::string const& database) {
    std::string name;
    if (!rocksdb::ReadFileToString(&files, database + "/CURRENT", &name).ok()) return {};
    if (name.ends_with('\n')) name.pop_back();
    auto path = database + "/" + name;
    return is_manifest(path) && name_of(path) == name ? path : std::string();
}

}  // namespace

bool is_manifest(std::string const& path) {
    constexpr std::string_view prefix = "MANIFEST-";
    auto const name = name_of(path);
    auto const digits = std::string_view(name).substr(std::min(prefix.size(), name.size()));
    return name.starts_with(prefix) && !digits.empty() &&
           std::all_of(digits.begin(), digits.end(), ascii::is_digit);
}

std::string mark_of(std::string const& manifest) {
    return manifest + std::string(mark_suffix);
}

Result<LogState> examine_manifest(rocksdb::FileSystem& files, std::string const& database) {
    LogState state;
    auto const path = current_manifest(files, database);
    std::string mark;
    if (path.empty() || !files.FileExists(path, {}, nullptr).ok()) return state;
    if (!rocksdb::ReadFileToString(&files, mark_of(path), &mark).ok()) return state;
    auto const relied_upon = marked_length(mark);
    if (!relied_upon) return state;
    DAWK_TRY(auto const scanner, scan_log(files, path));
    if (scanner.intact() < *relied_upon) {
        state.damage = name_of(path) + " at octet " + std::to_string(scanner.intact()) + " of " +
                       std::to_string(*relied_upon);
    } else if (scanner.is_damaged()) {
        state.torn = LogState::Torn{path, scanner.intact()};
    }
    return state;
}

void remove_lost_marks(rocksdb::FileSystem& files, std::string const& database) {
    std::vector<std::string> names;
    files.GetChildren(database, {}, &names, nullptr).PermitUncheckedError();
    for (auto const& name : names) {
        if (!name.ends_with(mark_suffix)) continue;
        auto const path = database + "/" + name;
        auto const manifest = path.substr(0, path.size() - mark_suffix.size());
        if (is_manifest(manifest) && !files.FileExists(manifest, {}, nullptr).ok()) {
            files.DeleteFile(path, {}, nullptr).PermitUncheckedError();  // or at the next start
        }
    }
}

IOStatus make_marked(rocksdb::FileSystem& files, std::string const& path,
                     rocksdb::FileOptions const& options,
                     std::unique_ptr<rocksdb::FSWritableFile>& file) {
    std::unique_ptr<rocksdb::FSWritableFile> manifest, mark;
    auto status = files.NewWritableFile(path, options, &manifest, nullptr);
    if (status.ok()) status = files.NewWritableFile(mark_of(path), {}, &mark, nullptr);
    if (status.ok()) {
        file = std::make_unique<MarkedManifest>(std::move(manifest), std::move(mark));
    }
    return status;
}

}  // namespace dawk::spool_rocks
