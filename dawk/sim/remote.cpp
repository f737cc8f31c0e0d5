#include "dawk/sim/remote.hpp"

#include <algorithm>
#include <charconv>

#include "dawk/base/ascii.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;

std::string path_in(std::string_view line) {
    auto const open = line.find('<');
    auto const close = line.find('>');
    if (open == line.npos || close == line.npos || close < open) return {};
    return ascii::to_lower(line.substr(open + 1, close - open - 1));
}

// The same on every machine.
std::uint32_t hash_of(std::string_view text) {
    std::uint32_t hash = 2166136261U;
    for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash >> 16U;
}

struct OpenCount {
    explicit OpenCount(RemoteCounts& c) : counts(c) {
        ++counts.connections;
        counts.most_open = std::max(counts.most_open, ++counts.open);
    }
    ~OpenCount() { --counts.open; }
    OpenCount(OpenCount const&) = delete;
    OpenCount& operator=(OpenCount const&) = delete;
    RemoteCounts& counts;
};

}  // namespace

Remote::Remote(Internet& internet, Oracle& oracle, std::string name, std::string address,
               std::uint64_t seed, bool is_lmtp)
    : world_(internet.world()),
      oracle_(oracle),
      host_(internet, std::move(name), {address}),
      rng_(seed),
      is_lmtp_(is_lmtp),
      group_(world_.context().get_executor(), [](std::exception_ptr) {}) {
    listener_ = std::move(*host_.listen(address + (is_lmtp ? ":24" : ":25"), false));
    group_.spawn(accept());
}

Remote::~Remote() = default;

void Remote::calm() {
    Temper plain;
    plain.tls = temper_.tls == RemoteTls::none ? RemoteTls::none : RemoteTls::good;
    plain.pipelining = temper_.pipelining;
    plain.chunking = temper_.chunking;
    plain.dsn = temper_.dsn;
    temper_ = plain;
}

void Remote::stop() {
    listener_->close();
    group_.cancel();
}

Task<void> Remote::accept() {
    for (;;) {
        auto stream = co_await listener_->accept();
        if (!stream) co_return;
        group_.spawn(serve(std::move(*stream)));
    }
}

Task<void> Remote::serve(std::unique_ptr<rt::Stream> stream) {
    OpenCount const count(counts_);
    Session session(Lines(world_, std::move(stream)));
    co_await greet(session);
    while (!session.is_over) {
        co_await dialogue(session);
    }
}

Task<void> Remote::greet(Session& session) {
    auto const until = world_.steady() + temper_.banner_delay;
    co_await world_.sleep_until(until);
    bool const crowded = temper_.connections > 0 && counts_.open > temper_.connections;
    std::string banner = "220 " + host_.name() + " ESMTP\r\n";
    if (crowded || rng_.chance(temper_.banner_421)) {
        banner = "421 4.3.2 Too busy\r\n";
        session.is_over = true;
    } else if (rng_.chance(temper_.banner_554)) {
        banner = "554 5.3.2 No service here\r\n";
        session.is_over = true;
    }
    bool const over = session.is_over;
    co_await reply(session, std::move(banner));
    if (over) co_await session.lines.bye();
}

Task<void> Remote::dialogue(Session& session) {
    std::string line;
    auto const alive = co_await session.lines.line(line);
    if (!alive) {
        session.is_over = true;
        co_return;
    }
    co_await command(session, std::move(line));
}

Task<void> Remote::reply(Session& session, std::string text) {
    auto const until = world_.steady() + temper_.reply_delay;
    if (until > world_.steady()) co_await world_.sleep_until(until);
    if (rng_.chance(temper_.drop)) {
        session.is_over = true;
        session.lines.drop();
        co_return;
    }
    if (rng_.chance(temper_.huge)) {
        std::string lines;
        for (int i = 0; i < 3000; ++i) lines += text.substr(0, 3) + "-and so on and so on\r\n";
        text = lines + text;
    }
    auto const sent = co_await session.lines.say(std::move(text));
    if (!sent) session.is_over = true;
}

