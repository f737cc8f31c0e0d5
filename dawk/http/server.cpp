#include "dawk/http/server.hpp"

#include "dawk/http/request_reader.hpp"

namespace dawk::http {

Server::Server(rt::Env& env, rt::HttpHandler handler, Limits limits)
    : env_(env), handler_(std::move(handler)), limits_(limits), tasks_(env.executor) {}

Server::~Server() = default;

Result<void> Server::listen(std::string const& address) {
    DAWK_TRY(auto listener, env_.network.listen(address, false));
    listeners_.push_back(std::move(listener));
    tasks_.spawn(accept_from(*listeners_.back()));
    return {};
}

std::vector<rt::Endpoint> Server::endpoints() const {
    std::vector<rt::Endpoint> out;
    for (auto const& listener : listeners_) out.push_back(listener->local());
    return out;
}

Task<void> Server::accept_from(rt::Listener& listener) {
    for (;;) {
        auto stream = co_await listener.accept();
        if (!stream) co_return;
        if (open_ >= limits_.connections) continue;  // closed with the stream: try again later
        tasks_.spawn(serve(std::move(*stream)));
    }
}

Task<void> Server::serve(std::unique_ptr<rt::Stream> stream) {
    struct Open {
        explicit Open(std::uint32_t& n) : count(n) { ++count; }
        ~Open() { --count; }
        Open(Open const&) = delete;
        Open& operator=(Open const&) = delete;
        std::uint32_t& count;
    };
    Open const counted(open_);
    RequestReader reader(limits_);
    char buffer[4096];
    for (;;) {
        stream->expires_at(env_.clock.steady() + limits_.idle);
        while (!reader.has_request()) {
            auto const n = co_await stream->read_some(buffer);
            if (!n) co_return;
            if (reader.feed(std::string_view(buffer, *n))) continue;
            rt::HttpResponse refusal;
            refusal.status = reader.status();
            refusal.body = "{\"error\":\"this request cannot be read\"}\n";
            auto const text = write_response(refusal, false, false);
            auto const sent = co_await stream->write_all(text);
            if (sent) co_await stream->shutdown();
            co_return;
        }
        auto request = reader.take();
        bool const head_only = request.method == "HEAD";
        auto const response = co_await handler_(std::move(request));
        stream->expires_at(env_.clock.steady() + limits_.handling);
        auto const text = write_response(response, reader.keep_alive(), head_only);
        auto const sent = co_await stream->write_all(text);
        if (!sent) co_return;
        if (!reader.keep_alive()) break;
        (void)reader.feed("");  // what came with this request may hold the next one
    }
    co_await stream->shutdown();
}

Task<void> Server::stop() {
    for (auto& listener : listeners_) listener->close();
    tasks_.cancel();
    co_await tasks_.join();
    listeners_.clear();
}

}  // namespace dawk::http
