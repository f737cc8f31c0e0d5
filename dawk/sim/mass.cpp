#include "dawk/sim/mass.hpp"

#include <algorithm>
#include <cstdio>

#include <malloc.h>

#include "dawk/envelope/codec.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t mass_mark = 0x3A55;  // in the random half of ids of the mass

}  // namespace

MassSpool::MassSpool(World& world, std::string destination, std::size_t count, WallTime arrived,
                     WallTime expires)
    : world_(world),
      destination_(std::move(destination)),
      arrived_(arrived),
      expires_(expires),
      mass_(count),
      left_(count),
      others_(std::make_shared<spool::MemDisk>()) {
    for (std::uint32_t i = 0; i < count; ++i) {
        mass_[i].due_ms = to_millis(arrived) + i / 1000;
        schedule_.insert(schedule_.end(), {mass_[i].due_ms, i});
    }
}

MessageId MassSpool::id_of(std::uint32_t index) const {
    return MessageId::make(arrived_, mass_mark, index);
}

std::optional<std::uint32_t> MassSpool::index_of(MessageId id) const {
    std::uint32_t index = 0;
    auto const octets = id.bytes();
    for (std::size_t i = 12; i < 16; ++i)
        index = index << 8U | static_cast<unsigned char>(octets[i]);
    if (index < mass_.size() && id_of(index) == id) return index;
    return std::nullopt;
}

std::unique_ptr<spool::ContentWriter> MassSpool::create_content(MessageId id,
                                                                std::uint64_t announced_size) {
    return others_.create_content(id, announced_size);
}

void MassSpool::schedule(spool::Due const& due, bool adds) {
    auto const index = index_of(due.id);
    Place const place{to_millis(due.due), *index};
    if (!adds) {
        schedule_.erase(place);
        return;
    }
    schedule_.insert(place);
    mass_[*index].due_ms = place.first;
}

Task<Result<void>> MassSpool::commit(spool::Batch batch) {
    ++commits_;
    auto const later = world_.steady() + 500us;
    co_await world_.sleep_until(later);
    spool::Batch rest;
    rest.inserts = std::move(batch.inserts);
    for (auto& update : batch.updates) {
        auto const index = index_of(update->id);
        if (!index) {
            rest.updates.push_back(std::move(update));
            continue;
        }
        auto const& recipient = update->recipients.front();
        mass_[*index].attempts = static_cast<std::uint16_t>(recipient.attempts);
        mass_[*index].has_warned = recipient.delay_notified;
    }
    for (auto& removed : batch.removes) {
        auto const index = index_of(removed->id);
        if (!index) {
            rest.removes.push_back(std::move(removed));
            continue;
        }
        if (!std::exchange(mass_[*index].is_gone, true)) --left_;
    }
    for (auto const& due : batch.due_remove)
        if (index_of(due.id))
            schedule(due, false);
        else
            rest.due_remove.push_back(due);
    for (auto const& due : batch.due_add)
        if (index_of(due.id))
            schedule(due, true);
        else
            rest.due_add.push_back(due);
    co_return co_await others_.commit(std::move(rest));
}

Task<Result<spool::EnvelopePtr>> MassSpool::load(MessageId id) {
    ++reads_;
    auto const index = index_of(id);
    if (!index) co_return co_await others_.load(id);
    auto const& entry = mass_[*index];
    if (entry.is_gone) co_return Errc::not_found;
    auto envelope = std::make_shared<envelope::Envelope>();
    envelope->id = id;
    envelope->reverse_path = {"sender", "home.test"};
    envelope->origin.listener = "test";
    envelope->arrived = arrived_;
    envelope->expires = expires_;
    envelope->trace = "Received: by mx.dawk.test\r\n";
    envelope->content_size = 40;
    envelope::Recipient recipient;
    recipient.address = {"r" + std::to_string(*index), "dead.test"};
    recipient.original = recipient.address;
    recipient.destination = destination_;
    recipient.next_attempt = from_millis(entry.due_ms);
    recipient.attempts = entry.attempts;
    recipient.delay_notified = entry.has_warned;
    recipient.notify.never = true;
    envelope->recipients.push_back(std::move(recipient));
    co_return spool::EnvelopePtr(std::move(envelope));
}

