#include "dawk/net/blocking_resolver.hpp"

#include <optional>

#include <boost/asio/co_spawn.hpp>

namespace dawk::net {

BlockingResolver::BlockingResolver(ResolverSettings const& settings, std::chrono::seconds timeout)
    : resolver_(io_, make_resolver_engine(settings)), timeout_(timeout) {}

dns::Answer BlockingResolver::query(dns::Question const& question) {
    std::optional<dns::Answer> answer;
    auto const deadline = std::chrono::steady_clock::now() + timeout_;
    boost::asio::co_spawn(io_, resolver_.query(question, deadline),
                          [&answer](std::exception_ptr error, dns::Answer got) {
                              answer = error ? dns::Answer{} : std::move(got);
                          });
    io_.restart();
    while (!answer && io_.run_one() > 0) {
    }
    return answer ? std::move(*answer) : dns::Answer{};
}

}  // namespace dawk::net
