#include "dawk/spool/mem_spool.hpp"

#include <algorithm>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/envelope/codec.hpp"

namespace dawk::spool {
namespace {

Result<void> through_codec(envelope::Envelope const& in, std::vector<EnvelopePtr>& out) {
    DAWK_TRY(auto const record, envelope::encode(in));
    DAWK_TRY(auto again, envelope::decode_envelope(record));
    out.push_back(std::make_shared<envelope::Envelope const>(std::move(again)));
    return {};
}

Result<void> through_codec(envelope::Event const& in, std::vector<envelope::Event>& out) {
    DAWK_TRY(auto const record, envelope::encode(in));
    DAWK_TRY(auto again, envelope::decode_event(record));
    out.push_back(std::move(again));
    return {};
}

}  // namespace

class MemContentWriter final : public ContentWriter {
  public:
    explicit MemContentWriter(MemSpool& spool) : spool_(spool) {}
    Task<Result<void>> write(std::string_view octets) override {
        {
            std::lock_guard const lock(spool_.disk_->mutex);
            if (auto const error = spool_.fault(MemSpool::Op::write)) co_return error;
        }
        octets_ += octets;
        co_return Result<void>();
    }
    Task<Result<ContentPtr>> finish() override {
        {
            std::lock_guard const lock(spool_.disk_->mutex);
            if (auto const error = spool_.fault(MemSpool::Op::finish)) co_return error;
        }
        bool const large = octets_.size() > spool_.options_.large_content_bytes;
        co_return ContentPtr(std::make_shared<MemoryContent>(std::move(octets_), large));
    }

  private:
    MemSpool& spool_;
    std::string octets_;
};

MemSpool::MemSpool(std::shared_ptr<MemDisk> disk, MemSpoolOptions options)
    : disk_(std::move(disk)), options_(options) {
    DAWK_CHECK(options_.clock != nullptr || options_.commit_latency.count() == 0);
}

std::unique_ptr<ContentWriter> MemSpool::create_content(MessageId, std::uint64_t) {
    return std::make_unique<MemContentWriter>(*this);
}

ErrorCode MemSpool::fault(Op op) {
    if (!disk_->powered) return Errc::io_error;
    auto const found = faults_.find(op);
    if (found == faults_.end()) return {};
    auto const error = found->second.first;
    if (--found->second.second == 0) faults_.erase(found);
    return error;
}

void MemSpool::fail_next(Op op, ErrorCode error, std::size_t count) {
    std::lock_guard const lock(disk_->mutex);
    if (count > 0) faults_[op] = {error, count};
}

void MemSpool::set_trouble(ErrorCode error) {
    std::lock_guard const lock(disk_->mutex);
    trouble_ = error;
}

bool MemSpool::is_in_trouble() const noexcept {
    std::lock_guard const lock(disk_->mutex);
    return static_cast<bool>(trouble_) || !disk_->powered ||
           disk_->content_bytes >= options_.capacity_bytes;
}

Task<Result<void>> MemSpool::commit(Batch batch) {
    if (options_.commit_latency.count() > 0) {
        // Like a real write, this wait is not given up when the task that waits is canceled.
        auto executor = co_await boost::asio::this_coro::executor;
        auto uncanceled = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                                              boost::asio::use_awaitable);
        auto wait = options_.clock->sleep_until(options_.clock->steady() + options_.commit_latency);
        co_await boost::asio::co_spawn(executor, std::move(wait), uncanceled);
    }
    std::lock_guard const lock(disk_->mutex);
    co_return apply(batch);
}

std::uint64_t MemSpool::bytes_of(Batch const& batch) const {
    std::uint64_t bytes = 0;
    for (auto const& insert : batch.inserts) bytes += insert.content->size();
    return bytes;
}

Result<void> MemSpool::apply(Batch const& batch) {
    if (auto const error = fault(Op::commit)) return error;
    if (trouble_) return trouble_;
    if (!batch.inserts.empty() &&
        bytes_of(batch) >
            options_.capacity_bytes - std::min(options_.capacity_bytes, disk_->content_bytes)) {
        return Errc::no_space;
    }
    // What cannot be a record fails here as it does on a real disk, before anything is changed.
    std::vector<EnvelopePtr> inserts;
    std::vector<EnvelopePtr> updates;
    std::vector<envelope::Event> events;
    for (auto const& insert : batch.inserts) {
        if (!options_.keeps_records) {
            inserts.push_back(insert.envelope);
            continue;
        }
        DAWK_TRY_VOID(through_codec(*insert.envelope, inserts));
    }
    for (auto const& update : batch.updates) {
        if (!options_.keeps_records) {
            updates.push_back(update);
            continue;
        }
        DAWK_TRY_VOID(through_codec(*update, updates));
    }
    for (auto const& event : batch.events) {
        if (!options_.keeps_records) {
            events.push_back(event);
            continue;
        }
        DAWK_TRY_VOID(through_codec(event, events));
    }
    for (std::size_t i = 0; i < batch.inserts.size(); ++i) {
        auto const& content = batch.inserts[i].content;
        auto const& envelope = inserts[i];
        auto memory = std::dynamic_pointer_cast<MemoryContent const>(content);
        DAWK_CHECK(memory != nullptr);  // a content of another spool
        disk_->envelopes[envelope->id] = envelope;
        disk_->content_bytes += memory->size();
        disk_->contents[envelope->id] = std::move(memory);
    }
    for (auto const& envelope : updates) disk_->envelopes[envelope->id] = envelope;
    for (auto const& envelope : batch.removes) {
        disk_->envelopes.erase(envelope->id);
        auto const content = disk_->contents.find(envelope->id);
        if (content == disk_->contents.end()) continue;
        disk_->content_bytes -= content->second->size();
        disk_->contents.erase(content);
    }
    for (auto const& due : batch.due_remove) disk_->due.erase(due);
    for (auto const& due : batch.due_add) disk_->due.insert(due);
    for (auto const& event : events) {
        disk_->events.push_back({event, disk_->next_sequence++});
        if (disk_->events.size() > options_.history_events_max) disk_->events.pop_front();
    }
    ++disk_->commits;
    return {};
}

