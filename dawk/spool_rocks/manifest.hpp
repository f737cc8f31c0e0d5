// The MANIFEST: RocksDB's log of which tables, blob files and logs there are. RocksDB refuses one
// that ends in octets nobody wrote, as a power cut leaves them on some file systems, and believes
// one that ends too early. Both are mended by a mark: beside MANIFEST-000012 lies
// MANIFEST-000012.synced, to which the length is appended each time that a sync of the MANIFEST has
// said yes. What is damaged or missing before the mark was relied upon: such a spool is refused.
// What is not whole behind it nobody relied upon: it is not read.
//
// A MANIFEST without a mark, of an older Dawk, is left to RocksDB's own judgement. Nothing here
// changes a MANIFEST: RocksDB begins a new one at every start.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <rocksdb/file_system.h>

#include "dawk/base/result.hpp"
#include "dawk/spool_rocks/log_check.hpp"

namespace dawk::spool_rocks {

bool is_manifest(std::string const& path);  // and not a mark of one
std::string mark_of(std::string const& manifest);

// Of the one that CURRENT names; nothing is said of one that is not there. Errors: of reading.
Result<LogState> examine_manifest(rocksdb::FileSystem& files, std::string const& database);

// Marks whose MANIFEST is gone: a power cut may keep the one name and not the other.
void remove_lost_marks(rocksdb::FileSystem& files, std::string const& database);

// A new MANIFEST, opened for writing, with its mark. Files that know how long they are: see
// log_files.hpp.
rocksdb::IOStatus make_marked(rocksdb::FileSystem& files, std::string const& path,
                              rocksdb::FileOptions const& options,
                              std::unique_ptr<rocksdb::FSWritableFile>& file);

}  // namespace dawk::spool_rocks
