// Request: one Batch on its way to disk, already in the form of keys and values, so that the commit
// thread only copies. Made on the caller's shard; only the commit thread touches it until it is
// resumed.
#pragma once

#include <optional>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>

#include "dawk/spool_rocks/large_files.hpp"

namespace dawk::spool_rocks {

struct Op {
    enum class Kind : std::uint8_t {
        put,
        remove_once,      // the key was put once in its life
        remove_envelope,  // the commit thread knows whether it was
    };
    Family family{};
    Kind kind{};
    std::uint32_t key_at = 0, key_size = 0;  // in Request::arena
    std::uint32_t value_at = 0, value_size = 0;
    std::string_view outside;  // the value instead, when it lies in a content
};

struct Request {
    spool::Batch batch;  // owns what `outside` views
    std::string arena;
    std::vector<Op> ops;
    std::int64_t messages = 0, content_bytes = 0;  // what usage changes by
    std::size_t bytes = 0;
    std::vector<LargeRecord> records;  // beside batch.inserts; name empty: not large
    std::vector<std::string> linked;   // files made for this request
    std::vector<std::shared_ptr<LargeContent const>> claimed;
    struct Removal {
        MessageId id;
        bool is_file = false;
        std::string name;  // of the file; empty if its record was damaged (the next sweep finds it)
    };
    std::vector<Removal> removals;  // contents that may be files; found when written

    Result<void> result;
    boost::asio::any_io_executor executor;
    std::optional<boost::asio::any_completion_handler<void()>> resume;

    std::string_view key(Op const& op) const {
        return std::string_view(arena).substr(op.key_at, op.key_size);
    }
    std::string_view value(Op const& op) const {
        if (op.outside.data() != nullptr) return op.outside;
        return std::string_view(arena).substr(op.value_at, op.value_size);
    }
};

// Turns request.batch into ops. too_long, too_many, bad_syntax: the codec's refusals.
Result<void> prepare(Request& request, std::atomic<std::uint64_t>& next_sequence);

}  // namespace dawk::spool_rocks
