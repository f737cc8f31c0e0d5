// RocksOptions: what a RocksSpool is told. Everything that touches a disk is injectable: RocksDB's
// own files through `env` (a rocksdb::Env over any rocksdb::FileSystem), large contents through
// rt::Files, the free space through `disk_free`. That is how tests cut the power and fill the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace rocksdb {
class Env;
}

namespace dawk::spool_rocks {

struct RocksOptions {
    std::string folder;  // made if it is not there: db/ and large/ lie in it
    bool create = true;  // false: a spool that is not there is an error (tools)

    std::uint64_t large_content_bytes = 256U << 10U;  // larger ones get a file of their own
    // All contents that are just arriving, together. Beyond it they go to files from spill_bytes
    // on.
    std::uint64_t arriving_bytes_max = 256ULL << 20U;
    std::uint64_t disk_free_min_bytes = 256ULL << 20U;  // below: no_space to inserts, nothing else

    std::chrono::hours history_age{24 * 30};
    std::uint64_t history_bytes = 4ULL << 30U;

    std::uint64_t memtable_bytes = 64ULL << 20U;  // for contents; the others have a share of it
    std::uint64_t cache_bytes = 32ULL << 20U;     // blocks read
    std::uint64_t wal_bytes_max = 256ULL << 20U;  // what a start may have to replay
    std::chrono::milliseconds recovery_interval{1000};  // after a failed write
    bool statistics = false;  // RocksDB's counters (benchmarks); they cost a little

    rocksdb::Env* env = nullptr;               // not owned; null: the real one
    std::function<std::uint64_t()> disk_free;  // bytes; unset: asks the file system of `folder`
    // Words for the log: trouble and recovery, damaged records. From any thread.
    std::function<void(std::string_view)> report;
};

// Contents from this size on may lie in a file of their own; smaller ones never do.
inline constexpr std::uint64_t spill_bytes = 16U << 10U;

}  // namespace dawk::spool_rocks
