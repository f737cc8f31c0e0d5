#include "dawk/spool_rocks/log_files.hpp"

#include <string_view>

namespace dawk::spool_rocks {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class LogFile final : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    using Base = rocksdb::FSWritableFileOwnerWrapper;
    LogFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name,
            std::shared_ptr<LogFiles::Lengths> lengths)
        : Base(std::move(file)), name_(std::move(name)), lengths_(std::move(lengths)) {}

    IOStatus Append(rocksdb::Slice const& data, IOOptions const& options,
                    IODebugContext* context) override {
        return appended(data.size(), Base::Append(data, options, context));
    }
    IOStatus Append(rocksdb::Slice const& data, IOOptions const& options,
                    rocksdb::DataVerificationInfo const& info, IODebugContext* context) override {
        return appended(data.size(), Base::Append(data, options, info, context));
    }
    IOStatus Sync(IOOptions const& options, IODebugContext* context) override {
        auto const length = written();
        return synced(length, Base::Sync(options, context));
    }
    IOStatus Fsync(IOOptions const& options, IODebugContext* context) override {
        auto const length = written();
        return synced(length, Base::Fsync(options, context));
    }

  private:
    std::uint64_t written() const {
        std::lock_guard const lock(lengths_->mutex);
        return lengths_->of[name_].written;
    }
    IOStatus appended(std::size_t size, IOStatus status) {
        std::lock_guard const lock(lengths_->mutex);
        auto& length = lengths_->of[name_];
        length.written += size;
        if (!status.ok()) length.failed = true;
        return status;
    }
    IOStatus synced(std::uint64_t up_to, IOStatus status) {
        std::lock_guard const lock(lengths_->mutex);
        auto& length = lengths_->of[name_];
        if (!status.ok()) length.failed = true;
        if (!length.failed) length.synced = up_to;
        return status;
    }

    std::string name_;
    std::shared_ptr<LogFiles::Lengths> lengths_;
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
    auto status = target()->NewWritableFile(name, options, result, context);
    if (!status.ok() || !std::string_view(name).ends_with(".log")) return status;
    {
        std::lock_guard const lock(lengths_->mutex);
        lengths_->of[name] = {};
    }
    *result = std::make_unique<LogFile>(std::move(*result), name, lengths_);
    return status;
}

IOStatus LogFiles::DeleteFile(std::string const& name, IOOptions const& options,
                              IODebugContext* context) {
    auto status = target()->DeleteFile(name, options, context);
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
