#include "dawk/http/request_reader.hpp"

#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace dawk::http {

namespace beast = boost::beast;

struct RequestReader::Impl {
    Limits limits;
    std::string buffer;
    std::optional<beast::http::request_parser<beast::http::string_body>> parser;
    bool keep_alive = true;
    unsigned status = 400;

    void begin() {
        parser.emplace();
        parser->eager(true);
        parser->header_limit(limits.header_bytes);
        parser->body_limit(limits.body_bytes);
    }
    bool parse() {
        while (!parser->is_done() && !buffer.empty()) {
            ErrorCode error;
            auto const used = parser->put(boost::asio::buffer(buffer), error);
            buffer.erase(0, used);
            if (error == beast::http::error::need_more) {
                if (buffer.size() <= limits.header_bytes) return true;
                status = 431;
                return false;
            }
            if (error) {
                if (error == beast::http::error::body_limit) status = 413;
                if (error == beast::http::error::header_limit) status = 431;
                return false;
            }
            if (used == 0) return true;
        }
        return true;
    }
};

RequestReader::RequestReader(Limits const& limits) : impl_(std::make_unique<Impl>()) {
    impl_->limits = limits;
    impl_->begin();
}
RequestReader::~RequestReader() = default;

bool RequestReader::feed(std::string_view octets) {
    impl_->buffer += octets;
    return impl_->parse();
}

bool RequestReader::has_request() const noexcept {
    return impl_->parser->is_done();
}
bool RequestReader::keep_alive() const noexcept {
    return impl_->keep_alive;
}
unsigned RequestReader::status() const noexcept {
    return impl_->status;
}

rt::HttpRequest RequestReader::take() {
    auto message = impl_->parser->release();
    impl_->keep_alive = message.keep_alive();
    rt::HttpRequest out;
    out.method = std::string(message.method_string());
    out.target = std::string(message.target());
    for (auto const& field : message) {
        out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    out.body = std::move(message.body());
    impl_->begin();
    return out;
}

namespace {

std::string_view reason_of(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 422:
            return "Unprocessable Content";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        default:
            return "Status";
    }
}

// A value that ends a line would end the header.
std::string one_line(std::string_view value) {
    std::string out(value);
    for (char& c : out) {
        if (c == '\r' || c == '\n' || c == '\0') c = ' ';
    }
    return out;
}

}  // namespace

std::string write_response(rt::HttpResponse const& response, bool keep_alive, bool head_only) {
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                      std::string(reason_of(response.status)) + "\r\n";
    out += "Content-Type: " + one_line(response.content_type) + "\r\n";
    out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    out += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
    for (auto const& [name, value] : response.headers)
        out += one_line(name) + ": " + one_line(value) + "\r\n";
    out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
    if (!head_only) out += response.body;
    return out;
}

}  // namespace dawk::http
