#include "dawk/spool_rocks/large_files.hpp"

#include <algorithm>
#include <filesystem>

#include "dawk/base/check.hpp"
#include "dawk/base/crc32c.hpp"

namespace dawk::spool_rocks {
namespace {

constexpr std::size_t write_piece = 256U << 10U;
constexpr std::uint64_t preallocate_step = 4U << 20U;
constexpr std::string_view hex = "0123456789abcdef";

std::string in_hex(std::uint64_t value) {
    std::string out;
    do {
        out.insert(out.begin(), hex[value & 15U]);
        value >>= 4U;
    } while (value != 0);
    return out;
}

// Each folder level by one base32 digit of the id's random part, folded to 16 names.
constexpr std::string_view digits = "abcdefghijklmnop";
char folder_digit(char c) {
    return digits[static_cast<unsigned char>(c) % digits.size()];
}

// Removal relies on it: what is not larger than spill_bytes never is a file.
RocksOptions sane(RocksOptions options) {
    options.large_content_bytes = std::max(options.large_content_bytes, spill_bytes);
    return options;
}

// Made only where nothing is lost if it is there already.
Result<void> ensure_folder(rt::Files& files, std::string const& path) {
    auto made = files.make_folder(path, 0700);
    if (!made && made.error() != Errc::exists) return made.error();
    return {};
}

}  // namespace

LargeFiles::LargeFiles(rt::WorkPool& pool, rt::Files& files, RocksOptions const& options)
    : pool_(pool), files_(files), options_(sane(options)), folder_(options.folder + "/large") {}

// Synced each time: a start that was cut short may have left some of them on disk, or all of them
// only in memory.
Result<void> LargeFiles::make_folders() {
    DAWK_TRY_VOID(ensure_folder(files_, folder_));
    for (char const a : digits) {
        auto const first = folder_ + "/" + a;
        DAWK_TRY_VOID(ensure_folder(files_, first));
        DAWK_TRY(auto const there, files_.list(first));
        for (char const b : digits) {
            if (std::binary_search(there.begin(), there.end(), std::string(1, b))) continue;
            DAWK_TRY_VOID(ensure_folder(files_, first + "/" + b));
        }
        DAWK_TRY_VOID(files_.sync_folder(first));
    }
    DAWK_TRY_VOID(files_.sync_folder(folder_));
    DAWK_TRY_VOID(files_.sync_folder(options_.folder));
    auto const above = std::filesystem::path(options_.folder + "/").parent_path().parent_path();
    auto synced = files_.sync_folder(above.empty() ? "." : above.string());
    // Above a spool that an administrator made may lie what is none of our business.
    if (!synced && synced.error() != Errc::denied) return synced;
    return {};
}

std::string LargeFiles::folder_of(std::string const& name) const {
    DAWK_CHECK(name.size() >= MessageId::text_size);
    // The last digit of an id's text carries only three bits; the two before it are random.
    char const a = folder_digit(name[MessageId::text_size - 2]);
    char const b = folder_digit(name[MessageId::text_size - 3]);
    return folder_ + "/" + a + "/" + b;
}

std::string LargeFiles::path_of(std::string const& name) const {
    return folder_of(name) + "/" + name;
}

std::string LargeFiles::new_name(MessageId id) {
    return id.text() + "." + in_hex(epoch_) + "." + in_hex(next_number_++);
}

Result<std::vector<std::string>> LargeFiles::names() {
    std::vector<std::string> out;
    for (char const a : digits) {
        for (char const b : digits) {
            DAWK_TRY(auto found, files_.list(folder_ + "/" + a + "/" + b));
            for (auto& name : found) {
                if (name.size() > MessageId::text_size) out.push_back(std::move(name));
            }
        }
    }
    return out;
}

Result<std::size_t> LargeFiles::sweep(
    std::function<Result<bool>(std::string const& name)> const& is_named) {
    std::size_t removed = 0;
    DAWK_TRY(auto const all, names());
    for (auto const& name : all) {
        DAWK_TRY(bool const named, is_named(name));
        if (named) continue;
        DAWK_TRY_VOID(files_.remove(path_of(name)));
        ++removed;
    }
    return removed;
}

void LargeFiles::remove_later(std::string name) {
    {
        std::lock_guard const lock(mutex_);
        ++removing_;
    }
    pool_.run([self = shared_from_this(), name = std::move(name)] {
        auto const removed = self->files_.remove(self->path_of(name));
        if (!removed && removed.error() != Errc::not_found && self->options_.report) {
            self->options_.report("cannot remove " + self->path_of(name) + ": " +
                                  removed.error().message() + "; the next start will");
        }
        std::lock_guard const lock(self->mutex_);
        if (--self->removing_ == 0) self->drained_.notify_all();
    });
}

void LargeFiles::drain() {
    std::unique_lock lock(mutex_);
    drained_.wait(lock, [this] { return removing_ == 0; });
}

LargeContent::~LargeContent() {
    if (!committed_) files_->remove_later(record_.name);
}

namespace {

class LargeReader final : public spool::Content::Reader {
  public:
    LargeReader(std::shared_ptr<LargeFiles> files, LargeRecord record)
        : files_(std::move(files)), record_(std::move(record)) {}