Task<Result<EnvelopePtr>> MemSpool::load(MessageId id) {
    std::lock_guard const lock(disk_->mutex);
    if (auto const error = fault(Op::load)) co_return error;
    auto const found = disk_->envelopes.find(id);
    if (found == disk_->envelopes.end()) co_return Errc::not_found;
    co_return found->second;
}

Task<Result<ContentPtr>> MemSpool::open_content(EnvelopePtr envelope) {
    std::lock_guard const lock(disk_->mutex);
    if (auto const error = fault(Op::open_content)) co_return error;
    auto const found = disk_->contents.find(envelope->id);
    if (found == disk_->contents.end()) co_return Errc::not_found;
    co_return ContentPtr(found->second);
}

Task<Result<std::vector<EnvelopePtr>>> MemSpool::list(MessageId after, std::size_t limit) {
    std::lock_guard const lock(disk_->mutex);
    if (auto const error = fault(Op::list)) co_return error;
    std::vector<EnvelopePtr> out;
    for (auto i = disk_->envelopes.upper_bound(after);
         i != disk_->envelopes.end() && out.size() < limit; ++i) {
        out.push_back(i->second);
    }
    co_return out;
}

Task<Result<std::vector<Due>>> MemSpool::due(std::string destination, std::optional<Due> after,
                                             std::size_t limit) {
    std::lock_guard const lock(disk_->mutex);
    if (auto const error = fault(Op::due)) co_return error;
    std::vector<Due> out;
    auto i = after ? disk_->due.upper_bound(Due{destination, after->due, after->id})
                   : disk_->due.lower_bound(Due{destination, WallTime::min(), MessageId{}});
    for (; i != disk_->due.end() && i->destination == destination && out.size() < limit; ++i) {
        out.push_back(*i);
    }
    co_return out;
}

Task<Result<std::vector<DestinationHead>>> MemSpool::destinations(std::string after,
                                                                  std::size_t limit) {
    std::lock_guard const lock(disk_->mutex);
    if (auto const error = fault(Op::destinations)) co_return error;
    std::vector<DestinationHead> out;
    // The least text after another one is that text and a NUL.
    std::string at = after.empty() ? std::string() : after + '\0';
    while (out.size() < limit) {
        auto const i = disk_->due.lower_bound(Due{at, WallTime::min(), MessageId{}});
        if (i == disk_->due.end()) break;
        out.push_back({i->destination, i->due});
        at = i->destination + '\0';
    }
    co_return out;
}

Task<Result<std::vector<envelope::Event>>> MemSpool::history(MessageId id) {
    std::lock_guard const lock(disk_->mutex);
    if (auto const error = fault(Op::history)) co_return error;
    std::vector<envelope::Event> out;
    for (auto const& record : disk_->events) {
        if (record.event.id == id && !id.is_null()) out.push_back(record.event);
    }
    co_return out;
}

Task<Result<std::vector<envelope::Event>>> MemSpool::history_of(std::string address,
                                                                std::size_t limit) {
    std::lock_guard const lock(disk_->mutex);
    if (auto const error = fault(Op::history)) co_return error;
    std::vector<MemDisk::Record const*> found;
    for (auto const& record : disk_->events) {
        auto const& event = record.event;
        if (!address.empty() &&
            (ascii::iequals(event.sender, address) || ascii::iequals(event.recipient, address))) {
            found.push_back(&record);
        }
    }
    std::sort(found.begin(), found.end(), [](auto const* a, auto const* b) {
        return std::pair(a->event.at, a->sequence) > std::pair(b->event.at, b->sequence);
    });
    std::vector<envelope::Event> out;
    for (auto const* record : found) {
        if (out.size() == limit) break;
        out.push_back(record->event);
    }
    co_return out;
}

Task<Result<Usage>> MemSpool::usage() {
    std::lock_guard const lock(disk_->mutex);
    Usage usage;
    usage.messages = disk_->envelopes.size();
    usage.content_bytes = disk_->content_bytes;
    usage.disk_free_bytes =
        options_.capacity_bytes - std::min(options_.capacity_bytes, disk_->content_bytes);
    co_return usage;
}

}  // namespace dawk::spool
