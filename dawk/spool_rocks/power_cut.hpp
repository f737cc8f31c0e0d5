// A disk in memory under a spool: the same DiskImage below RocksDB (PowerCutFileSystem) and below
// large contents (PowerCutFiles). It records each step, can fail any of them by plan, and can stop:
//
//     Disk disk;                       // or Disk disk(image.after_power_cut(how, chance));
//     disk.set_plan([](Step const& step) { return step.kind == Step::Kind::sync ? EIO : 0; });
//     disk.stop();                     // the process is dead: nothing more reaches the disk
//     disk.go_on();                    // another process begins on the same disk, power was on
//
// Callable from any thread. Test code, never in the product.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "dawk/rt/files.hpp"
#include "dawk/spool_rocks/disk_image.hpp"
#include "dawk/spool_rocks/test_world.hpp"

namespace dawk::spool_rocks::test {

class Disk {
  public:
    explicit Disk(DiskImage image = {}) : first_(image), image_(std::move(image)) {}

    // ---- Of the test.
    using Plan = std::function<int(Step const&)>;  // an errno, or 0
    void set_plan(Plan plan) {
        std::lock_guard const lock(mutex_);
        plan_ = std::move(plan);
    }
    void stop() {
        std::lock_guard const lock(mutex_);
        stopped_ = true;
        locks_.clear();
    }
    void go_on() {
        std::lock_guard const lock(mutex_);
        stopped_ = false;
    }
    // A lying disk says that it synced.
    void lie() { lies_ = true; }
    std::size_t steps() const {
        std::lock_guard const lock(mutex_);
        return record_.size();
    }
    std::vector<Step> const& record() const { return record_; }  // when all is quiet
    DiskImage const& first() const { return first_; }
    DiskImage& image() { return image_; }

    // ---- Of the file systems: 0 or an errno.
    int make_folder(std::string const& path) { return make(Step::Kind::make_folder, path); }
    int create(std::string const& path, Node& out) { return make(Step::Kind::create, path, &out); }
    int open(std::string const& path, Node& out) const {
        std::lock_guard const lock(mutex_);
        if (stopped_) return EIO;
        if (!image_.lookup(path, out)) return ENOENT;
        return image_.file(out) == nullptr ? EISDIR : 0;
    }
    int remove(std::string const& path) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = Step::Kind::remove;
        Node node = 0;
        if (!image_.lookup(path, node)) return ENOENT;
        return in_folder_of(path, step) ? take(std::move(step)) : ENOENT;
    }
    int rename(std::string const& from, std::string const& to) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = Step::Kind::rename;
        Node node = 0;
        if (!image_.lookup(from, node) || !in_folder_of(from, step)) return ENOENT;
        if (folder_part(from) != folder_part(to)) return EXDEV;
        step.data = to.substr(to.rfind('/') + 1);
        return take(std::move(step));
    }
    int link(std::string const& from, std::string const& to) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = Step::Kind::link;
        Node taken = 0;
        if (!image_.lookup(from, step.target) || !in_folder_of(to, step)) return ENOENT;
        if (image_.lookup(to, taken)) return EEXIST;
        return take(std::move(step));
    }
    int append(Node node, std::string_view octets) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = Step::Kind::append;
        step.node = node;
        step.data = octets;
        return take(std::move(step));
    }
    int truncate(Node node, std::uint64_t size) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = Step::Kind::truncate;
        step.node = node;
        step.size = size;
        return take(std::move(step));
    }
    int sync(Node node) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = lies_ ? Step::Kind::mark : Step::Kind::sync;
        step.node = node;
        return take(std::move(step), Step::Kind::failed_sync);
    }
    int sync_folder(std::string const& path) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = lies_ ? Step::Kind::mark : Step::Kind::sync_folder;
        if (!image_.lookup(path, step.node)) return ENOENT;
        if (image_.folder(step.node) == nullptr) return ENOTDIR;
        return take(std::move(step), Step::Kind::failed_sync_folder);
    }
    int read(Node node, std::uint64_t offset, std::size_t n, char* to, std::size_t& got) const {
        std::lock_guard const lock(mutex_);
        if (stopped_) return EIO;
        std::string_view octets = image_.file(node)->octets;
        octets = offset < octets.size() ? octets.substr(offset, n) : std::string_view();
        std::copy(octets.begin(), octets.end(), to);
        got = octets.size();
        return 0;
    }
    int size(Node node, std::uint64_t& out) const {
        std::lock_guard const lock(mutex_);
        out = image_.file(node)->octets.size();
        return stopped_ ? EIO : 0;
    }
    int list(std::string const& path, std::vector<std::string>& out) const {
        std::lock_guard const lock(mutex_);
        Node node = 0;
        if (stopped_) return EIO;
        if (!image_.lookup(path, node)) return ENOENT;
        auto const* const folder = image_.folder(node);
        if (folder == nullptr) return ENOTDIR;
        for (auto const& [name, child] : folder->names) out.push_back(name);
        return 0;
    }
    bool exists(std::string const& path, bool* is_folder = nullptr) const {
        std::lock_guard const lock(mutex_);
        Node node = 0;
        if (!image_.lookup(path, node)) return false;
        if (is_folder != nullptr) *is_folder = image_.folder(node) != nullptr;
        return true;
    }
    bool take_lock(std::string const& path) {
        std::lock_guard const lock(mutex_);
        return locks_.insert(path).second;
    }
    void leave_lock(std::string const& path) {
        std::lock_guard const lock(mutex_);
        locks_.erase(path);
    }

  private:
    static std::string folder_part(std::string const& path) {
        return path.substr(0, path.rfind('/'));
    }
    bool in_folder_of(std::string const& path, Step& step) const {
        step.name = path.substr(path.rfind('/') + 1);
        return image_.lookup(folder_part(path), step.node) && image_.folder(step.node) != nullptr;
    }
    int make(Step::Kind kind, std::string const& path, Node* out = nullptr) {
        std::lock_guard const lock(mutex_);
        Step step;
        step.kind = kind;
        step.target = image_.next_node();
        Node taken = 0;
        if (image_.lookup(path, taken)) return EEXIST;
        if (!in_folder_of(path, step)) return ENOENT;
        if (out != nullptr) *out = step.target;
        return take(std::move(step));
    }
    // if_failed: what a failure does to the disk, other than nothing.
    int take(Step step, Step::Kind if_failed = Step::Kind::mark) {
        if (stopped_) return EIO;
        int const error = plan_ ? plan_(step) : 0;
        if (error != 0) step.kind = if_failed;
        image_.apply(step);
        record_.push_back(std::move(step));
        return error;
    }

    mutable std::mutex mutex_;
    DiskImage first_, image_;
    std::vector<Step> record_;
    Plan plan_;
    std::set<std::string> locks_;
    bool stopped_ = false;
    std::atomic<bool> lies_{false};
};

