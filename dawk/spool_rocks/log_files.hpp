// LogFiles: a rocksdb::FileSystem that knows how much of each write-ahead log is really on disk.
//
// When a write or sync of the log fails, its tail holds a group whose sessions were told so.
// RocksDB must be opened again then, and would replay that tail: so it is cut off first, at the
// last octet of which a sync said yes. (After a failed sync the kernel may drop what it had and
// report success next time; a length is therefore never counted up again once a file has failed.)
//
// And it syncs the folder before CURRENT names another MANIFEST: the tables that a start has made
// of the log are named there, and RocksDB syncs their names only together with that of CURRENT. A
// disk may keep the one and not the other. And it keeps the marks of MANIFESTs (manifest.hpp).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/file_system.h>

namespace dawk::spool_rocks {

class LogFiles final : public rocksdb::FileSystemWrapper {
  public:
    explicit LogFiles(std::shared_ptr<rocksdb::FileSystem> below);
    char const* Name() const override { return "dawk::LogFiles"; }

    rocksdb::IOStatus NewWritableFile(std::string const& name, rocksdb::FileOptions const& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* context) override;
    rocksdb::IOStatus NewSequentialFile(std::string const& name,
                                        rocksdb::FileOptions const& options,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                        rocksdb::IODebugContext* context) override;
    rocksdb::IOStatus DeleteFile(std::string const& name, rocksdb::IOOptions const& options,
                                 rocksdb::IODebugContext* context) override;

    rocksdb::IOStatus RenameFile(std::string const& from, std::string const& to,
                                 rocksdb::IOOptions const& options,
                                 rocksdb::IODebugContext* context) override;

    // Before the database is opened: who reads the file finds that it ends there.
    void shorten(std::string const& name, std::uint64_t size);
    // With the database closed: cuts off what was written and not synced.
    rocksdb::IOStatus cut_unsynced();

    struct Length {
        std::uint64_t written = 0, synced = 0;
        bool failed = false;
    };
    struct Lengths {
        std::mutex mutex;
        std::map<std::string, Length> of;
    };

  private:
    std::shared_ptr<Lengths> lengths_ = std::make_shared<Lengths>();
    std::map<std::string, std::uint64_t> shortened_;
};

}  // namespace dawk::spool_rocks
