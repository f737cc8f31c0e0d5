#include "dawk/sim/node_spool.hpp"

#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/envelope/codec.hpp"

namespace dawk::sim {

class NodeContentWriter final : public spool::ContentWriter {
  public:
    NodeContentWriter(NodeSpool& spool, std::unique_ptr<spool::ContentWriter> inner)
        : spool_(spool), inner_(std::move(inner)) {}

    Task<Result<void>> write(std::string_view octets) override {
        if (auto const error = fault()) co_return error;
        co_return co_await inner_->write(octets);
    }
    Task<Result<spool::ContentPtr>> finish() override {
        if (auto const error = fault()) co_return error;
        co_return co_await inner_->finish();
    }

  private:
    ErrorCode fault() {
        if (!spool_.is_powered_) return Errc::io_error;
        if (spool_.faults_.trouble) return spool_.faults_.trouble;
        bool const fails = spool_.faults_.content > 0 && spool_.rng_.chance(spool_.faults_.content);
        if (fails) spool_.world_.tally().add(Happening::content_failed);
        return fails ? ErrorCode(Errc::no_space) : ErrorCode();
    }

    NodeSpool& spool_;
    std::unique_ptr<spool::ContentWriter> inner_;
};

NodeSpool::NodeSpool(World& world, SpoolFaults& faults, SeededRng& rng,
                     std::shared_ptr<NodeDisk> disk, spool::MemSpoolOptions options,
                     OnCommit on_commit)
    : world_(world),
      faults_(faults),
      rng_(rng),
      disk_(std::move(disk)),
      inner_(disk_->mem, options),
      on_commit_(std::move(on_commit)) {}

NodeSpool::Survivors NodeSpool::power_cut() {
    is_powered_ = false;
    Survivors out;
    out.disk = std::make_shared<NodeDisk>();
    auto const& now = *disk_->mem;
    auto& then = *out.disk->mem;
    then.envelopes = now.envelopes;
    then.contents = now.contents;
    then.due = now.due;
    then.events = now.events;
    then.next_sequence = now.next_sequence;
    then.content_bytes = now.content_bytes;
    out.disk->records = disk_->records;
    disk_->mem->powered = false;
    // One log, written in order: what reached the disk is the first so many.
    auto left = under_way_.empty() ? 0 : rng_.below(under_way_.size() + 1);
    world_.tally().add(Happening::commit_survived, left);
    world_.tally().add(Happening::commit_forgotten, under_way_.size() - left);
    for (auto const& [number, batch] : under_way_) {
        if (left-- == 0) break;
        out.unannounced.push_back(batch);
    }
    return out;
}

Task<void> NodeSpool::recover(std::vector<spool::Batch> unannounced) {
    for (auto& batch : unannounced) {
        auto const done = co_await write_now(std::move(batch));
        (void)done;  // a batch that could not have been written was not
    }
}

std::unique_ptr<spool::ContentWriter> NodeSpool::create_content(MessageId id,
                                                                std::uint64_t announced_size) {
    auto inner = inner_.create_content(id, announced_size);
    return std::make_unique<NodeContentWriter>(*this, std::move(inner));
}

Task<Result<void>> NodeSpool::write_now(spool::Batch batch) {
    std::map<MessageId, std::string> records;
    for (auto const& insert : batch.inserts) {
        auto record = envelope::encode(*insert.envelope);
        if (!record) co_return record.error();
        records[insert.envelope->id] = std::move(*record);
    }
    for (auto const& update : batch.updates) {
        auto record = envelope::encode(*update);
        if (!record) co_return record.error();
        records[update->id] = std::move(*record);
    }
    auto copy = batch;
    auto const done = co_await inner_.commit(std::move(copy));
    if (!done) co_return done.error();
    for (auto& [id, record] : records) disk_->records[id] = std::move(record);
    for (auto const& removed : batch.removes) disk_->records.erase(removed->id);
    on_commit_(batch);
    co_return Result<void>();
}

Task<Result<void>> NodeSpool::commit(spool::Batch batch) {
    auto const number = next_++;
    under_way_[number] = batch;
    auto const spread = faults_.latency_max - faults_.latency_min;
    auto const extra = static_cast<Duration::rep>(
        spread.count() <= 0 ? 0 : rng_.below(static_cast<std::uint64_t>(spread.count())));
    auto const until = world_.steady() + faults_.latency_min + Duration(extra);
    if (in_next_commit) {
        auto const part =
            static_cast<std::uint64_t>((faults_.latency_min + Duration(extra)).count());
        auto const at = Duration(static_cast<Duration::rep>(rng_.below(part)));
        world_.after(at, std::exchange(in_next_commit, nullptr));
    }
    // Like a real write, this wait is not given up when the task that waits is canceled.
    auto uncanceled = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                                          boost::asio::use_awaitable);
    auto const executor = world_.context().get_executor();
    auto wait = world_.sleep_until(until);
    co_await boost::asio::co_spawn(executor, std::move(wait), uncanceled);
    under_way_.erase(number);
    if (!is_powered_) co_return Errc::io_error;
    auto& tally = world_.tally();
    if (extra > Duration(std::chrono::milliseconds(50)).count()) tally.add(Happening::commit_slow);
    if (faults_.trouble) {
        tally.add(faults_.trouble == Errc::no_space ? Happening::spool_full
                                                    : Happening::spool_broken);
        co_return faults_.trouble;
    }
    if (faults_.failure > 0 && rng_.chance(faults_.failure)) {
        tally.add(Happening::commit_failed);
        co_return Errc::io_error;
    }
    co_return co_await write_now(std::move(batch));
}

Task<Result<spool::EnvelopePtr>> NodeSpool::load(MessageId id) {
    if (!is_powered_) co_return Errc::io_error;
    auto const found = disk_->records.find(id);
    if (found == disk_->records.end()) co_return co_await inner_.load(id);
    auto decoded = envelope::decode_envelope(found->second);
    if (!decoded) co_return decoded.error();
    co_return std::make_shared<envelope::Envelope const>(std::move(*decoded));
}

Task<Result<spool::ContentPtr>> NodeSpool::open_content(spool::EnvelopePtr envelope) {
    return inner_.open_content(std::move(envelope));
}
Task<Result<std::vector<spool::EnvelopePtr>>> NodeSpool::list(MessageId after, std::size_t limit) {
    return inner_.list(after, limit);
}
Task<Result<std::vector<spool::Due>>> NodeSpool::due(std::string destination,
                                                     std::optional<spool::Due> after,
                                                     std::size_t limit) {
    return inner_.due(std::move(destination), std::move(after), limit);
}
Task<Result<std::vector<spool::DestinationHead>>> NodeSpool::destinations(std::string after,
                                                                          std::size_t limit) {
    return inner_.destinations(std::move(after), limit);
}
Task<Result<std::vector<envelope::Event>>> NodeSpool::history(MessageId id) {
    return inner_.history(id);
}
Task<Result<std::vector<envelope::Event>>> NodeSpool::history_of(std::string address,
                                                                 std::size_t limit) {
    return inner_.history_of(std::move(address), limit);
}
Task<Result<spool::Usage>> NodeSpool::usage() {
    return inner_.usage();
}
bool NodeSpool::is_in_trouble() const noexcept {
    return !is_powered_ || static_cast<bool>(faults_.trouble) || inner_.is_in_trouble();
}

}  // namespace dawk::sim
