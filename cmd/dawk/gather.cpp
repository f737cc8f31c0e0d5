#include "cmd/dawk/gather.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "dawk/spool/content.hpp"

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {
namespace {
constexpr std::size_t memory_max = 1U << 20U;
constexpr std::size_t read_bytes = 128U << 10U;
}  // namespace

class Gatherer::File {
  public:
    File() : stream_(std::tmpfile()) {
        if (stream_ == nullptr)
            fail(Exit::cannot_create, std::string("a temporary file: ") + std::strerror(errno));
    }
    ~File() { std::fclose(stream_); }
    File(File const&) = delete;
    File& operator=(File const&) = delete;
    int descriptor() const noexcept { return ::fileno(stream_); }

  private:
    std::FILE* stream_;
};

namespace {

// The octets of a gathered file; the owner keeps it open.
class FileContent final : public spool::Content {
  public:
    FileContent(std::shared_ptr<void> owner, int descriptor, std::uint64_t size)
        : owner_(std::move(owner)), descriptor_(descriptor), size_(size) {}
    std::uint64_t size() const noexcept override { return size_; }
    std::optional<std::string_view> in_memory() const noexcept override { return std::nullopt; }
    std::unique_ptr<Reader> reader() const override {
        return std::make_unique<PieceReader>(owner_, descriptor_);
    }

  private:
    class PieceReader final : public Reader {
      public:
        PieceReader(std::shared_ptr<void> owner, int descriptor)
            : owner_(std::move(owner)), descriptor_(descriptor), buffer_(read_bytes, '\0') {}
        Task<Result<std::string_view>> next() override {
            ssize_t n = 0;
            do {
                n = ::pread(descriptor_, buffer_.data(), buffer_.size(), offset_);
            } while (n < 0 && errno == EINTR);
            if (n < 0) co_return Errc::io_error;
            offset_ += n;
            co_return std::string_view(buffer_.data(), static_cast<std::size_t>(n));
        }

      private:
        std::shared_ptr<void> owner_;
        int descriptor_;
        std::string buffer_;
        off_t offset_ = 0;
    };
    std::shared_ptr<void> owner_;
    int descriptor_;
    std::uint64_t size_;
};

}  // namespace

Gatherer::Gatherer() = default;
Gatherer::~Gatherer() = default;

void Gatherer::add(std::string_view octets) {
    size_ += octets.size();
    if (!file_ && size_ <= memory_max) {
        memory_.append(octets);
        return;
    }
    if (!file_) begin_file();
    write(octets);
}

void Gatherer::begin_file() {
    file_ = std::make_shared<File>();
    write(memory_);
    memory_ = {};
}

void Gatherer::write(std::string_view octets) {
    while (!octets.empty()) {
        auto const n = ::write(file_->descriptor(), octets.data(), octets.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(Exit::io, std::string("a temporary file: ") + std::strerror(errno));
        octets.remove_prefix(static_cast<std::size_t>(n));
    }
}

spool::ContentPtr Gatherer::finish() {
    if (!file_) return std::make_shared<spool::MemoryContent>(std::move(memory_));
    int const descriptor = file_->descriptor();
    return std::make_shared<FileContent>(std::move(file_), descriptor, size_);
}

bool LineEnds::convert(std::string_view octets, std::string& out) {
    for (char const c : octets) {
        if (last_ == '\r' && c != '\n') return false;
        if (c == '\n' && last_ != '\r') out += '\r';
        out += c;
        last_ = c;
    }
    return true;
}

bool LineEnds::finish(std::string& out) {
    if (last_ == '\r') return false;
    if (last_ != '\n') out += "\r\n";
    last_ = '\n';
    return true;
}

}  // namespace dawk::cmd
