#include "dawk/rt/task_group.hpp"

#include <cstdio>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "dawk/base/check.hpp"

namespace dawk::rt {
namespace {

void print_failure(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& e) {
        std::fprintf(stderr, "dawk: a task failed: %s\n", e.what());
    } catch (...) {
        std::fprintf(stderr, "dawk: a task failed with something that is no exception\n");
    }
}

bool is_cancellation(std::exception_ptr const& error) {
    try {
        std::rethrow_exception(error);
    } catch (boost::system::system_error const& e) {
        return e.code() == boost::asio::error::operation_aborted || e.code() == Errc::canceled;
    } catch (...) {
        return false;
    }
}

}  // namespace

TaskGroup::TaskGroup(boost::asio::any_io_executor executor, OnFailure on_failure)
    : executor_(std::move(executor)),
      on_failure_(on_failure ? std::move(on_failure) : OnFailure(print_failure)),
      idle_(executor_, boost::asio::steady_timer::time_point::max()) {}

TaskGroup::~TaskGroup() {
    DAWK_CHECK(tasks_.empty());
}

void TaskGroup::spawn(Task<void> task) {
    auto const self = tasks_.emplace(tasks_.end());
    boost::asio::co_spawn(
        executor_, std::move(task),
        boost::asio::bind_cancellation_slot(
            self->slot(), [this, self](std::exception_ptr error) { finished(self, error); }));
}

void TaskGroup::finished(Signals::iterator task, std::exception_ptr error) {
    if (error && !is_cancellation(error)) {
        ++failed_;
        on_failure_(error);
    }
    // The task's frame may still stand on its cancellation slot: the slot goes in a later turn.
    boost::asio::post(executor_, [this, task] {
        tasks_.erase(task);
        if (tasks_.empty()) idle_.cancel();
    });
}

void TaskGroup::cancel() {
    for (auto& task : tasks_) task.emit(boost::asio::cancellation_type::terminal);
}

Task<void> TaskGroup::join() {
    // A canceled joiner must still wait, or the group would die with tasks: it passes the wish on.
    bool const throws = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    ErrorCode ignored;  // the timer never fires; being canceled is how it tells
    while (!tasks_.empty()) {
        auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
        co_await idle_.async_wait(token);
        auto const state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none) cancel();
    }
    co_await boost::asio::this_coro::throw_if_cancelled(throws);
}

}  // namespace dawk::rt
