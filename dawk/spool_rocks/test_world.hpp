// A small world for this module's tests and benchmarks: threads, files and a clock that are real,
// and a disk that can be told to fail, under RocksDB and under large contents alike. Never in the
// product.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/rt/clock.hpp"
#include "dawk/rt/files.hpp"
#include "dawk/rt/work.hpp"

namespace dawk::spool_rocks::test {

// In memory where the system offers that; on the disk that TMPDIR names (or /tmp) when it is to
// count.
class TempFolder {
  public:
    enum class On { memory, disk };
    explicit TempFolder(On where = On::memory) {
        std::error_code ignored;
        std::filesystem::path base = "/dev/shm";
        if (where == On::disk || !std::filesystem::is_directory(base, ignored)) {
            base = std::filesystem::temp_directory_path();
        }
        std::string name = (base / "dawk-spool-XXXXXX").string();
        char const* const made = ::mkdtemp(name.data());
        if (made == nullptr) std::abort();
        path_ = made;
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(TempFolder const&) = delete;
    TempFolder& operator=(TempFolder const&) = delete;
    std::string const& path() const noexcept { return path_; }

  private:
    std::string path_;
};

class ThreadPool final : public rt::WorkPool {
  public:
    explicit ThreadPool(std::size_t threads = 2) {
        for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
    }
    ~ThreadPool() override {
        {
            std::lock_guard const lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        for (auto& thread : threads_) thread.join();
    }
    void run(std::function<void()> job) override {
        {
            std::lock_guard const lock(mutex_);
            jobs_.push_back(std::move(job));
        }
        wake_.notify_one();
    }

  private:
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
            if (jobs_.empty()) return;
            auto job = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            job();
            job = nullptr;
            lock.lock();
        }
    }
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

// Stands still at November 2023 until moved.
class StillClock final : public rt::Clock {
  public:
    SteadyTime steady() const override { return SteadyTime{} + Millis(3'600'000 + now_.load()); }
    WallTime wall() const override { return from_millis(1'700'000'000'000 + now_.load()); }
    Task<void> sleep_until(SteadyTime) override { co_return; }
    void advance(Millis by) { now_ += by.count(); }

  private:
    std::atomic<std::int64_t> now_{0};
};

// What fails. Shared by the file systems below.
struct Faults {
    std::atomic<int> write_errno{0};     // every write, sync and creation fails with it
    std::atomic<bool> sync_only{false};  // only syncs fail; what was written stays in the kernel
    std::atomic<std::uint64_t> syncs{0};
    bool really_sync = false;  // killed processes lose nothing that the kernel has; benchmarks sync
    int of_write() const { return sync_only ? 0 : write_errno.load(); }
    int of_sync() {
        ++syncs;
        return write_errno.load();
    }
};

inline ErrorCode error_of(int number) {
    switch (number) {
        case ENOENT:
            return Errc::not_found;
        case EEXIST:
            return Errc::exists;
        case EACCES:
            return Errc::denied;
        case ENOSPC:
            return Errc::no_space;
        default:
            return Errc::io_error;
    }
}

class PosixFile final : public rt::File {
  public:
    PosixFile(int fd, Faults& faults) : fd_(fd), faults_(faults) {}
    ~PosixFile() override { ::close(fd_); }
    PosixFile(PosixFile const&) = delete;
    PosixFile& operator=(PosixFile const&) = delete;

    Result<void> append(std::span<std::string_view const> pieces) override {
        if (int const error = faults_.of_write()) return error_of(error);
        for (auto piece : pieces) {
            while (!piece.empty()) {
                auto const n = ::write(fd_, piece.data(), piece.size());
                if (n < 0) return error_of(errno);
                piece.remove_prefix(static_cast<std::size_t>(n));
            }
        }
        return {};
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
        auto const n = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (n < 0) return error_of(errno);
        return static_cast<std::size_t>(n);
    }
    Result<std::uint64_t> size() override {
        struct stat info {};
        if (::fstat(fd_, &info) != 0) return error_of(errno);
        return static_cast<std::uint64_t>(info.st_size);
    }
    Result<void> preallocate(std::uint64_t size_bytes) override {
        auto const size = static_cast<off_t>(size_bytes);
        if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, size) != 0) return error_of(errno);
        return {};
    }
    Result<void> sync() override {
        if (int const error = faults_.of_sync()) return error_of(error);
        if (faults_.really_sync && ::fdatasync(fd_) != 0) return error_of(errno);
        return {};
    }

  private:
    int fd_;
    Faults& faults_;
};

