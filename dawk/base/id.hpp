// MessageId: 128 bits, ordered by time of birth (UUIDv7, RFC 9562 §5.7), printed as 26 characters
// of lower-case base32 (RFC 4648 §6 alphabet "a-z2-7", no padding), which sort like the ids
// themselves do only in binary; compare ids, not their text. The same id stands in every log line,
// header and reply that concerns a message.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"
#include "dawk/base/time.hpp"

namespace dawk {

class MessageId {
  public:
    static constexpr std::size_t size_bytes = 16;
    static constexpr std::size_t text_size = 26;

    constexpr MessageId() = default;  // all zero: no message
    // random_high and random_low supply the 74 random bits; the caller's Rng is the world's.
    static MessageId make(WallTime now, std::uint64_t random_high,
                          std::uint64_t random_low) noexcept;
    static Result<MessageId> from_text(std::string_view text) noexcept;    // either case
    static Result<MessageId> from_bytes(std::string_view bytes) noexcept;  // exactly 16

    std::string text() const;
    std::string_view bytes() const noexcept {
        return {reinterpret_cast<char const*>(octets_.data()), octets_.size()};
    }
    WallTime born() const noexcept;
    constexpr bool is_null() const noexcept { return *this == MessageId{}; }

    friend constexpr auto operator<=>(MessageId const&, MessageId const&) = default;

  private:
    std::array<unsigned char, size_bytes> octets_{};
};

}  // namespace dawk

template <>
struct std::hash<dawk::MessageId> {
    std::size_t operator()(dawk::MessageId const& id) const noexcept {
        return std::hash<std::string_view>{}(id.bytes());
    }
};