Task<void> Remote::command(Session& session, std::string line) {
    auto const verb = ascii::to_lower(line.substr(0, 4));
    if (rng_.chance(temper_.wrong)) {
        static constexpr char const* nonsense[] = {"hello there\r\n", "999 what\r\n", "25\r\n",
                                                   "354 go on\r\n", "\xff\xfe\r\n"};
        bool const eats = verb == "bdat";  // what follows would be read as commands
        if (!eats) {
            co_await reply(session, nonsense[rng_.below(5)]);
            co_return;
        }
    }
    if (verb == "ehlo" || verb == "lhlo") {
        co_await hello(session);
    } else if (verb == "helo") {
        co_await reply(session, "250 " + host_.name() + "\r\n");
    } else if (verb == "star") {
        co_await start_tls(session);
    } else if (verb == "mail") {
        forget(session);
        session.sender = path_in(line);
        session.has_mail = !rng_.chance(temper_.transient);
        ++counts_.transactions;
        std::string text = session.has_mail ? "250 2.1.0 ok\r\n" : "451 4.3.0 later\r\n";
        co_await reply(session, std::move(text));
    } else if (verb == "rcpt") {
        co_await recipient(session, path_in(line));
    } else if (verb == "data") {
        co_await data(session);
    } else if (verb == "bdat") {
        co_await chunk(session, std::move(line));
    } else if (verb == "rset" || verb == "noop") {
        if (verb == "rset") forget(session);
        co_await reply(session, "250 2.0.0 ok\r\n");
    } else if (verb == "quit") {
        co_await reply(session, "221 2.0.0 bye\r\n");
        session.is_over = true;
        co_await session.lines.bye();
    } else {
        co_await reply(session, "502 5.5.1 what?\r\n");
    }
}

Task<void> Remote::hello(Session& session) {
    forget(session);
    std::string text = "250-" + host_.name() + "\r\n";
    if (temper_.pipelining) text += "250-PIPELINING\r\n";
    if (temper_.chunking) text += "250-CHUNKING\r\n";
    if (temper_.dsn) text += "250-DSN\r\n";
    bool const vanished = temper_.tls == RemoteTls::vanishes && rng_.chance(0.5);
    if (temper_.tls != RemoteTls::none && !vanished && !session.lines.is_secure())
        text += "250-STARTTLS\r\n";
    text += "250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n";
    co_await reply(session, std::move(text));
}

Task<void> Remote::start_tls(Session& session) {
    forget(session);
    if (temper_.tls == RemoteTls::none || session.lines.is_secure()) {
        co_await reply(session, "502 5.5.1 not here\r\n");
        co_return;
    }
    if (temper_.tls == RemoteTls::fails && rng_.chance(0.3)) {
        co_await reply(session, "454 4.7.0 TLS not available\r\n");
        co_return;
    }
    co_await reply(session, "220 2.0.0 go ahead\r\n");
    if (session.is_over) co_return;
    if (temper_.tls == RemoteTls::fails) {
        session.is_over = true;
        auto const sent = co_await session.lines.say("this is no handshake\r\n");
        (void)sent;
        co_await session.lines.bye();
        co_return;
    }
    auto const name = (temper_.tls == RemoteTls::untrusted ? "!" : "") + host_.name();
    auto identity = host_.load_identity(name, "");
    auto const secured = co_await session.lines.accept_tls(host_, std::move(*identity));
    if (!secured) session.is_over = true;
}

bool Remote::is_over_rate() {
    if (temper_.per_minute == 0) return false;
    auto const minute =
        std::chrono::duration_cast<std::chrono::minutes>(world_.steady().time_since_epoch())
            .count();
    if (minute != minute_) this_minute_ = 0;
    minute_ = minute;
    return ++this_minute_ > temper_.per_minute;
}

