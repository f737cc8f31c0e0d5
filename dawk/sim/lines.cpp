#include "dawk/sim/lines.hpp"

namespace dawk::sim {

Task<bool> Lines::more() {
    char chunk[4096];
    stream_->expires_at(world_.steady() + timeout);
    auto const n = co_await stream_->read_some(chunk);
    if (!n) co_return false;
    buffer_.append(chunk, *n);
    co_return true;
}

Task<bool> Lines::line(std::string& out) {
    std::size_t searched = 0;
    for (;;) {
        auto const end = buffer_.find('\n', searched);
        if (end != buffer_.npos) {
            out = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            if (!out.empty() && out.back() == '\r') out.pop_back();
            co_return true;
        }
        searched = buffer_.size();
        auto const alive = co_await more();
        if (!alive) co_return false;
    }
}

Task<bool> Lines::octets(std::size_t count, std::string& out) {
    while (buffer_.size() < count) {
        auto const alive = co_await more();
        if (!alive) co_return false;
    }
    out += buffer_.substr(0, count);
    buffer_.erase(0, count);
    co_return true;
}

Task<bool> Lines::say(std::string text) {
    stream_->expires_at(world_.steady() + timeout);
    auto const sent = co_await stream_->write_all(text);
    co_return sent.has_value();
}

Task<void> Lines::bye() {
    co_await stream_->shutdown();
}

Task<bool> Lines::accept_tls(rt::Network& network,
                             std::shared_ptr<rt::TlsIdentity const> identity) {
    buffer_.clear();
    stream_->expires_at(world_.steady() + timeout);
    auto secured = co_await network.tls_accept(std::move(stream_), std::move(identity));
    if (!secured) co_return false;
    stream_ = std::move(*secured);
    co_return true;
}

Task<bool> Lines::start_tls(rt::Network& network, std::string server_name) {
    buffer_.clear();
    stream_->expires_at(world_.steady() + timeout);
    rt::TlsClientPolicy policy;
    policy.server_name = std::move(server_name);
    auto secured = co_await network.tls_connect(std::move(stream_), std::move(policy));
    if (!secured) co_return false;
    stream_ = std::move(*secured);
    co_return true;
}

}  // namespace dawk::sim
