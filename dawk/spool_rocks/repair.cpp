#include <filesystem>
#include <fstream>

#include "dawk/envelope/codec.hpp"
#include "dawk/rt/run.hpp"
#include "dawk/spool/due_entries.hpp"
#include "dawk/spool_rocks/copy_content.hpp"
#include "dawk/spool_rocks/keys.hpp"
#include "dawk/spool_rocks/large_files.hpp"
#include "dawk/spool_rocks/salvage.hpp"

namespace dawk::spool_rocks {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_bytes_max = 2U << 20U;
constexpr std::size_t batch_messages_max = 500;

// What a person needs to tell those concerned.
std::string describe(envelope::Envelope const& e) {
    std::string out = "from <" + e.reverse_path.text() + "> to";
    for (std::size_t i = 0; i < e.recipients.size() && i < 5; ++i) {
        out += " <" + e.recipients[i].address.text() + ">";
    }
    if (e.recipients.size() > 5) out += " and others";
    if (!e.header_subject.empty()) out += ", subject: " + e.header_subject;
    return out;
}

class Repairer {
  public:
    Repairer(ToolWorld world, RocksOptions const& from, RocksOptions const& into,
             Engine const& engine, RocksSpool& spool)
        : world_(world),
          from_(from),
          into_(into),
          engine_(engine),
          spool_(spool),
          large_(std::make_shared<LargeFiles>(world.pool, world.files, from)) {}

    Result<RepairReport> run() {
        envelopes();
        events();
        flush();
        if (failed_) return failed_;
        contents_without_envelope();
        return std::move(report_);
    }

  private:
    auto gap(char const* kind) {
        return [this, kind](std::string const& why) {
            report_.lost.add(kind, "", "unreadable part: " + why);
        };
    }

    void envelopes() {
        auto const on_entry = [this](std::string_view key, std::string_view value) {
            auto const id = MessageId::from_bytes(key);
            auto envelope = envelope::decode_envelope(value);
            if (!envelope || !id || envelope->id != *id) {
                report_.lost.add("envelope", id ? id->text() : "",
                                 envelope ? "unreadable" : why_unreadable(envelope.error()));
                return !failed_;
            }
            auto content = find_content(*envelope);
            if (!content) {
                report_.lost.add("content", id->text(), describe(*envelope));
                return !failed_;
            }
            add(std::move(*envelope), std::move(content));
            return !failed_;
        };
        scan(engine_, Family::envelope, on_entry, gap("envelope"));
    }

    spool::ContentPtr find_content(envelope::Envelope const& envelope) {
        rocksdb::Slice const key(envelope.id.bytes().data(), envelope.id.bytes().size());
        std::string value;
        if (envelope.content_size > spill_bytes &&
            engine_.db->Get({}, engine_[Family::large], key, &value).ok()) {
            return copy_large(envelope, value);
        }
        auto const status = engine_.db->Get({}, engine_[Family::content], key, &value);
        if (!status.ok()) {
            auto found = blobs().find(envelope.id);
            if (!found) return nullptr;
            value = std::move(*found);
        }
        if (value.size() != envelope.content_size) return nullptr;
        return std::make_shared<spool::MemoryContent>(std::move(value));
    }
    // Into the new spool, in pieces; null when the file is not what it was.
    spool::ContentPtr copy_large(envelope::Envelope const& envelope, std::string const& value) {
        auto record = LargeRecord::decode(value);
        if (!record || record->size != envelope.content_size) return nullptr;
        auto const old = std::make_shared<LargeContent>(large_, *record, true);
        auto copied = rt::run(copy_content(spool_, envelope.id, old));
        if (copied) return *copied;
        if (copied.error() != Errc::corrupt && copied.error() != Errc::not_found) {
            failed_ = copied.error();
        }
        return nullptr;
    }
    BlobIndex const& blobs() {
        if (!blobs_) blobs_ = BlobIndex::read(from_.folder + "/db");
        return *blobs_;
    }

