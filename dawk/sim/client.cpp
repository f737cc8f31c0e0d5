#include "dawk/sim/client.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/sim/letters.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;

std::string dot_stuffed(std::string_view text) {
    std::string out;
    bool at_start = true;
    for (char const c : text) {
        if (at_start && c == '.') out += '.';
        out += c;
        at_start = c == '\n';
    }
    return out + ".\r\n";
}

}  // namespace

Clients::Clients(Internet& internet, Oracle& oracle)
    : world_(internet.world()),
      oracle_(oracle),
      host_(internet, "clients.test", {"203.0.113.9"}),
      group_(world_.context().get_executor(), [](std::exception_ptr) {}) {}

void Clients::send(Errand errand) {
    group_.spawn(run(std::move(errand)));
}

Task<void> Clients::run(Errand errand) {
    static constexpr Happening manners[] = {Happening::client_pipelines, Happening::client_drops,
                                            Happening::client_half_open, Happening::client_slow,
                                            Happening::client_smuggles};
    if (errand.manner != Manner::polite)
        world_.tally().add(manners[static_cast<std::size_t>(errand.manner) - 1]);
    rt::ConnectTarget target{rt::Endpoint{errand.node_address, errand.port}, "",
                             world_.steady() + 30s};
    auto connected = co_await host_.connect(std::move(target));
    bool const must_succeed = errand.must_succeed;
    auto const token = errand.token;
    auto const node = errand.node;
    bool good = false;
    std::string reason = "no connection";
    if (connected) {
        Talk talk(std::move(errand), Lines(world_, std::move(*connected)));
        talk.lines.timeout = 15min;
        good = co_await open(talk);
        if (good) good = co_await transaction(talk);
        reason = talk.reason;
        if (good) {
            auto const said = co_await put(talk, "QUIT\r\n");
            if (said) co_await talk.lines.bye();
        }
    }
    if (!good && must_succeed)
        oracle_.violated(Invariant::progress, node + " did not take " + token + " (" + reason +
                                                  "), though all was well");
}

Task<bool> Clients::put(Talk& talk, std::string text) {
    auto const& errand = talk.errand;
    if (errand.manner == Manner::drops && talk.written + text.size() > errand.drop_after) {
        text.resize(errand.drop_after - talk.written);
        talk.written = errand.drop_after;
        auto const sent = co_await talk.lines.say(std::move(text));
        (void)sent;
        talk.lines.drop();
        co_return false;
    }
    talk.written += text.size();
    if (errand.manner != Manner::slow) co_return co_await talk.lines.say(std::move(text));
    for (std::size_t at = 0; at < text.size(); at += 100) {
        auto const later = world_.steady() + 1s;
        co_await world_.sleep_until(later);
        auto const sent = co_await talk.lines.say(text.substr(at, 100));
        if (!sent) co_return false;
    }
    co_return true;
}

Task<bool> Clients::answer(Talk& talk) {
    for (;;) {
        auto const alive = co_await talk.lines.line(talk.reason);
        if (!alive) {
            talk.reason = "connection lost after " + talk.reason;
            talk.code = "000";
            co_return false;
        }
        talk.code = talk.reason.substr(0, 3);
        if (talk.reason.size() < 4 || talk.reason[3] != '-') co_return true;
    }
}

Task<bool> Clients::ask(Talk& talk, std::string command) {
    auto const sent = co_await put(talk, std::move(command));
    if (!sent) co_return false;
    co_return co_await answer(talk);
}

Task<bool> Clients::open(Talk& talk) {
    if (talk.errand.manner == Manner::half_open) {
        auto const later = world_.steady() + 1h;
        co_await world_.sleep_until(later);
        co_return false;
    }
    auto alive = co_await answer(talk);
    if (!alive || talk.code != "220") co_return false;
    alive = co_await ask(talk, "EHLO clients.test\r\n");
    if (!alive || talk.code != "250") co_return false;
    if (talk.errand.port != 587) co_return true;
    co_return co_await secure(talk);
}

