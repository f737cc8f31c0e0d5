// Spool: what is durable. Envelopes, contents, the schedule of what is due, and history; nothing
// else.
//
//     auto writer = spool.create_content(id, announced_size);
//     co_await writer->write(octets);                      // as they arrive; memory stays bounded
//     auto content = co_await writer->finish();            // synced if it is a file of its own
//     Batch batch;
//     batch.insert(envelope, *content, schedule);
//     auto r = co_await spool.commit(std::move(batch));    // returns when it is on disk
//
// Every commit() that is waiting goes into one write and one sync. A commit is atomic: all of its
// operations are there after a crash, or none. A failed commit (no_space, io_error) changed
// nothing, and the spool heals itself: the next commit is tried afresh. Engines: MemSpool (tests,
// simulation), spool_rocks::RocksSpool. One contract test for both (dawk/spool/contract.hpp).
// Callable from every shard; a task resumes on the shard it came from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/envelope/event.hpp"
#include "dawk/rt/task.hpp"

namespace dawk::spool {

using EnvelopePtr = std::shared_ptr<envelope::Envelope const>;

// An immutable content: either in memory (up to the spool's threshold), or in a file read in
// pieces.
class Content {
  public:
    virtual ~Content() = default;
    virtual std::uint64_t size() const noexcept = 0;
    // The whole content when it is in memory; nothing for a large one.
    virtual std::optional<std::string_view> in_memory() const noexcept = 0;
    // Octets from offset on, at most max of them; empty at the end. Valid until the next call or
    // the reader's end; each reader of a large content has its own position and buffer: see Reader.
    class Reader {
      public:
        virtual ~Reader() = default;
        virtual Task<Result<std::string_view>> next() = 0;  // empty view: the end
    };
    virtual std::unique_ptr<Reader> reader() const = 0;
};
using ContentPtr = std::shared_ptr<Content const>;

class ContentWriter {
  public:
    virtual ~ContentWriter() = default;  // unfinished: nothing is left behind
    virtual Task<Result<void>> write(std::string_view octets) = 0;
    // Large contents are synced with their folder before this returns.
    virtual Task<Result<ContentPtr>> finish() = 0;
};

// A place in the schedule: message id is due for destination at time due. One entry for each pair
// of message and destination that has waiting recipients. Keyed by (destination, due, id) on disk,
// so that what is due next for a destination is found without looking at anything else.
struct Due {
    std::string destination;
    WallTime due{};
    MessageId id;
    friend auto operator<=>(Due const&, Due const&) = default;
};

// The first entry of a destination.
struct DestinationHead {
    std::string destination;
    WallTime earliest{};
};

struct Batch {
    struct Insert {
        EnvelopePtr envelope;
        ContentPtr content;
    };
    std::vector<Insert> inserts;
    std::vector<EnvelopePtr> updates;  // whole records, replacing
    std::vector<EnvelopePtr> removes;  // envelope and content go; the envelope tells where it lies
    std::vector<Due> due_add, due_remove;
    std::vector<envelope::Event> events;  // appended to history, readable at once
    bool empty() const noexcept {
        return inserts.empty() && updates.empty() && removes.empty() && due_add.empty() &&
               due_remove.empty() && events.empty();
    }
};

struct Usage {
    std::uint64_t messages = 0;  // envelopes held; may be an estimate when exact is false
    std::uint64_t content_bytes = 0;
    std::uint64_t disk_free_bytes = 0;
    bool exact = true;
};

class Spool {
  public:
    virtual ~Spool() = default;

    // announced_size: SIZE= of MAIL, or 0; only a hint.
    virtual std::unique_ptr<ContentWriter> create_content(MessageId id,
                                                          std::uint64_t announced_size) = 0;
    // On disk when it returns without error. Errors: no_space, io_error, canceled (shutting down).
    virtual Task<Result<void>> commit(Batch batch) = 0;

    virtual Task<Result<EnvelopePtr>> load(MessageId id) = 0;  // not_found, corrupt, io_error
    virtual Task<Result<ContentPtr>> open_content(EnvelopePtr envelope) = 0;
    // What load() and open_content() say of many messages, in one go and in their order. Contents
    // only until those read have content_bytes_max octets together; the others are not there.
    struct Loaded {
        Result<EnvelopePtr> envelope;
        std::optional<Result<ContentPtr>> content;
    };
    virtual Task<std::vector<Loaded>> load_many(std::vector<MessageId> ids,
                                                std::uint64_t content_bytes_max);
    // Envelopes in order of id, after `after` (null id: from the first). At most limit.
    virtual Task<Result<std::vector<EnvelopePtr>>> list(MessageId after, std::size_t limit) = 0;
    // Entries of one destination in order of (due, id), strictly after `after` if given.
    virtual Task<Result<std::vector<Due>>> due(std::string destination, std::optional<Due> after,
                                               std::size_t limit) = 0;
    // Heads of all destinations in order of their key, after `after`. Never reads more than the
    // heads.
    virtual Task<Result<std::vector<DestinationHead>>> destinations(std::string after,
                                                                    std::size_t limit) = 0;

    // History of one message, oldest first; bounded by the engine's age and size limits.
    virtual Task<Result<std::vector<envelope::Event>>> history(MessageId id) = 0;
    // Newest first: events whose sender or recipient is that address (text form, ASCII case
    // ignored).
    virtual Task<Result<std::vector<envelope::Event>>> history_of(std::string address,
                                                                  std::size_t limit) = 0;
    virtual Task<Result<Usage>> usage() = 0;

    // True while the last commit failed or the disk is below its floor: answer 452 to new mail.
    virtual bool is_in_trouble() const noexcept = 0;
};

}  // namespace dawk::spool
