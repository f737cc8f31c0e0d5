// CountedFile: a rocksdb::FSWritableFile that knows how much was written, and up to where a sync
// has covered it. Derived classes say what is made of that. Only appended to, never truncated.
#pragma once

#include <memory>

#include <rocksdb/file_system.h>

namespace dawk::spool_rocks {

class CountedFile : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    using Base = rocksdb::FSWritableFileOwnerWrapper;
    using IOStatus = rocksdb::IOStatus;
    using IOOptions = rocksdb::IOOptions;
    using Context = rocksdb::IODebugContext;
    explicit CountedFile(std::unique_ptr<rocksdb::FSWritableFile> file) : Base(std::move(file)) {}

    IOStatus Append(rocksdb::Slice const& data, IOOptions const& options,
                    Context* context) override {
        return appended(data.size(), Base::Append(data, options, context));
    }
    IOStatus Append(rocksdb::Slice const& data, IOOptions const& options,
                    rocksdb::DataVerificationInfo const& info, Context* context) override {
        return appended(data.size(), Base::Append(data, options, info, context));
    }
    IOStatus Sync(IOOptions const& options, Context* context) override {
        auto const length = written();
        return synced(length, Base::Sync(options, context));
    }
    IOStatus Fsync(IOOptions const& options, Context* context) override {
        auto const length = written();
        return synced(length, Base::Fsync(options, context));
    }

  private:
    // Each gets the outcome and gives the one that RocksDB is told.
    virtual IOStatus appended(std::size_t size, IOStatus status) = 0;
    virtual IOStatus synced(std::uint64_t up_to, IOStatus status) = 0;
    virtual std::uint64_t written() const = 0;
};

}  // namespace dawk::spool_rocks