Task<Result<spool::ContentPtr>> MassSpool::open_content(spool::EnvelopePtr envelope) {
    if (!index_of(envelope->id)) co_return co_await others_.open_content(std::move(envelope));
    std::string octets = "Subject: of the mass\r\n\r\none of many\r\n";
    octets.resize(40, ' ');
    co_return std::make_shared<spool::MemoryContent const>(std::move(octets));
}

Task<Result<std::vector<spool::EnvelopePtr>>> MassSpool::list(MessageId after, std::size_t limit) {
    return others_.list(after, limit);
}

Task<Result<std::vector<spool::Due>>> MassSpool::due(std::string destination,
                                                     std::optional<spool::Due> after,
                                                     std::size_t limit) {
    if (destination != destination_) {
        co_return co_await others_.due(std::move(destination), std::move(after), limit);
    }
    auto at = schedule_.begin();
    if (after) {
        auto const index = index_of(after->id);
        at = schedule_.upper_bound({to_millis(after->due), index ? *index : 0});
    }
    std::vector<spool::Due> out;
    for (; at != schedule_.end() && out.size() < limit; ++at)
        out.push_back({destination_, from_millis(at->first), id_of(at->second)});
    co_return out;
}

Task<Result<std::vector<spool::DestinationHead>>> MassSpool::destinations(std::string after,
                                                                          std::size_t limit) {
    auto heads = co_await others_.destinations(after, limit);
    if (!heads) co_return heads.error();
    if (!schedule_.empty() && after < destination_) {
        heads->push_back({destination_, from_millis(schedule_.begin()->first)});
        std::ranges::sort(*heads, {}, &spool::DestinationHead::destination);
        if (heads->size() > limit) heads->resize(limit);
    }
    co_return heads;
}

Task<Result<std::vector<envelope::Event>>> MassSpool::history(MessageId id) {
    return others_.history(id);
}
Task<Result<std::vector<envelope::Event>>> MassSpool::history_of(std::string address,
                                                                 std::size_t limit) {
    return others_.history_of(std::move(address), limit);
}
Task<Result<spool::Usage>> MassSpool::usage() {
    spool::Usage usage;
    usage.messages = left_;
    usage.disk_free_bytes = UINT64_MAX;
    co_return usage;
}

// ---- the scenario -------------------------------------------------------------------------------

namespace {

struct Mute final : envelope::EventSink {
    void on_event(envelope::Event const&) override {}
};

void add(Stage& stage, char const* name, double value, char const* unit) {
    char text[200];
    std::snprintf(text, sizeof text, "%s: %.4g %s", name, value, unit);
    stage.figures.emplace_back(text);
}

// Octets that a record of the mass and its entry in the schedule take on disk, before compression.
double octets_on_disk(MassSpool& spool, World& world) {
    double size = 0;
    auto const measure = [](MassSpool& of, double& out) -> Task<void> {
        auto const heads = co_await of.due("mx:dead.test", std::nullopt, 1);
        auto const& first = heads->front();
        auto const envelope = co_await of.load(first.id);
        auto const record = envelope::encode(**envelope);
        out = static_cast<double>(record->size() + first.destination.size() + 8 + 16);
    };
    rt::TaskGroup group(world.context().get_executor());
    group.spawn(measure(spool, size));
    world.run_for(0s);
    return size;
}

std::shared_ptr<envelope::Envelope> letter_to(World& world, std::string const& domain) {
    auto letter = std::make_shared<envelope::Envelope>();
    letter->id = MessageId::make(world.wall(), world.rng().next(), world.rng().next());
    letter->reverse_path = {"x", "home.test"};
    letter->arrived = world.wall();
    letter->expires = world.wall() + 24h;
    letter->trace = "Received: by mx.dawk.test\r\n";
    envelope::Recipient recipient;
    recipient.address = recipient.original = {"y", domain};
    recipient.destination = "mx:" + domain;
    recipient.next_attempt = world.wall();
    letter->recipients.push_back(std::move(recipient));
    return letter;
}

// As the Receiver does it: commits, then tells the queue.
Task<void> bring_in(spool::Spool& spool, mta::QueueRunner& queue,
                    std::shared_ptr<envelope::Envelope> letter) {
    std::string_view const octets = "Subject: x\r\n\r\nhello\r\n";
    letter->content_size = octets.size();
    auto const writer = spool.create_content(letter->id, octets.size());
    auto const written = co_await writer->write(octets);
    auto content = co_await writer->finish();
    spool::Batch batch;
    batch.inserts.push_back({letter, *content});
    batch.due_add.push_back({letter->recipients[0].destination, letter->arrived, letter->id});
    auto const done = co_await spool.commit(std::move(batch));
    if (written && done) queue.accepted(letter, *content);
}

Task<void> stop(mta::QueueRunner& queue, SteadyTime deadline, bool& is_over) {
    co_await queue.stop(deadline);
    is_over = true;
}

}  // namespace