// ---- Below large contents.

class PowerCutFile final : public rt::File {
  public:
    PowerCutFile(Disk& disk, Node node) : disk_(disk), node_(node) {}
    Result<void> append(std::span<std::string_view const> pieces) override {
        for (auto const piece : pieces) {
            if (piece.empty()) continue;
            if (int const error = disk_.append(node_, piece)) return error_of(error);
        }
        return {};
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
        std::size_t got = 0;
        int const error = disk_.read(node_, offset, buffer.size(), buffer.data(), got);
        if (error != 0) return error_of(error);
        return got;
    }
    Result<std::uint64_t> size() override {
        std::uint64_t out = 0;
        if (int const error = disk_.size(node_, out)) return error_of(error);
        return out;
    }
    Result<void> preallocate(std::uint64_t) override { return {}; }
    Result<void> sync() override { return checked(disk_.sync(node_)); }

    static Result<void> checked(int error) {
        if (error != 0) return error_of(error);
        return {};
    }

  private:
    Disk& disk_;
    Node node_;
};

class PowerCutFiles final : public rt::Files {
  public:
    explicit PowerCutFiles(Disk& disk) : disk_(disk) {}
    Result<std::unique_ptr<rt::File>> create(std::string const& path, unsigned) override {
        Node node = 0;
        int const error = disk_.create(path, node);
        return opened(error, node);
    }
    Result<std::unique_ptr<rt::File>> open(std::string const& path) override {
        Node node = 0;
        int const error = disk_.open(path, node);
        return opened(error, node);
    }
    Result<void> rename(std::string const& from, std::string const& to) override {
        return PowerCutFile::checked(disk_.rename(from, to));
    }
    Result<void> link(std::string const& from, std::string const& to) override {
        return PowerCutFile::checked(disk_.link(from, to));
    }
    Result<void> remove(std::string const& path) override {
        return PowerCutFile::checked(disk_.remove(path));
    }
    Result<void> make_folder(std::string const& path, unsigned) override {
        return PowerCutFile::checked(disk_.make_folder(path));
    }
    Result<bool> exists(std::string const& path) override { return disk_.exists(path); }
    Result<std::vector<std::string>> list(std::string const& folder) override {
        std::vector<std::string> out;
        if (int const error = disk_.list(folder, out)) return error_of(error);
        return out;
    }
    Result<void> sync_folder(std::string const& path) override {
        return PowerCutFile::checked(disk_.sync_folder(path));
    }

  private:
    Result<std::unique_ptr<rt::File>> opened(int error, Node node) {
        if (error != 0) return error_of(error);
        return std::make_unique<PowerCutFile>(disk_, node);
    }
    Disk& disk_;
};

