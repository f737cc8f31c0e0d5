// SessionPeer: a driver of ServerSession without any world, for tests and fuzzing. It answers every
// want at once and notes what it was asked, so that two runs over the same octets can be compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/check.hpp"
#include "dawk/smtp/server_session.hpp"

namespace dawk::smtp {

class SessionPeer {
  public:
    SessionPeer(ServerConfig const& config, bool tls) : session(config, tls) { session.start(); }

    SessionPeer(ServerConfig const&&, bool) = delete;

    // Feeds octets as one read, and satisfies what is wanted. After the end they go nowhere.
    void feed(std::string_view input) {
        while (!input.empty() && session.want() != Want::close) {
            std::size_t const used = session.feed(input);
            DAWK_CHECK(used <= input.size());
            DAWK_CHECK(used > 0 || session.want() != Want::none);
            input.remove_prefix(used);
            while (satisfy()) {
            }
        }
    }
    void feed(std::string_view input, std::size_t step) {
        for (std::size_t at = 0; at < input.size(); at += step) feed(input.substr(at, step));
    }
    std::string take() { return std::move(session.output()); }

    ServerSession session;
    std::vector<std::string> messages;  // whole contents that were accepted
    std::vector<std::string> notes;     // MAIL, RCPT, logins, drops, in order
    std::string content;
    bool closed() const noexcept { return session.want() == Want::close; }

  private:
    bool satisfy() {
        switch (session.want()) {
            case Want::none:
            case Want::close:
                return false;
            case Want::sender: {
                auto const& mail = session.transaction();
                notes.push_back("MAIL " + mail.reverse_path.text());
                if (mail.reverse_path.local == "refused")
                    session.refuse(550, "5.7.1", "No");
                else
                    session.accept();
                break;
            }
            case Want::recipient: {
                auto const& to = session.recipient().forward_path;
                notes.push_back("RCPT " + to.text());
                if (to.local == "unknown")
                    session.refuse(550, "5.1.1", "No such user");
                else if (to.local == "later")
                    session.refuse(450, "4.2.0", "Later");
                else
                    session.accept();
                break;
            }
            case Want::content_open:
                content.clear();
                if (session.transaction().reverse_path.local == "full")
                    session.refuse(452, "4.3.1", "Full");
                else
                    session.accept();
                break;
            case Want::content:
                content.append(session.content());
                if (content.find("disk-full") != content.npos)
                    session.fail_content(452, "4.3.1", "Full");
                else
                    session.resume();
                break;
            case Want::content_close:
                messages.push_back(content);
                session.accept("Ok: queued");
                break;
            case Want::content_drop:
                notes.emplace_back("drop");
                session.resume();
                break;
            case Want::start_tls:
                notes.emplace_back("TLS");
                session.tls_started();
                break;
            case Want::auth_keys:
                notes.push_back("KEYS " + session.credentials().name);
                session.supply_keys(crypto::ScramKeys::make("secret", "salt", 4096));
                break;
            case Want::authenticate:
                log_in();
                break;
        }
        return true;
    }

    void log_in() {
        auto& c = session.credentials();
        notes.push_back("AUTH " + c.name);
        using Login = ServerSession::Login;
        using Proof = sasl::Credentials::Proof;
        session.authenticated(c.proof == Proof::refused ? Login::bad_credentials
                              : c.proof == Proof::shown ? Login::ok
                              : c.password == "secret"  ? Login::ok
                              : c.password == "off"     ? Login::disabled
                              : c.password == "busy"    ? Login::unavailable
                                                        : Login::bad_credentials);
    }
};

}  // namespace dawk::smtp
