#include "dawk/sim/remote.hpp"

#include <algorithm>
#include <charconv>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"

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
    plain.wants_login = temper_.wants_login;
    temper_ = plain;
}

std::string const& Remote::secret() {
    static std::string const text = base64::encode(std::string("\0relay\0open sesame", 18));
    return text;
}

bool Remote::happens(double probability, Happening what) {
    bool const does = rng_.chance(probability);
    if (does) world_.tally().add(what);
    return does;
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
    if (temper_.banner_delay > 1s) world_.tally().add(Happening::slow_banner);
    co_await world_.sleep_until(until);
    bool const crowded = temper_.connections > 0 && counts_.open > temper_.connections;
    if (crowded) world_.tally().add(Happening::crowded);
    std::string banner = "220 " + host_.name() + " ESMTP\r\n";
    if (crowded || happens(temper_.banner_421, Happening::banner_421)) {
        banner = "421 4.3.2 Too busy\r\n";
        session.is_over = true;
    } else if (happens(temper_.banner_554, Happening::banner_554)) {
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
    if (until > world_.steady()) {
        world_.tally().add(Happening::slow_reply);
        co_await world_.sleep_until(until);
    }
    if (happens(temper_.drop, Happening::dropped)) {
        session.is_over = true;
        session.lines.drop();
        co_return;
    }
    if (happens(temper_.huge, Happening::huge_reply)) {
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
            world_.tally().add(Happening::wrong_reply);
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
    } else if (verb == "auth" && line.substr(4, 1) == " ") {  // and no Authentication-Results
        co_await login(session, std::move(line));
    } else if (verb == "mail") {
        forget(session);
        session.sender = path_in(line);
        session.has_mail = !happens(temper_.transient, Happening::transient_refusal);
        ++counts_.transactions;
        std::string text = session.has_mail ? "250 2.1.0 ok\r\n" : "451 4.3.0 later\r\n";
        if (temper_.wants_login && !session.is_known) {
            session.has_mail = false;
            text = "530 5.7.0 who are you?\r\n";
        }
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
    if (vanished && !session.lines.is_secure()) world_.tally().add(Happening::starttls_vanished);
    if (temper_.wants_login && session.lines.is_secure()) text += "250-AUTH PLAIN\r\n";
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
    if (temper_.tls == RemoteTls::fails && happens(0.3, Happening::starttls_refused)) {
        co_await reply(session, "454 4.7.0 TLS not available\r\n");
        co_return;
    }
    co_await reply(session, "220 2.0.0 go ahead\r\n");
    if (session.is_over) co_return;
    if (temper_.tls == RemoteTls::fails) {
        world_.tally().add(Happening::starttls_nonsense);
        session.is_over = true;
        auto const sent = co_await session.lines.say("this is no handshake\r\n");
        (void)sent;
        co_await session.lines.bye();
        co_return;
    }
    bool const is_untrusted = temper_.tls == RemoteTls::untrusted;
    if (is_untrusted) world_.tally().add(Happening::untrusted_certificate);
    auto const name = (is_untrusted ? "!" : "") + host_.name();
    auto identity = host_.load_identity(name, "");
    auto const secured = co_await session.lines.accept_tls(host_, std::move(*identity));
    if (!secured) session.is_over = true;
}

// RFC 4954 §4. A password outside of TLS has been lost, whoever sent it.
Task<void> Remote::login(Session& session, std::string line) {
    auto const end = line.rfind(' ');
    auto const words = end == line.npos ? std::string() : line.substr(end + 1);
    if (!session.lines.is_secure())
        oracle_.violated(Invariant::tls_where_required, host_.name() +
                                                            " was sent a password "
                                                            "outside of TLS");
    std::string text = "235 2.7.0 welcome\r\n";
    if (happens(temper_.refuses_login, Happening::login_refused)) {
        text = rng_.chance(0.5) ? "535 5.7.8 no\r\n" : "454 4.7.0 not now\r\n";
    } else if (words != secret()) {
        oracle_.violated(Invariant::no_spreading_harm, host_.name() + " was sent another login");
        text = "535 5.7.8 no\r\n";
    } else {
        session.is_known = true;
        world_.tally().add(Happening::login_taken);
    }
    co_await reply(session, std::move(text));
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
    auto& tally = world_.tally();
    if (temper_.refuses_half && hash_of(address) % 2 == 1) {
        tally.add(Happening::recipient_refused);
        return "550 5.1.1 unknown\r\n";
    }
    if (happens(temper_.transient, Happening::transient_refusal)) return "450 4.2.1 not now\r\n";
    if (is_over_rate()) {
        tally.add(Happening::over_rate);
        return "452 4.7.1 too much mail from you\r\n";
    }
    if (!temper_.greylists) return {};
    auto const key = session.sender + ">" + address;
    auto const [first, is_new] = grey_.try_emplace(key, world_.steady());
    if (world_.steady() - first->second >= 5min) return {};
    tally.add(Happening::greylisted);
    return "451 4.7.1 greylisted, come back later\r\n";
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
    if (happens(temper_.transient, Happening::transient_refusal)) {
        forget(session);
        co_await reply(session, "451 4.3.0 not now\r\n");
        co_return;
    }
    co_await reply(session, "354 go ahead\r\n");
    if (session.is_over) co_return;
    bool const drops = happens(temper_.drop_after_data, Happening::dropped_in_content);
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
    if (!alive || happens(temper_.drop_after_data, Happening::dropped_in_content)) {
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
    bool const is_own = host_.name().ends_with(recipient.substr(recipient.find('@') + 1));
    if (!is_own) world_.tally().add(Happening::foreign_exchanger);
    if (reports) oracle_.accepted(host_.name(), recipient, session.content);
}

Task<void> Remote::end_of_content(Session& session) {
    std::string replies;
    std::size_t const count = is_lmtp_ ? session.recipients.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
        if (rng_.chance(temper_.refuse_content)) {
            bool const for_now = rng_.chance(0.5);
            replies += for_now ? "451 4.3.0 later\r\n" : "554 5.6.0 do not want\r\n";
            world_.tally().add(for_now ? Happening::content_deferred : Happening::content_refused);
            continue;
        }
        if (happens(temper_.wrong, Happening::garbled_final_reply)) {  // taken all the same
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
    if (happens(temper_.drop_before_reply, Happening::dropped_before_reply)) {
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
