// ThreadPool: rt::WorkPool with a fixed number of named threads and one queue. Its destructor runs
// every job that was given, then joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dawk/rt/work.hpp"

namespace dawk::net {

class ThreadPool final : public rt::WorkPool {
  public:
    // Threads are named "<name>-0" ...; at most 15 octets are shown by the kernel.
    ThreadPool(std::string const& name, unsigned threads);
    ~ThreadPool() override;
    ThreadPool(ThreadPool const&) = delete;
    ThreadPool& operator=(ThreadPool const&) = delete;

    void run(std::function<void()> job) override;
    std::size_t waiting() const;

  private:
    void work();

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

// Names the calling thread, for top and gdb.
void name_thread(std::string const& name);
// Blocks all signals in the calling thread (and those it starts): the main thread handles them.
void block_signals();

}  // namespace dawk::net