void million_dead(Stage& stage, PlayOptions const& options) {
    auto const count = static_cast<std::size_t>(std::max(1000.0, 1'000'000 * options.scale));
    stage.events_max = UINT64_MAX;
    auto& dead = stage.add_remote("dead.test");
    auto& fast = stage.add_remote("fast.test");
    dead.host().set_down(true);
    dead.reports = fast.reports = false;
    auto& world = stage.world;
    Host host(stage.internet, "mx.dawk.test", {"192.0.2.1"});
    rt::Env env = host.env();
    mta::Settings settings;
    settings.hostname = "mx.dawk.test";
    settings.queue.warn_after = Millis(0);
    directory::MemDirectory directory;
    Mute events;
    MassSpool spool(world, "mx:dead.test", count, world.wall(), world.wall() + 24h * 5);
    mta::RouteDeliverer deliverer(env);
    auto const before = ::mallinfo2().uordblks;
    mta::QueueRunner queue(mta::QueueDeps{spool, events, directory, {{env, deliverer}}},
                           std::make_shared<mta::Settings const>(settings));
    queue.start();
    world.run_for(24h);
    auto const after = ::mallinfo2().uordblks;
    auto const tries = static_cast<double>(dead.host().refused_connects());
    auto const resident = after > before ? static_cast<double>(after - before) : 0.0;
    add(stage, "waiting messages", static_cast<double>(spool.mass_left()), "");
    add(stage, "resident memory of the queue a waiting message",
        resident / static_cast<double>(count), "octets");
    add(stage, "record and schedule on disk a waiting message, without content",
        octets_on_disk(spool, world), "octets");
    add(stage, "connects to a dead host in a day", tries, "");
    if (resident > 200.0 * static_cast<double>(count))
        stage.oracle.violated(Invariant::bounded_memory, "more than 200 octets a waiting message");
    if (tries > 24 * 1.3 + 10)
        stage.oracle.violated(Invariant::retries_wait, "a dead host is tried too often");
    rt::TaskGroup group(world.context().get_executor());
    auto const began = world.steady();
    group.spawn(bring_in(spool, queue, letter_to(world, "fast.test")));
    world.run_until_true([&] { return fast.counts().transactions > 0; }, 1h);
    add(stage, "from arrival to the first attempt beside that backlog",
        std::chrono::duration<double, std::milli>(world.steady() - began).count(), "ms (virtual)");
    if (world.steady() - began > 1s)
        stage.oracle.violated(Invariant::progress, "a backlog holds up others");
    bool is_over = false;
    group.spawn(stop(queue, world.steady() + 1s, is_over));
    world.run_until_true([&] { return is_over; }, 10min);
    world.run_for(1min);
}

}  // namespace dawk::sim
