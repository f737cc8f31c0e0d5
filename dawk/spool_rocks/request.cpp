#include "dawk/spool_rocks/request.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/envelope/codec.hpp"
#include "dawk/spool_rocks/keys.hpp"

namespace dawk::spool_rocks {
namespace {

class Preparer {
  public:
    explicit Preparer(Request& request) : request_(request) {}

    Op& add(Family family, Op::Kind kind, std::string_view key, std::string_view value = {}) {
        Op op;
        op.family = family;
        op.kind = kind;
        op.key_at = append(key);
        op.key_size = static_cast<std::uint32_t>(key.size());
        op.value_at = append(value);
        op.value_size = static_cast<std::uint32_t>(value.size());
        request_.bytes += key.size() + value.size();
        request_.ops.push_back(op);
        return request_.ops.back();
    }
    Result<void> insert(std::size_t i) {
        auto const& [envelope, content] = request_.batch.inserts[i];
        DAWK_TRY(auto const record, envelope::encode(*envelope));
        auto const id = envelope->id.bytes();
        add(Family::envelope, Op::Kind::put, id, record);
        if (auto const& large = request_.records[i]; !large.name.empty()) {
            add(Family::large, Op::Kind::put, id, large.encode());
        } else {
            auto const octets = content->in_memory();
            DAWK_CHECK(octets.has_value());  // a large content of another spool
            add(Family::content, Op::Kind::put, id).outside =
                octets->data() != nullptr ? *octets : std::string_view("");
            request_.bytes += octets->size();
        }
        ++request_.messages;
        request_.content_bytes += static_cast<std::int64_t>(content->size());
        return {};
    }
    void remove(envelope::Envelope const& envelope) {
        add(Family::envelope, Op::Kind::remove_envelope, envelope.id.bytes());
        // Where its content lies, the commit thread finds out if it can be a file.
        if (envelope.content_size <= spill_bytes) {
            add(Family::content, Op::Kind::remove_once, envelope.id.bytes());
        }
        --request_.messages;
        request_.content_bytes -= static_cast<std::int64_t>(envelope.content_size);
    }
    Result<void> event(envelope::Event const& event, std::uint64_t sequence) {
        DAWK_TRY(auto const record, envelope::encode(event));
        auto const prefix = keys::history_prefix(event);
        add(Family::history, Op::Kind::put, keys::history_key(prefix, sequence), record);
        if (!event.sender.empty()) {
            add(Family::index, Op::Kind::put, keys::index_key(event.sender, event.at, sequence),
                prefix);
        }
        if (!event.recipient.empty() && !ascii::iequals(event.sender, event.recipient)) {
            add(Family::index, Op::Kind::put, keys::index_key(event.recipient, event.at, sequence),
                prefix);
        }
        return {};
    }

  private:
    std::uint32_t append(std::string_view octets) {
        auto const at = request_.arena.size();
        request_.arena += octets;
        DAWK_CHECK(request_.arena.size() <= UINT32_MAX);
        return static_cast<std::uint32_t>(at);
    }
    Request& request_;
};

}  // namespace

Result<void> prepare(Request& request, std::atomic<std::uint64_t>& next_sequence) {
    auto const& batch = request.batch;
    Preparer to(request);
    request.arena.reserve(1024);
    request.ops.reserve(batch.inserts.size() * 2 + batch.removes.size() * 2 + batch.updates.size() +
                        batch.due_add.size() + batch.due_remove.size() + batch.events.size() * 3);
    for (std::size_t i = 0; i < batch.inserts.size(); ++i) DAWK_TRY_VOID(to.insert(i));
    for (auto const& envelope : batch.updates) {
        DAWK_TRY(auto const record, envelope::encode(*envelope));
        to.add(Family::envelope, Op::Kind::put, envelope->id.bytes(), record);
    }
    for (auto const& envelope : batch.removes) to.remove(*envelope);
    for (auto const& due : batch.due_remove) {
        to.add(Family::due, Op::Kind::remove_once, keys::due_key(due));
    }
    for (auto const& due : batch.due_add) to.add(Family::due, Op::Kind::put, keys::due_key(due));
    for (auto const& event : batch.events) DAWK_TRY_VOID(to.event(event, next_sequence++));
    return {};
}

}  // namespace dawk::spool_rocks
