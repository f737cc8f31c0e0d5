#include "dawk/spool/spool.hpp"

namespace dawk::spool {

// For engines that gain nothing from reading many at once.
Task<std::vector<Spool::Loaded>> Spool::load_many(std::vector<MessageId> ids,
                                                  std::uint64_t content_bytes_max) {
    std::vector<Loaded> out;
    out.reserve(ids.size());
    std::uint64_t read = 0;
    for (auto const& id : ids) {
        auto envelope = co_await load(id);
        out.push_back({std::move(envelope), std::nullopt});
        auto& last = out.back();
        if (!last.envelope || read >= content_bytes_max) continue;
        auto const& shared = *last.envelope;
        auto content = co_await open_content(shared);
        if (content && (*content)->in_memory()) read += (*content)->size();
        last.content = std::move(content);
    }
    co_return out;
}

}  // namespace dawk::spool