std::string Remote::verdict_on(Session const& session, std::string const& address) {
    if (!session.has_mail) return "503 5.5.1 MAIL first\r\n";
    if (temper_.refuses_half && hash_of(address) % 2 == 1) return "550 5.1.1 unknown\r\n";
    if (rng_.chance(temper_.transient)) return "450 4.2.1 not now\r\n";
    if (is_over_rate()) return "452 4.7.1 too much mail from you\r\n";
    if (!temper_.greylists) return {};
    auto const key = session.sender + ">" + address;
    auto const [first, is_new] = grey_.try_emplace(key, world_.steady());
    if (world_.steady() - first->second < 5min) return "451 4.7.1 greylisted, come back later\r\n";
    return {};
}

Task<void> Remote::recipient(Session& session, std::string address) {
    auto verdict = verdict_on(session, address);
    if (verdict.empty()) {
        session.recipients.push_back(std::move(address));
        verdict = "250 2.1.5 ok\r\n";
    }
    co_await reply(session, std::move(verdict));
}

Task<void> Remote::data(Session& session) {
    if (session.recipients.empty()) {
        co_await reply(session, "554 5.5.1 no valid recipients\r\n");
        co_return;
    }
    if (rng_.chance(temper_.transient)) {
        forget(session);
        co_await reply(session, "451 4.3.0 not now\r\n");
        co_return;
    }
    co_await reply(session, "354 go ahead\r\n");
    if (session.is_over) co_return;
    bool const drops = rng_.chance(temper_.drop_after_data);
    for (std::string line;;) {
        auto const alive = co_await session.lines.line(line);
        if (!alive || drops) {
            session.is_over = true;
            session.lines.drop();
            co_return;
        }
        if (line == ".") break;
        session.content += line.starts_with('.') ? line.substr(1) : line;
        session.content += "\r\n";
    }
    co_await end_of_content(session);
}

Task<void> Remote::chunk(Session& session, std::string line) {
    std::size_t size = 0;
    auto const digits = ascii::trim(std::string_view(line).substr(4));
    std::from_chars(digits.data(), digits.data() + digits.size(), size);
    auto const alive = co_await session.lines.octets(size, session.content);
    if (!alive || rng_.chance(temper_.drop_after_data)) {
        session.is_over = true;
        session.lines.drop();
        co_return;
    }
    if (session.recipients.empty()) {
        forget(session);
        co_await reply(session, "503 5.5.1 no valid recipients\r\n");
        co_return;
    }
    if (ascii::to_lower(line).ends_with("last")) {
        co_await end_of_content(session);
    } else {
        co_await reply(session, "250 2.0.0 ok\r\n");
    }
}

void Remote::take(Session const& session, std::string const& recipient) {
    ++counts_.taken;
    if (reports) oracle_.accepted(host_.name(), recipient, session.content);
}

Task<void> Remote::end_of_content(Session& session) {
    std::string replies;
    std::size_t const count = is_lmtp_ ? session.recipients.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
        if (rng_.chance(temper_.refuse_content)) {
            replies += rng_.chance(0.5) ? "451 4.3.0 later\r\n" : "554 5.6.0 do not want\r\n";
            continue;
        }
        if (rng_.chance(temper_.wrong)) {  // taken all the same
            replies += "\x01garbage\r\n";
        } else {
            replies += "250 2.0.0 taken\r\n";
        }
        if (is_lmtp_) {
            take(session, session.recipients[i]);
        } else {
            for (auto const& recipient : session.recipients) take(session, recipient);
        }
    }
    forget(session);
    if (rng_.chance(temper_.drop_before_reply)) {
        session.is_over = true;
        session.lines.drop();
        co_return;
    }
    co_await reply(session, std::move(replies));
}

void Remote::forget(Session& session) {
    session.sender.clear();
    session.recipients.clear();
    session.content.clear();
    session.has_mail = false;
}

}  // namespace dawk::sim
