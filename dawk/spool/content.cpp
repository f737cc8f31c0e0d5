#include "dawk/spool/content.hpp"

#include <algorithm>

namespace dawk::spool {
namespace {

class MemoryReader final : public Content::Reader {
  public:
    MemoryReader(std::shared_ptr<std::string const> octets, std::size_t piece)
        : octets_(std::move(octets)), piece_(piece) {}
    Task<Result<std::string_view>> next() override {
        std::string_view const all = *octets_;
        auto const piece = all.substr(offset_, piece_);
        offset_ += piece.size();
        co_return piece;
    }

  private:
    std::shared_ptr<std::string const> octets_;
    std::size_t piece_;
    std::size_t offset_ = 0;
};

}  // namespace

std::unique_ptr<Content::Reader> MemoryContent::reader() const {
    auto const piece = large_ ? content_piece_bytes : std::max<std::size_t>(octets_->size(), 1);
    return std::make_unique<MemoryReader>(octets_, piece);
}

Task<Result<std::string>> read_all(ContentPtr content, std::size_t max) {
    if (content->size() > max) co_return Errc::too_long;
    if (auto const octets = content->in_memory()) co_return std::string(*octets);
    std::string all;
    all.reserve(static_cast<std::size_t>(content->size()));
    auto reader = content->reader();
    for (;;) {
        auto piece = co_await reader->next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        if (all.size() + piece->size() > max) co_return Errc::too_long;
        all += *piece;
    }
    co_return all;
}

}  // namespace dawk::spool
