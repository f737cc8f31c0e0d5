#include "dawk/spool_rocks/reads.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/envelope/codec.hpp"
#include "dawk/spool_rocks/keys.hpp"

namespace dawk::spool_rocks {
namespace {

constexpr std::size_t history_events_max = 10'000;  // of one message, in one answer

rocksdb::Slice slice(std::string_view view) {
    return {view.data(), view.size()};
}

// not_found, or another error; Incomplete means: ask the disk.
rocksdb::Status get(Engine const& engine, Family family, MessageId id, Tier tier,
                    rocksdb::PinnableSlice& value) {
    rocksdb::ReadOptions read;
    if (tier == Tier::memory) read.read_tier = rocksdb::kBlockCacheTier;
    return engine.db->Get(read, engine[family], slice(id.bytes()), &value);
}

Result<spool::EnvelopePtr> to_envelope(std::string_view record) {
    DAWK_TRY(auto envelope, envelope::decode_envelope(record));
    return std::make_shared<envelope::Envelope const>(std::move(envelope));
}

// At the end of a scan: was it the end, or an error?
Result<void> checked(rocksdb::Iterator const& i) {
    if (auto const status = i.status(); !status.ok()) return to_error(status);
    return {};
}

}  // namespace

std::optional<Result<spool::EnvelopePtr>> read_envelope(Engine const& engine, MessageId id,
                                                        Tier tier) {
    rocksdb::PinnableSlice value;
    auto const status = get(engine, Family::envelope, id, tier, value);
    if (status.IsIncomplete() && tier == Tier::memory) return std::nullopt;
    if (!status.ok()) return Result<spool::EnvelopePtr>(to_error(status));
    return to_envelope(value.ToStringView());
}

std::optional<Result<spool::ContentPtr>> read_content(Engine const& engine,
                                                      std::shared_ptr<LargeFiles> const& files,
                                                      envelope::Envelope const& envelope,
                                                      Tier tier) {
    using Answer = Result<spool::ContentPtr>;
    rocksdb::PinnableSlice value;
    if (envelope.content_size > spill_bytes) {
        auto const status = get(engine, Family::large, envelope.id, tier, value);
        if (status.IsIncomplete() && tier == Tier::memory) return std::nullopt;
        if (status.ok()) {
            auto record = LargeRecord::decode(value.ToStringView());
            if (!record || record->size != envelope.content_size) return Answer(Errc::corrupt);
            return Answer(std::make_shared<LargeContent>(files, *record, true));
        }
        if (!status.IsNotFound()) return Answer(to_error(status));
    }
    auto const status = get(engine, Family::content, envelope.id, tier, value);
    if (status.IsIncomplete() && tier == Tier::memory) return std::nullopt;
    if (!status.ok()) return Answer(to_error(status));
    if (value.size() != envelope.content_size) return Answer(Errc::corrupt);
    return Answer(std::make_shared<spool::MemoryContent>(value.ToString()));
}

std::vector<spool::Spool::Loaded> read_many(Engine const& engine,
                                            std::shared_ptr<LargeFiles> const& files,
                                            std::vector<MessageId> const& ids,
                                            std::uint64_t content_bytes_max) {
    std::vector<spool::Spool::Loaded> out;
    out.reserve(ids.size());
    std::uint64_t read = 0;
    for (auto const& id : ids) {
        auto& last = out.emplace_back(
            spool::Spool::Loaded{*read_envelope(engine, id, Tier::disk), std::nullopt});
        if (!last.envelope || read >= content_bytes_max) continue;
        last.content = read_content(engine, files, **last.envelope, Tier::disk);
        auto const& content = *last.content;
        if (content && (*content)->in_memory()) read += (*content)->size();
    }
    return out;
}

Result<std::vector<spool::EnvelopePtr>> read_list(Engine const& engine, MessageId after,
                                                  std::size_t limit, Report const& report) {
    std::vector<spool::EnvelopePtr> out;
    auto const i = engine.iterate(Family::envelope);
    std::string from(after.bytes());
    if (after.is_null()) {
        i->SeekToFirst();
    } else {
        from += '\0';  // the least key after it
        i->Seek(from);
    }
    for (; i->Valid() && out.size() < limit; i->Next()) {
        auto envelope = to_envelope(i->value().ToStringView());
        // One damaged record must not hide the others; load() of it says what it is.
        if (envelope) {
            out.push_back(std::move(*envelope));
        } else if (report) {
            auto const id = MessageId::from_bytes(i->key().ToStringView());
            report("unreadable envelope " + (id ? id->text() : "under a damaged key") + ": " +
                   envelope.error().message());
        }
    }
    DAWK_TRY_VOID(checked(*i));
    return out;
}

Result<std::vector<spool::Due>> read_due(Engine const& engine, std::string const& destination,
                                         std::optional<spool::Due> const& after,
                                         std::size_t limit) {
    std::vector<spool::Due> out;
    auto const prefix = keys::due_prefix(destination);
    std::string from = prefix;
    if (after) {
        from = keys::due_key({destination, after->due, after->id});
        from += '\0';
    }
    std::string const end = keys::due_after_destination(destination);
    rocksdb::Slice const bound(end);
    rocksdb::ReadOptions read;
    read.iterate_upper_bound = &bound;
    std::unique_ptr<rocksdb::Iterator> const i(engine.db->NewIterator(read, engine[Family::due]));
    for (i->Seek(from); i->Valid() && out.size() < limit; i->Next()) {
        auto due = keys::read_due_key(i->key().ToStringView());
        if (!due) return Errc::corrupt;
        out.push_back(std::move(*due));
    }
    DAWK_TRY_VOID(checked(*i));
    return out;
}

Result<std::vector<spool::DestinationHead>> read_destinations(Engine const& engine,
                                                              std::string const& after,
                                                              std::size_t limit) {
    std::vector<spool::DestinationHead> out;
    auto const i = engine.iterate(Family::due, true);
    if (after.empty()) {
        i->SeekToFirst();
    } else {
        i->Seek(keys::due_after_destination(after));
    }
    while (i->Valid() && out.size() < limit) {
        auto due = keys::read_due_key(i->key().ToStringView());
        if (!due) return Errc::corrupt;
        i->Seek(keys::due_after_destination(due->destination));
        out.push_back({std::move(due->destination), due->due});
    }
    DAWK_TRY_VOID(checked(*i));
    return out;
}

Result<std::vector<envelope::Event>> read_history(Engine const& engine, MessageId id) {
    std::vector<envelope::Event> out;
    if (id.is_null()) return out;
    auto const i = engine.iterate(Family::history);
    auto const prefix = slice(id.bytes());
    for (i->Seek(prefix); i->Valid() && i->key().starts_with(prefix); i->Next()) {
        if (out.size() == history_events_max) break;
        auto event = envelope::decode_event(i->value().ToStringView());
        if (event) out.push_back(std::move(*event));
    }
    DAWK_TRY_VOID(checked(*i));
    return out;
}

namespace {

// The events of one address, newest first: backwards through the index, day by day.
class AddressScan {
  public:
    AddressScan(Engine const& engine, std::string const& address)
        : engine_(engine),
          address_(address),
          hash_(keys::address_hash(address)),
          index_(engine.iterate(Family::index)) {
        index_->SeekToLast();
    }
    Result<std::optional<envelope::Event>> next() {
        while (index_->Valid()) {
            auto const key = index_->key().ToStringView();
            if (key.size() != keys::index_key_bytes) return Errc::corrupt;
            auto const day = static_cast<std::uint32_t>(keys::read_u64(key.substr(0, 4)));
            auto const hash = keys::read_u64(key.substr(4));
            if (hash != hash_) {
                if (hash > hash_) {
                    seek_to_last_of(day);
                } else if (day == 0) {
                    break;
                } else {
                    seek_to_last_of(day - 1);
                }
                continue;
            }
            DAWK_TRY(auto event, read(key));
            index_->Prev();
            if (event) return event;
        }
        DAWK_TRY_VOID(checked(*index_));
        return std::nullopt;
    }

