#include <algorithm>

#include "dawk/base/crc32c.hpp"
#include "dawk/envelope/codec.hpp"
#include "dawk/spool/due_entries.hpp"
#include "dawk/spool_rocks/keys.hpp"
#include "dawk/spool_rocks/large_files.hpp"
#include "dawk/spool_rocks/salvage.hpp"

namespace dawk::spool_rocks {
namespace {

class Checker {
  public:
    Checker(ToolWorld world, RocksOptions const& options, CheckOptions what, Engine const& engine)
        : world_(world),
          what_(what),
          engine_(engine),
          large_(std::make_shared<LargeFiles>(world.pool, world.files, options)) {}

    CheckReport run() {
        tables();
        schedule();
        envelopes();
        contents_without_envelope(Family::content);
        contents_without_envelope(Family::large);
        files();
        history();
        counters();
        return std::move(report_);
    }

  private:
    void damage(char const* kind, std::string id, std::string detail) {
        report_.damage.add(kind, std::move(id), std::move(detail));
    }
    auto gap(char const* kind) {
        return
            [this, kind](std::string const& why) { damage(kind, "", "unreadable part: " + why); };
    }

    void tables() {
        auto const status = engine_.db->VerifyChecksum();
        if (!status.ok()) damage("database", "", status.ToString());
    }

    // One number for each entry, so that a schedule of millions fits: entries are looked for by it.
    static std::uint64_t mark(std::string_view destination, MessageId id) {
        return keys::address_hash(std::string(destination) + '\0' + std::string(id.bytes()));
    }
    void schedule() {
        auto const on_entry = [this](std::string_view key, std::string_view) {
            ++report_.due;
            auto const due = keys::read_due_key(key);
            if (!due) {
                damage("due", "", "an entry with a damaged key");
            } else {
                marks_.push_back(mark(due->destination, due->id));
            }
            return true;
        };
        scan(engine_, Family::due, on_entry, gap("due"));
        std::sort(marks_.begin(), marks_.end());
        used_.assign(marks_.size(), false);
    }

    void envelopes() {
        auto const on_entry = [this](std::string_view key, std::string_view value) {
            auto const id = MessageId::from_bytes(key);
            if (!id) {
                damage("envelope", "", "a damaged key");
                return true;
            }
            ++report_.messages;
            auto const envelope = envelope::decode_envelope(value);
            if (!envelope || envelope->id != *id) {
                damage("envelope", id->text(),
                       envelope ? "holds another id" : why_unreadable(envelope.error()));
                return true;
            }
            report_.content_bytes += envelope->content_size;
            content(*envelope);
            places(*envelope);
            return true;
        };
        scan(engine_, Family::envelope, on_entry, gap("envelope"));
        auto const dangling = std::count(used_.begin(), used_.end(), false);
        if (dangling > 0) {
            report_.notes.add("due", "",
                              std::to_string(dangling) +
                                  " entries without a waiting recipient; the queue "
                                  "drops them when they are due");
        }
    }
    void places(envelope::Envelope const& envelope) {
        for (auto const& due : spool::due_entries(envelope)) {
            auto const wanted = mark(due.destination, due.id);
            auto const [from, to] = std::equal_range(marks_.begin(), marks_.end(), wanted);
            if (from == to) {
                damage("due", envelope.id.text(),
                       "waits for " + due.destination + " but is not in the schedule");
            }
            for (auto i = from; i != to; ++i) {
                used_[static_cast<std::size_t>(i - marks_.begin())] = true;
            }
        }
    }
    void content(envelope::Envelope const& envelope) {
        rocksdb::PinnableSlice value;
        rocksdb::Slice const key(envelope.id.bytes().data(), envelope.id.bytes().size());
        rocksdb::ReadOptions read;
        read.fill_cache = false;
        if (envelope.content_size > spill_bytes) {
            auto const status = engine_.db->Get(read, engine_[Family::large], key, &value);
            if (status.ok()) return large_content(envelope, value.ToStringView());
            if (!status.IsNotFound()) damage("large", envelope.id.text(), status.ToString());
        }
        if (!what_.contents && envelope.content_size > 0) {
            std::string unused;
            if (!engine_.db->KeyMayExist(read, engine_[Family::content], key, &unused))
                damage("content", envelope.id.text(), "missing");
            return;
        }
        auto const status = engine_.db->Get(read, engine_[Family::content], key, &value);
        if (!status.ok()) {
            damage("content", envelope.id.text(),
                   status.IsNotFound() ? "missing" : status.ToString());
        } else if (value.size() != envelope.content_size) {
            damage("content", envelope.id.text(), "is not as long as its envelope says");
        }
    }
    void large_content(envelope::Envelope const& envelope, std::string_view value) {
        ++report_.large;
        auto const record = LargeRecord::decode(value);
        if (!record) return damage("large", envelope.id.text(), "a damaged record");
        named_.push_back(record->name);
        if (record->size != envelope.content_size) {
            return damage("large", envelope.id.text(), "is not as long as its envelope says");
        }
        if (auto const why = file_is_wrong(*record); !why.empty()) {
            damage("large", envelope.id.text(), record->name + ": " + why);
        }
    }
    std::string file_is_wrong(LargeRecord const& record) {
        auto file = world_.files.open(large_->path_of(record.name));
        if (!file) return file.error().message();
        auto const size = (*file)->size();
        if (!size) return size.error().message();
        if (*size != record.size) return "has " + std::to_string(*size) + " octets";
        if (!what_.contents) return {};
        std::string buffer(spool::content_piece_bytes, '\0');
        std::uint32_t checksum = 0;
        for (std::uint64_t at = 0; at < record.size;) {
            auto const got = (*file)->read_at(at, std::span(buffer.data(), buffer.size()));
            if (!got) return got.error().message();
            if (*got == 0) return "ends early";
            checksum = crc32c(std::string_view(buffer).substr(0, *got), checksum);
            at += *got;
        }
        return checksum == record.checksum ? "" : "its checksum does not hold";
    }

