#include "dawk/mta/maildir_carrier.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::mta {
namespace {

using envelope::Outcome;

constexpr std::size_t batch_jobs = 128;
constexpr std::size_t head_max = 1U << 20U;  // a header beyond has its Return-Path kept

struct Turn {
    explicit Turn(MaildirTurns& t) : turns(t) {}
    ~Turn() { turns.leave(); }
    Turn(Turn const&) = delete;
    Turn& operator=(Turn const&) = delete;
    MaildirTurns& turns;
};

struct Failure {
    char const* status;
    std::string text;
};

// RFC 3463 §3.3, §3.4. All of it may be mended by the operator: deferred, never failed.
Failure failure_of(ErrorCode const& error) {
    if (error == make_error_code(Errc::no_space)) return {"4.3.1", "no space for the mailbox"};
    if (error == make_error_code(Errc::denied)) {
        return {"4.2.0", "this server may not write to the mailbox"};
    }
    return {"4.3.0", "the mailbox cannot be written: " + error.message()};
}

}  // namespace

MaildirTurns::MaildirTurns(boost::asio::any_io_executor executor)
    : waiting_(std::move(executor), boost::asio::steady_timer::time_point::max()) {}

Task<void> MaildirTurns::enter() {
    while (free_ == 0) {
        boost::system::error_code ignored;  // woken by leave(); a canceled task unwinds by itself
        co_await waiting_.async_wait(
            boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    --free_;
}

void MaildirTurns::leave() noexcept {
    ++free_;
    waiting_.cancel_one();
}

// Octets the pieces of items point to: they outlive the job in the pool even when the carrier's
// task is canceled meanwhile, because the job owns the batch.
struct MaildirCarrier::Batch {
    std::vector<MaildirItem> items;
    std::vector<std::unique_ptr<std::string>> fields;
    std::vector<spool::EnvelopePtr> envelopes;
    std::vector<spool::ContentPtr> contents;
    struct Place {
        std::uint64_t held;
        std::size_t position;
    };
    std::vector<Place> places;  // parallel to items
};

MaildirCarrier::MaildirCarrier(rt::Env& env, MaildirTurns& turns, std::shared_ptr<JobFeed> feed)
    : env_(env), turns_(turns), feed_(std::move(feed)), held_(env.clock, feed_) {}

Task<void> MaildirCarrier::run() {
    for (;;) {
        auto const worked = co_await one_batch();
        if (worked) continue;
        auto const until = env_.clock.steady() + feed_->settings()->queue.connection_idle;
        auto const more = co_await feed_->wait(until);
        if (!more) co_return;
    }
}

Task<bool> MaildirCarrier::one_batch() {
    co_await turns_.enter();
    Turn const turn(turns_);
    if (held_.take(batch_jobs) == 0) co_return false;
    auto batch = std::make_shared<Batch>();
    for (auto& held : held_.all()) {
        batch->envelopes.push_back(held.job().envelope);
        batch->contents.push_back(held.job().content);
        for (auto const position : held.open()) {
            add(*batch, held, position);
            if (held.job().content->in_memory()) continue;
            co_await write_large(batch, held.job().content);
        }
    }
    auto const job = [&files = env_.files, batch] { deliver_to_maildirs(files, batch->items); };
    co_await rt::offload(env_.pool, job);
    settle(*batch);
    co_return true;
}

void MaildirCarrier::add(Batch& batch, HeldJob& held, std::size_t position) {
    auto const& envelope = held.envelope();
    auto const& recipient = envelope.recipients[held.job().recipients[position]];
    auto const content = held.job().content->in_memory();
    batch.fields.push_back(
        std::make_unique<std::string>(delivery_fields(envelope.reverse_path, recipient.address)));
    MaildirItem item;
    item.folder = maildir_folder(feed_->route().maildir, recipient.address,
                                 detail_of(recipient.address, recipient.original));
    auto const& junk = feed_->settings()->auth.quarantine_folder;
    if (recipient.quarantined && !junk.empty()) item.folder += "/." + junk;  // Maildir++
    item.pieces = {*batch.fields.back(), envelope.trace};
    if (content) {
        append_without_return_path(*content, item.pieces);
        item.name = new_name(item.size());
    }
    batch.items.push_back(std::move(item));
    batch.places.push_back({held.id(), position});
}

std::string MaildirCarrier::new_name(std::uint64_t size) {
    auto const& host = feed_->settings()->hostname;
    return maildir_name(env_.clock.wall(), env_.rng.next(), ++counter_, host, size);
}

// A large content in the works: read by the carrier's task, written by the pool. What the pool
// works on is owned by its job.
struct MaildirCarrier::Work {
    std::shared_ptr<Batch> batch;
    std::size_t index = 0;
    std::unique_ptr<spool::Content::Reader> reader;
    std::uint64_t octets = 0;  // read so far
    std::string head;          // of the content, with all of its header
    std::vector<std::string_view> pieces;
    MaildirItem& item() { return batch->items[index]; }
};

Task<void> MaildirCarrier::write_large(std::shared_ptr<Batch> batch, spool::ContentPtr content) {
    auto const work = std::make_shared<Work>();
    work->index = batch->items.size() - 1;
    work->batch = std::move(batch);
    work->reader = content->reader();
    auto written = co_await begin_large(work, content->size());
    auto const append = [work] { return work->item().file->append(work->pieces); };
    while (written) {
        auto const piece = co_await work->reader->next();
        if (!piece) {
            written = piece.error();
            break;
        }
        if (piece->empty()) break;
        work->octets += piece->size();
        work->pieces.assign(1, *piece);
        written = co_await rt::offload(env_.pool, append);
    }
    if (written && work->octets != content->size()) written = make_error_code(Errc::corrupt);
    if (!written) work->item().error = written.error();
}

// Up to the end of the header, so that the name can tell the size of the file.
Task<Result<void>> MaildirCarrier::begin_large(std::shared_ptr<Work> work, std::uint64_t size) {
    while (work->head.find("\r\n\r\n") == work->head.npos && work->head.size() < head_max) {
        auto const piece = co_await work->reader->next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        work->head.append(*piece);
    }
    work->octets = work->head.size();
    auto& item = work->item();
    append_without_return_path(work->head, item.pieces);
    item.name = new_name(item.size() + size - std::min(size, work->octets));
    auto const begin = [&files = env_.files, work]() -> Result<void> {
        auto& begun = work->item();
        DAWK_TRY(begun.file, start_maildir_file(files, begun.folder, begun.name));
        return begun.file->append(begun.pieces);
    };
    co_return co_await rt::offload(env_.pool, begin);
}

void MaildirCarrier::settle(Batch& batch) {
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
        auto* held = held_.find(batch.places[i].held);
        DAWK_CHECK(held != nullptr);
        held->settle(batch.places[i].position, outcome_of(batch.items[i], held->since()));
    }
    held_.return_finished();
}

Outcome MaildirCarrier::outcome_of(MaildirItem const& item, SteadyTime since) const {
    Outcome outcome;
    outcome.stage = "maildir";
    outcome.at = env_.clock.wall();
    auto const took = std::chrono::duration_cast<Millis>(env_.clock.steady() - since).count();
    outcome.took_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(took, 0));
    if (!item.error) {
        outcome.kind = Outcome::Kind::delivered;
        outcome.status = "2.0.0";
        outcome.text = "stored as " + item.name;
        return outcome;
    }
    auto failure = failure_of(*item.error);
    outcome.kind = Outcome::Kind::deferred;
    outcome.status = failure.status;
    outcome.text = std::move(failure.text);
    return outcome;
}

}  // namespace dawk::mta