// ---- Below RocksDB.

inline rocksdb::IOStatus disk_status(int error, std::string const& what = "injected") {
    switch (error) {
        case 0:
            return rocksdb::IOStatus::OK();
        case ENOENT:
            return rocksdb::IOStatus::PathNotFound(what);
        case ENOSPC: {
            auto status = rocksdb::IOStatus::NoSpace(what);
            status.SetRetryable(true);  // as the real file system does
            return status;
        }
        default:
            return rocksdb::IOStatus::IOError(what);
    }
}

class PowerCutWritableFile final : public rocksdb::FSWritableFile {
  public:
    using Options = rocksdb::IOOptions;
    using Context = rocksdb::IODebugContext;
    using FSWritableFile::Append;
    PowerCutWritableFile(Disk& disk, Node node) : disk_(disk), node_(node) {}
    rocksdb::IOStatus Append(rocksdb::Slice const& data, Options const&, Context*) override {
        return disk_status(disk_.append(node_, data.ToStringView()));
    }
    rocksdb::IOStatus Truncate(std::uint64_t size, Options const&, Context*) override {
        std::uint64_t now = 0;
        if (int const error = disk_.size(node_, now)) return disk_status(error);
        return size == now ? rocksdb::IOStatus::OK() : disk_status(disk_.truncate(node_, size));
    }
    rocksdb::IOStatus Close(Options const&, Context*) override { return disk_status(0); }
    rocksdb::IOStatus Flush(Options const&, Context*) override { return disk_status(0); }
    rocksdb::IOStatus Sync(Options const&, Context*) override {
        return disk_status(disk_.sync(node_));
    }
    bool IsSyncThreadSafe() const override { return true; }
    std::uint64_t GetFileSize(Options const&, Context*) override {
        std::uint64_t out = 0;
        return disk_.size(node_, out) == 0 ? out : 0;
    }

  private:
    Disk& disk_;
    Node node_;
};

class PowerCutReader final : public rocksdb::FSRandomAccessFile, public rocksdb::FSSequentialFile {
  public:
    PowerCutReader(Disk& disk, Node node) : disk_(disk), node_(node) {}
    rocksdb::IOStatus Read(std::uint64_t offset, std::size_t n, rocksdb::IOOptions const&,
                           rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext*) const override {
        std::size_t got = 0;
        int const error = disk_.read(node_, offset, n, scratch, got);
        *result = rocksdb::Slice(scratch, got);
        return disk_status(error);
    }
    rocksdb::IOStatus Read(std::size_t n, rocksdb::IOOptions const& options, rocksdb::Slice* result,
                           char* scratch, rocksdb::IODebugContext* context) override {
        auto status = Read(at_, n, options, result, scratch, context);
        at_ += result->size();
        return status;
    }
    rocksdb::IOStatus Skip(std::uint64_t n) override {
        at_ += n;
        return disk_status(0);
    }
    bool use_direct_io() const override { return false; }
    std::size_t GetRequiredBufferAlignment() const override { return 4096; }
    rocksdb::IOStatus InvalidateCache(std::size_t, std::size_t) override { return disk_status(0); }
    rocksdb::Temperature GetTemperature() const override { return rocksdb::Temperature::kUnknown; }

  private:
    Disk& disk_;
    Node node_;
    std::uint64_t at_ = 0;
};

class PowerCutFolder final : public rocksdb::FSDirectory {
  public:
    PowerCutFolder(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
    rocksdb::IOStatus Fsync(rocksdb::IOOptions const&, rocksdb::IODebugContext*) override {
        return disk_status(disk_.sync_folder(path_));
    }
    rocksdb::IOStatus Close(rocksdb::IOOptions const&, rocksdb::IODebugContext*) override {
        return disk_status(0);
    }

  private:
    Disk& disk_;
    std::string path_;
};

class PowerCutFileSystem final : public rocksdb::FileSystem {
  public:
    using Status = rocksdb::IOStatus;
    using Options = rocksdb::IOOptions;
    using Context = rocksdb::IODebugContext;

    explicit PowerCutFileSystem(Disk& disk) : disk_(disk) {}
    char const* Name() const override { return "PowerCutFileSystem"; }

