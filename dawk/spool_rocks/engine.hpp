// Engine: one open RocksDB with the column families of a spool. Private to this module: the only
// headers that include RocksDB's. Made and closed by blocking calls; reads and writes from any
// thread.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/statistics.h>

#include "dawk/rt/network.hpp"
#include "dawk/spool_rocks/log_files.hpp"
#include "dawk/spool_rocks/options.hpp"

namespace dawk::spool_rocks {

enum class Family : std::uint8_t { meta, envelope, content, large, due, history, index };
inline constexpr std::size_t family_count = 7;
extern std::array<char const*, family_count> const family_names;

struct Usage {
    std::uint64_t messages = 0;
    std::uint64_t content_bytes = 0;
    std::string encode() const;
    static std::optional<Usage> decode(std::string_view value);
    void add(std::int64_t more_messages, std::int64_t more_bytes);  // never below zero
    friend bool operator==(Usage const&, Usage const&) = default;
};
inline constexpr char const* usage_key = "usage";

struct Engine {
    Engine() = default;
    ~Engine();
    Engine(Engine const&) = delete;
    Engine& operator=(Engine const&) = delete;

    rocksdb::ColumnFamilyHandle* operator[](Family family) const {
        return handles[static_cast<std::size_t>(family)];
    }
    std::unique_ptr<rocksdb::Iterator> iterate(Family family, bool fill_cache = false) const;

    std::shared_ptr<LogFiles> log_files;
    std::unique_ptr<rocksdb::Env> env;  // over log_files
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;  // in the order of Family
    std::shared_ptr<rocksdb::Statistics> statistics;
    Usage usage;              // as it was when opened
    std::uint64_t epoch = 0;  // one more at each opening: makes names and sequences unique
};

// read_only: no lock, no writing, and no tolerance. salvage: likewise, but takes what it can get.
enum class OpenMode { normal, read_only, salvage };
rt::ExplainedResult<std::unique_ptr<Engine>> open_engine(RocksOptions const& options,
                                                         OpenMode mode = OpenMode::normal);

// RocksDB's own repair, in place; for copies (salvage.hpp).
rocksdb::Status repair_database(RocksOptions const& options);

// no_space, io_error, corrupt, not_found, conflict (in use), ...
ErrorCode to_error(rocksdb::Status const& status);

// What is recorded of a content that lies in a file of its own.
struct LargeRecord {
    std::string name;  // within large/x/y/, "<id>.<epoch>.<number>"
    std::uint64_t size = 0;
    std::uint32_t checksum = 0;  // CRC-32C of the file
    std::string encode() const;
    static std::optional<LargeRecord> decode(std::string_view value);
};

}  // namespace dawk::spool_rocks
