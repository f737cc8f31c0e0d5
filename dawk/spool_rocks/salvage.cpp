#include "dawk/spool_rocks/salvage.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <rocksdb/env.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/crc32c.hpp"
#include "dawk/spool_rocks/disk_format.hpp"
#include "dawk/spool_rocks/keys.hpp"

namespace dawk::spool_rocks {
namespace fs = std::filesystem;

rt::ExplainedResult<std::unique_ptr<SpoolLock>> SpoolLock::take(RocksOptions const& options) {
    auto* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
    std::string const database = options.folder + "/db";
    if (!env->FileExists(database + "/CURRENT").ok()) {
        std::error_code error;
        if (!fs::is_directory(database, error) || fs::is_empty(database, error)) {
            return rt::Explained{Errc::not_found, "no spool in " + options.folder};
        }
    }
    rocksdb::FileLock* lock = nullptr;
    auto const status = env->LockFile(database + "/LOCK", &lock);
    if (!status.ok()) {
        return rt::Explained{Errc::conflict,
                             "the spool is in use by another process: " + options.folder};
    }
    return std::unique_ptr<SpoolLock>(new SpoolLock(env, lock));
}

SpoolLock::~SpoolLock() {
    env_->UnlockFile(lock_).PermitUncheckedError();
}

namespace {

// The key 2^exponent after the 16 octets that key begins with; nothing beyond the last one.
std::optional<std::string> key_after(std::string_view key, unsigned exponent) {
    std::string out(key.substr(0, MessageId::size_bytes));
    out.resize(MessageId::size_bytes, '\0');
    unsigned carry = 1U << (exponent % 8);
    for (std::size_t i = MessageId::size_bytes - exponent / 8; i-- > 0 && carry != 0;) {
        unsigned const sum = static_cast<unsigned char>(out[i]) + carry;
        out[i] = static_cast<char>(sum & 0xFFU);
        carry = sum >> 8U;
    }
    if (carry != 0) return std::nullopt;
    return out;
}

// At the first entry behind a part that cannot be read: found by leaps that double, then by halving
// the last one. Null when there is none. An iterator that has failed is not used again.
std::unique_ptr<rocksdb::Iterator> leap(Engine const& engine, Family family,
                                        std::string_view last) {
    auto const seek = [&](std::string const& key) {
        auto i = engine.iterate(family);
        i->Seek(key);
        return i;
    };
    std::string unreadable(last);
    std::optional<std::string> readable;
    unsigned exponent = 0;
    for (; !readable; ++exponent) {
        if (exponent == 8 * MessageId::size_bytes) return nullptr;
        auto const key = key_after(last, exponent);
        if (!key) return nullptr;
        auto const i = seek(*key);
        if (i->Valid()) {
            readable = key;
        } else if (i->status().ok()) {
            return nullptr;
        } else {
            unreadable = *key;
        }
    }
    for (--exponent; exponent-- > 0;) {
        auto const key = key_after(unreadable, exponent);
        if (!key || *key >= *readable) continue;
        (seek(*key)->Valid() ? *readable : unreadable) = *key;
    }
    return seek(*readable);
}

}  // namespace

void scan(Engine const& engine, Family family,
          std::function<bool(std::string_view key, std::string_view value)> const& on_entry,
          std::function<void(std::string const& why)> const& on_gap) {
    auto i = engine.iterate(family);
    std::string last;
    i->SeekToFirst();
    for (;;) {
        for (; i->Valid(); i->Next()) {
            last = i->key().ToString();
            if (!on_entry(i->key().ToStringView(), i->value().ToStringView())) return;
        }
        if (i->status().ok()) return;
        on_gap(i->status().ToString());
        i = leap(engine, family, last);
        if (!i) return;
    }
}

std::string why_unreadable(ErrorCode error) {
    return error == Errc::unsupported ? "made by a newer Dawk" : error.message();
}

namespace {

std::vector<fs::path> files_in(std::string const& folder, std::error_code& error) {
    std::vector<fs::path> out;
    for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
        std::error_code ignored;
        if (i->is_regular_file(ignored)) out.push_back(i->path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

// Tables and blob files are never written again, so a hard link does; the rest is copied.
std::error_code link_or_copy(fs::path const& from, fs::path const& to) {
    std::error_code error;
    if (from.extension() == ".sst" || from.extension() == ".blob") {
        fs::create_hard_link(from, to, error);
        if (!error) return error;
    }
    error.clear();
    fs::copy_file(from, to, error);
    return error;
}

}  // namespace

rt::ExplainedResult<std::unique_ptr<Engine>> open_repaired_copy(RocksOptions const& from,
                                                                std::string const& scratch_folder) {
    std::error_code error;
    fs::create_directories(scratch_folder + "/db", error);
    for (auto const& path : files_in(from.folder + "/db", error)) {
        auto const name = path.filename();
        if (name == "LOCK") continue;
        if (auto const failed = link_or_copy(path, fs::path(scratch_folder) / "db" / name)) {
            return rt::Explained{Errc::io_error,
                                 "cannot copy " + name.string() + ": " + failed.message()};
        }
    }
    if (error) return rt::Explained{Errc::io_error, "cannot copy: " + error.message()};
    RocksOptions copy = from;
    copy.folder = scratch_folder;
    auto const repaired = repair_database(copy);
    if (!repaired.ok()) return rt::Explained{Errc::corrupt, repaired.ToString()};
    return open_engine(copy, OpenMode::salvage);
}

// ---- Blob files. Header of a file: 30 octets. Each record: key length, value length, expiration
// (8 octets each), checksum of these 24, checksum of key and value, key, value. Little-endian;
// checksums are CRC-32C, rotated and shifted ("masked").
namespace {

constexpr std::size_t file_header_bytes = 30;
constexpr std::size_t record_header_bytes = 32;
constexpr std::uint32_t file_magic = 2395959;
constexpr std::uint64_t value_bytes_max = 64U << 20U;

}  // namespace

BlobIndex BlobIndex::read(std::string const& database_folder) {
    BlobIndex out;
    std::error_code error;
    for (auto const& path : files_in(database_folder, error)) {
        if (path.extension() == ".blob") out.read_file(path.string());
    }
    std::stable_sort(out.places_.begin(), out.places_.end(),
                     [](Place const& a, Place const& b) { return a.id < b.id; });
    return out;
}

void BlobIndex::read_file(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    std::string header(file_header_bytes, '\0');
    if (!in.read(header.data(), static_cast<std::streamsize>(header.size()))) return;
    auto const view = std::string_view(header);
    bool const plain = view[13] == 0;  // not compressed
    if (little_endian(view.substr(0, 4)) != file_magic || !plain) return;
    auto const file = static_cast<std::uint32_t>(files_.size());
    files_.push_back(path);
    std::string record(record_header_bytes + MessageId::size_bytes, '\0');
    for (std::uint64_t at = file_header_bytes;;) {
        in.seekg(static_cast<std::streamoff>(at));
        if (!in.read(record.data(), static_cast<std::streamsize>(record.size()))) return;
        auto const r = std::string_view(record);
        if (masked(crc32c(r.substr(0, 24))) != little_endian(r.substr(24, 4)))
            return;  // end or damage
        auto const key_size = little_endian(r.substr(0, 8));
        auto const size = little_endian(r.substr(8, 8));
        if (key_size != MessageId::size_bytes || size > value_bytes_max) return;
        auto const id = MessageId::from_bytes(r.substr(record_header_bytes));
        auto const checksum = static_cast<std::uint32_t>(little_endian(r.substr(28, 4)));
        places_.push_back({*id, file, checksum, at + record.size(), size});
        at += record.size() + size;
    }
}

std::optional<std::string> BlobIndex::find(MessageId id) const {
    auto at = std::lower_bound(places_.begin(), places_.end(), id,
                               [](Place const& p, MessageId const& want) { return p.id < want; });
    for (; at != places_.end() && at->id == id; ++at) {
        std::ifstream in(files_[at->file], std::ios::binary);
        std::string value(at->size, '\0');
        in.seekg(static_cast<std::streamoff>(at->offset));
        if (!in.read(value.data(), static_cast<std::streamsize>(value.size()))) continue;
        if (masked(crc32c(value, crc32c(id.bytes()))) == at->checksum) return value;
    }
    return std::nullopt;
}

}  // namespace dawk::spool_rocks
