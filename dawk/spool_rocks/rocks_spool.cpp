#include "dawk/spool_rocks/rocks_spool.hpp"

#include "dawk/base/check.hpp"
#include "dawk/spool_rocks/committer.hpp"
#include "dawk/spool_rocks/reads.hpp"

namespace dawk::spool_rocks {

struct RocksSpool::Impl {
    Impl(rt::WorkPool& work_pool, rt::Clock const& clock, rt::Files& files,
         RocksOptions const& given, std::unique_ptr<Engine> engine)
        : pool(work_pool),
          options(given),
          large(std::make_shared<LargeFiles>(work_pool, files, given)),
          next_sequence(engine->epoch << 40U) {
        large->set_epoch(engine->epoch);
        slot.engine = std::move(engine);
        committer = std::make_unique<Committer>(slot, large, clock, options);
    }

    // Runs read(engine) on the pool. The engine cannot be closed meanwhile.
    template <class Read, class R = std::invoke_result_t<Read&, Engine const&>>
    Task<R> on_pool(Read read) {
        auto job = [this, read = std::move(read)]() mutable -> R {
            std::shared_lock const lock(slot.mutex);
            if (!slot.engine) return Errc::io_error;
            return read(*slot.engine);
        };
        auto result = co_await rt::offload(pool, job);
        co_return result;
    }

    // The same at once, from memory; nothing when the disk is needed or the engine is being
    // changed.
    template <class Read, class R = std::invoke_result_t<Read&, Engine const&>>
    R from_memory(Read read) {
        std::shared_lock const lock(slot.mutex, std::try_to_lock);
        if (!lock.owns_lock() || !slot.engine) return std::nullopt;
        return read(*slot.engine);
    }

    rt::WorkPool& pool;
    RocksOptions const options;
    EngineSlot slot;
    std::shared_ptr<LargeFiles> large;
    std::atomic<std::uint64_t> next_sequence;
    std::unique_ptr<Committer> committer;
};

namespace {

// Files that no record names are what a crash left; removed before anything new is made.
void sweep(Engine const& engine, LargeFiles& large, RocksOptions const& options) {
    auto const is_named = [&](std::string const& name) -> Result<bool> {
        auto const id = MessageId::from_text(name.substr(0, MessageId::text_size));
        if (!id) return true;  // not ours: left alone
        std::string value;
        rocksdb::Slice const key(id->bytes().data(), id->bytes().size());
        auto const status = engine.db->Get({}, engine[Family::large], key, &value);
        if (status.IsNotFound()) return false;
        if (!status.ok()) return {boost::system::in_place_error, to_error(status)};
        auto const record = LargeRecord::decode(value);
        return !record || record->name == name;  // a damaged record may mean this file
    };
    auto const removed = large.sweep(is_named);
    if (!removed && options.report) {
        options.report("cannot sweep files of large contents: " + removed.error().message());
    }
}

}  // namespace

rt::ExplainedResult<std::unique_ptr<RocksSpool>> RocksSpool::open(rt::WorkPool& pool,
                                                                  rt::Clock const& clock,
                                                                  rt::Files& files,
                                                                  RocksOptions options) {
    if (options.create) {
        auto made = files.make_folder(options.folder, 0700);
        if (!made && made.error() != Errc::exists) {
            return rt::Explained{made.error(),
                                 "cannot make " + options.folder + ": " + made.error().message()};
        }
    }
    auto engine = open_engine(options);
    if (!engine) return engine.error();
    auto impl = std::make_unique<Impl>(pool, clock, files, options, std::move(*engine));
    if (auto made = impl->large->make_folders(); !made) {
        return rt::Explained{made.error(), "cannot make the folders of large contents in " +
                                               options.folder + ": " + made.error().message()};
    }
    sweep(*impl->slot.engine, *impl->large, options);
    return std::unique_ptr<RocksSpool>(new RocksSpool(std::move(impl)));
}

RocksSpool::RocksSpool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RocksSpool::~RocksSpool() {
    impl_->committer.reset();
    impl_->large->drain();
}

std::unique_ptr<spool::ContentWriter> RocksSpool::create_content(MessageId id,
                                                                 std::uint64_t announced_size) {
    return make_content_writer(impl_->large, id, announced_size);
}

Task<Result<void>> RocksSpool::commit(spool::Batch batch) {
    if (batch.empty()) co_return Result<void>();
    auto request = std::make_shared<Request>();
    request->batch = std::move(batch);
    request->records.resize(request->batch.inserts.size());
    Result<void> ready;
    for (std::size_t i = 0; i < request->records.size() && ready; ++i) {
        auto const& [envelope, content] = request->batch.inserts[i];
        auto large = std::dynamic_pointer_cast<LargeContent const>(content);
        if (!large) continue;
        if (large->claim()) {
            request->records[i] = large->record();
            request->claimed.push_back(std::move(large));
            continue;
        }
        auto linked = co_await link_large(impl_->large, large->record(), envelope->id);
        if (!linked) {
            ready = linked.error();
        } else {
            request->linked.push_back(linked->name);
            request->records[i] = std::move(*linked);
        }
    }
    if (ready) ready = prepare(*request, impl_->next_sequence);
    if (!ready) {
        for (auto const& content : request->claimed) content->unclaim();
        for (auto const& name : request->linked) impl_->large->remove_later(name);
        co_return ready.error();
    }
    auto initiate = [this, request](auto handler) {
        request->executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                                boost::asio::execution::outstanding_work.tracked);
        request->resume.emplace(std::move(handler));
        impl_->committer->push(request);
    };
    co_await boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void()>(
        std::move(initiate), boost::asio::use_awaitable);
    co_return request->result;
}

