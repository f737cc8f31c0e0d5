#include "dawk/http/client.hpp"

#include <cerrno>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace dawk::http {
namespace {

namespace beast = boost::beast;
constexpr std::uint64_t body_max = 64ULL << 20U;

struct Socket {
    int fd = -1;
    ~Socket() {
        if (fd >= 0) ::close(fd);
    }
};

rt::Explained system_error(std::string const& what) {
    ErrorCode const code(errno, boost::system::system_category());
    return {code, what + ": " + code.message()};
}

rt::Explained io_error(std::string const& path) {
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return {Errc::timed_out, path + ": no answer in time"};
    return system_error(path);
}

rt::ExplainedResult<int> connect_to(std::string const& path, std::chrono::seconds timeout,
                                    Socket& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return rt::Explained{Errc::too_long, path + ": path too long for a socket"};
    std::memcpy(address.sun_path, path.data(), path.size());
    socket.fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket.fd < 0) return system_error("socket");
    timeval const time{timeout.count(), 0};
    ::setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ::setsockopt(socket.fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    if (::connect(socket.fd, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0)
        return socket.fd;
    if (errno == ENOENT || errno == ECONNREFUSED) {
        ErrorCode const code(errno, boost::system::system_category());
        return rt::Explained{code, "no server is running at " + path};
    }
    return system_error(path);
}

std::string wire_of(rt::HttpRequest const& request) {
    std::string out =
        request.method + " " + request.target + " HTTP/1.1\r\nHost: dawk\r\nConnection: close\r\n";
    for (auto const& [name, value] : request.headers) out += name + ": " + value + "\r\n";
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n";
    return out + request.body;
}

rt::HttpResponse value_of(beast::http::response<beast::http::string_body> message) {
    rt::HttpResponse out;
    out.status = message.result_int();
    out.content_type = std::string(message[beast::http::field::content_type]);
    out.body = std::move(message.body());
    return out;
}

}  // namespace

rt::ExplainedResult<rt::HttpResponse> request(std::string const& path, rt::HttpRequest request,
                                              std::chrono::seconds timeout) {
    Socket socket;
    if (auto connected = connect_to(path, timeout, socket); !connected) return connected.error();
    auto const wire = wire_of(request);
    for (std::string_view rest = wire; !rest.empty();) {
        auto const n = ::send(socket.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path);
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    beast::http::response_parser<beast::http::string_body> parser;
    parser.eager(true);
    parser.body_limit(body_max);
    std::string buffer;
    while (!parser.is_done()) {
        char chunk[16384];
        auto const n = ::recv(socket.fd, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path);
        ErrorCode error;
        if (n == 0) {
            parser.put_eof(error);
            if (error || !parser.is_done())
                return rt::Explained{Errc::protocol_violation, path + ": the answer broke off"};
            break;
        }
        buffer.append(chunk, static_cast<std::size_t>(n));
        while (!buffer.empty() && !parser.is_done()) {
            auto const used = parser.put(boost::asio::buffer(buffer), error);
            buffer.erase(0, used);
            if (error == beast::http::error::need_more || used == 0) break;
            if (error == beast::http::error::body_limit)
                return rt::Explained{Errc::too_long, path + ": the answer is too long"};
            if (error)
                return rt::Explained{Errc::protocol_violation,
                                     path + ": what answers speaks no HTTP"};
        }
    }
    return value_of(parser.release());
}

}  // namespace dawk::http
