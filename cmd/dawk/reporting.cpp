#include "cmd/dawk/reporting.hpp"

namespace dawk::cmd {

Reporting::Reporting(std::shared_ptr<reports_sqlite::Database> database, mta::SettingsPtr settings,
                     mta::AcceptedSink& queue, Say say)
    : database_(std::move(database)),
      settings_(std::move(settings)),
      queue_(queue),
      say_(std::move(say)) {}

void Reporting::add_shard(rt::Env& env, spool::Spool& spool, directory::Directory& directory,
                          envelope::EventSink& events) {
    auto shard = std::make_unique<Shard>();
    shard->store = std::make_unique<reports_sqlite::SqliteStore>(database_, env.pool);
    if (!reporter_) {
        std::optional<mail::Address> address;
        if (auto const parsed = mail::parse_mailbox(settings_->dmarc_reports.inbox))
            address = *parsed;
        inbox_ = std::make_unique<mta::ReportInbox>(env, queue_, *shard->store, address, say_);
        later_ = std::make_unique<rt::TaskGroup>(env.executor);
        ports_ = std::make_unique<mta::ReceiverPorts>(
            mta::ReceiverPorts{env, spool, directory, events, *inbox_, *later_, *later_, keys_});
        reporter_ = std::make_unique<mta::Reporter>(*ports_, *shard->store, say_);
    }
    shard->collector = std::make_unique<mta::VerdictCollector>(
        env, *shard->store, [this](mta::FailureSeen seen) { reporter_->failure(std::move(seen)); });
    shards_.push_back(std::move(shard));
    configure(shards_.size() - 1, settings_);
}

void Reporting::configure(std::size_t shard, mta::SettingsPtr const& settings) {
    shards_[shard]->collector->configure(settings);
    if (shard == 0) reporter_->configure(settings);
}

void Reporting::start() {
    for (auto& shard : shards_) shard->collector->start();
    reporter_->start();
}

Task<void> Reporting::stop_shard(std::size_t shard) {
    if (shard == 0) {
        co_await inbox_->stop();
        co_await reporter_->stop();
        co_await later_->join();
    }
    co_await shards_[shard]->collector->stop();
}

}  // namespace dawk::cmd
