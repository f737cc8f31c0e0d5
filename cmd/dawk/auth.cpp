// The options of the checks, and where their message and their answers come from.
#include "cmd/dawk/auth.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <limits.h>
#include <unistd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/mailauth/zone_file.hpp"
#include "dawk/net/world.hpp"
#include "dawk/routing/via.hpp"
#include "dawk/rt/task_group.hpp"
#include "dawk/spf/budget.hpp"
#include "dawk/spf/record.hpp"

#include "cmd/dawk/cli.hpp"

namespace dawk::cmd {
namespace {

constexpr std::size_t octets_max = std::size_t{1} << 31U;  // of a message or a zone file
constexpr std::size_t header_max = 4U << 20U;

std::string read_file(std::string const& path) {
    auto* const file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
    if (file == nullptr) fail(Exit::no_input, path + ": " + std::strerror(errno));
    std::string out;
    std::vector<char> buffer(1U << 16U);
    std::size_t got = 0;
    while ((got = std::fread(buffer.data(), 1, buffer.size(), file)) > 0) {
        out.append(buffer.data(), got);
        if (out.size() > octets_max) fail(Exit::data, path + ": too large");
    }
    bool const failed = std::ferror(file) != 0;
    int const why = errno;
    if (file != stdin) std::fclose(file);
    if (failed) fail(Exit::no_input, path + ": " + std::strerror(why));
    return out;
}

std::string with_crlf(std::string text) {
    auto at = text.find('\n');
    while (at != text.npos && at > 0 && text[at - 1] == '\r') at = text.find('\n', at + 1);
    if (at == text.npos) return text;
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
        out += text[i];
    }
    return out;
}

std::string own_name() {
    char name[HOST_NAME_MAX + 1] = {};
    bool const known = ::gethostname(name, sizeof name - 1) == 0;
    return known && routing::is_host_name(name) ? name : "localhost";
}

}  // namespace

AuthOptionsPtr add_auth_options(CLI::App& command, Wants wants) {
    auto options = std::make_shared<AuthOptions>();
    if (wants != Wants::sender) {
        command.add_option("MSG", options->message, "The message: a file, or - for standard input")
            ->required();
    }
    if (wants != Wants::message) {
        command.add_option("--ip", options->ip, "The address of the client")->required();
        command.add_option("--from", options->from, "The address of MAIL FROM; empty for <>");
        command.add_option("--helo", options->helo, "The name the client gave in HELO or EHLO");
    }
    command.add_option("--zone", options->zone, "Answer DNS from this JSON file, not the network");
    command.add_option("--resolver", options->resolver,
                       "Ask this resolver (address:port) instead of the system's");
    command.add_option("--timeout", options->timeout_seconds, "Seconds for all DNS look-ups, 20")
        ->check(CLI::Range(1U, 3600U));
    command.add_option("--hostname", options->hostname,
                       "Our name in the field and in explanations; else that of this machine");
    command.add_option("--now", options->now,
                       "The time of the check: seconds since 1970, or 2026-01-31T08:00:00Z");
    return options;
}

// ---- answers ------------------------------------------------------------------------------------

Asker::Asker(AuthOptions const& options) : options_(options) {
    if (options.zone.empty()) return;
    auto zone = mailauth::ZoneFile::parse(read_file(options.zone));
    if (!zone) fail(Exit::data, options.zone + ": " + ascii::printable(zone.error().reason));
    zone_ = std::make_unique<mailauth::ZoneFile>(std::move(*zone));
}

Asker::~Asker() = default;

void Asker::drive(Next const& next, Give const& give) {
    if (zone_) return ask_zone(next, give);
    if (next() != nullptr) ask_network(next, give);
}

namespace {

std::chrono::microseconds since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                 start);
}

Task<void> answer_all(rt::Resolver& resolver, std::function<dns::Question const*()> const& next,
                      std::function<void(dns::Answer)> const& give, mailauth::LookUps& look_ups,
                      SteadyTime deadline) {
    while (auto const* const question = next()) {
        dns::Question const asked = *question;
        auto const start = std::chrono::steady_clock::now();
        auto answer = co_await resolver.query(asked, deadline);
        if (answer.status == dns::Status::timeout && std::chrono::steady_clock::now() >= deadline)
            answer.error_detail = spf::out_of_time;
        look_ups.push_back(mailauth::look_up_of(asked, answer, since(start)));
        give(std::move(answer));
    }
}

}  // namespace

