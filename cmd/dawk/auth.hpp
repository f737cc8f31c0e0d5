// What the commands that check who sent a message share: the options, the message from a file, DNS
// from a zone file or the network with every look-up remembered, results as JSON and as text.
//
//     Asker asker(options);
//     auto verdict = asker.run(spf::check(query));
//     print_json(Json::object({..., {"lookups", asker.json()}}));
//
// A verdict is a success, whatever it says; only bad usage, unreadable files and malformed zones
// end a command with another code than 0.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dawk/mailauth/look_up.hpp"
#include "dawk/mailauth/mailauth.hpp"

#include "cmd/dawk/command.hpp"
#include "cmd/dawk/json.hpp"

namespace dawk::mailauth {
class ZoneFile;
}

namespace dawk::cmd {

struct AuthOptions {
    std::string message;  // a file, "-" for standard input
    std::string ip;       // of the client
    std::optional<std::string> from, helo;
    std::string zone;                   // --zone; "": the network
    std::vector<std::string> resolver;  // --resolver; empty: the system's
    std::string hostname;               // --hostname; "": that of this machine
    std::string now;                    // --now; "": the clock
    unsigned timeout_seconds = 20;      // RFC 7208 §4.6.4
};
using AuthOptionsPtr = std::shared_ptr<AuthOptions>;

// Adds the options that are asked for; CLI11 stays in the .cpp.
enum class Wants { sender, message, both };
AuthOptionsPtr add_auth_options(CLI::App& command, Wants wants);

class Asker {
  public:
    explicit Asker(AuthOptions const& options);  // ends the command when the zone file is no good
    ~Asker();
    template <class T>
    T run(dns::Inquiry<T> inquiry) {
        drive([&] { return inquiry.question(); },
              [&](dns::Answer answer) { inquiry.answer(std::move(answer)); });
        return inquiry.take();
    }
    mailauth::LookUps const& look_ups() const noexcept { return look_ups_; }
    Json json() const;
    std::string text() const;  // "" when nothing was asked

  private:
    using Next = std::function<dns::Question const*()>;
    using Give = std::function<void(dns::Answer)>;
    void drive(Next const& next, Give const& give);
    void ask_zone(Next const& next, Give const& give);
    void ask_network(Next const& next, Give const& give);

    AuthOptions options_;
    std::unique_ptr<mailauth::ZoneFile> zone_;
    mailauth::LookUps look_ups_;
};

// The message of the options: bare line feeds become CRLF, as the wire would have it.
struct AuthMessage {
    std::string octets;
    mail::HeaderSection header;
    std::string_view body() const { return std::string_view(octets).substr(header.body_offset()); }
};
std::unique_ptr<AuthMessage> read_message(AuthOptions const& options);

mailauth::Client client_of(AuthOptions const& options);  // checks --ip
spf::Query query_of(mailauth::Client const& client);
WallTime now_of(AuthOptions const& options);

using Members = std::vector<std::pair<std::string, Json>>;
Members members_of(spf::Verdict const& verdict);
Members members_of(std::vector<dkim::Verdict> const& verdicts);
Members members_of(arc::Verdict const& verdict);
Members members_of(dmarc::Verdict const& verdict);
Members members_of(mailauth::Iprev const& verdict);

// "spf: pass (reason)\n" and what belongs to it.
std::string text_of(std::string_view method, spf::Verdict const& verdict);
std::string text_of(std::vector<dkim::Verdict> const& verdicts);
std::string text_of(arc::Verdict const& verdict);
std::string text_of(dmarc::Verdict const& verdict);
std::string text_of(mailauth::Iprev const& verdict);

// As --json asks: the members with the look-ups after them, or the text with the look-ups below.
void print_findings(Members members, std::string text, Asker const& asker);

}  // namespace dawk::cmd
