#include "dawk/sim/stream.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>

namespace dawk::sim {

SimStream::SimStream(Internet& internet, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
                     rt::Endpoint local, rt::Endpoint remote)
    : internet_(internet),
      world_(internet.world()),
      in_(std::move(in)),
      out_(std::move(out)),
      local_(std::move(local)),
      remote_(std::move(remote)) {}

Task<Result<std::size_t>> SimStream::read_some(std::span<char> buffer) {
    auto const pipe = in_;
    while (pipe->buffer.empty() || pipe->reader_gone) {
        if (pipe->reset || pipe->reader_gone)
            co_return ErrorCode(boost::asio::error::connection_reset);
        if (closed_ || pipe->finished) co_return Errc::closed;
        if (world_.steady() >= deadline_) {
            if (pipe->black_hole) world_.tally().add(Happening::half_open);
            co_return Errc::timed_out;
        }
        auto const until = deadline_;
        co_await pipe->readable.wait(until);
    }
    if (closed_) co_return Errc::closed;
    auto const limit =
        std::min(buffer.size(), std::max<std::size_t>(internet_.faults().read_max, 1));
    auto const n = pipe->buffer.copy(buffer.data(), limit);
    bool const is_short = n < std::min(buffer.size(), pipe->buffer.size());
    if (is_short && limit < buffer.size()) world_.tally().add(Happening::short_read);
    pipe->buffer.erase(0, n);
    pipe->writable.wake();
    co_return n;
}

void SimStream::expires_at(SteadyTime deadline) {
    bool const earlier = deadline < deadline_;
    deadline_ = deadline;
    if (!earlier) return;
    in_->readable.wake();  // what is pending waits for the old one
    out_->writable.wake();
}

SteadyTime SimStream::arrival() {
    auto const& faults = internet_.faults();
    auto const spread =
        static_cast<std::uint64_t>((faults.latency_max - faults.latency_min).count());
    auto const delay =
        faults.latency_min +
        Duration(static_cast<Duration::rep>(spread == 0 ? 0 : world_.rng().below(spread)));
    if (delay > std::chrono::milliseconds(500)) world_.tally().add(Happening::slow_link);
    out_->last_arrival = std::max(out_->last_arrival, world_.steady() + delay);
    return out_->last_arrival;
}

void SimStream::send(std::string octets) {
    auto const& faults = internet_.faults();
    auto const dies = faults.reset > 0 && world_.rng().chance(faults.reset);
    if (dies) world_.tally().add(Happening::reset);
    if (dies) octets.resize(world_.rng().below(octets.size() + 1));
    out_->in_flight += octets.size();
    if (out_->black_hole) return;  // a writer whose octets go nowhere has to wait in the end
    world_.at(arrival(), [pipe = out_, back = in_, data = std::move(octets), dies] {
        pipe->in_flight -= data.size();
        if (!pipe->reset) pipe->buffer += data;
        if (dies) pipe->reset = back->reset = true;
        pipe->readable.wake();
        if (!dies) return;
        back->readable.wake();
        pipe->writable.wake();
        back->writable.wake();
    });
}

Task<Result<void>> SimStream::write_all(std::string_view bytes) {
    std::string_view const pieces[] = {bytes};
    co_return co_await write_all(std::span<std::string_view const>(pieces));
}

Task<Result<void>> SimStream::write_all(std::span<std::string_view const> pieces) {
    auto const pipe = out_;
    std::string octets;
    for (auto const piece : pieces) octets += piece;
    for (;;) {
        if (closed_) co_return Errc::closed;
        if (pipe->reset || pipe->writer_gone) co_return ErrorCode(boost::asio::error::broken_pipe);
        if (pipe->buffer.size() + pipe->in_flight < Pipe::window) break;
        if (world_.steady() >= deadline_) co_return Errc::timed_out;
        auto const until = deadline_;
        co_await pipe->writable.wait(until);
    }
    if (internet_.faults().reset > 0 && octets.empty()) co_return Result<void>();
    send(std::move(octets));
    co_return Result<void>();
}

Task<void> SimStream::shutdown() {
    close();
    co_return;
}

void SimStream::close() noexcept {
    if (closed_) return;
    closed_ = true;
    in_->readable.wake();
    out_->writable.wake();
    if (out_->black_hole) return;
    world_.at(arrival(), [pipe = out_] {
        pipe->finished = true;
        pipe->readable.wake();
    });
    // Nobody will read any more: what the peer writes from now on meets a reset.
    world_.at(arrival(), [pipe = in_] {
        pipe->reset = true;
        pipe->writable.wake();
    });
}

}  // namespace dawk::sim