Task<Result<spool::EnvelopePtr>> RocksSpool::load(MessageId id) {
    auto const quick = [id](Engine const& e) { return read_envelope(e, id, Tier::memory); };
    auto at_once = impl_->from_memory(quick);
    if (at_once) co_return *at_once;
    auto const read = [id](Engine const& e) { return *read_envelope(e, id, Tier::disk); };
    auto result = co_await impl_->on_pool(read);
    co_return result;
}

Task<Result<spool::ContentPtr>> RocksSpool::open_content(spool::EnvelopePtr envelope) {
    auto const quick = [&](Engine const& e) {
        return read_content(e, impl_->large, *envelope, Tier::memory);
    };
    auto at_once = impl_->from_memory(quick);
    if (at_once) co_return *at_once;
    auto const read = [large = impl_->large, envelope](Engine const& e) {
        return *read_content(e, large, *envelope, Tier::disk);
    };
    auto result = co_await impl_->on_pool(read);
    co_return result;
}

// One job of the pool for all of them: most of the cost of a single read is getting there.
Task<std::vector<spool::Spool::Loaded>> RocksSpool::load_many(std::vector<MessageId> ids,
                                                              std::uint64_t content_bytes_max) {
    auto const count = ids.size();
    auto const read = [large = impl_->large, ids = std::move(ids),
                       content_bytes_max](Engine const& e) {
        return Result<std::vector<Loaded>>(read_many(e, large, ids, content_bytes_max));
    };
    auto result = co_await impl_->on_pool(read);
    if (result) co_return std::move(*result);
    co_return std::vector<Loaded>(count, Loaded{result.error(), std::nullopt});
}

Task<Result<std::vector<spool::EnvelopePtr>>> RocksSpool::list(MessageId after, std::size_t limit) {
    auto const read = [this, after, limit](Engine const& e) {
        return read_list(e, after, limit, impl_->options.report);
    };
    auto result = co_await impl_->on_pool(read);
    co_return result;
}

Task<Result<std::vector<spool::Due>>> RocksSpool::due(std::string destination,
                                                      std::optional<spool::Due> after,
                                                      std::size_t limit) {
    auto const read = [destination, after, limit](Engine const& e) {
        return read_due(e, destination, after, limit);
    };
    auto result = co_await impl_->on_pool(read);
    co_return result;
}

Task<Result<std::vector<spool::DestinationHead>>> RocksSpool::destinations(std::string after,
                                                                           std::size_t limit) {
    auto const read = [after, limit](Engine const& e) {
        return read_destinations(e, after, limit);
    };
    auto result = co_await impl_->on_pool(read);
    co_return result;
}

Task<Result<std::vector<envelope::Event>>> RocksSpool::history(MessageId id) {
    auto const read = [id](Engine const& e) { return read_history(e, id); };
    auto result = co_await impl_->on_pool(read);
    co_return result;
}

Task<Result<std::vector<envelope::Event>>> RocksSpool::history_of(std::string address,
                                                                  std::size_t limit) {
    auto const read = [address, limit](Engine const& e) {
        return read_history_of(e, address, limit);
    };
    auto result = co_await impl_->on_pool(read);
    co_return result;
}

Task<Result<spool::Usage>> RocksSpool::usage() {
    auto const counted = impl_->committer->usage();
    spool::Usage out;
    out.messages = counted.messages;
    out.content_bytes = counted.content_bytes;
    out.disk_free_bytes = impl_->committer->disk_free();
    co_return out;
}

bool RocksSpool::is_in_trouble() const noexcept {
    return impl_->committer->is_in_trouble();
}

RocksSpool::Written RocksSpool::written() const {
    Written out;
    std::shared_lock const lock(impl_->slot.mutex);
    if (!impl_->slot.engine || !impl_->slot.engine->statistics) return out;
    auto const& statistics = *impl_->slot.engine->statistics;
    out.user_bytes = statistics.getTickerCount(rocksdb::BYTES_WRITTEN);
    out.wal_bytes = statistics.getTickerCount(rocksdb::WAL_FILE_BYTES);
    out.flush_bytes = statistics.getTickerCount(rocksdb::FLUSH_WRITE_BYTES);
    out.compaction_bytes = statistics.getTickerCount(rocksdb::COMPACT_WRITE_BYTES);
    out.blob_bytes = statistics.getTickerCount(rocksdb::BLOB_DB_BLOB_FILE_BYTES_WRITTEN);
    out.syncs = statistics.getTickerCount(rocksdb::WAL_FILE_SYNCED);
    return out;
}

}  // namespace dawk::spool_rocks