    void add(envelope::Envelope envelope, spool::ContentPtr content) {
        ++report_.messages;
        report_.content_bytes += envelope.content_size;
        if (content->in_memory()) bytes_ += content->size();
        auto due = spool::due_entries(envelope);
        batch_.due_add.insert(batch_.due_add.end(), std::make_move_iterator(due.begin()),
                              std::make_move_iterator(due.end()));
        auto shared = std::make_shared<envelope::Envelope const>(std::move(envelope));
        batch_.inserts.push_back({std::move(shared), std::move(content)});
        if (bytes_ > batch_bytes_max || batch_.inserts.size() >= batch_messages_max) flush();
    }
    void events() {
        auto const on_entry = [this](std::string_view key, std::string_view value) {
            auto event = envelope::decode_event(value);
            if (!event) {
                auto const id = MessageId::from_bytes(key.substr(0, MessageId::size_bytes));
                report_.lost.add("history", id ? id->text() : "", "an unreadable event");
                return true;
            }
            ++report_.events;
            batch_.events.push_back(std::move(*event));
            if (batch_.events.size() >= batch_messages_max) flush();
            return !failed_;
        };
        scan(engine_, Family::history, on_entry, gap("history"));
    }
    void flush() {
        bytes_ = 0;
        auto const done = rt::run(spool_.commit(std::exchange(batch_, {})));
        if (!done) failed_ = done.error();
    }

    void contents_without_envelope() {
        for (auto const family : {Family::content, Family::large}) {
            auto const on_entry = [this, family](std::string_view key, std::string_view value) {
                auto const id = MessageId::from_bytes(key);
                if (id && !has_envelope(key)) keep_lost(*id, family, value);
                return true;
            };
            scan(engine_, family, on_entry, gap(family == Family::large ? "large" : "content"));
        }
    }
    bool has_envelope(std::string_view key) const {
        rocksdb::PinnableSlice envelope;
        auto const status = engine_.db->Get({}, engine_[Family::envelope],
                                            rocksdb::Slice(key.data(), key.size()), &envelope);
        return status.ok() && envelope::decode_envelope(envelope.ToStringView());
    }
    void keep_lost(MessageId id, Family family, std::string_view value) {
        std::error_code error;
        auto const folder = into_.folder + "/lost";
        fs::create_directories(folder, error);
        auto const path = folder + "/" + id.text() + ".eml";
        bool const kept =
            family == Family::large ? copy_lost_file(value, path) : write_lost(value, path);
        if (kept) {
            ++report_.contents_without_envelope;
        } else {
            report_.lost.add("content", id.text(),
                             "has no envelope and cannot be written to lost/");
        }
    }
    static bool write_lost(std::string_view octets, std::string const& path) {
        std::ofstream out(path, std::ios::binary);
        out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
        out.close();
        return static_cast<bool>(out);
    }
    bool copy_lost_file(std::string_view value, std::string const& path) const {
        auto const record = LargeRecord::decode(value);
        if (!record) return false;
        std::error_code error;
        fs::copy_file(large_->path_of(record->name), path, error);
        return !error;
    }

    ToolWorld world_;
    RocksOptions const& from_;
    RocksOptions const& into_;
    Engine const& engine_;
    RocksSpool& spool_;
    std::shared_ptr<LargeFiles> large_;
    std::optional<BlobIndex> blobs_;
    spool::Batch batch_;
    std::uint64_t bytes_ = 0;
    ErrorCode failed_;
    RepairReport report_;
};

}  // namespace

rt::ExplainedResult<RepairReport> repair_spool(ToolWorld world, RocksOptions const& from,
                                               RocksOptions const& into) {
    auto old = from;
    old.create = false;
    auto const lock = SpoolLock::take(old);
    if (!lock) return lock.error();
    std::error_code error;
    if (fs::exists(into.folder, error)) {
        return rt::Explained{Errc::exists, into.folder + " is there already"};
    }
    std::string const scratch = into.folder + ".scratch";
    std::string unopened;  // why it is not whole: what salvage steps over it does not tell
    if (auto const whole = open_engine(old, OpenMode::read_only); !whole) {
        if (whole.error().code == Errc::unsupported) return whole.error();
        unopened = whole.error().detail;
    }
    auto engine = open_engine(old, OpenMode::salvage);
    if (!engine) {
        engine = open_repaired_copy(old, scratch);
        if (!engine) return engine.error();
    }
    auto spool = RocksSpool::open(world.pool, world.clock, world.files, into);
    if (!spool) return spool.error();
    auto report = Repairer(world, old, into, **engine, **spool).run();
    engine->reset();
    fs::remove_all(scratch, error);
    if (!report) {
        return rt::Explained{report.error(),
                             "cannot write the new spool: " + report.error().message()};
    }
    if (!unopened.empty()) report->lost.add("database", "", unopened);
    return std::move(*report);
}

}  // namespace dawk::spool_rocks
