#include "dawk/observe/log.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace dawk::observe {

using namespace std::chrono_literals;

struct Log::Impl {
    std::string file;
    std::size_t buffer_max = 0;
    std::mutex mutex;
    std::condition_variable wake, written;
    std::string buffer;                         // under mutex
    std::uint64_t appended = 0;                 // lines handed in, under mutex
    std::uint64_t out = 0;                      // of them, written or dropped, under mutex
    bool want_flush = false, stopping = false;  // under mutex
    int fd = -1;                                // under fd_mutex
    std::mutex fd_mutex;
    std::atomic<std::uint64_t> dropped{0};
    std::uint64_t dropped_said = 0;  // of the thread
    std::thread thread;

    Result<int> open_file() const {
        if (file.empty() || file == "-") return ::dup(STDOUT_FILENO);
        int const opened =
            ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (opened < 0) return ErrorCode(errno, boost::system::system_category());
        return opened;
    }

    // False when the disk or the pipe takes nothing now.
    bool write_all(std::string_view octets) {
        std::lock_guard const lock(fd_mutex);
        while (!octets.empty()) {
            auto const n = ::write(fd, octets.data(), octets.size());
            if (n >= 0) {
                octets.remove_prefix(static_cast<std::size_t>(n));
                continue;
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return false;
            pollfd waiting{fd, POLLOUT, 0};
            if (::poll(&waiting, 1, 1000) <= 0) return false;
        }
        return true;
    }

    void write_batch(std::string const& batch) {
        auto const lost = dropped.load();
        if (lost > dropped_said) {
            auto const note = fmt::format(
                "{{\"event\":\"server\",\"level\":\"error\",\"text\":\"{} log lines were "
                "dropped\"}}\n",
                lost - dropped_said);
            if (write_all(note)) dropped_said = lost;
        }
        if (!write_all(batch)) {
            dropped += static_cast<std::uint64_t>(std::count(batch.begin(), batch.end(), '\n'));
        }
    }

    void run() {
        std::unique_lock lock(mutex);
        std::string batch;
        for (;;) {
            wake.wait_for(lock, 50ms, [this] {
                return stopping || want_flush || buffer.size() > buffer_max / 8;
            });
            want_flush = false;
            batch.swap(buffer);
            auto const upto = appended;
            bool const last = stopping;
            lock.unlock();
            if (!batch.empty()) write_batch(batch);
            batch.clear();
            lock.lock();
            out = upto;
            written.notify_all();
            if (last && buffer.empty()) return;
        }
    }
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
    impl_->thread = std::thread([state = impl_.get()] { state->run(); });
}

Result<std::unique_ptr<Log>> Log::open(std::string const& file, std::size_t buffer_max) {
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    impl->buffer_max = buffer_max;
    DAWK_TRY(impl->fd, impl->open_file());
    return std::unique_ptr<Log>(new Log(std::move(impl)));
}

Log::~Log() {
    {
        std::lock_guard const lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->wake.notify_all();
    impl_->thread.join();
    ::close(impl_->fd);
}

void Log::append(std::string_view lines) {
    bool much = false;
    {
        std::lock_guard const lock(impl_->mutex);
        if (impl_->buffer.size() + lines.size() > impl_->buffer_max) {
            impl_->dropped +=
                static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
            return;
        }
        impl_->buffer += lines;
        ++impl_->appended;
        much = impl_->buffer.size() > impl_->buffer_max / 8;
    }
    if (much) impl_->wake.notify_one();
}

void Log::flush() {
    std::unique_lock lock(impl_->mutex);
    auto const upto = impl_->appended;
    impl_->want_flush = true;
    impl_->wake.notify_one();
    impl_->written.wait(lock, [&] { return impl_->out >= upto; });
}

Result<void> Log::reopen() {
    DAWK_TRY(int const fresh, impl_->open_file());
    flush();
    std::lock_guard const lock(impl_->fd_mutex);
    ::close(impl_->fd);
    impl_->fd = fresh;
    return {};
}

std::uint64_t Log::dropped() const noexcept {
    return impl_->dropped.load();
}

}  // namespace dawk::observe
