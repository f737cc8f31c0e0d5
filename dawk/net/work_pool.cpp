#include "dawk/net/work_pool.hpp"

#include <csignal>

#include <pthread.h>

#include "dawk/base/check.hpp"

namespace dawk::net {

void name_thread(std::string const& name) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

void block_signals() {
    sigset_t all;
    sigfillset(&all);
    // Faults of the thread itself stay deliverable, or sanitizers and core dumps would lose them.
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
        sigdelset(&all, fault);
    }
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

ThreadPool::ThreadPool(std::string const& name, unsigned threads) {
    DAWK_CHECK(threads > 0);
    for (unsigned i = 0; i < threads; ++i) {
        threads_.emplace_back([this, own = name + "-" + std::to_string(i)] {
            block_signals();
            name_thread(own);
            work();
        });
    }
}

ThreadPool::~ThreadPool() {
    {
        std::lock_guard const lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void ThreadPool::run(std::function<void()> job) {
    {
        std::lock_guard const lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

std::size_t ThreadPool::waiting() const {
    std::lock_guard const lock(mutex_);
    return jobs_.size();
}

void ThreadPool::work() {
    for (;;) {
        std::function<void()> job;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
            if (jobs_.empty()) return;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        job();
    }
}

}  // namespace dawk::net