void Asker::ask_zone(Next const& next, Give const& give) {
    while (auto const* const question = next()) {
        auto const asked = *question;
        auto const start = std::chrono::steady_clock::now();
        auto answer = zone_->answer(asked);
        look_ups_.push_back(mailauth::look_up_of(asked, answer, since(start)));
        give(std::move(answer));
    }
}

void Asker::ask_network(Next const& next, Give const& give) {
    net::WorldSettings settings;
    settings.pool_threads = 1;
    settings.resolver.forwarders = options_.resolver;
    net::World world(settings);
    auto env = world.env(0);
    auto const deadline = env.clock.steady() + std::chrono::seconds(options_.timeout_seconds);
    rt::TaskGroup group(env.executor);
    group.spawn(answer_all(env.resolver, next, give, look_ups_, deadline));
    world.run_here();
    if (next() != nullptr) fail(Exit::software, "the check broke off");
}

Json Asker::json() const {
    return Json::array_of(look_ups_, [](mailauth::LookUp const& entry) {
        std::array<char, 32> ms{};
        std::snprintf(ms.data(), ms.size(), "%.3f", static_cast<double>(entry.micros) / 1000);
        return Json::object(
            {{"name", entry.name},
             {"type", entry.type},
             {"status", entry.status},
             {"answer", Json::array_of(entry.answers, [](auto const& text) { return Json(text); })},
             {"ms", Json::raw(ms.data())}});
    });
}

std::string Asker::text() const {
    std::string out;
    for (auto const& entry : look_ups_) {
        out += "  " + entry.type + ' ' + ascii::printable(entry.name, 300) + ": ";
        std::string answers;
        for (auto const& text : entry.answers)
            answers += (answers.empty() ? "" : ", ") + ascii::printable(text, 500);
        out += answers.empty() ? entry.status : answers;
        std::array<char, 32> ms{};
        std::snprintf(ms.data(), ms.size(), " (%.1f ms)\n",
                      static_cast<double>(entry.micros) / 1000);
        out += ms.data();
    }
    return out.empty() ? out : "look-ups:\n" + out;
}

// ---- questions ----------------------------------------------------------------------------------

std::unique_ptr<AuthMessage> read_message(AuthOptions const& options) {
    auto out = std::make_unique<AuthMessage>();
    out->octets = with_crlf(read_file(options.message));
    auto header = mail::HeaderSection::parse(out->octets, mail::HeaderLimits{header_max, 100'000});
    if (!header)
        fail(Exit::data, options.message + ": the header section: " + header.error().message());
    out->header = std::move(*header);
    return out;
}

WallTime now_of(AuthOptions const& options) {
    if (options.now.empty()) {
        return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
    }
    if (auto const seconds = ascii::to_number<std::uint32_t>(options.now))
        return from_millis(std::int64_t{*seconds} * 1000);
    std::tm parts{};
    auto const* const end = ::strptime(options.now.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0')
        fail(Exit::usage, "--now: seconds since 1970, or a time like 2026-01-31T08:00:00Z");
    return from_millis(std::int64_t{::timegm(&parts)} * 1000);
}

mailauth::Client client_of(AuthOptions const& options) {
    mailauth::Client out;
    out.ip = options.ip;
    if (!spf::Ip::parse(out.ip))
        fail(Exit::usage, "--ip: " + ascii::printable(out.ip, 100) + " is no IP address");
    out.helo = options.helo.value_or("");
    out.sender = options.from.value_or("");
    if (out.sender.starts_with('<') && out.sender.ends_with('>'))
        out.sender = out.sender.substr(1, out.sender.size() - 2);
    out.authserv_id = options.hostname.empty() ? own_name() : options.hostname;
    out.now = now_of(options);
    return out;
}

spf::Query query_of(mailauth::Client const& client) {
    return {client.ip, client.helo, client.sender, client.authserv_id, client.now};
}

void print_findings(Members members, std::string text, Asker const& asker) {
    if (globals().json) {
        members.emplace_back("lookups", asker.json());
        return print_json(Json::object(members));
    }
    print(text + asker.text());
}

}  // namespace dawk::cmd
