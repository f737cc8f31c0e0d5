// RequestReader: octets of a connection to whole requests. Bounded; never throws.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dawk/http/server.hpp"

namespace dawk::http {

class RequestReader {
  public:
    explicit RequestReader(Limits const& limits);
    ~RequestReader();
    // Appends octets. False: this is no HTTP, or too much of it; status() says what to answer.
    bool feed(std::string_view octets);
    bool has_request() const noexcept;
    // The request; the reader begins the next one with what is left.
    rt::HttpRequest take();
    bool keep_alive() const noexcept;  // of the last request taken
    unsigned status() const noexcept;  // 400, 413 or 431

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

std::string write_response(rt::HttpResponse const& response, bool keep_alive, bool head_only);

}  // namespace dawk::http