class PosixFiles final : public rt::Files {
  public:
    explicit PosixFiles(Faults& faults) : faults_(faults) {}
    Result<std::unique_ptr<rt::File>> create(std::string const& path, unsigned mode) override {
        if (int const error = faults_.of_write()) return error_of(error);
        return opened(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
    }
    Result<std::unique_ptr<rt::File>> open(std::string const& path) override {
        return opened(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    }
    Result<void> rename(std::string const& from, std::string const& to) override {
        return checked(::rename(from.c_str(), to.c_str()));
    }
    Result<void> link(std::string const& from, std::string const& to) override {
        return checked(::link(from.c_str(), to.c_str()));
    }
    Result<void> remove(std::string const& path) override {
        return checked(::unlink(path.c_str()));
    }
    Result<void> make_folder(std::string const& path, unsigned mode) override {
        return checked(::mkdir(path.c_str(), mode));
    }
    Result<bool> exists(std::string const& path) override {
        return ::access(path.c_str(), F_OK) == 0;
    }
    Result<std::vector<std::string>> list(std::string const& folder) override {
        std::error_code error;
        std::vector<std::string> out;
        for (auto const& entry : std::filesystem::directory_iterator(folder, error)) {
            out.push_back(entry.path().filename().string());
        }
        if (error) return error_of(error.value());
        std::sort(out.begin(), out.end());
        return out;
    }
    Result<void> sync_folder(std::string const& path) override {
        if (int const error = faults_.of_sync()) return error_of(error);
        if (!faults_.really_sync) return {};
        int const fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return error_of(errno);
        int const synced = ::fsync(fd);
        ::close(fd);
        return checked(synced);
    }

  private:
    Result<std::unique_ptr<rt::File>> opened(int fd) {
        if (fd < 0) return error_of(errno);
        return std::make_unique<PosixFile>(fd, faults_);
    }
    static Result<void> checked(int result) {
        if (result != 0) return error_of(errno);
        return {};
    }
    Faults& faults_;
};

// ---- The same faults below RocksDB.

inline rocksdb::IOStatus io_status(int error) {
    if (error == 0) return rocksdb::IOStatus::OK();
    if (error == ENOSPC) return rocksdb::IOStatus::NoSpace("injected");
    return rocksdb::IOStatus::IOError("injected");
}

class FaultyWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    using Base = rocksdb::FSWritableFileOwnerWrapper;
    FaultyWritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, Faults& faults)
        : Base(std::move(file)), faults_(faults) {}
    rocksdb::IOStatus Append(rocksdb::Slice const& data, rocksdb::IOOptions const& options,
                             rocksdb::IODebugContext* context) override {
        if (int const error = faults_.of_write()) return io_status(error);
        return Base::Append(data, options, context);
    }
    rocksdb::IOStatus Append(rocksdb::Slice const& data, rocksdb::IOOptions const& options,
                             rocksdb::DataVerificationInfo const& info,
                             rocksdb::IODebugContext* context) override {
        if (int const error = faults_.of_write()) return io_status(error);
        return Base::Append(data, options, info, context);
    }
    rocksdb::IOStatus Sync(rocksdb::IOOptions const& options,
                           rocksdb::IODebugContext* context) override {
        if (int const error = faults_.of_sync()) return io_status(error);
        if (!faults_.really_sync) return Base::Flush(options, context);
        return Base::Sync(options, context);
    }
    rocksdb::IOStatus Fsync(rocksdb::IOOptions const& options,
                            rocksdb::IODebugContext* context) override {
        if (int const error = faults_.of_sync()) return io_status(error);
        if (!faults_.really_sync) return Base::Flush(options, context);
        return Base::Fsync(options, context);
    }

  private:
    Faults& faults_;
};

class UnsyncedFolder final : public rocksdb::FSDirectory {
  public:
    rocksdb::IOStatus Fsync(rocksdb::IOOptions const&, rocksdb::IODebugContext*) override {
        return rocksdb::IOStatus::OK();
    }
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
  public:
    explicit FaultyFileSystem(Faults& faults)
        : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}
    char const* Name() const override { return "FaultyFileSystem"; }
    rocksdb::IOStatus NewWritableFile(std::string const& name, rocksdb::FileOptions const& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* context) override {
        if (int const error = faults_.of_write()) return io_status(error);
        std::unique_ptr<rocksdb::FSWritableFile> inner;
        auto status = target()->NewWritableFile(name, options, &inner, context);
        if (status.ok()) *result = std::make_unique<FaultyWritableFile>(std::move(inner), faults_);
        return status;
    }

    rocksdb::IOStatus NewDirectory(std::string const& name, rocksdb::IOOptions const& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* result,
                                   rocksdb::IODebugContext* context) override {
        if (faults_.really_sync) return target()->NewDirectory(name, options, result, context);
        *result = std::make_unique<UnsyncedFolder>();
        return rocksdb::IOStatus::OK();
    }

  private:
    Faults& faults_;
};

}  // namespace dawk::spool_rocks::test
