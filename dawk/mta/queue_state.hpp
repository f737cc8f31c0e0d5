// What the QueueRunner holds in memory. Private to dawk/mta/queue_*; all of it lives on shard 0.
//
// Live: a message that is being worked on. A message that only waits is not here but on disk.
// Part: the recipients of a Live that share a destination, and their one entry in the schedule.
// Slot: a destination that has work, a back-off, or entries on disk. Active: what it needs while
// something of it is in memory.
// Carrier: the queue's side of one running Deliverer::carry().
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dawk/mta/delivery.hpp"
#include "dawk/mta/indexed_heap.hpp"
#include "dawk/queue/destination_state.hpp"
#include "dawk/queue/schedule.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::mta {

class Feed;
struct Active;
struct Carrier;
struct Live;

struct Slot {
    std::string const* key = nullptr;  // in the map that owns the slot
    queue::DestinationState state;
    WallTime earliest = WallTime::max();  // of the entries on disk that are not in memory
    WallTime wake = WallTime::max();      // its place in the heap
    std::uint32_t heap_index = not_in_heap;
    std::uint32_t parts = 0;  // that point here
    WallTime swept{};         // when its backlog was last looked through
    std::unique_ptr<Active> active;
    std::unique_ptr<envelope::Outcome> failure;  // of the host, while it is backed off or probed
};

struct Part {
    Slot* slot = nullptr;
    std::optional<WallTime> disk;  // due time of its entry on disk, of the last commit made
    std::vector<std::uint32_t> recipients;  // those handed out or to be handed out first
    std::uint32_t due = 0;                  // so many of them, from the front, are due now
    std::uint32_t handed = 0;               // so many of these were handed out
    std::uint32_t flying = 0;               // jobs handed out and not done
    std::uint32_t staged = 0;               // outcomes that wait for their report
    bool listed = false;                    // stands in the ready list of its slot

    bool is_in_progress() const noexcept { return listed || flying > 0 || staged > 0; }
};

struct Live {
    MessageId id;
    spool::EnvelopePtr shared;                    // what jobs see; null while it is read from disk
    std::unique_ptr<envelope::Envelope> working;  // the truth, once something has changed
    spool::ContentPtr content;                    // while a part needs it
    std::uint64_t hot_bytes = 0;                  // of content, as counted
    std::vector<Part> parts;
    std::uint32_t pins = 0;       // reads and commits under way
    bool touched = false;         // has changes that no commit has taken yet
    bool dirty = false;           // the envelope's record must be written
    bool finished = false;        // every recipient is final
    bool gone = false;            // removal was handed to a commit
    std::uint32_t reporting = 0;  // reports that go to disk together with the change they tell of
    bool early = false;           // read from disk and perhaps not yet announced by accepted()

    envelope::Envelope const& truth() const noexcept { return working ? *working : *shared; }
    envelope::Envelope& change() {
        if (!working) working = std::make_unique<envelope::Envelope>(*shared);
        dirty = true;
        return *working;
    }
    Part* part_of(Slot const& slot) noexcept {
        for (auto& part : parts)
            if (part.slot == &slot) return &part;
        return nullptr;
    }
};

struct Ready {
    Live* live = nullptr;
    std::uint32_t part = 0;
};

struct Cursor {
    WallTime due{};
    MessageId id;
    friend auto operator<=>(Cursor const&, Cursor const&) = default;
};

struct Active {
    std::optional<routing::Route> route;  // nothing: no route gives this key any more
    std::deque<Ready> ready;
    std::uint64_t hot_bytes = 0;
    std::vector<std::shared_ptr<Carrier>> carriers;
    std::uint32_t connected = 0;   // carriers whose peer has greeted
    std::uint32_t starting = 0;    // carriers that have not taken anything yet
    std::uint32_t flying = 0;      // jobs
    std::optional<Cursor> cursor;  // entries up to here were read
    std::optional<Cursor> noted;   // the least entry that came to disk since a page was asked for
    bool loading = false;
    bool sweeping = false;
    bool starved = false;  // waits for a connection of the total
    bool stalled = false;  // waits for the spool to record again
};

struct Carrier {
    Slot* slot = nullptr;
    std::uint64_t number = 0;
    std::shared_ptr<Feed> feed;
    std::uint32_t flying = 0;
    std::uint64_t taken = 0;
    bool connected = false;
    bool waiting = false;
    bool ending = false;           // gets nothing more
    bool was_told_to_end = false;  // by the queue, and so ended for no reason of its own
    bool over = false;             // carry() has returned
    std::weak_ptr<Carrier> self;
    SteadyTime deadline = SteadyTime::max();  // while waiting
    std::uint32_t heap_index = not_in_heap;
};

struct Ticket {
    Live* live = nullptr;
    std::uint32_t part = 0;
    std::shared_ptr<Carrier> carrier;
    std::vector<std::uint32_t> recipients;
};

}  // namespace dawk::mta