  private:
    void seek_to_last_of(std::uint32_t day) {
        index_->SeekForPrev(keys::index_prefix(day, hash_) + std::string(17, '\xff'));
    }
    // Nothing: the event has gone, is damaged, or is of another address with the same hash.
    Result<std::optional<envelope::Event>> read(std::string_view key) {
        std::string history_key = index_->value().ToString();
        history_key += key.substr(20);
        std::string value;
        auto const status = engine_.db->Get({}, engine_[Family::history], history_key, &value);
        if (status.IsNotFound()) return std::nullopt;
        if (!status.ok()) return to_error(status);
        auto event = envelope::decode_event(value);
        bool const ours = event && (ascii::iequals(event->sender, address_) ||
                                    ascii::iequals(event->recipient, address_));
        if (!ours) return std::nullopt;
        return std::move(*event);
    }

    Engine const& engine_;
    std::string const& address_;
    std::uint64_t hash_;
    std::unique_ptr<rocksdb::Iterator> index_;
};

}  // namespace

Result<std::vector<envelope::Event>> read_history_of(Engine const& engine,
                                                     std::string const& address,
                                                     std::size_t limit) {
    std::vector<envelope::Event> out;
    if (address.empty()) return out;
    AddressScan scan(engine, address);
    while (out.size() < limit) {
        DAWK_TRY(auto event, scan.next());
        if (!event) break;
        out.push_back(std::move(*event));
    }
    return out;
}

}  // namespace dawk::spool_rocks
