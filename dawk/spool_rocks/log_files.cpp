#include "dawk/spool_rocks/log_files.hpp"

#include <algorithm>
#include <string_view>

#include "dawk/spool_rocks/counted_file.hpp"
#include "dawk/spool_rocks/manifest.hpp"

namespace dawk::spool_rocks {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class LogFile final : public CountedFile {
  public:
    LogFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name,
            std::shared_ptr<LogFiles::Lengths> lengths)
        : CountedFile(std::move(file)), name_(std::move(name)), lengths_(std::move(lengths)) {}

  private:
    std::uint64_t written() const override {
        std::lock_guard const lock(lengths_->mutex);
        return lengths_->of[name_].written;
    }
    IOStatus appended(std::size_t size, IOStatus status) override {
        std::lock_guard const lock(lengths_->mutex);
        auto& length = lengths_->of[name_];
        length.written += size;
        if (!status.ok()) length.failed = true;
        return status;
    }
    IOStatus synced(std::uint64_t up_to, IOStatus status) override {
        std::lock_guard const lock(lengths_->mutex);
        auto& length = lengths_->of[name_];
        if (!status.ok()) length.failed = true;
        if (!length.failed) length.synced = up_to;
        return status;
    }

    std::string name_;
    std::shared_ptr<LogFiles::Lengths> lengths_;
};

// Seems to end at an octet.
class ShortenedFile final : public rocksdb::FSSequentialFileOwnerWrapper {
  public:
    using Base = rocksdb::FSSequentialFileOwnerWrapper;
    ShortenedFile(std::unique_ptr<rocksdb::FSSequentialFile> file, std::uint64_t size)
        : Base(std::move(file)), left_(size) {}
    IOStatus Read(std::size_t n, IOOptions const& options, rocksdb::Slice* result, char* scratch,
                  IODebugContext* context) override {
        auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(n, left_));
        auto status = Base::Read(wanted, options, result, scratch, context);
        if (status.ok()) left_ -= result->size();
        return status;
    }
    IOStatus Skip(std::uint64_t n) override {
        auto const skipped = std::min(n, left_);
        left_ -= skipped;
        return Base::Skip(skipped);
    }

  private:
    std::uint64_t left_;
};

IOStatus cut(rocksdb::FileSystem& below, std::string const& name, std::uint64_t size) {
    auto exists = below.FileExists(name, {}, nullptr);
    if (!exists.ok()) return exists;
    std::unique_ptr<rocksdb::FSWritableFile> file;
    auto status = below.ReopenWritableFile(name, {}, &file, nullptr);
    if (status.ok()) status = file->Truncate(size, {}, nullptr);
    if (status.ok()) status = file->Sync({}, nullptr);
    if (!file) return status;
    auto const closed = file->Close({}, nullptr);
    return status.ok() ? closed : status;
}

}  // namespace

LogFiles::LogFiles(std::shared_ptr<rocksdb::FileSystem> below)
    : rocksdb::FileSystemWrapper(std::move(below)) {}

IOStatus LogFiles::NewWritableFile(std::string const& name, rocksdb::FileOptions const& options,
                                   std::unique_ptr<rocksdb::FSWritableFile>* result,
                                   IODebugContext* context) {
    if (is_manifest(name)) return make_marked(*target(), name, options, *result);
    auto status = target()->NewWritableFile(name, options, result, context);
    if (!status.ok() || !std::string_view(name).ends_with(".log")) return status;
    {
        std::lock_guard const lock(lengths_->mutex);
        lengths_->of[name] = {};
    }
    *result = std::make_unique<LogFile>(std::move(*result), name, lengths_);
    return status;
}

void LogFiles::shorten(std::string const& name, std::uint64_t size) {
    shortened_[name] = size;
}

IOStatus LogFiles::NewSequentialFile(std::string const& name, rocksdb::FileOptions const& options,
                                     std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                     IODebugContext* context) {
    auto status = target()->NewSequentialFile(name, options, result, context);
    auto const found = shortened_.find(name);
    if (status.ok() && found != shortened_.end()) {
        *result = std::make_unique<ShortenedFile>(std::move(*result), found->second);
    }
    return status;
}

IOStatus LogFiles::DeleteFile(std::string const& name, IOOptions const& options,
                              IODebugContext* context) {
    auto status = target()->DeleteFile(name, options, context);
    if (status.ok() && is_manifest(name)) {
        auto const gone = target()->DeleteFile(mark_of(name), options, context);
        gone.PermitUncheckedError();  // an older Dawk made none; one that stays, the next start
                                      // finds
    }
    if (status.ok()) {
        std::lock_guard const lock(lengths_->mutex);
        lengths_->of.erase(name);
    }
    return status;
}

IOStatus LogFiles::RenameFile(std::string const& from, std::string const& to,
                              IOOptions const& options, IODebugContext* context) {
    if (std::string_view(to).ends_with("/CURRENT")) {
        std::unique_ptr<rocksdb::FSDirectory> folder;
        auto const path = to.substr(0, to.rfind('/'));
        auto status = target()->NewDirectory(path, options, &folder, context);
        if (status.ok()) status = folder->Fsync(options, context);
        if (!status.ok()) return status;
    }
    return target()->RenameFile(from, to, options, context);
}

IOStatus LogFiles::cut_unsynced() {
    std::lock_guard const lock(lengths_->mutex);
    for (auto& [name, length] : lengths_->of) {
        if (length.synced == length.written && !length.failed) continue;
        auto const status = cut(*target(), name, length.synced);
        if (!status.ok() && !status.IsNotFound()) return status;
        length = {length.synced, length.synced, false};
    }
    return IOStatus::OK();
}

}  // namespace dawk::spool_rocks