    Task<Result<std::string_view>> next() override {
        if (offset_ == record_.size) co_return std::string_view();
        auto job = [this] { return read(); };
        auto got = co_await rt::offload(files_->pool(), job);
        if (!got) co_return got.error();
        co_return std::string_view(buffer_).substr(0, *got);
    }

  private:
    Result<std::size_t> read() {
        if (!file_) {
            DAWK_TRY(file_, files_->files().open(files_->path_of(record_.name)));
            buffer_.resize(spool::content_piece_bytes);
        }
        auto const left = record_.size - offset_;
        auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
        DAWK_TRY(auto const got, file_->read_at(offset_, std::span(buffer_.data(), want)));
        if (got == 0) return Errc::corrupt;  // shorter than it was when it was accepted
        checksum_ = crc32c(std::string_view(buffer_).substr(0, got), checksum_);
        offset_ += got;
        // The last piece is withheld, so that nobody takes a damaged content for a whole one.
        if (offset_ == record_.size && checksum_ != record_.checksum) return Errc::corrupt;
        return got;
    }

    std::shared_ptr<LargeFiles> files_;
    LargeRecord record_;
    std::unique_ptr<rt::File> file_;
    std::string buffer_;
    std::uint64_t offset_ = 0;
    std::uint32_t checksum_ = 0;
};

class Writer final : public spool::ContentWriter {
  public:
    Writer(std::shared_ptr<LargeFiles> files, MessageId id, std::uint64_t announced)
        : files_(std::move(files)), id_(id), announced_(announced) {}
    ~Writer() override {
        account(0);
        if (!record_.name.empty() && !finished_) {
            file_.reset();
            files_->remove_later(record_.name);
        }
    }
    Writer(Writer const&) = delete;
    Writer& operator=(Writer const&) = delete;

    Task<Result<void>> write(std::string_view octets) override {
        if (error_) co_return error_;
        if (files_->no_space) co_return Errc::no_space;
        bool const is_file = !record_.name.empty();
        bool const waits =
            is_file ? buffer_.size() + octets.size() < piece_bytes() : !is_too_much(octets.size());
        if (waits) {
            if (!is_file) reserve(octets.size());
            buffer_ += octets;
            account(buffer_.size());
            co_return Result<void>();
        }
        auto job = [this, octets] { return append(octets); };
        auto done = co_await rt::offload(files_->pool(), job);
        account(buffer_.size());
        if (!done) error_ = done.error();
        co_return done;
    }