// RFC 8314 §3: passwords and mail of users only within TLS.
Task<bool> Clients::secure(Talk& talk) {
    auto const secret = std::string("\0", 1) + talk.errand.user + std::string("\0secret", 7);
    auto const login = "AUTH PLAIN " + base64::encode(secret) + "\r\n";
    auto alive = co_await ask(talk, login);
    if (!alive) co_return false;
    if (talk.code == "235")
        oracle_.violated(Invariant::tls_where_required,
                         talk.errand.node + " took a password outside of TLS");
    alive = co_await ask(talk, "STARTTLS\r\n");
    if (!alive || talk.code != "220") co_return false;
    alive = co_await talk.lines.start_tls(host_, talk.errand.node);
    if (!alive) co_return false;
    alive = co_await ask(talk, "EHLO clients.test\r\n");
    if (!alive) co_return false;
    alive = co_await ask(talk, login);
    co_return alive&& talk.code == "235";
}

void Clients::note_recipient(Talk& talk, std::size_t index) {
    if (talk.code != "250") return;
    auto const& recipient = talk.errand.recipients[index];
    auto& all = talk.promise.recipients;
    if (recipient.becomes.empty()) all.push_back({recipient.address, recipient.never, {}});
    for (auto const& address : recipient.becomes)
        all.push_back({address, recipient.never, recipient.address});
}

Task<bool> Clients::envelope(Talk& talk) {
    auto const& errand = talk.errand;
    std::vector<std::string> commands{"MAIL FROM:<" + errand.sender + ">\r\n"};
    for (auto const& recipient : errand.recipients)
        commands.push_back("RCPT TO:<" + recipient.address + ">" +
                           (recipient.never ? " NOTIFY=NEVER" : "") + "\r\n");
    commands.emplace_back("DATA\r\n");
    bool const together = errand.manner == Manner::pipelining;
    if (together) {
        std::string all;
        for (auto const& command : commands) all += command;
        auto const sent = co_await put(talk, std::move(all));
        if (!sent) co_return false;
    }
    for (std::size_t i = 0; i < commands.size(); ++i) {
        bool const is_data = i + 1 == commands.size();
        if (!together) {
            auto const sent = co_await put(talk, commands[i]);
            if (!sent) co_return false;
        }
        auto const alive = co_await answer(talk);
        if (!alive) co_return false;
        if (i == 0 && talk.code != "250") co_return false;
        if (i > 0 && !is_data) note_recipient(talk, i - 1);
    }
    co_return talk.code == "354";
}

Task<bool> Clients::transaction(Talk& talk) {
    auto const& errand = talk.errand;
    talk.promise.token = errand.token;
    talk.promise.node = errand.node;
    talk.letter = write_letter(errand.token, errand.sender.empty() ? "x@home.test" : errand.sender,
                               errand.recipients.front().address, errand.size);
    talk.promise.body = body_of(talk.letter);
    auto const going = co_await envelope(talk);
    if (!going) {
        ++refused;
        co_return false;
    }
    co_return co_await content(talk);
}

Task<bool> Clients::content(Talk& talk) {
    auto const& errand = talk.errand;
    bool const smuggles = errand.manner == Manner::smuggler;
    auto wire = dot_stuffed(talk.letter);
    if (smuggles)
        wire = "Subject: x\r\n\r\nhello\n.\r\nMAIL FROM:<evil@home.test>\r\nRCPT TO:<" +
               errand.recipients.front().address +
               ">\r\nDATA\r\nX-Sim: smuggled\r\n\r\nevil\r\n.\r\n";
    else if (watches)
        oracle_.sent(talk.promise);
    auto const sent = co_await put(talk, std::move(wire));
    if (!sent) co_return false;
    auto const alive = co_await answer(talk);
    if (!alive) {
        ++lost;
        co_return false;
    }
    if (talk.code != "250") {
        ++refused;
        if (talk.reason.find(" 5.7.") != talk.reason.npos)
            world_.tally().add(Happening::refused_by_policy);
        co_return false;
    }
    ++acknowledged;
    if (smuggles)
        oracle_.violated(Invariant::clean_lines, errand.node + " took a bare line feed");
    else if (watches)
        oracle_.acknowledged(errand.token);
    co_return true;
}

}  // namespace dawk::sim
