// LargeFiles: contents that have a file of their own: large/x/y/<id>.<epoch>.<number>.
//
// Octets arrive in memory until they pass the threshold; from then on they are appended in pieces
// of at least 256 KiB on the work pool, so that a message of any size passes in bounded memory.
// finish() syncs file and folder. Until the commit that names it, a file belongs to its
// LargeContent, whose end removes it; what a crash leaves is swept at the next start. Files and
// WorkPool outlive everything.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>

#include "dawk/rt/files.hpp"
#include "dawk/rt/work.hpp"
#include "dawk/spool/content.hpp"
#include "dawk/spool_rocks/engine.hpp"

namespace dawk::spool_rocks {

class LargeFiles : public std::enable_shared_from_this<LargeFiles> {
  public:
    LargeFiles(rt::WorkPool& pool, rt::Files& files, RocksOptions const& options);

    Result<void> make_folders();  // blocking; once, at the start
    // Blocking: removes what is_named says false of, returns how many.
    Result<std::size_t> sweep(std::function<Result<bool>(std::string const& name)> const& is_named);
    Result<std::vector<std::string>> names();  // blocking

    std::string path_of(std::string const& name) const;
    std::string folder_of(std::string const& name) const;
    std::string new_name(MessageId id);
    void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }

    void remove_later(std::string name);  // on the pool
    void drain();                         // until no removal is under way

    rt::WorkPool& pool() const noexcept { return pool_; }
    rt::Files& files() const noexcept { return files_; }
    RocksOptions const& options() const noexcept { return options_; }
    std::atomic<std::uint64_t>& arriving_bytes() noexcept { return arriving_bytes_; }
    std::atomic<bool> no_space{false};  // below the floor: nothing new is begun

  private:
    rt::WorkPool& pool_;
    rt::Files& files_;
    RocksOptions const options_;
    std::string const folder_;
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<std::uint64_t> next_number_{0};
    std::atomic<std::uint64_t> arriving_bytes_{0};
    std::mutex mutex_;
    std::condition_variable drained_;
    std::size_t removing_ = 0;
};

// A content in a file. Shared by readers and by the batches that insert it.
class LargeContent final : public spool::Content {
  public:
    LargeContent(std::shared_ptr<LargeFiles> files, LargeRecord record, bool committed)
        : files_(std::move(files)),
          record_(std::move(record)),
          committed_(committed),
          claimed_(committed) {}
    ~LargeContent() override;
    LargeContent(LargeContent const&) = delete;
    LargeContent& operator=(LargeContent const&) = delete;

    std::uint64_t size() const noexcept override { return record_.size; }
    std::optional<std::string_view> in_memory() const noexcept override { return std::nullopt; }
    std::unique_ptr<Reader> reader() const override;

    LargeRecord const& record() const noexcept { return record_; }
    // The first insert that asks gets the file itself; every other one needs a link of its own.
    bool claim() const noexcept { return !claimed_.exchange(true); }
    void unclaim() const noexcept { claimed_ = false; }
    void set_committed() const noexcept { committed_ = true; }

  private:
    std::shared_ptr<LargeFiles> files_;
    LargeRecord record_;
    mutable std::atomic<bool> committed_;
    mutable std::atomic<bool> claimed_;
};

std::unique_ptr<spool::ContentWriter> make_content_writer(std::shared_ptr<LargeFiles> files,
                                                          MessageId id,
                                                          std::uint64_t announced_size);

// A second name for the file, synced; for a content that serves two messages.
Task<Result<LargeRecord>> link_large(std::shared_ptr<LargeFiles> files, LargeRecord from,
                                     MessageId id);

}  // namespace dawk::spool_rocks
