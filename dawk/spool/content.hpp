// Contents that live in memory, and what all contents share.
//
//     auto content = std::make_shared<MemoryContent>(std::move(octets));
//     auto text = co_await read_all(content, 1U << 20U);
//
// Immutable, so any number of tasks on any shard may read one.
#pragma once

#include <string>

#include "dawk/spool/spool.hpp"

namespace dawk::spool {

// How large a piece a reader of a large content hands out at most.
inline constexpr std::size_t content_piece_bytes = 256U << 10U;

class MemoryContent final : public Content {
  public:
    // large: behave as a content in a file does, that is, readable only in pieces (MemSpool,
    // tests).
    explicit MemoryContent(std::string octets, bool large = false)
        : octets_(std::make_shared<std::string const>(std::move(octets))), large_(large) {}
    std::uint64_t size() const noexcept override { return octets_->size(); }
    std::optional<std::string_view> in_memory() const noexcept override {
        if (large_) return std::nullopt;
        return std::string_view(*octets_);
    }
    std::unique_ptr<Reader> reader() const override;
    std::shared_ptr<std::string const> const& octets() const noexcept { return octets_; }

  private:
    std::shared_ptr<std::string const> octets_;
    bool large_;
};

// The whole content as one string, for reports and tools. too_long if it has more than max octets.
Task<Result<std::string>> read_all(ContentPtr content, std::size_t max);

}  // namespace dawk::spool
