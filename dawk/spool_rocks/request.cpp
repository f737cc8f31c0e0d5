#include "dawk/spool_rocks/request.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/envelope/codec.hpp"
#include "dawk/spool_rocks/keys.hpp"

namespace dawk::spool_rocks {
namespace {

class Preparer {
  public:
    explicit Preparer(Request& request) : request_(request), arena_(request.arena) {}

    Result<void> insert(std::size_t i) {
        auto const& [envelope, content] = request_.batch.inserts[i];
        DAWK_TRY_VOID(put(*envelope));
        auto const id = envelope->id.bytes();
        if (auto const& large = request_.records[i]; !large.name.empty()) {
            auto& op = begin(Family::large, Op::Kind::put, id);
            arena_ += large.encode();
            end(op);
        } else {
            auto const octets = content->in_memory();
            DAWK_CHECK(octets.has_value());  // a large content of another spool
            auto& op = begin(Family::content, Op::Kind::put, id);
            op.outside = octets->data() != nullptr ? *octets : std::string_view("");
            end(op);
            request_.bytes += octets->size();
        }
        ++request_.messages;
        request_.content_bytes += static_cast<std::int64_t>(content->size());
        return {};
    }
    Result<void> put(envelope::Envelope const& envelope) {
        auto& op = begin(Family::envelope, Op::Kind::put, envelope.id.bytes());
        DAWK_TRY_VOID(envelope::encode_to(arena_, envelope));
        end(op);
        return {};
    }
    void remove(envelope::Envelope const& envelope) {
        auto const id = envelope.id.bytes();
        end(begin(Family::envelope, Op::Kind::remove_envelope, id));
        // Where its content lies, the commit thread finds out if it can be a file.
        if (envelope.content_size <= spill_bytes) {
            end(begin(Family::content, Op::Kind::remove_once, id));
        }
        --request_.messages;
        request_.content_bytes -= static_cast<std::int64_t>(envelope.content_size);
    }
    void due(Op::Kind kind, spool::Due const& due) {
        auto& op = begin(Family::due, kind);
        keys::append_due_key(arena_, due);
        end_key(op);
        end(op);
    }
    Result<void> event(envelope::Event const& event, std::uint64_t sequence) {
        auto& op = begin(Family::history, Op::Kind::put);
        keys::append_history_key(arena_, event, sequence);
        end_key(op);
        DAWK_TRY_VOID(envelope::encode_to(arena_, event));
        end(op);
        if (!event.sender.empty()) index(event, event.sender, sequence);
        if (!event.recipient.empty() && !ascii::iequals(event.sender, event.recipient)) {
            index(event, event.recipient, sequence);
        }
        return {};
    }

  private:
    void index(envelope::Event const& event, std::string_view address, std::uint64_t sequence) {
        auto& op = begin(Family::index, Op::Kind::put);
        keys::append_index_key(arena_, address, event.at, sequence);
        end_key(op);
        keys::append_history_prefix(arena_, event);
        end(op);
    }
    // Key and value are appended to the arena between begin, end_key and end.
    Op& begin(Family family, Op::Kind kind) {
        auto& op = request_.ops.emplace_back();
        op.family = family;
        op.kind = kind;
        op.key_at = here();
        return op;
    }
    Op& begin(Family family, Op::Kind kind, std::string_view key) {
        auto& op = begin(family, kind);
        arena_ += key;
        end_key(op);
        return op;
    }
    void end_key(Op& op) {
        op.value_at = here();
        op.key_size = op.value_at - op.key_at;
    }
    void end(Op& op) {
        op.value_size = here() - op.value_at;
        request_.bytes += op.key_size + op.value_size;
    }
    std::uint32_t here() const {
        DAWK_CHECK(arena_.size() <= UINT32_MAX);
        return static_cast<std::uint32_t>(arena_.size());
    }
    Request& request_;
    std::string& arena_;
};

}  // namespace

Result<void> prepare(Request& request, std::atomic<std::uint64_t>& next_sequence) {
    auto const& batch = request.batch;
    Preparer to(request);
    request.arena.reserve(1024);
    request.ops.reserve(batch.inserts.size() * 2 + batch.removes.size() * 2 + batch.updates.size() +
                        batch.due_add.size() + batch.due_remove.size() + batch.events.size() * 3);
    for (std::size_t i = 0; i < batch.inserts.size(); ++i) DAWK_TRY_VOID(to.insert(i));
    for (auto const& envelope : batch.updates) DAWK_TRY_VOID(to.put(*envelope));
    for (auto const& envelope : batch.removes) to.remove(*envelope);
    for (auto const& due : batch.due_remove) to.due(Op::Kind::remove_once, due);
    for (auto const& due : batch.due_add) to.due(Op::Kind::put, due);
    for (auto const& event : batch.events) DAWK_TRY_VOID(to.event(event, next_sequence++));
    return {};
}

}  // namespace dawk::spool_rocks