    Status NewSequentialFile(std::string const& name, rocksdb::FileOptions const&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             Context*) override {
        return open_reader(name, result);
    }
    Status NewRandomAccessFile(std::string const& name, rocksdb::FileOptions const&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               Context*) override {
        return open_reader(name, result);
    }
    Status NewWritableFile(std::string const& name, rocksdb::FileOptions const&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, Context*) override {
        Node node = 0;
        int error = disk_.create(name, node);
        if (error == EEXIST) {  // as O_TRUNC
            error = disk_.open(name, node);
            if (error == 0) error = disk_.truncate(node, 0);
        }
        if (error != 0) return disk_status(error, name);
        *result = std::make_unique<PowerCutWritableFile>(disk_, node);
        return disk_status(0);
    }
    Status ReopenWritableFile(std::string const& name, rocksdb::FileOptions const&,
                              std::unique_ptr<rocksdb::FSWritableFile>* result, Context*) override {
        Node node = 0;
        int error = disk_.open(name, node);
        if (error == ENOENT) error = disk_.create(name, node);
        if (error != 0) return disk_status(error, name);
        *result = std::make_unique<PowerCutWritableFile>(disk_, node);
        return disk_status(0);
    }
    Status NewDirectory(std::string const& name, Options const&,
                        std::unique_ptr<rocksdb::FSDirectory>* result, Context*) override {
        if (!disk_.exists(name)) return disk_status(ENOENT, name);
        *result = std::make_unique<PowerCutFolder>(disk_, name);
        return disk_status(0);
    }
    Status FileExists(std::string const& name, Options const&, Context*) override {
        return disk_.exists(name) ? disk_status(0) : Status::NotFound(name);
    }
    Status GetChildren(std::string const& name, Options const&, std::vector<std::string>* result,
                       Context*) override {
        result->clear();
        return disk_status(disk_.list(name, *result), name);
    }
    Status DeleteFile(std::string const& name, Options const&, Context*) override {
        return disk_status(disk_.remove(name), name);
    }
    Status Truncate(std::string const& name, std::size_t size, Options const&, Context*) override {
        Node node = 0;
        if (int const error = disk_.open(name, node)) return disk_status(error, name);
        return disk_status(disk_.truncate(node, size), name);
    }
    Status CreateDir(std::string const& name, Options const&, Context*) override {
        return disk_status(disk_.make_folder(name), name);
    }
    Status CreateDirIfMissing(std::string const& name, Options const&, Context*) override {
        int const error = disk_.make_folder(name);
        return disk_status(error == EEXIST ? 0 : error, name);
    }
    Status DeleteDir(std::string const& name, Options const&, Context*) override {
        return disk_status(disk_.remove(name), name);
    }
    Status GetFileSize(std::string const& name, Options const&, std::uint64_t* size,
                       Context*) override {
        Node node = 0;
        if (int const error = disk_.open(name, node)) return disk_status(error, name);
        return disk_status(disk_.size(node, *size), name);
    }
    Status GetFileModificationTime(std::string const&, Options const&, std::uint64_t* time,
                                   Context*) override {
        *time = 0;
        return disk_status(0);
    }
    Status RenameFile(std::string const& from, std::string const& to, Options const&,
                      Context*) override {
        return disk_status(disk_.rename(from, to), from);
    }
    Status LinkFile(std::string const& from, std::string const& to, Options const&,
                    Context*) override {
        return disk_status(disk_.link(from, to), from);
    }
    Status LockFile(std::string const& name, Options const&, rocksdb::FileLock** lock,
                    Context*) override {
        *lock = nullptr;
        if (!disk_.take_lock(name)) return Status::IOError("lock " + name, "held");
        *lock = new Lock(name);
        return disk_status(0);
    }
    Status UnlockFile(rocksdb::FileLock* lock, Options const&, Context*) override {
        std::unique_ptr<Lock> const own(static_cast<Lock*>(lock));
        disk_.leave_lock(own->name);
        return disk_status(0);
    }
    Status GetTestDirectory(Options const&, std::string* path, Context*) override {
        *path = "/";
        return disk_status(0);
    }
    Status NewLogger(std::string const&, Options const&, std::shared_ptr<rocksdb::Logger>* result,
                     Context*) override {
        *result = std::make_shared<SilentLogger>();
        return disk_status(0);
    }
    Status GetAbsolutePath(std::string const& path, Options const&, std::string* out,
                           Context*) override {
        *out = path;
        return disk_status(0);
    }
    Status IsDirectory(std::string const& path, Options const&, bool* is_folder,
                       Context*) override {
        return disk_.exists(path, is_folder) ? disk_status(0) : disk_status(ENOENT, path);
    }

  private:
    struct SilentLogger final : rocksdb::Logger {
        using Logger::Logv;
        void Logv(char const*, va_list) override {}
        std::size_t GetLogFileSize() const override { return 0; }
    };
    struct Lock final : rocksdb::FileLock {
        explicit Lock(std::string of) : name(std::move(of)) {}
        std::string name;
    };
    template <class Result>
    Status open_reader(std::string const& name, std::unique_ptr<Result>* result) {
        Node node = 0;
        if (int const error = disk_.open(name, node)) return disk_status(error, name);
        *result = std::make_unique<PowerCutReader>(disk_, node);
        return disk_status(0);
    }
    Disk& disk_;
};

}  // namespace dawk::spool_rocks::test
