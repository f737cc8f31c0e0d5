// ClientName: the name of a client, looked up while its session goes on.
//
//     auto name = std::make_shared<ClientName>(env.executor);
//     lookups.spawn(find_client_name(env, address, name));
//     ...
//     co_await name->known();                 // at the latest ClientName::patience after the start
//     use(name->text());                      // "" for none that is confirmed
//
// A name is confirmed when one of its own addresses is the client's (forward-confirmed reverse DNS,
// as RFC 8601 §2.7.3 has it); others say nothing. Never delays anything but who waits for it.
// Standards: RFC 1035 §3.5; RFC 5321 §4.4 (TCP-info).
#pragma once

#include <string>

#include "dawk/mta/wake.hpp"
#include "dawk/rt/env.hpp"

namespace dawk::mta {

class ClientName {
  public:
    static constexpr std::chrono::seconds patience{5};  // for all questions together

    explicit ClientName(boost::asio::any_io_executor executor) : wake_(std::move(executor)) {}
    bool is_known() const noexcept { return known_; }
    std::string const& text() const noexcept { return text_; }
    Task<void> known();
    void set(std::string text);

  private:
    Wake wake_;
    std::string text_;
    bool known_ = false;
};

Task<void> find_client_name(rt::Env& env, std::string address, std::shared_ptr<ClientName> name);

}  // namespace dawk::mta