    void contents_without_envelope(Family family) {
        auto const on_entry = [&](std::string_view key, std::string_view) {
            auto const id = MessageId::from_bytes(key);
            rocksdb::PinnableSlice value;
            auto const status = engine_.db->Get({}, engine_[Family::envelope],
                                                rocksdb::Slice(key.data(), key.size()), &value);
            if (status.IsNotFound()) {
                damage("content", id ? id->text() : "", "has no envelope");
            }
            return true;
        };
        auto const kind = family == Family::large ? "large" : "content";
        scan(engine_, family, on_entry, gap(kind));
    }

    void files() {
        auto const names = large_->names();
        if (!names) {
            if (names.error() != Errc::not_found || report_.large > 0) {
                damage("large", "", "cannot list the files: " + names.error().message());
            }
            return;
        }
        std::sort(named_.begin(), named_.end());
        for (auto const& name : *names) {
            if (std::binary_search(named_.begin(), named_.end(), name)) continue;
            report_.notes.add("large", name,
                              "no message names this file; the next start removes it");
        }
    }

    void history() {
        auto const on_entry = [this](std::string_view key, std::string_view value) {
            ++report_.events;
            auto const event = envelope::decode_event(value);
            if (key.size() == keys::history_key_bytes && event) return true;
            auto const id = MessageId::from_bytes(key.substr(0, MessageId::size_bytes));
            damage("history", id ? id->text() : "", "an unreadable event");
            return true;
        };
        scan(engine_, Family::history, on_entry, gap("history"));
    }

    void counters() {
        if (engine_.usage == Usage{report_.messages, report_.content_bytes}) return;
        report_.notes.add("usage", "",
                          "the counters say " + std::to_string(engine_.usage.messages) +
                              " messages, " + std::to_string(engine_.usage.content_bytes) +
                              " octets");
    }

    ToolWorld world_;
    CheckOptions what_;
    Engine const& engine_;
    std::shared_ptr<LargeFiles> large_;
    CheckReport report_;
    std::vector<std::uint64_t> marks_;
    std::vector<bool> used_;
    std::vector<std::string> named_;
};

}  // namespace

rt::ExplainedResult<CheckReport> check_spool(ToolWorld world, RocksOptions const& spool,
                                             CheckOptions what) {
    auto options = spool;
    options.create = false;
    auto const lock = SpoolLock::take(options);
    if (!lock) return lock.error();
    auto engine = open_engine(options, OpenMode::read_only);
    CheckReport unopened;
    if (!engine) {
        auto const& why = engine.error();
        if (why.code == Errc::unsupported || why.code == Errc::denied) return why;
        unopened.damage.add("database", "", why.detail);
        engine = open_engine(options, OpenMode::salvage);
        if (!engine) return unopened;
    }
    auto report = Checker(world, options, what, **engine).run();
    for (auto const& finding : unopened.damage.list()) {
        report.damage.add(finding.kind, finding.id, finding.detail);
    }
    return report;
}

}  // namespace dawk::spool_rocks
