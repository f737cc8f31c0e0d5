// TaskGroup: owns tasks; spawn, cancel, join. Nothing in Dawk runs outside of one.
//
//     rt::TaskGroup sessions(executor);
//     sessions.spawn(serve(std::move(stream)));
//     sessions.cancel();               // each task unwinds at its await
//     co_await sessions.join();        // before the group dies, which is checked
//
// A task that ends with an exception other than cancellation is reported to on_failure (default: a
// line on standard error) and counted; it never takes the group with it. One executor, one thread.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <list>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "dawk/rt/task.hpp"

namespace dawk::rt {

class TaskGroup {
  public:
    using OnFailure = std::function<void(std::exception_ptr)>;
    explicit TaskGroup(boost::asio::any_io_executor executor, OnFailure on_failure = {});
    ~TaskGroup();  // bug if tasks are left
    TaskGroup(TaskGroup const&) = delete;
    TaskGroup& operator=(TaskGroup const&) = delete;

    void spawn(Task<void> task);
    void cancel();
    // Waits for all. A joiner that is canceled itself cancels the group and still waits.
    Task<void> join();
    std::size_t size() const noexcept { return tasks_.size(); }
    std::uint64_t failed() const noexcept { return failed_; }
    boost::asio::any_io_executor const& executor() const noexcept { return executor_; }

  private:
    using Signals = std::list<boost::asio::cancellation_signal>;
    void finished(Signals::iterator task, std::exception_ptr error);

    boost::asio::any_io_executor executor_;
    OnFailure on_failure_;
    Signals tasks_;
    boost::asio::steady_timer idle_;
    std::uint64_t failed_ = 0;
};

}  // namespace dawk::rt
