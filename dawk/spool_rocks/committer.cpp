#include "dawk/spool_rocks/committer.hpp"

#include <algorithm>
#include <filesystem>

#include <boost/asio/post.hpp>
#include <rocksdb/write_batch.h>

#include "dawk/base/check.hpp"
#include "dawk/spool_rocks/keys.hpp"

namespace dawk::spool_rocks {
namespace {

constexpr std::size_t group_bytes_max = 4U << 20U;  // bounds the wait of those who come next
constexpr std::size_t put_once_max = 128U << 10U;
constexpr std::size_t failed_files_max = 100'000;
constexpr auto floor_interval = std::chrono::milliseconds(100);

rocksdb::Slice slice(std::string_view view) {
    return {view.data(), view.size()};
}

}  // namespace

Committer::Committer(EngineSlot& slot, std::shared_ptr<LargeFiles> files, rt::Clock const& clock,
                     RocksOptions const& options)
    : slot_(slot),
      files_(std::move(files)),
      clock_(clock),
      options_(options),
      usage_(slot.engine->usage),
      scratch_(std::make_unique<rocksdb::WriteBatch>()) {
    check_floor();
    thread_ = std::thread([this] { loop(); });
}

Committer::~Committer() {
    {
        std::lock_guard const lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Committer::push(RequestPtr request) {
    bool wake = false;
    {
        std::lock_guard const lock(mutex_);
        pending_.push_back(std::move(request));
        wake = sleeping_;
        sleeping_ = false;  // one wake-up is enough
    }
    if (wake) wake_.notify_one();
}

Usage Committer::usage() const {
    std::lock_guard const lock(mutex_);
    return usage_;
}

std::uint64_t Committer::disk_free() const {
    if (options_.disk_free) return options_.disk_free();
    std::error_code error;
    auto const space = std::filesystem::space(options_.folder, error);
    return error ? 0 : space.available;
}

bool Committer::is_stopping() const {
    std::lock_guard const lock(mutex_);
    return stopping_;
}

void Committer::loop() {
    for (;;) {
        auto group = take();
        if (trouble_) {
            // Nobody is kept waiting for a disk that may need an operator.
            bool const idle = group.empty();
            refuse(std::move(group), trouble_error_);
            if (idle && is_stopping()) return;
            try_to_recover();
            continue;
        }
        if (group.empty()) {
            if (is_stopping()) return;
            check_floor();
            continue;
        }
        commit(std::move(group));
        sweep_history();
    }
}

// What waits, up to group_bytes_max; nothing when it is time to recover, to look at the disk's free
// space, or to end.
Committer::Group Committer::take() {
    if (backlog_.empty()) {
        std::unique_lock lock(mutex_);
        sleeping_ = pending_.empty();
        auto const ready = [this] { return has_reason_to_wake(); };
        if (trouble_) {
            wake_.wait_for(lock, options_.recovery_interval, ready);
        } else if (below_floor_) {
            wake_.wait_for(lock, floor_interval, ready);
        } else {
            wake_.wait(lock, ready);
        }
        sleeping_ = false;
        backlog_.assign(std::make_move_iterator(pending_.begin()),
                        std::make_move_iterator(pending_.end()));
        pending_.clear();
    }
    Group group;
    std::size_t bytes = 0;
    while (!backlog_.empty() && (group.empty() || bytes < group_bytes_max)) {
        bytes += backlog_.front()->bytes;
        group.push_back(std::move(backlog_.front()));
        backlog_.pop_front();
    }
    return group;
}

void Committer::check_floor() {
    auto const now = std::chrono::steady_clock::now();
    if (now - floor_checked_ < floor_interval) return;
    floor_checked_ = now;
    bool const below = disk_free() < options_.disk_free_min_bytes;
    files_->no_space = below;
    bool const was_below = below_floor_.exchange(below);
    if (below == was_below || !options_.report) return;
    options_.report(below ? "the disk is nearly full: no new mail is taken"
                          : "there is space on the disk again");
}

void Committer::refuse_inserts_below_floor(Group& group) {
    bool const inserts = std::any_of(group.begin(), group.end(),
                                     [](auto const& r) { return !r->batch.inserts.empty(); });
    if (!inserts) return;
    check_floor();
    if (!below_floor_) return;
    auto const first = std::stable_partition(
        group.begin(), group.end(), [](auto const& r) { return r->batch.inserts.empty(); });
    Group refused(std::make_move_iterator(first), std::make_move_iterator(group.end()));
    group.erase(first, group.end());
    refuse(std::move(refused), Errc::no_space);
}

// A damaged record harms the message it belongs to, not the group.
void Committer::refuse_what_cannot_be_read(Group& group) {
    for (auto& request : group) {
        auto const error = find_contents_to_remove(*request);
        if (error) refuse(Group{std::move(request)}, error);
    }
    std::erase(group, nullptr);
}

void Committer::refuse(Group group, ErrorCode error) {
    for (auto const& request : group) remove_linked(*request);
    complete(std::move(group), error);
}

void Committer::remove_linked(Request const& request) {
    for (auto const& name : request.linked) files_->remove_later(name);
}

void Committer::commit(Group group) {
    refuse_inserts_below_floor(group);
    refuse_what_cannot_be_read(group);
    if (group.empty()) return;
    auto& batch = *scratch_;
    batch.Clear();
    build(group, batch);
    rocksdb::WriteOptions write;
    write.sync = true;
    auto const status = slot_.engine->db->Write(write, &batch);
    if (status.ok()) {
        succeeded(group);
        return complete(std::move(group), {});
    }
    failed(group, to_error(status), status.ToString());
    complete(std::move(group), trouble_error_);
}

// Sorted, so that each lands in its memtable beside the one before: a search from scratch for each
// would be most of the thread's work. What concerns the same key stays in its order.
void Committer::build(Group const& group, rocksdb::WriteBatch& batch) {
    auto usage = usage_;
    writes_.clear();
    for (auto const& request : group) {
        add(*request);
        usage.add(request->messages, request->content_bytes);
    }
    std::sort(writes_.begin(), writes_.end());
    for (auto const& write : writes_) {
        auto* const family = (*slot_.engine)[write.family];
        switch (write.kind) {
            case Write::Kind::put:
                batch.Put(family, slice(write.key), slice(write.value));
                break;
            case Write::Kind::remove:
                batch.Delete(family, slice(write.key));
                break;
            case Write::Kind::remove_once:
                batch.SingleDelete(family, slice(write.key));
                break;
        }
    }
    if (usage != usage_) {
        batch.Put((*slot_.engine)[Family::meta], usage_key, usage.encode());
    }
}

void Committer::add(Request const& request) {
    auto const add_write = [this](Family family, Write::Kind kind, std::string_view key,
                                  std::string_view value = {}) {
        auto const number = static_cast<std::uint32_t>(writes_.size());
        auto const head = key.size() < 8 ? 0 : keys::read_u64(key);
        writes_.push_back({family, kind, number, head, key, value});
    };
    for (auto const& op : request.ops) {
        auto const key = request.key(op);
        switch (op.kind) {
            case Op::Kind::put:
                add_write(op.family, Write::Kind::put, key, request.value(op));
                break;
            case Op::Kind::remove_once:
                add_write(op.family, Write::Kind::remove_once, key);
                break;
            case Op::Kind::remove_envelope: {
                // SingleDelete and its put vanish together; after an update only Delete is right.
                bool const once = put_once_.contains(*MessageId::from_bytes(key));
                add_write(op.family, once ? Write::Kind::remove_once : Write::Kind::remove, key);
                break;
            }
        }
    }
    for (auto const& removal : request.removals) {
        auto const family = removal.is_file ? Family::large : Family::content;
        add_write(family, Write::Kind::remove_once, removal.id.bytes());
    }
}

ErrorCode Committer::find_contents_to_remove(Request& request) const {
    auto const& engine = *slot_.engine;
    for (auto const& envelope : request.batch.removes) {
        if (envelope->content_size <= spill_bytes) continue;
        std::string value;
        auto const status =
            engine.db->Get({}, engine[Family::large], slice(envelope->id.bytes()), &value);
        if (!status.ok() && !status.IsNotFound()) return to_error(status);
        auto const record = status.ok() ? LargeRecord::decode(value) : std::nullopt;
        request.removals.push_back(
            {envelope->id, status.ok(), record ? record->name : std::string()});
    }
    return {};
}

void Committer::succeeded(Group const& group) {
    {
        std::lock_guard const lock(mutex_);
        for (auto const& r : group) usage_.add(r->messages, r->content_bytes);
    }
    for (auto const& request : group) {
        for (auto const& insert : request->batch.inserts) {
            put_once_.insert(insert.envelope->id);
            put_once_order_.push_back(insert.envelope->id);
        }
        for (auto const& envelope : request->batch.updates) put_once_.erase(envelope->id);
        for (auto const& envelope : request->batch.removes) put_once_.erase(envelope->id);
        for (auto const& content : request->claimed) content->set_committed();
        for (auto const& removal : request->removals) {
            if (!removal.name.empty()) files_->remove_later(removal.name);
        }
    }
    while (put_once_order_.size() > put_once_max) {
        put_once_.erase(put_once_order_.front());
        put_once_order_.pop_front();
    }
}

void Committer::failed(Group const& group, ErrorCode error, std::string const& detail) {
    trouble_error_ = error == Errc::no_space ? error : ErrorCode(Errc::io_error);
    trouble_ = true;
    next_recovery_ = std::chrono::steady_clock::now() + options_.recovery_interval;
    // Whether a failed update is on disk is not known: from here on nothing counts as put once.
    put_once_.clear();
    put_once_order_.clear();
    for (auto const& request : group) {
        if (request->claimed.empty() && request->linked.empty()) continue;
        if (failed_files_.size() >= failed_files_max) break;
        // Not the request itself: its task goes on.
        auto keep = std::make_shared<Request>();
        keep->claimed = request->claimed;
        keep->linked = request->linked;
        failed_files_.push_back(std::move(keep));
    }
    if (options_.report) options_.report("the spool cannot write: " + detail);
}

void Committer::complete(Group group, ErrorCode error) {
    std::vector<std::pair<boost::asio::any_io_executor, Group>> by_executor;
    for (auto& request : group) {
        if (error) {
            request->result = error;
            for (auto const& content : request->claimed) content->unclaim();
        }
        auto const found = std::find_if(by_executor.begin(), by_executor.end(), [&](auto const& e) {
            return e.first == request->executor;
        });
        auto& to = found != by_executor.end()
                       ? found->second
                       : by_executor.emplace_back(request->executor, Group{}).second;
        to.push_back(std::move(request));
    }
    for (auto& [executor, requests] : by_executor) {
        boost::asio::post(executor, [own = std::move(requests)]() mutable {
            for (auto& request : own) {
                auto const one = std::move(request);
                one->executor = {};
                auto resume = std::move(*one->resume);
                one->resume.reset();
                std::move(resume)();
            }
        });
    }
}

// ---- Trouble.

void Committer::try_to_recover() {
    auto const now = std::chrono::steady_clock::now();
    if (now < next_recovery_) return;
    next_recovery_ = now + options_.recovery_interval;
    if (!recover()) return;
    for (auto const& request : failed_files_) remove_linked(*request);
    failed_files_.clear();
    trouble_ = false;
    if (options_.report) options_.report("the spool can write again");
}

// Always by opening again. Resume() would keep the log whose write failed among those that the next
// group syncs: RocksDB then syncs a file that it knows to be broken, and ends the process by an
// assertion that Debian's build has.
bool Committer::recover() {
    return reopen() && can_write();
}

// The tail of the log that was not synced is cut off: its requests were told that they failed. What
// is replayed goes into files that are synced before the log is dropped.
bool Committer::reopen() {
    std::unique_lock const lock(slot_.mutex);  // until the last reader is done
    if (slot_.engine) {
        log_files_ = slot_.engine->log_files;
        slot_.engine.reset();
    }
    if (log_files_) {
        auto const cut = log_files_->cut_unsynced();
        if (!cut.ok()) return still_in_trouble(cut.ToString());
        log_files_.reset();
    }
    auto opened = open_engine(options_);
    if (!opened) return still_in_trouble(opened.error().detail);
    slot_.engine = std::move(*opened);
    files_->set_epoch(slot_.engine->epoch);
    return true;
}

bool Committer::can_write() {
    auto const& engine = *slot_.engine;
    rocksdb::WriteOptions write;
    write.sync = true;
    auto const counted = usage().encode();
    auto const status = engine.db->Put(write, engine[Family::meta], usage_key, counted);
    return status.ok() || still_in_trouble(status.ToString());
}

// Says why once, not every second.
bool Committer::still_in_trouble(std::string const& why) {
    if (why != last_trouble_ && options_.report)
        options_.report("the spool still cannot write: " + why);
    last_trouble_ = why;
    return false;
}

// ---- History.

// Once an hour: what is older than history_age goes, by whole days; and when it is too much, the
// oldest day goes.
void Committer::sweep_history() {
    if (trouble_ || clock_.steady() < next_sweep_) return;
    next_sweep_ = clock_.steady() + std::chrono::hours(1);
    auto const& engine = *slot_.engine;
    auto const oldest = clock_.wall() - options_.history_age;
    auto day = keys::day_of(oldest);
    std::uint64_t size = 0;
    for (auto const family : {Family::history, Family::index}) {
        std::uint64_t part = 0;
        engine.db->GetIntProperty(engine[family], "rocksdb.total-sst-files-size", &part);
        size += part;
    }
    if (size > options_.history_bytes) {
        auto const first = engine.iterate(Family::index);
        first->SeekToFirst();
        if (first->Valid() && first->key().size() == keys::index_key_bytes) {
            auto const key = first->key().ToStringView();
            day = std::max(day, static_cast<std::uint32_t>(keys::read_u64(key.substr(0, 4))) + 1);
        }
    }
    if (day <= swept_day_) return;
    auto const end = from_millis(static_cast<std::int64_t>(day) * 24 * 3600 * 1000);
    rocksdb::WriteBatch batch;
    batch.DeleteRange(engine[Family::history], "", keys::history_floor(end));
    batch.DeleteRange(engine[Family::index], "", keys::index_prefix(day, 0));
    rocksdb::WriteOptions write;
    write.sync = true;  // nothing stands in the log before a group that is not on disk (log_check)
    if (engine.db->Write(write, &batch).ok()) swept_day_ = day;  // else: in an hour
}

}  // namespace dawk::spool_rocks