    Task<Result<spool::ContentPtr>> finish() override {
        if (error_) co_return error_;  // never a content with a hole
        if (record_.name.empty()) {
            account(0);
            spool::ContentPtr small = std::make_shared<spool::MemoryContent>(std::move(buffer_));
            co_return small;
        }
        auto job = [this] { return finish_file(); };
        auto done = co_await rt::offload(files_->pool(), job);
        if (!done) co_return done.error();
        finished_ = true;
        spool::ContentPtr large = std::make_shared<LargeContent>(files_, record_, false);
        co_return large;
    }

  private:
    bool is_under_pressure() const {
        return files_->arriving_bytes() > files_->options().arriving_bytes_max;
    }
    bool is_too_much(std::size_t more) const {
        auto const all = buffer_.size() + more;
        if (all > files_->options().large_content_bytes) return true;
        return all > spill_bytes && is_under_pressure();
    }
    std::size_t piece_bytes() const { return is_under_pressure() ? spill_bytes : write_piece; }
    // One allocation for what was announced, if that is small; growth by doubling otherwise.
    void reserve(std::size_t more) {
        if (buffer_.empty() && announced_ <= files_->options().large_content_bytes) {
            buffer_.reserve(std::max(more, static_cast<std::size_t>(announced_)));
        }
    }
    void account(std::size_t now) {
        files_->arriving_bytes() += now;
        files_->arriving_bytes() -= accounted_;
        accounted_ = now;
    }

    // ---- On the pool.
    Result<void> append(std::string_view octets) {
        if (!file_) {
            record_.name = files_->new_name(id_);
            DAWK_TRY(file_, files_->files().create(files_->path_of(record_.name), 0600));
        }
        auto const size = record_.size + buffer_.size() + octets.size();
        if (announced_ > size && reserved_ < size) {
            // Only a hint, and a peer's: reserved step by step, and failure is no failure.
            reserved_ = std::min(announced_, size + preallocate_step);
            (void)file_->preallocate(reserved_);
        }
        std::string_view const pieces[] = {buffer_, octets};
        DAWK_TRY_VOID(file_->append(pieces));
        record_.checksum = crc32c(octets, crc32c(buffer_, record_.checksum));
        record_.size = size;
        buffer_.clear();
        return {};
    }
    Result<void> finish_file() {
        if (!buffer_.empty()) DAWK_TRY_VOID(append({}));
        DAWK_TRY_VOID(file_->sync());
        file_.reset();
        return files_->files().sync_folder(files_->folder_of(record_.name));
    }

    std::shared_ptr<LargeFiles> files_;
    MessageId id_;
    std::uint64_t announced_;
    std::string buffer_;
    std::size_t accounted_ = 0;
    LargeRecord record_;
    std::unique_ptr<rt::File> file_;
    std::uint64_t reserved_ = 0;
    ErrorCode error_;
    bool finished_ = false;
};

}  // namespace

std::unique_ptr<spool::Content::Reader> LargeContent::reader() const {
    return std::make_unique<LargeReader>(files_, record_);
}

std::unique_ptr<spool::ContentWriter> make_content_writer(std::shared_ptr<LargeFiles> files,
                                                          MessageId id,
                                                          std::uint64_t announced_size) {
    return std::make_unique<Writer>(std::move(files), id, announced_size);
}

Task<Result<LargeRecord>> link_large(std::shared_ptr<LargeFiles> files, LargeRecord from,
                                     MessageId id) {
    auto job = [files, from, id]() -> Result<LargeRecord> {
        auto to = from;
        to.name = files->new_name(id);
        DAWK_TRY_VOID(files->files().link(files->path_of(from.name), files->path_of(to.name)));
        DAWK_TRY_VOID(files->files().sync_folder(files->folder_of(to.name)));
        return to;
    };
    auto linked = co_await rt::offload(files->pool(), job);
    co_return linked;
}

}  // namespace dawk::spool_rocks
