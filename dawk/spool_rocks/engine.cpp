#include "dawk/spool_rocks/engine.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/table.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/crc32c.hpp"
#include "dawk/spool_rocks/fast_crc32c.hpp"
#include "dawk/spool_rocks/keys.hpp"
#include "dawk/spool_rocks/log_check.hpp"
#include "dawk/spool_rocks/manifest.hpp"

namespace dawk::spool_rocks {

std::array<char const*, family_count> const family_names = {
    "default", "envelope", "content", "large", "due", "history", "index"};

namespace {

constexpr std::uint64_t format_version = 1;
constexpr char const* format_key = "format";
constexpr char const* epoch_key = "epoch";

struct Share {
    Family family;
    unsigned part;  // its memtable is memtable_bytes / part
};
constexpr std::array<Share, family_count> shares = {{{Family::meta, 64},
                                                     {Family::envelope, 2},
                                                     {Family::content, 1},
                                                     {Family::large, 32},
                                                     {Family::due, 8},
                                                     {Family::history, 4},
                                                     {Family::index, 8}}};

rocksdb::ColumnFamilyOptions family_options(RocksOptions const& options, Share share,
                                            std::shared_ptr<rocksdb::Cache> const& cache) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.format_version = 5;
    rocksdb::ColumnFamilyOptions out;
    out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    out.write_buffer_size =
        std::max<std::uint64_t>(options.memtable_bytes / share.part, 256U << 10U);
    out.arena_block_size = 256U << 10U;  // idle families stay small
    out.max_write_buffer_number = 4;
    out.compression = rocksdb::kLZ4Compression;
    out.level_compaction_dynamic_level_bytes = true;
    if (share.family == Family::content) {
        // What outlives the memtable is written once and never again by compaction.
        out.enable_blob_files = true;
        out.min_blob_size = 1024;
        out.blob_compression_type = rocksdb::kNoCompression;  // salvage.hpp reads the files alone
        out.blob_file_size = 64ULL << 20U;
        out.enable_blob_garbage_collection = true;
        out.blob_garbage_collection_age_cutoff = 0.5;
        out.blob_garbage_collection_force_threshold = 0.5;
    }
    if (share.family == Family::index) {
        // Its keys come in no order and are looked for by people only: sorted when that happens, or
        // when it is flushed.
        out.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
    }
    return out;
}

// RocksDB's own words go to the log of the server, errors only. Its LOG file is not written: when
// one write of it fails, as on a full disk, the next one ends the process by an assertion that
// Debian's build has.
class Words final : public rocksdb::Logger {
  public:
    explicit Words(std::function<void(std::string_view)> report)
        : Logger(rocksdb::InfoLogLevel::ERROR_LEVEL), report_(std::move(report)) {}
    using Logger::Logv;
    void Logv(char const* format, va_list arguments) override {
        if (!report_) return;
        char text[512];
        auto const size = std::vsnprintf(text, sizeof text, format, arguments);
        if (size > 0) report_("rocksdb: " + std::string(text));
    }
    void Logv(rocksdb::InfoLogLevel level, char const* format, va_list arguments) override {
        bool const matters = level == rocksdb::InfoLogLevel::ERROR_LEVEL ||
                             level == rocksdb::InfoLogLevel::FATAL_LEVEL;
        if (matters) Logv(format, arguments);
    }
    void LogHeader(char const*, va_list) override {}
    std::size_t GetLogFileSize() const override { return 0; }

