#include "dawk/mta/queue_runner.hpp"

#include <boost/asio/dispatch.hpp>

#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {

QueueRunner::QueueRunner(QueueDeps deps, SettingsPtr settings)
    : is_alone_(deps.shards.size() == 1),
      core_(std::make_unique<QueueCore>(std::move(deps), std::move(settings))) {}

QueueRunner::~QueueRunner() = default;

void QueueRunner::start() {
    core_->start();
}

void QueueRunner::accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) {
    if (is_alone_) {
        core_->accepted(std::move(envelope), std::move(content));
        return;
    }
    boost::asio::dispatch(core_->executor(), [core = core_.get(), envelope = std::move(envelope),
                                              content = std::move(content)]() mutable {
        core->accepted(std::move(envelope), std::move(content));
    });
}

void QueueRunner::reload(SettingsPtr settings) {
    core_->reload(std::move(settings));
}

Task<void> QueueRunner::stop(SteadyTime deadline) {
    co_await core_->stop(deadline);
}

QueueStats QueueRunner::stats() const {
    return core_->stats();
}

std::optional<DestinationView> QueueRunner::destination(std::string_view key) const {
    return core_->view(key);
}

}  // namespace dawk::mta
