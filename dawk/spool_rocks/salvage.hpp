// Reading a spool that may be damaged, without changing it: a lock that keeps servers out, scans
// that step over what cannot be read, and the octets that still lie in blob files.
#pragma once

#include <functional>

#include "dawk/spool_rocks/engine.hpp"
#include "dawk/spool_rocks/tools.hpp"

namespace dawk::spool_rocks {

// RocksDB's own lock: while it is held no server can open the spool.
class SpoolLock {
  public:
    static rt::ExplainedResult<std::unique_ptr<SpoolLock>> take(RocksOptions const& options);
    ~SpoolLock();
    SpoolLock(SpoolLock const&) = delete;
    SpoolLock& operator=(SpoolLock const&) = delete;

  private:
    SpoolLock(rocksdb::Env* env, rocksdb::FileLock* lock) : env_(env), lock_(lock) {}
    rocksdb::Env* env_;
    rocksdb::FileLock* lock_;
};

// Calls on_entry for everything readable, in order. Where a part is not, on_gap says so and the
// scan goes on behind it. Keys must be ids or begin with one. Stops when on_entry returns false.
void scan(Engine const& engine, Family family,
          std::function<bool(std::string_view key, std::string_view value)> const& on_entry,
          std::function<void(std::string const& why)> const& on_gap);

// What keeps a record from being read, for people.
std::string why_unreadable(ErrorCode error);

// Opens what cannot be opened: a copy (hard links where that is safe) in scratch_folder is repaired
// by RocksDB. Blob files are not part of that; see BlobIndex.
rt::ExplainedResult<std::unique_ptr<Engine>> open_repaired_copy(RocksOptions const& from,
                                                                std::string const& scratch_folder);

// Where the octets of contents lie in the blob files, found by reading these files alone.
class BlobIndex {
  public:
    // Reads the headers of all records of all blob files of the spool.
    static BlobIndex read(std::string const& database_folder);
    std::optional<std::string> find(MessageId id) const;  // its checksum was verified

  private:
    struct Place {
        MessageId id;
        std::uint32_t file = 0;  // of files_
        std::uint32_t checksum = 0;
        std::uint64_t offset = 0, size = 0;
    };
    void read_file(std::string const& path);
    std::vector<std::string> files_;
    std::vector<Place> places_;  // in order of id
};

}  // namespace dawk::spool_rocks