  private:
    std::function<void(std::string_view)> report_;
};

rocksdb::DBOptions database_options(RocksOptions const& options) {
    rocksdb::DBOptions out;
    if (options.env != nullptr) out.env = options.env;
    out.create_if_missing = options.create;
    out.create_missing_column_families = true;
    out.max_background_jobs = 2;
    out.allow_concurrent_memtable_write = false;  // one thread writes
    out.max_total_wal_size = options.wal_bytes_max;
    out.info_log_level = rocksdb::ERROR_LEVEL;
    out.info_log = std::make_shared<Words>(options.report);
    out.stats_dump_period_sec = 0;
    out.stats_persist_period_sec = 0;
    out.max_manifest_file_size = 16U << 20U;
    out.bytes_per_sync = 1U << 20U;
    out.track_and_verify_wals_in_manifest = true;  // a log that is missing is missed
    out.max_bgerror_resume_count = 0;              // the commit loop recovers, and knows when
    if (options.statistics) out.statistics = rocksdb::CreateDBStatistics();
    return out;
}

rt::Explained explained(ErrorCode code, std::string detail) {
    return {code, std::move(detail)};
}
rt::Explained explained(rocksdb::Status const& status) {
    return {to_error(status), status.ToString()};
}

// Octets of a number that a newer version may have made longer.
std::optional<std::uint64_t> to_u64(std::string_view value) {
    if (value.size() != 8) return std::nullopt;
    return keys::read_u64(value);
}

std::string of_u64(std::uint64_t value) {
    std::string out;
    keys::append_u64(out, value);
    return out;
}

Result<std::optional<std::uint64_t>> get_u64(Engine const& engine, char const* key) {
    std::string value;
    auto const status = engine.db->Get({}, engine[Family::meta], key, &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return to_error(status);
    auto const number = to_u64(value);
    if (!number) return Errc::corrupt;
    return number;
}

rt::Explained newer(std::string const& found) {
    return explained(Errc::unsupported, "the spool was made by a newer Dawk (" + found +
                                            "); this one knows format " +
                                            std::to_string(format_version));
}

// A family that this version does not know means a newer format: better refused than half read.
rt::ExplainedResult<void> check_families(RocksOptions const& options, std::string const& path,
                                         Engine const& engine) {
    std::vector<std::string> found;
    auto db_options = database_options(options);
    db_options.env = engine.env.get();
    auto const status = rocksdb::DB::ListColumnFamilies(db_options, path, &found);
    if (!status.ok()) {
        if (options.create) return {};  // not there yet; what else it is, opening says
        return explained(Errc::not_found, "no spool in " + options.folder);
    }
    for (auto const& name : found) {
        if (std::find(family_names.begin(), family_names.end(), name) == family_names.end()) {
            return newer("column family " + ascii::printable(name, 64));
        }
    }
    return {};
}

rt::ExplainedResult<void> read_meta(Engine& engine) {
    auto const format = get_u64(engine, format_key);
    if (!format) return explained(format.error(), "the spool's format number is unreadable");
    if (*format && **format > format_version) return newer("format " + std::to_string(**format));
    auto const epoch = get_u64(engine, epoch_key);
    if (!epoch) return explained(epoch.error(), "the spool's epoch is unreadable");
    engine.epoch = epoch->value_or(0) + 1;
    std::string usage;
    auto const status = engine.db->Get({}, engine[Family::meta], usage_key, &usage);
    if (!status.ok() && !status.IsNotFound()) return explained(status);
    engine.usage = Usage::decode(usage).value_or(Usage{});
    return {};
}

rt::ExplainedResult<void> write_meta(Engine& engine) {
    rocksdb::WriteBatch batch;
    batch.Put(engine[Family::meta], format_key, of_u64(format_version));
    batch.Put(engine[Family::meta], epoch_key, of_u64(engine.epoch));
    rocksdb::WriteOptions write;
    write.sync = true;
    auto const status = engine.db->Write(write, &batch);
    if (!status.ok()) return explained(status);
    return {};
}

std::vector<rocksdb::ColumnFamilyDescriptor> all_families(RocksOptions const& options) {
    auto const cache = rocksdb::NewLRUCache(options.cache_bytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (auto const share : shares) {
        families.emplace_back(family_names[static_cast<std::size_t>(share.family)],
                              family_options(options, share, cache));
    }
    return families;
}

// Referred to, so that the linker takes ours.
auto* const volatile checksum = &rocksdb::crc32c::Extend;

rocksdb::Status open_database(RocksOptions const& options, std::string const& path, OpenMode mode,
                              Engine& engine) {
    auto db_options = database_options(options);
    db_options.env = engine.env.get();
    engine.statistics = db_options.statistics;
    if (mode == OpenMode::read_only) {
        // As a server would read it: up to a torn end. Damage before that, log_check.hpp finds.
        db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    } else if (mode == OpenMode::salvage) {
        db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
        db_options.paranoid_checks = false;
        db_options.track_and_verify_wals_in_manifest = false;
    }
    // Made by us: RocksDB makes it too, after it has called its absence an error.
    if (mode == OpenMode::normal) {
        auto const made = db_options.env->CreateDirIfMissing(path);
        if (!made.ok()) return made;
    }
    auto const families = all_families(options);
    rocksdb::DB* db = nullptr;
    auto const status =
        mode == OpenMode::normal
            ? rocksdb::DB::Open(db_options, path, families, &engine.handles, &db)
            : rocksdb::DB::OpenForReadOnly(db_options, path, families, &engine.handles, &db);
    engine.db.reset(db);
    return status;
}

// Held while files are looked at that a running server may be writing.
class DatabaseLock {
  public:
    DatabaseLock(rocksdb::Env& env, std::string const& database) : env_(env) {
        auto const status = env.LockFile(database + "/LOCK", &lock_);
        if (!status.ok()) lock_ = nullptr;
    }
    ~DatabaseLock() {
        if (lock_ != nullptr) env_.UnlockFile(lock_).PermitUncheckedError();
    }
    DatabaseLock(DatabaseLock const&) = delete;
    DatabaseLock& operator=(DatabaseLock const&) = delete;
    bool is_held() const { return lock_ != nullptr; }

  private:
    rocksdb::Env& env_;
    rocksdb::FileLock* lock_ = nullptr;
};

rt::Explained in_use(RocksOptions const& options) {
    return explained(Errc::conflict, "the spool is in use by another process: " + options.folder);
}

rt::ExplainedResult<void> check_logs(RocksOptions const& options, OpenMode mode,
                                     rocksdb::FileSystem& files) {
    auto const logs = examine_logs(files, options.folder + "/db");
    if (!logs) return explained(logs.error(), "the write-ahead log cannot be read");
    if (!logs->damage.empty()) {
        return explained(Errc::corrupt,
                         "the write-ahead log is damaged before its end: " + logs->damage);
    }
    if (!logs->torn || mode == OpenMode::read_only) return {};
    if (auto const cut = cut_torn_end(files, *logs->torn); !cut.ok()) {
        return explained(to_error(cut),
                         "cannot cut the torn end off the write-ahead log: " + cut.ToString());
    }
    if (options.report) {
        options.report("cut the torn end off " + logs->torn->file + " at octet " +
                       std::to_string(logs->torn->intact) + "; it was never acknowledged");
    }
    return {};
}

// Salvage does without a damaged one.
rt::ExplainedResult<void> check_manifest(RocksOptions const& options, OpenMode mode,
                                         rocksdb::FileSystem& below, LogFiles& files) {
    auto const database = options.folder + "/db";
    auto const manifest = examine_manifest(below, database);
    bool const is_trusted = manifest && manifest->damage.empty();
    if (!is_trusted && mode == OpenMode::salvage) return {};
    if (!manifest) return explained(manifest.error(), "the MANIFEST cannot be read");
    if (!is_trusted) {
        return explained(Errc::corrupt, "the MANIFEST is damaged: " + manifest->damage);
    }
    if (mode == OpenMode::normal) remove_lost_marks(below, database);
    if (!manifest->torn) return {};
    files.shorten(manifest->torn->file, manifest->torn->intact);
    if (options.report && mode == OpenMode::normal) {
        options.report("did not read the torn end of " + manifest->torn->file + " from octet " +
                       std::to_string(manifest->torn->intact) + " on; nothing relied on it");
    }
    return {};
}

// Before RocksDB reads it. A spool that cannot be trusted is refused, not served from in part.
rt::ExplainedResult<void> check_files(RocksOptions const& options, OpenMode mode,
                                      Engine const& engine) {
    auto* const env = database_options(options).env;
    auto const files = env->GetFileSystem();
    auto const database = options.folder + "/db";
    if (mode == OpenMode::salvage) {
        return check_manifest(options, mode, *files, *engine.log_files);
    }
    std::optional<DatabaseLock> lock;
    if (mode == OpenMode::normal && env->FileExists(database).ok()) {
        lock.emplace(*env, database);
        if (!lock->is_held()) return in_use(options);
    }
    if (auto const lost = lost_database(*files, options.folder); !lost.empty()) {
        return explained(Errc::corrupt, "the spool is not whole: " + lost);
    }
    auto manifest = check_manifest(options, mode, *files, *engine.log_files);
    if (!manifest) return manifest;
    return check_logs(options, mode, *files);
}

// RocksDB asks for tables when it opens, but for blob files only when it reads them.
rt::ExplainedResult<void> compare_blob_files(Engine const& engine) {
    rocksdb::ColumnFamilyMetaData meta;
    engine.db->GetColumnFamilyMetaData(engine[Family::content], &meta);
    for (auto const& blob : meta.blob_files) {
        auto const path = blob.blob_file_path + "/" + blob.blob_file_name;
        std::uint64_t size = 0;
        auto const status = engine.env->GetFileSize(path, &size);
        if (!status.ok()) return explained(Errc::corrupt, "a file is missing: " + path);
        if (size < blob.blob_file_size) {
            return explained(Errc::corrupt, path + " has " + std::to_string(size) +
                                                " octets, not " +
                                                std::to_string(blob.blob_file_size));
        }
    }
    return {};
}

// A compaction may have begun with the opening, and would remove blob files between the list and
// the look at them: for so long nothing is removed. (Read-only, nothing is.)
rt::ExplainedResult<void> check_blob_files(Engine const& engine, OpenMode mode) {
    if (mode != OpenMode::normal) return compare_blob_files(engine);
    auto const held = engine.db->DisableFileDeletions();
    if (!held.ok()) return explained(held);
    auto compared = compare_blob_files(engine);
    auto const released = engine.db->EnableFileDeletions(false);
    if (compared && !released.ok()) return explained(released);
    return compared;
}

}  // namespace

Engine::~Engine() {
    if (!db) return;
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    // What Close() could not flush is in the log, which was synced when it was acknowledged.
    db->Close().PermitUncheckedError();
    db.reset();
}

std::unique_ptr<rocksdb::Iterator> Engine::iterate(Family family, bool fill_cache) const {
    rocksdb::ReadOptions read;
    read.fill_cache = fill_cache;
    return std::unique_ptr<rocksdb::Iterator>(db->NewIterator(read, (*this)[family]));
}

rt::ExplainedResult<std::unique_ptr<Engine>> open_engine(RocksOptions const& options,
                                                         OpenMode mode) {
    auto const path = options.folder + "/db";
    auto engine = std::make_unique<Engine>();
    engine->log_files = std::make_shared<LogFiles>(database_options(options).env->GetFileSystem());
    engine->env = rocksdb::NewCompositeEnv(engine->log_files);
    if (auto files = check_files(options, mode, *engine); !files) return files.error();
    if (auto families = check_families(options, path, *engine); !families) return families.error();
    auto const status = open_database(options, path, mode, *engine);
    if (!status.ok()) {
        auto failure = explained(status);
        if (failure.detail.find("/LOCK") != std::string::npos) {
            failure = in_use(options);
        } else if (status.IsPathNotFound()) {
            failure.code = Errc::corrupt;  // CURRENT is there, and what it needs is not
        }
        return failure;
    }
    if (auto meta = read_meta(*engine); !meta) return meta.error();
    if (mode != OpenMode::salvage) {
        if (auto blobs = check_blob_files(*engine, mode); !blobs) return blobs.error();
    }
    if (mode == OpenMode::normal) {
        if (auto meta = write_meta(*engine); !meta) return meta.error();
    }
    return engine;
}

rocksdb::Status repair_database(RocksOptions const& options) {
    auto const path = options.folder + "/db";
    auto db_options = database_options(options);
    auto status = rocksdb::RepairDB(path, db_options, all_families(options));
    if (!status.ok()) return status;
    // Families of which no table is left are not there any more; opening makes them again.
    db_options.paranoid_checks = false;
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB::Open(db_options, path, all_families(options), &handles, &db)
        .PermitUncheckedError();  // what is wrong, the next opening says
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
    return status;
}

ErrorCode to_error(rocksdb::Status const& status) {
    if (status.ok()) return {};
    if (status.IsNotFound()) return Errc::not_found;
    if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
        return Errc::no_space;
    }
    if (status.IsCorruption()) return Errc::corrupt;
    if (status.IsShutdownInProgress() || status.IsAborted()) return Errc::canceled;
    if (status.IsNotSupported()) return Errc::unsupported;
    return Errc::io_error;
}

std::string Usage::encode() const {
    std::string out;
    keys::append_u64(out, messages);
    keys::append_u64(out, content_bytes);
    return out;
}

std::optional<Usage> Usage::decode(std::string_view value) {
    if (value.size() != 16) return std::nullopt;
    return Usage{keys::read_u64(value), keys::read_u64(value.substr(8))};
}

void Usage::add(std::int64_t more_messages, std::int64_t more_bytes) {
    auto const moved = [](std::uint64_t value, std::int64_t by) {
        if (by >= 0) return value + static_cast<std::uint64_t>(by);
        auto const less = static_cast<std::uint64_t>(-by);
        return value > less ? value - less : 0;
    };
    messages = moved(messages, more_messages);
    content_bytes = moved(content_bytes, more_bytes);
}

std::string LargeRecord::encode() const {
    std::string out;
    keys::append_u64(out, size);
    keys::append_u32(out, checksum);
    out += name;
    keys::append_u32(out, crc32c(out));
    return out;
}

std::optional<LargeRecord> LargeRecord::decode(std::string_view value) {
    if (value.size() < 16 || value.size() > 256) return std::nullopt;
    auto const body = value.substr(0, value.size() - 4);
    std::string sum;
    keys::append_u32(sum, crc32c(body));
    if (value.substr(body.size()) != sum) return std::nullopt;
    LargeRecord out;
    out.size = keys::read_u64(body);
    out.checksum = static_cast<std::uint32_t>(keys::read_u64(body.substr(8, 4)));
    out.name = body.substr(12);
    // It becomes part of a path.
    bool const plain = std::all_of(out.name.begin(), out.name.end(), [](char c) {
        return ascii::is_lower(c) || ascii::is_digit(c) || c == '.';
    });
    if (!plain || out.name.size() < MessageId::text_size) return std::nullopt;
    return out;
}

}  // namespace dawk::spool_rocks
