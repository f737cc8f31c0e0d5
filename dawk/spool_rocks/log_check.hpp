// What a spool's files say before RocksDB opens them, so that it is never opened over something it
// would take for less than it is.
//
// The write-ahead log. After a power cut the end of the last write may be torn; RocksDB stops
// reading there, and rightly: it was never acknowledged. Damage before that looks the same to it,
// and it would forget without a word all that was acknowledged behind it. The difference: a group
// is written only when the one before it is synced, so only damage without an intact record behind
// it can be the work of a power cut.
//
// CURRENT. Without it RocksDB would begin a new, empty database and delete the tables of the old.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <rocksdb/file_system.h>

#include "dawk/base/result.hpp"

namespace dawk::spool_rocks {

struct LogState {
    std::string damage;  // in words; empty: none but a torn end
    struct Torn {
        std::string file;
        std::uint64_t intact = 0;  // octets before it
    };
    std::optional<Torn> torn;
};

// Reads all logs of the database. Errors: of reading.
Result<LogState> examine_logs(rocksdb::FileSystem& files, std::string const& database);
// Cuts a torn end off, synced: an older log that comes back must not look damaged.
rocksdb::IOStatus cut_torn_end(rocksdb::FileSystem& files, LogState::Torn const& torn);

// Why the folder holds a database that RocksDB would not find, or not whole; empty: it would, or
// there is none.
std::string lost_database(rocksdb::FileSystem& files, std::string const& folder);

// Reads one log, block by block; of what the records hold it knows nothing.
class LogScanner {
  public:
    static constexpr std::uint64_t block_bytes = 32U << 10U;

    void feed(std::string_view block);  // each of block_bytes, but the last
    void finish();

    std::uint64_t intact() const noexcept { return intact_; }  // so many octets before any damage
    bool is_damaged() const noexcept { return damaged_; }
    bool has_records() const noexcept { return has_records_; }
    // Another record begins, intact, behind the damaged one.
    bool has_record_behind_damage() const noexcept { return behind_; }

  private:
    std::uint64_t at_ = 0;  // of the block
    std::uint64_t intact_ = 0;
    bool inside_ = false;  // a record whose last fragment is to come
    bool damaged_ = false, behind_ = false, has_records_ = false, recycled_ = false;
};

// Of a whole file. Errors: of reading.
Result<LogScanner> scan_log(rocksdb::FileSystem& files, std::string const& path);

}  // namespace dawk::spool_rocks
